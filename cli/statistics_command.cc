// throng statistics: sums, averages, extremes, percentiles and histograms of numbers and dates.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/edge_list.h"
#include "cli/error_output.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
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
  throng statistics "city = 'Beijing'" --tags spend,views_7d
  throng statistics "all()" --tags spend --percentiles 50,99,99.9 --bins 20
  throng statistics "is_graduate" --tags age --edges 18,30,40,65
  throng statistics "all()" --tags spend,rent --edges rent=1500,3000 --json
  throng statistics "all()" --tags last_seen --by week --zone Asia/Shanghai

The p-th percentile is the value of the nearest rank: that of the ceil(p/100 x n)-th of n users in
order of their values. --bins is of numbers, --by of days and times, --edges of either; k edges
make k + 1 bins, and an edge belongs to the bin above it.)help";

constexpr int kBarColumns = 30;
constexpr const char* kPercentilesDefault = "25,50,75,90,99";

struct StatisticsArguments {
  SelectionOptions selection;
  std::vector<std::string> tags;
  std::string percentiles = kPercentilesDefault;
  std::uint32_t bins = 0;
  std::string period;
  std::vector<std::string> edges;
};

v1::Period ToPeriod(const std::string& text) {
  if (text == "day") return v1::PERIOD_DAY;
  if (text == "week") return v1::PERIOD_WEEK;
  return text == "month" ? v1::PERIOD_MONTH : v1::PERIOD_UNSPECIFIED;
}

// "TAG=A,B" or, of a single tag, "A,B".
absl::Status AddTagEdges(const std::string& text, v1::StatisticsRequest* request) {
  v1::TagEdges* edges = request->add_edges();
  const std::size_t equals = text.rfind('=');
  if (equals != std::string::npos) {
    edges->set_tag(text.substr(0, equals));
    return AddEdges(std::string_view(text).substr(equals + 1), edges->mutable_edges());
  }
  if (request->tags_size() != 1) {
    return absl::InvalidArgumentError(
        fmt::format("--edges {}: with several tags write --edges TAG={}", text, text));
  }
  edges->set_tag(request->tags(0));
  return AddEdges(text, edges->mutable_edges());
}

absl::StatusOr<v1::StatisticsRequest> MakeRequest(const StatisticsArguments& arguments,
                                                  const GlobalOptions& options) {
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return selection.status();
  v1::StatisticsRequest request;
  *request.mutable_selection() = *std::move(selection);
  for (const std::string& list : arguments.tags) {
    absl::StatusOr<std::vector<std::string>> names = SplitNames(list);
    if (!names.ok()) return names.status();
    for (std::string& name : *names) request.add_tags(std::move(name));
  }
  if (arguments.percentiles != "none") {
    absl::StatusOr<std::vector<std::string>> percentiles = SplitNames(arguments.percentiles);
    if (!percentiles.ok()) return percentiles.status();
    for (std::string& text : *percentiles) request.add_percentiles(std::move(text));
  }
  request.set_bins(arguments.bins);
  request.set_period(ToPeriod(arguments.period));
  for (const std::string& text : arguments.edges) {
    if (absl::Status status = AddTagEdges(text, &request); !status.ok()) return status;
  }
  return request;
}

std::string SumText(const v1::TagStatistics& tag) {
  if (IsWithheld(tag, "sum")) return std::string(kWithheldText);
  if (tag.has_sum_error()) return "beyond 64 bits";
  return tag.has_sum() ? ValueText(tag.sum()) : "-";
}

std::string AverageText(const v1::TagStatistics& tag) {
  if (IsWithheld(tag, "average")) return std::string(kWithheldText);
  if (tag.has_average_time()) return TimestampText(tag.average_time());
  return tag.has_average() ? fmt::format("{:.10g}", tag.average()) : "-";
}

std::string BoundText(const v1::Value& value) {
  return value.kind_case() == v1::Value::KIND_NOT_SET ? "-" : ValueText(value);
}

