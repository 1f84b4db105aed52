// throng compare: in what two crowds differ, over many tags at once.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/compare_output.h"
#include "cli/error_output.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
#include "cli/sampling_options.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/insight.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng compare "is_graduate" --baseline "not is_graduate"
  throng compare "city = 'Beijing' and views_7d > 3"
  throng compare "spend > 5000" --by city,age,interests --rows 10
  throng compare --file crowd.txt --baseline "exists(spend)" --json

Without --baseline the crowd is compared with all users, without --by over all online tags. Counts
are exact. DIFFERENCE is the share in the crowd less that in the baseline, in points of percent; the
interval after it says how large it would be at least and at most if both crowds were drawn at
random, and holds for all rows at once. Of a tag it is the share of users that would need another
value for the crowds to be alike, beside what chance alone would make.)help";

constexpr int kBarColumns = 20;
constexpr std::uint32_t kRowsForPeople = 5;

struct CompareArguments {
  SelectionOptions selection;
  std::vector<std::string> by;
  std::string baseline;
  std::uint32_t rows = 0;
  std::uint32_t features = 20;
  std::uint32_t bins = 0;
  std::string confidence;
};

std::string Percent(double share) { return fmt::format("{:.2f}%", share * 100); }
std::string Points(double difference) { return fmt::format("{:+.2f}", difference * 100); }

std::string LabelOf(const v1::ComparedRow& row) {
  if (row.has_value()) return ValueText(row.value());
  if (!row.has_lower() && !row.has_upper()) return "(any)";
  return BinText(row.has_lower() ? &row.lower() : nullptr,
                 row.has_upper() ? &row.upper() : nullptr);
}

std::vector<std::string> Cells(const v1::ComparedRow& row, bool bars) {
  return {FormatCount(row.count()),
          Percent(row.share()),
          Percent(row.baseline_share()),
          Points(row.difference()),
          fmt::format("{} to {}", Points(row.difference_low()), Points(row.difference_high())),
          row.has_tgi() ? fmt::format("{:.1f}", row.tgi()) : "-",
          bars ? ShareBar(std::abs(row.difference()), kBarColumns) : ""};
}

std::vector<Table::Column> Titles(std::vector<Table::Column> first) {
  constexpr auto kRight = Table::Align::kRight;
  for (const char* title : {"USERS", "SHARE", "BASELINE", "DIFFERENCE", "INTERVAL", "TGI"}) {
    first.push_back({title, kRight});
  }
  first.push_back({""});
  return first;
}

void AddRow(std::vector<std::string> labels, const v1::ComparedRow& row, bool bars, Table* table) {
  for (std::string& cell : Cells(row, bars)) labels.push_back(std::move(cell));
  table->AddRow(std::move(labels));
}

std::string RenderFeatures(const v1::CompareResponse& response, bool bars) {
  Table table(Titles({{"TAG"}, {"VALUE"}}));
  for (const v1::ComparedFeature& feature : response.features()) {
    AddRow({feature.tag(), feature.missing() ? "(missing)" : LabelOf(feature.row())}, feature.row(),
           bars, &table);
  }
  return table.Render();
}

std::string RenderTags(const v1::CompareResponse& response, bool bars) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"TAG"}, {"DIFFERENCE", kRight}, {"BY CHANCE", kRight}, {"P", kRight}, {""}});
  for (const v1::ComparedTag& tag : response.tags()) {
    table.AddRow({tag.tag(), Percent(tag.difference()), Percent(tag.by_chance()),
                  tag.p_value() < 0.0001 ? "< 0.0001" : fmt::format("{:.4f}", tag.p_value()),
                  bars ? ShareBar(tag.difference(), kBarColumns) : ""});
  }
  return table.Render();
}

std::string RenderTag(const v1::ComparedTag& tag, bool bars) {
  Table table(Titles({{Printable(tag.tag())}}));
  for (const v1::ComparedRow& row : tag.rows()) AddRow({LabelOf(row)}, row, bars, &table);
  const bool is_flag = tag.rows_size() > 0 && tag.rows(0).value().has_flag();
  if (!is_flag) AddRow({"(missing)"}, tag.missing(), bars, &table);
  std::string text = table.Render();
  if (tag.rows_left_out() > 0) {
    text +=
        fmt::format("and {} other values; --rows K shows more\n", FormatCount(tag.rows_left_out()));
  }
  return text;
}

