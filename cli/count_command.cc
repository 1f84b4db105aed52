// throng count: the exact number of users.
#include <memory>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng count "city in ('Beijing','Tianjin') and views_7d > 3"
  throng count 'is_graduate and not exists(phone)' --json
  throng count 'register_date >= today() - 30d' --zone Asia/Shanghai --at 2024-05-01T00:00:00Z
  throng count --file crowd.txt)help";

int RunCount(const SelectionOptions& arguments, const GlobalOptions& options) {
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments, options);
  if (!selection.ok()) return ReportUsage(selection.status(), options);
  v1::CountRequest request;
  *request.mutable_selection() = *selection;
  v1::CountResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::SelectionService::NewStub(Connect(options));
  const grpc::Status status = stub->Count(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options, selection->expression());
  if (options.json) {
    PrintJson(CountJson(response));
    return kExitOk;
  }
  PrintWarnings(response.info(), selection->expression());
  fmt::print("{} users\n{}\n", FormatCount(response.count()), InfoLine(response.info()));
  return kExitOk;
}

}  // namespace

void RegisterCountCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("count", "The exact number of users an expression selects");
  auto arguments = std::make_shared<SelectionOptions>();
  AddSelectionOptions(*command, *arguments);
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunCount(*arguments, options); });
}

}  // namespace throng::cli
