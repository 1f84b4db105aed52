// throng erase: forgets users, after asking.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples =
    R"help(Forgets users: their tags, labels and every id. It cannot be
undone (docs/privacy.md). Without --yes it shows what would be erased and asks.

Examples:
  throng erase 10001
  throng erase --id-type phone +86-138-0000-1111 --yes)help";

struct EraseArguments {
  std::vector<std::string> ids;
  std::string id_type;
  bool yes = false;
};

grpc::Status Call(const v1::EraseUsersRequest& request, const GlobalOptions& options,
                  v1::EraseUsersResponse* response) {
  grpc::ClientContext context;
  SetDeadline(options, context);
  return v1::UserService::NewStub(Connect(options))->EraseUsers(&context, request, response);
}

void Print(const EraseArguments& arguments, const v1::EraseUsersResponse& response,
           const GlobalOptions& options) {
  Table table({{"ID"}, {"TAGS", Table::Align::kRight}, {"IDS", Table::Align::kRight}});
  Json users = Json::array();
  for (int i = 0; i < response.users_size(); ++i) {
    const std::string& id = arguments.ids[static_cast<size_t>(i)];
    const v1::ErasedUser& user = response.users(i);
    table.AddRow({id, user.found() ? FormatCount(user.tags_cleared()) : "unknown",
                  user.found() ? FormatCount(user.ids_removed()) : ""});
    users.push_back({{"id", id},
                     {"found", user.found()},
                     {"tags_cleared", user.tags_cleared()},
                     {"ids_removed", user.ids_removed()}});
  }
  if (options.json) {
    PrintJson({{"users", users},
               {"users_erased", response.users_erased()},
               {"data_version", response.data_version()}});
    return;
  }
  fmt::print("{}", table.Render());
}

bool Confirmed(uint64_t users) {
  fmt::print("Erase {} user{}? This cannot be undone. [y/N] ", users, users == 1 ? "" : "s");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int RunErase(const EraseArguments& arguments, const GlobalOptions& options) {
  if (!arguments.yes && (options.json || isatty(STDIN_FILENO) == 0)) {
    return ReportUsage("nobody can be asked here: give --yes to erase without asking", options);
  }
  v1::EraseUsersRequest request;
  request.set_population(PopulationName(options));
  for (const std::string& id : arguments.ids) {
    v1::TypedId& user = *request.add_users();
    user.set_id_type(arguments.id_type);
    user.set_id(id);
  }
  v1::EraseUsersResponse response;
  if (!arguments.yes) {
    request.set_validate_only(true);
    const grpc::Status status = Call(request, options, &response);
    if (!status.ok()) return ReportFailure(status, options);
    Print(arguments, response, options);
    if (response.users_erased() == 0 || !Confirmed(response.users_erased())) return kExitFailed;
    request.set_validate_only(false);
    response.Clear();
  }
  const grpc::Status status = Call(request, options, &response);
  if (!status.ok()) return ReportFailure(status, options);
  if (arguments.yes) Print(arguments, response, options);
  if (!options.json) {
    fmt::print("{} erased, gone from data version {} on\n", FormatCount(response.users_erased()),
               response.data_version());
  }
  return kExitOk;
}

}  // namespace

void RegisterEraseCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("erase", "Forget users");
  auto arguments = std::make_shared<EraseArguments>();
  command->add_option("ID", arguments->ids, "Ids of the users, at most 1,000")
      ->type_name("")
      ->required();
  command->add_option("--id-type", arguments->id_type, "Their type; the primary one unless given")
      ->type_name("TYPE");
  command->add_flag("--yes", arguments->yes, "Do not ask");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunErase(*arguments, options); });
}

}  // namespace throng::cli
