// throng explain: what each condition does; where asked for, the plan with counts, times and costs,
// and what ran.
#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/explain_conditions.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng explain "city = 'Beijing' and not (views_7d > 3 or is_graduate)"
  throng explain "city = 'Beijing'" --plan
  throng explain "city = 'Beijing'" --plan-only
  throng explain "city in ('Beijing','Tianjin') and views_7d > 3" --analyze
  throng explain --file crowd.txt --json)help";

struct ExplainArguments {
  SelectionOptions selection;
  bool plan = false;
  bool plan_only = false;
  bool analyze = false;
};

constexpr auto kRight = Table::Align::kRight;

std::string OperatorText(const v1::PlanNode& node) {
  std::string text(2 * std::size_t{node.depth()}, ' ');
  text += node.operator_();
  if (!node.detail().empty()) text += ' ' + node.detail();
  return text;
}

std::string CostText(std::uint64_t cost_ns) {
  return DurationText(absl::Nanoseconds(static_cast<std::int64_t>(cost_ns)));
}

// How a leaf is read, or why there is the operator.
std::string ReadText(const v1::PlanNode& node) {
  if (node.rewrite().empty()) return node.form();
  std::string text = node.rewrite();
  if (node.values_asked() > 0) {
    text += fmt::format(" ({} of {})", FormatCount(node.values_asked()),
                        FormatCount(node.values_of_tag()));
  }
  return node.form().empty() ? text : node.form() + ", " + text;
}

std::string ExactText(const v1::PlanNode& node) {
  return node.has_exact_users() ? FormatCount(node.exact_users()) : "-";
}

std::string RenderPlan(const v1::ExplainResponse& response, bool plan_only) {
  if (plan_only) {
    Table table(
        {{"OPERATOR"}, {"ESTIMATED", kRight}, {"EXACT", kRight}, {"COST", kRight}, {"READ"}});
    for (const v1::PlanNode& node : response.nodes()) {
      table.AddRow({OperatorText(node), FormatCount(node.estimated_users()), ExactText(node),
                    CostText(node.cost_ns()), ReadText(node)});
    }
    return table.Render();
  }
  Table table({{"OPERATOR"},
               {"USERS", kRight},
               {"ESTIMATED", kRight},
               {"EXACT", kRight},
               {"CHUNKS", kRight},
               {"TIME", kRight},
               {"COST", kRight},
               {"READ"}});
  for (const v1::PlanNode& node : response.nodes()) {
    table.AddRow({OperatorText(node), FormatCount(node.actual_users()),
                  FormatCount(node.estimated_users()), ExactText(node), FormatCount(node.chunks()),
                  DurationText(ToDuration(node.time())), CostText(node.cost_ns()), ReadText(node)});
  }
  return table.Render();
}

// Leaves that can be read in several ways, and what each would take.
Table ChoiceTable(const v1::ExplainResponse& response) {
  Table table({{"LEAF"}, {"FORM"}, {"COST", kRight}, {"CHUNKS", kRight}, {"NUMBERS"}});
  for (const v1::PlanNode& node : response.nodes()) {
    if (node.forms_size() < 2) continue;
    std::string numbers;
    if (node.values_asked() > 0) numbers = FormatCount(node.values_asked()) + " asked for";
    if (node.users_at_hand() > 0) {
      numbers += fmt::format("{}of at most {} users", numbers.empty() ? "" : ", ",
                             FormatCount(node.users_at_hand()));
    }
    for (const v1::LeafForm& form : node.forms()) {
      const bool first = &form == &node.forms(0);
      table.AddRow({first ? node.detail() : "",
                    form.form() + (form.form() == node.form() ? " *" : ""),
                    CostText(form.cost_ns()), FormatCount(form.chunks()), first ? numbers : ""});
    }
  }
  return table;
}