void PrintComparison(const v1::CompareResponse& response) {
  const bool bars = IsTerminal(stdout);
  fmt::print("{} users, baseline {} users, {} in both\n{}\n\n{}", FormatCount(response.count()),
             FormatCount(response.baseline_count()), FormatCount(response.common_count()),
             InfoLine(response.info()), RenderTags(response, bars));
  if (response.features_size() > 0) {
    fmt::print("\nWhat marks the crowd, the surest first\n\n{}", RenderFeatures(response, bars));
  } else {
    fmt::print("\nNothing marks the crowd: chance alone would make such differences\n");
  }
  for (const v1::ComparedTag& tag : response.tags()) fmt::print("\n{}", RenderTag(tag, bars));
}

Json CompareJson(const v1::CompareResponse& response) {
  Json features = Json::array();
  for (const v1::ComparedFeature& feature : response.features()) {
    Json json = {{"tag", feature.tag()}, {"missing", feature.missing()}};
    json.update(ComparedRowJson(feature.row()));
    features.push_back(std::move(json));
  }
  Json tags = Json::array();
  for (const v1::ComparedTag& tag : response.tags()) {
    tags.push_back(ComparedTagJson(tag));
  }
  Json json = {{"count", response.count()},
               {"baseline_count", response.baseline_count()},
               {"common_count", response.common_count()},
               {"confidence", response.confidence()},
               {"features", std::move(features)},
               {"tags", std::move(tags)},
               {"baseline_expression", response.baseline_expression()}};
  AppendInfo(response.info(), json);
  return json;
}

absl::StatusOr<v1::CompareRequest> MakeRequest(const CompareArguments& arguments,
                                               const GlobalOptions& options) {
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return selection.status();
  v1::CompareRequest request;
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
  request.set_rows(arguments.rows > 0 || options.json ? arguments.rows : kRowsForPeople);
  request.set_features(arguments.features);
  request.set_bins(arguments.bins);
  if (!arguments.confidence.empty()) {
    const absl::StatusOr<double> confidence = ParseConfidence(arguments.confidence);
    if (!confidence.ok()) return confidence.status();
    request.set_confidence(*confidence);
  }
  return request;
}

int RunCompare(const CompareArguments& arguments, const GlobalOptions& options) {
  const absl::StatusOr<v1::CompareRequest> request = MakeRequest(arguments, options);
  if (!request.ok()) return ReportUsage(request.status(), options);
  v1::CompareResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::InsightService::NewStub(Connect(options));
  const grpc::Status status = stub->Compare(&context, *request, &response);
  if (!status.ok()) {
    // The place an error names is in one of two texts.
    const bool in_baseline = ErrorDetailOf(status).field().rfind("baseline", 0) == 0;
    return ReportFailure(
        status, options,
        in_baseline ? request->baseline().expression() : request->selection().expression());
  }
  if (options.json) {
    PrintJson(CompareJson(response));
    return kExitOk;
  }
  PrintWarnings(response.info(), request->selection().expression());
  PrintComparison(response);
  return kExitOk;
}

}  // namespace

void RegisterCompareCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "compare", "In what a crowd differs from another or from everybody, over many tags");
  auto arguments = std::make_shared<CompareArguments>();
  AddSelectionOptions(*command, arguments->selection);
  command->add_option("--baseline", arguments->baseline, "Compare with these users; default: all")
      ->type_name("EXPR");
  command
      ->add_option("--by", arguments->by,
                   "Tags to compare by, separated by commas; default: all online ones")
      ->type_name("TAG,TAG...")
      ->allow_extra_args(false);
  command
      ->add_option("--rows", arguments->rows,
                   "Values a tag, the surest differences first; default 5, with --json 20")
      ->type_name("K")
      ->check(CheckWholeNumber, "");
  command->add_option("--features", arguments->features, "Values that mark the crowd; default 20")
      ->type_name("K")
      ->check(CheckWholeNumber, "");
  command
      ->add_option("--bins", arguments->bins,
                   "Bins of numbers, days and times, of about equally many users; default 10")
      ->type_name("K")
      ->check(CheckWholeNumber, "");
  command
      ->add_option("--confidence", arguments->confidence,
                   "That all intervals hold at once, 50% to 99.99%; default 95%")
      ->type_name("PERCENT");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunCompare(*arguments, options); });
}

}  // namespace throng::cli