// A column for each tag.
std::string RenderFigures(const v1::StatisticsResponse& response) {
  std::vector<Table::Column> titles = {{""}};
  for (const v1::TagStatistics& tag : response.tags()) {
    titles.push_back({Printable(tag.tag()), Table::Align::kRight});
  }
  Table table(std::move(titles));
  const auto add = [&](std::string label, const auto& text_of) {
    std::vector<std::string> cells = {std::move(label)};
    for (const v1::TagStatistics& tag : response.tags()) cells.push_back(text_of(tag));
    table.AddRow(std::move(cells));
  };
  add("users", [](const auto& tag) { return NumberText(tag, "with_value", tag.with_value()); });
  add("missing", [](const auto& tag) { return NumberText(tag, "missing", tag.missing()); });
  add("sum", SumText);
  add("average", AverageText);
  add("min", [](const auto& tag) { return OrWithheld(tag, "min", BoundText(tag.min())); });
  for (int i = 0; i < response.tags(0).percentiles_size(); ++i) {
    add(fmt::format("{} %", response.tags(0).percentiles(i).percentile()), [i](const auto& tag) {
      const v1::PercentileValue& each = tag.percentiles(i);
      return OrWithheld(each, "value", BoundText(each.value()));
    });
  }
  add("max", [](const auto& tag) { return OrWithheld(tag, "max", BoundText(tag.max())); });
  return table.Render();
}

// "2024-W11", "< 18", "18 to < 65", "90 to 100", ">= 65".
std::string LabelOf(const v1::HistogramBin& bin) {
  if (!bin.period().empty()) return bin.period();
  if (bin.has_lower() && bin.has_upper()) {
    return fmt::format("{} to {}{}", ValueText(bin.lower()), bin.includes_upper() ? "" : "< ",
                       ValueText(bin.upper()));
  }
  if (bin.has_lower()) return fmt::format(">= {}", ValueText(bin.lower()));
  if (bin.has_upper()) {
    return fmt::format("{} {}", bin.includes_upper() ? "<=" : "<", ValueText(bin.upper()));
  }
  return "all";
}

// Bars are as long as the largest bin allows.
std::string RenderHistogram(const v1::TagStatistics& tag, bool bars) {
  constexpr auto kRight = Table::Align::kRight;
  std::uint64_t most = 1;
  for (const v1::HistogramBin& bin : tag.histogram().bins()) most = std::max(most, bin.count());
  Table table({{Printable(tag.tag())}, {"USERS", kRight}, {"SHARE", kRight}, {""}});
  for (const v1::HistogramBin& bin : tag.histogram().bins()) {
    const double length = static_cast<double>(bin.count()) / static_cast<double>(most);
    table.AddRow({LabelOf(bin), NumberText(bin, "count", bin.count()),
                  OrWithheld(bin, "share", fmt::format("{:.2f}%", bin.share() * 100)),
                  bars ? ShareBar(length, kBarColumns) : ""});
  }
  return table.Render();
}

// Whether each tag has all percentiles: what a server of this version sends.
bool IsWhole(const v1::StatisticsRequest& request, const v1::StatisticsResponse& response) {
  return response.tags_size() == request.tags_size() &&
         std::all_of(response.tags().begin(), response.tags().end(), [&](const auto& tag) {
           return tag.percentiles_size() == request.percentiles_size();
         });
}

Json OptionalJson(bool has, const v1::Value& value) { return has ? ValueJson(value) : Json(); }

Json HistogramJson(const v1::TagStatistics& tag) {
  if (!tag.has_histogram()) return nullptr;
  Json bins = Json::array();
  for (const v1::HistogramBin& bin : tag.histogram().bins()) {
    Json each = {{"lower", OptionalJson(bin.has_lower(), bin.lower())},
                 {"upper", OptionalJson(bin.has_upper(), bin.upper())},
                 {"includes_upper", bin.includes_upper()},
                 {"period", bin.period().empty() ? Json() : Json(bin.period())},
                 {"count", bin.count()},
                 {"share", bin.share()}};
    MarkWithheld(bin, each);
    bins.push_back(std::move(each));
  }
  return bins;
}

