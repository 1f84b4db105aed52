// throng members: a page of primary ids.
#include <memory>
#include <string>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng members "city = 'Beijing'" --page-size 20
  throng members "city = 'Beijing'" --page-size 20 --page-token TOKEN
To get all of them, use throng export.)help";

struct MembersArguments {
  SelectionOptions selection;
  std::int32_t page_size = 0;
  std::string page_token;
};

int RunMembers(const MembersArguments& arguments, const GlobalOptions& options) {
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return ReportUsage(selection.status(), options);
  v1::ListMembersRequest request;
  *request.mutable_selection() = *selection;
  request.set_page_size(arguments.page_size);
  request.set_page_token(arguments.page_token);
  v1::ListMembersResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::SelectionService::NewStub(Connect(options));
  const grpc::Status status = stub->ListMembers(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options, selection->expression());
  if (options.json) {
    PrintJson(MembersJson(response));
    return kExitOk;
  }
  PrintWarnings(response.info(), selection->expression());
  for (const std::string& id : response.ids()) fmt::print("{}\n", Printable(id));
  if (!response.next_page_token().empty()) {
    fmt::print(stderr, "{} of {} users; the next page: --page-token {}\n",
               FormatCount(static_cast<std::uint64_t>(response.ids_size())),
               FormatCount(response.total()), response.next_page_token());
  }
  return kExitOk;
}

}  // namespace

void RegisterMembersCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("members", "A page of the ids of the users an expression selects");
  auto arguments = std::make_shared<MembersArguments>();
  AddSelectionOptions(*command, arguments->selection);
  command->add_option("--page-size", arguments->page_size, "Ids a page; default 1000")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  command->add_option("--page-token", arguments->page_token, "Where the last page ended")
      ->type_name("TOKEN");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunMembers(*arguments, options); });
}

}  // namespace throng::cli