// "look_up 3, nothing 1 (of 1,940 users)".
std::string FormsText(const v1::PlanNodeRun& run) {
  std::string text;
  for (const v1::LeafFormRun& form : run.forms()) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", form.form(), form.chunks());
  }
  if (run.users_at_hand() > 0)
    text += fmt::format(" (of {} users)", FormatCount(run.users_at_hand()));
  return text;
}

std::string RenderRun(const v1::ExplainResponse& response) {
  Table table({{"RAN"},
               {"USERS", kRight},
               {"CHUNKS", kRight},
               {"IN PARENT", kRight},
               {"SKIPPED", kRight},
               {"TIME", kRight},
               {"SHARE", kRight},
               {"READ"}});
  const absl::Duration total = ToDuration(response.nodes(0).run().time());
  for (const v1::PlanNode& node : response.nodes()) {
    const v1::PlanNodeRun& run = node.run();
    const absl::Duration time = ToDuration(run.time());
    const double share = total > absl::ZeroDuration() ? absl::FDivDuration(time, total) : 0;
    // In one pass with other operands it has no time of its own.
    const bool has_time = run.chunks() > run.chunks_in_parent();
    table.AddRow({OperatorText(node), run.has_users() ? FormatCount(run.users()) : "-",
                  FormatCount(run.chunks()), FormatCount(run.chunks_in_parent()),
                  FormatCount(run.chunks_skipped()), has_time ? DurationText(time) : "-",
                  has_time ? fmt::format("{:.0f}%", share * 100) : "-", FormsText(run)});
  }
  return table.Render();
}

std::string RenderStages(const v1::ExplainResponse& response) {
  Table table({{"STAGE"}, {"EXPRESSION"}});
  for (const v1::PlanStage& stage : response.stages()) table.AddRow({stage.stage(), stage.text()});
  return table.Render();
}

void PrintPlan(const v1::ExplainResponse& response, bool plan_only) {
  fmt::print("\n{}", RenderPlan(response, plan_only));
  const Table choices = ChoiceTable(response);
  if (!choices.empty()) fmt::print("\n{}", choices.Render());
  if (!response.has_run_time()) return;
  fmt::print("\ncounted in {}\n{}", DurationText(ToDuration(response.run_time())),
             RenderRun(response));
}

void PrintExplanation(const v1::ExplainResponse& response, bool plan_only) {
  if (!plan_only) fmt::print("{}\n", UsersText(response));
  fmt::print("{}\n", InfoLine(response.info()));
  if (response.nodes_size() > 0) PrintPlan(response, plan_only);
  if (!plan_only) {
    const std::string conditions = RenderConditions(response, IsTerminal(stdout));
    if (!conditions.empty()) fmt::print("\n{}", conditions);
  }
  if (response.stages_size() > 0) fmt::print("\n{}", RenderStages(response));
}

int RunExplain(const ExplainArguments& arguments, const GlobalOptions& options) {
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return ReportUsage(selection.status(), options);
  v1::ExplainRequest request;
  *request.mutable_selection() = *selection;
  request.set_plan_only(arguments.plan_only);
  request.set_analyze(arguments.analyze);
  // JSON has one shape.
  request.set_conditions_only(!options.json && !arguments.plan && !arguments.plan_only &&
                              !arguments.analyze);
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
  CLI::App* command = app.add_subcommand("explain",
                                         "What each condition of an expression does: counts with "
                                         "and without it, step by step; the plan");
  auto arguments = std::make_shared<ExplainArguments>();
  AddSelectionOptions(*command, arguments->selection);
  command->add_flag("--plan", arguments->plan,
                    "Also show the plan with counts, times and costs; --json always has it");
  CLI::Option* plan_only = command->add_flag("--plan-only", arguments->plan_only,
                                             "Only plan: estimates and costs, no counts");
  command
      ->add_flag("--analyze", arguments->analyze,
                 "Also count as `throng count` does, and show the plan and what ran")
      ->excludes(plan_only);
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunExplain(*arguments, options); });
}

}  // namespace throng::cli
