// throng portrait: all tags of one user.
#include <cstdint>
#include <memory>
#include <string>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng portrait 10001
  throng portrait 10001 --json
  throng portrait --id-type phone +86-138-0000-1111)help";

struct PortraitArguments {
  std::string id;
  std::string id_type;
  std::uint64_t read_version = 0;
};

std::string ValuesText(const v1::PortraitEntry& entry) {
  std::string text;
  for (const v1::Value& value : entry.values()) {
    if (!text.empty()) text += ", ";
    text += ValueText(value);
  }
  return text;
}

int RunPortrait(const PortraitArguments& arguments, const GlobalOptions& options) {
  v1::GetPortraitRequest request;
  request.set_population(PopulationName(options));
  request.set_id(arguments.id);
  request.set_id_type(arguments.id_type);
  request.set_read_version(arguments.read_version);
  v1::Portrait portrait;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::UserService::NewStub(Connect(options));
  const grpc::Status status = stub->GetPortrait(&context, request, &portrait);
  if (!status.ok()) return ReportFailure(status, options);
  if (options.json) {
    PrintJson(PortraitJson(portrait));
    return kExitOk;
  }
  Table table({{"TAG"}, {"VALUE"}, {"NAME"}});
  for (const v1::PortraitEntry& entry : portrait.entries()) {
    table.AddRow({entry.tag(), ValuesText(entry), entry.display_name()});
  }
  Table head({{""}, {""}});
  head.AddRow({"user", portrait.id()});
  for (const v1::TypedId& id : portrait.ids()) head.AddRow({id.id_type(), id.id()});
  head.AddRow({"data version", std::to_string(portrait.data_version())});
  fmt::print("{}\n{}", head.Render(), table.Render());
  return kExitOk;
}

}  // namespace

void RegisterPortraitCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("portrait", "All tags of one user");
  auto arguments = std::make_shared<PortraitArguments>();
  command->add_option("USER", arguments->id, "The user's id")->type_name("")->required();
  command->add_option("--id-type", arguments->id_type, "Its type; the primary one unless given")
      ->type_name("TYPE");
  AddReadVersion(*command, arguments->read_version);
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunPortrait(*arguments, options); });
}

}  // namespace throng::cli
