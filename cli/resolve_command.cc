// throng resolve: from ids of one type to ids of another.
#include <memory>
#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "fmt/format.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng resolve --id-type phone +86-138-0000-1111 139
  throng resolve 10001 10002 --to phone
  throng resolve --id-type phone 138 --to email --json)help";

struct ResolveArguments {
  std::vector<std::string> ids;
  std::string from;
  std::string to;
  uint64_t read_version = 0;
};

int RunResolve(const ResolveArguments& arguments, const GlobalOptions& options) {
  v1::ResolveIdsRequest request;
  request.set_population(PopulationName(options));
  request.set_from_type(arguments.from);
  request.set_to_type(arguments.to);
  request.set_read_version(arguments.read_version);
  for (const std::string& id : arguments.ids) request.add_ids(id);
  v1::ResolveIdsResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::UserService::NewStub(Connect(options));
  const grpc::Status status = stub->ResolveIds(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options);
  Table table({{"ID"}, {arguments.to.empty() ? "PRIMARY ID" : "IDS"}});
  Json results = Json::array();
  for (int i = 0; i < response.results_size(); ++i) {
    const v1::ResolvedId& result = response.results(i);
    std::string ids;
    Json list = Json::array();
    for (const std::string& id : result.ids()) {
      ids += ids.empty() ? id : ", " + id;
      list.push_back(id);
    }
    table.AddRow({request.ids(i), result.found() ? ids : "(nobody's)"});
    results.push_back({{"id", request.ids(i)}, {"found", result.found()}, {"ids", list}});
  }
  if (options.json) {
    PrintJson({{"results", results}, {"data_version", response.data_version()}});
  } else {
    fmt::print("{}", table.Render());
  }
  return kExitOk;
}

}  // namespace

void RegisterResolveCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("resolve", "Look ids up");
  auto arguments = std::make_shared<ResolveArguments>();
  command->add_option("ID", arguments->ids, "The ids")->type_name("")->required();
  command->add_option("--id-type", arguments->from, "Their type; the primary one unless given")
      ->type_name("TYPE");
  command->add_option("--to", arguments->to, "The type asked for; the primary one unless given")
      ->type_name("TYPE");
  AddReadVersion(*command, arguments->read_version);
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunResolve(*arguments, options); });
}

}  // namespace throng::cli
