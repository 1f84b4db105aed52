// throng insight: what a crowd is made of, against a baseline.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/error_output.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
#include "cli/sampling_options.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"
#include "throng/v1/insight.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng insight "views_7d > 3" --by city,is_graduate
  throng insight "city = 'Beijing'" --by interests --baseline "exists(interests)" --top 10
  throng insight --file crowd.txt --by city --json
  throng insight "views_7d > 3" --by city --sample 1%

TGI is the share in the crowd / the share in the baseline x 100; the baseline is everybody unless
--baseline says otherwise. A tag name that holds a comma is put in double quotes.)help";

constexpr int kBarColumns = 20;

struct InsightArguments {
  SelectionOptions selection;
  SamplingOptions sampling;
  std::vector<std::string> by;
  std::string baseline;
  std::uint32_t top_k = 0;
};

std::string Percent(double share) { return fmt::format("{:.2f}%", share * 100); }

// How a table is drawn.
struct Columns {
  bool ranges = false;  // of estimates
  bool bars = false;
};

std::vector<std::string> Cells(std::string label, const v1::BreakdownRow& row,
                               const Columns& columns) {
  std::vector<std::string> cells{std::move(label), NumberText(row, "count", row.count())};
  if (columns.ranges) {
    const bool known = row.has_range();
    cells.push_back(known ? FormatCount(row.range().low()) : "");
    cells.push_back(known ? FormatCount(row.range().high()) : "");
  }
  cells.push_back(OrWithheld(row, "share", Percent(row.share())));
  cells.push_back(OrWithheld(row, "baseline_share", Percent(row.baseline_share())));
  cells.push_back(OrWithheld(row, "tgi", row.has_tgi() ? fmt::format("{:.1f}", row.tgi()) : "-"));
  cells.push_back(columns.bars ? ShareBar(row.share(), kBarColumns) : "");
  return cells;
}

std::string RenderBreakdown(const v1::TagBreakdown& breakdown, const Columns& columns) {
  constexpr auto kRight = Table::Align::kRight;
  std::vector<Table::Column> titles{{breakdown.tag()}, {"USERS", kRight}};
  if (columns.ranges) titles.insert(titles.end(), {{"LOW", kRight}, {"HIGH", kRight}});
  titles.insert(titles.end(), {{"SHARE", kRight}, {"BASELINE", kRight}, {"TGI", kRight}, {""}});
  Table table(std::move(titles));
  for (const v1::BreakdownRow& row : breakdown.rows()) {
    table.AddRow(Cells(ValueText(row.value()), row, columns));
  }
  if (breakdown.others_values() > 0) {
    const std::string label = fmt::format("({} others)", FormatCount(breakdown.others_values()));
    table.AddRow(Cells(label, breakdown.others(), columns));
  }
  table.AddRow(Cells("(missing)", breakdown.missing(), columns));
  return table.Render();
}

void PrintInsight(const v1::BreakdownResponse& response) {
  const bool sampled = response.has_sample();
  fmt::print("{}, baseline {} users\n{}\n",
             sampled ? fmt::format("about {} users ({})", FormatCount(response.count()),
                                   RangeText(response.range(), response.sample()))
                     : UsersText(response),
             NumberText(response, "baseline_count", response.baseline_count()),
             InfoLine(response.info()));
  const Columns columns{.ranges = sampled, .bars = IsTerminal(stdout)};
  for (const v1::TagBreakdown& breakdown : response.tags()) {
    fmt::print("\n{}", RenderBreakdown(breakdown, columns));
  }
}

absl::StatusOr<v1::BreakdownRequest> MakeRequest(const InsightArguments& arguments,
                                                 const GlobalOptions& options) {
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return selection.status();
  v1::BreakdownRequest request;
  *request.mutable_selection() = *selection;
  for (const std::string& list : arguments.by) {
    absl::StatusOr<std::vector<std::string>> names = SplitNames(list);
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) request.add_tags(name);
  }
  if (!arguments.baseline.empty()) {
    request.mutable_baseline()->set_population(selection->population());
    request.mutable_baseline()->set_expression(arguments.baseline);
  }
  request.set_top_k(arguments.top_k);
  const absl::StatusOr<std::optional<v1::Sampling>> sampling = MakeSampling(arguments.sampling);
  if (!sampling.ok()) return sampling.status();
  if (sampling->has_value()) *request.mutable_sample() = **sampling;
  return request;
}

int RunInsight(const InsightArguments& arguments, const GlobalOptions& options) {
  const absl::StatusOr<v1::BreakdownRequest> request = MakeRequest(arguments, options);
  if (!request.ok()) return ReportUsage(request.status(), options);
  v1::BreakdownResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::InsightService::NewStub(Connect(options));
  const grpc::Status status = stub->Breakdown(&context, *request, &response);
  if (!status.ok()) {
    // The place an error names is in one of two texts.
    const bool in_baseline = ErrorDetailOf(status).field().rfind("baseline", 0) == 0;
    return ReportFailure(
        status, options,
        in_baseline ? request->baseline().expression() : request->selection().expression());
  }
  if (options.json) {
    PrintJson(BreakdownJson(response));
    return kExitOk;
  }
  PrintWarnings(response.info(), request->selection().expression());
  PrintInsight(response);
  return kExitOk;
}

}  // namespace

void RegisterInsightCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("insight", "What a crowd is made of: counts, shares and TGI by tag value");
  auto arguments = std::make_shared<InsightArguments>();
  AddSelectionOptions(*command, arguments->selection);
  command->add_option("--by", arguments->by, "Tags to break down by, separated by commas")
      ->type_name("TAG,TAG...")
      ->allow_extra_args(false)
      ->required();
  command->add_option("--baseline", arguments->baseline, "Compare with these users; default: all")
      ->type_name("EXPR");
  command->add_option("--top", arguments->top_k, "Values a tag, largest first; default 1000")
      ->type_name("K")
      ->check(CheckWholeNumber, "");
  AddSamplingOptions(*command, arguments->sampling);
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunInsight(*arguments, options); });
}

}  // namespace throng::cli
