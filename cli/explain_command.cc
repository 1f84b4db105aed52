// throng explain: the plan that ran, with counts and times, and each condition's own count.
#include <memory>
#include <string>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng explain "city = 'Beijing' and not (views_7d > 3 or is_graduate)"
  throng explain "city = 'Beijing'" --plan-only
  throng explain --file crowd.txt --json)help";

struct ExplainArguments {
  SelectionOptions selection;
  bool plan_only = false;
};

std::string OperatorText(const v1::PlanNode& node) {
  std::string text(2 * std::size_t{node.depth()}, ' ');
  text += node.operator_();
  if (!node.detail().empty()) text += ' ' + node.detail();
  return text;
}

std::string RenderPlan(const v1::ExplainResponse& response, bool plan_only) {
  constexpr auto kRight = Table::Align::kRight;
  if (plan_only) {
    Table table({{"OPERATOR"}, {"ESTIMATED", kRight}});
    for (const v1::PlanNode& node : response.nodes()) {
      table.AddRow({OperatorText(node), FormatCount(node.estimated_users())});
    }
    return table.Render();
  }
  Table table({{"OPERATOR"},
               {"USERS", kRight},
               {"ESTIMATED", kRight},
               {"CHUNKS", kRight},
               {"TIME", kRight}});
  for (const v1::PlanNode& node : response.nodes()) {
    table.AddRow({OperatorText(node), FormatCount(node.actual_users()),
                  FormatCount(node.estimated_users()), FormatCount(node.chunks()),
                  DurationText(ToDuration(node.time()))});
  }
  return table.Render();
}

std::string RenderConditions(const v1::ExplainResponse& response) {
  Table table({{"CONDITION"}, {"USERS", Table::Align::kRight}});
  for (const v1::ConditionCount& condition : response.conditions()) {
    table.AddRow({condition.condition(), FormatCount(condition.count())});
  }
  return table.Render();
}

std::string RenderStages(const v1::ExplainResponse& response) {
  Table table({{"STAGE"}, {"EXPRESSION"}});
  for (const v1::PlanStage& stage : response.stages()) table.AddRow({stage.stage(), stage.text()});
  return table.Render();
}

void PrintExplanation(const v1::ExplainResponse& response, bool plan_only) {
  if (!plan_only) fmt::print("{} users\n", FormatCount(response.count()));
  fmt::print("{}\n\n{}", InfoLine(response.info()), RenderPlan(response, plan_only));
  if (!plan_only && response.conditions_size() > 0) fmt::print("\n{}", RenderConditions(response));
  if (response.stages_size() > 0) fmt::print("\n{}", RenderStages(response));
}

int RunExplain(const ExplainArguments& arguments, const GlobalOptions& options) {
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return ReportUsage(selection.status(), options);
  v1::ExplainRequest request;
  *request.mutable_selection() = *selection;
  request.set_plan_only(arguments.plan_only);
  v1::ExplainResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::SelectionService::NewStub(Connect(options));
  const grpc::Status status = stub->Explain(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options, selection->expression());
  if (options.json) {
    PrintJson(ExplainJson(response, arguments.plan_only));
    return kExitOk;
  }
  PrintWarnings(response.info(), selection->expression());
  PrintExplanation(response, arguments.plan_only);
  return kExitOk;
}

}  // namespace

void RegisterExplainCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "explain", "The plan of an expression with counts and times, and each condition's count");
  auto arguments = std::make_shared<ExplainArguments>();
  AddSelectionOptions(*command, arguments->selection);
  command->add_flag("--plan-only", arguments->plan_only, "Only plan: estimates, no counts");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunExplain(*arguments, options); });
}

}  // namespace throng::cli