Json FiguresJson(const v1::TagStatistics& tag) {
  Json percentiles = Json::array();
  for (const v1::PercentileValue& each : tag.percentiles()) {
    Json one = {{"percentile", each.percentile()},
                {"value", OptionalJson(each.has_value(), each.value())}};
    MarkWithheld(each, one);
    percentiles.push_back(std::move(one));
  }
  Json average_time;
  if (tag.has_average_time()) average_time = TimestampText(tag.average_time());
  Json sum_error;
  if (tag.has_sum_error()) sum_error = tag.sum_error().message();
  Json json = {{"tag", tag.tag()},
               {"with_value", tag.with_value()},
               {"missing", tag.missing()},
               {"sum", OptionalJson(tag.has_sum(), tag.sum())},
               {"sum_error", std::move(sum_error)},
               {"average", tag.has_average() ? Json(tag.average()) : Json()},
               {"average_time", std::move(average_time)},
               {"min", OptionalJson(tag.has_min(), tag.min())},
               {"max", OptionalJson(tag.has_max(), tag.max())},
               {"percentiles", std::move(percentiles)},
               {"histogram", HistogramJson(tag)}};
  MarkWithheld(tag, json);
  return json;
}

Json StatisticsJson(const v1::StatisticsResponse& response) {
  Json tags = Json::array();
  for (const v1::TagStatistics& tag : response.tags()) tags.push_back(FiguresJson(tag));
  Json json = {{"count", response.count()}, {"tags", std::move(tags)}};
  MarkWithheld(response, json);
  AppendInfo(response.info(), json);
  return json;
}

int RunStatistics(const StatisticsArguments& arguments, const GlobalOptions& options) {
  const absl::StatusOr<v1::StatisticsRequest> request = MakeRequest(arguments, options);
  if (!request.ok()) return ReportUsage(request.status(), options);
  v1::StatisticsResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::InsightService::NewStub(Connect(options));
  grpc::Status status = stub->Statistics(&context, *request, &response);
  if (status.ok() && !IsWhole(*request, response)) {
    status = grpc::Status(grpc::StatusCode::INTERNAL, "the server sent not all that was asked for");
  }
  if (!status.ok()) return ReportFailure(status, options, request->selection().expression());
  if (options.json) {
    PrintJson(StatisticsJson(response));
    return kExitOk;
  }
  PrintWarnings(response.info(), request->selection().expression());
  fmt::print("{}\n{}\n\n{}", UsersText(response), InfoLine(response.info()),
             RenderFigures(response));
  const bool bars = IsTerminal(stdout);
  for (const v1::TagStatistics& tag : response.tags()) {
    if (tag.has_histogram()) fmt::print("\n{}", RenderHistogram(tag, bars));
  }
  return kExitOk;
}

}  // namespace

void RegisterStatisticsCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "statistics", "Sums, averages, percentiles and histograms of numbers, days and times");
  auto arguments = std::make_shared<StatisticsArguments>();
  AddSelectionOptions(*command, arguments->selection);
  command->add_option("--tags", arguments->tags, "The tags: INTEGER, DECIMAL, DATE or DATETIME")
      ->type_name("TAG,TAG...")
      ->allow_extra_args(false)
      ->required();
  command
      ->add_option("--percentiles", arguments->percentiles,
                   "0 to 100, at most 6 digits after the point; default 25,50,75,90,99")
      ->type_name("P,P...|none");
  command
      ->add_option("--bins", arguments->bins,
                   "A histogram of numbers in at most so many bins, 2 to 1,000")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  command->add_option("--by", arguments->period, "A histogram of days and times by this period")
      ->type_name("day|week|month")
      ->check(CLI::IsMember({"day", "week", "month"}), "");
  command
      ->add_option("--edges", arguments->edges,
                   "A histogram by these edges, ascending; TAG= where there are several tags")
      ->type_name("[TAG=]A,B...")
      ->allow_extra_args(false);
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunStatistics(*arguments, options); });
}

}  // namespace throng::cli
