// throng overlap: how several crowds lie over each other.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
#include "cli/named_selections.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"
#include "throng/v1/insight.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng overlap active="views_7d > 3" local="city = 'Beijing'" graduates=is_graduate
  throng overlap --file crowds.txt --top 30 --jaccard
  throng overlap a="views_7d > 3" b="city = 'Beijing'" --json

A file has a NAME=EXPR a line; empty lines and lines that begin with # are left out. UNIQUE is who
is in no other of the crowds; an exclusive intersection is who is in exactly these. Jaccard: users
in both / users in either.)help";

constexpr std::uint32_t kTopDefault = 20;
constexpr int kBarColumns = 20;

struct OverlapArguments {
  SelectionOptions frame;
  std::vector<std::string> selections;
  std::string file;
  std::uint32_t top = kTopDefault;
  bool jaccard = false;
};

absl::StatusOr<v1::OverlapRequest> MakeRequest(const OverlapArguments& arguments,
                                               const GlobalOptions& options) {
  absl::StatusOr<NamedSelections> selections =
      MakeNamedSelections(arguments.selections, arguments.file, arguments.frame, options);
  if (!selections.ok()) return selections.status();
  v1::OverlapRequest request;
  request.set_top(arguments.top);
  *request.mutable_selections() = *std::move(selections);
  return request;
}

std::string Percent(double share) { return fmt::format("{:.2f}%", share * 100); }

std::string RenderSelections(const v1::OverlapResponse& response, bool bars) {
  constexpr auto kRight = Table::Align::kRight;
  Table table(
      {{"", kRight}, {"CROWD"}, {"USERS", kRight}, {"UNIQUE", kRight}, {"OF IT", kRight}, {""}});
  for (int i = 0; i < response.selections_size(); ++i) {
    const v1::OverlapSelection& each = response.selections(i);
    table.AddRow({std::to_string(i + 1), each.name(), FormatCount(each.count()),
                  FormatCount(each.unique()), Percent(each.unique_share()),
                  bars ? ShareBar(each.unique_share(), kBarColumns) : ""});
  }
  return table.Render();
}

// Columns have the numbers of the crowds: names would make them too wide.
std::string RenderPairs(const v1::OverlapResponse& response, bool jaccard) {
  std::vector<Table::Column> titles = {{jaccard ? "JACCARD" : "IN BOTH"}};
  for (int i = 0; i < response.selections_size(); ++i) {
    titles.push_back({std::to_string(i + 1), Table::Align::kRight});
  }
  Table table(std::move(titles));
  for (int a = 0; a < response.pairs_size(); ++a) {
    const v1::OverlapRow& row = response.pairs(a);
    std::vector<std::string> cells = {fmt::format("{} {}", a + 1, response.selections(a).name())};
    for (int b = 0; b < row.counts_size(); ++b) {
      cells.push_back(jaccard ? fmt::format("{:.3f}", row.jaccard(b)) : FormatCount(row.counts(b)));
    }
    table.AddRow(std::move(cells));
  }
  return table.Render();
}

std::string NamesOf(const v1::ExclusiveIntersection& intersection,
                    const v1::OverlapResponse& response) {
  std::string names;
  for (std::uint32_t i : intersection.selections()) {
    if (!names.empty()) names += " & ";
    names += response.selections(static_cast<int>(i)).name();
  }
  return names;
}

std::string RenderIntersections(const v1::OverlapResponse& response, bool bars) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"USERS", kRight}, {"SHARE", kRight}, {"IN EXACTLY"}, {""}});
  for (const v1::ExclusiveIntersection& each : response.intersections()) {
    table.AddRow({FormatCount(each.count()), Percent(each.share()), NamesOf(each, response),
                  bars ? ShareBar(each.share(), kBarColumns) : ""});
  }
  if (response.intersections_left_out() > 0) {
    const double share = static_cast<double>(response.users_left_out()) /
                         static_cast<double>(std::max<std::uint64_t>(1, response.union_count()));
    table.AddRow(
        {FormatCount(response.users_left_out()), Percent(share),
         fmt::format("({} other combinations)", FormatCount(response.intersections_left_out())),
         bars ? ShareBar(share, kBarColumns) : ""});
  }
  return table.Render();
}

void PrintOverlap(const v1::OverlapResponse& response, bool jaccard) {
  const bool bars = IsTerminal(stdout);
  fmt::print("{} users in {} crowds\n{}\n\n{}\n{}", FormatCount(response.union_count()),
             response.selections_size(), InfoLine(response.info()),
             RenderSelections(response, bars), RenderPairs(response, jaccard));
  if (response.has_intersections_error()) {
    fmt::print("\n{}\n", Printable(response.intersections_error().message()));
  } else if (response.intersections_size() > 0) {
    fmt::print("\n{}", RenderIntersections(response, bars));
  }
}

Json OverlapJson(const v1::OverlapResponse& response) {
  Json selections = Json::array();
  for (const v1::OverlapSelection& each : response.selections()) {
    v1::ResultInfo info;
    *info.mutable_warnings() = each.warnings();
    Json with_warnings;
    AppendInfo(info, with_warnings);
    selections.push_back({{"name", each.name()},
                          {"count", each.count()},
                          {"unique", each.unique()},
                          {"unique_share", each.unique_share()},
                          {"canonical_expression", each.canonical_expression()},
                          {"warnings", std::move(with_warnings["warnings"])}});
  }
  Json counts = Json::array();
  Json jaccard = Json::array();
  for (const v1::OverlapRow& row : response.pairs()) {
    counts.push_back(std::vector<std::uint64_t>(row.counts().begin(), row.counts().end()));
    jaccard.push_back(std::vector<double>(row.jaccard().begin(), row.jaccard().end()));
  }
  Json intersections = Json::array();
  for (const v1::ExclusiveIntersection& each : response.intersections()) {
    Json names = Json::array();
    for (std::uint32_t i : each.selections()) {
      names.push_back(response.selections(static_cast<int>(i)).name());
    }
    intersections.push_back(
        {{"selections", std::move(names)}, {"count", each.count()}, {"share", each.share()}});
  }
  Json json = {{"union_count", response.union_count()},
               {"selections", std::move(selections)},
               {"pairs", std::move(counts)},
               {"jaccard", std::move(jaccard)},
               {"intersections", std::move(intersections)},
               {"intersections_left_out", response.intersections_left_out()},
               {"users_left_out", response.users_left_out()},
               {"intersections_error", response.has_intersections_error()
                                           ? Json(response.intersections_error().message())
                                           : Json(nullptr)}};
  AppendInfo(response.info(), json);
  return json;
}

// Whether each selection has its row, and each place is that of a selection.
bool IsWhole(const v1::OverlapResponse& response) {
  const int size = response.selections_size();
  const bool rows =
      std::all_of(response.pairs().begin(), response.pairs().end(), [&](const v1::OverlapRow& row) {
        return row.counts_size() == size && row.jaccard_size() == size;
      });
  return rows && response.pairs_size() == size &&
         std::all_of(response.intersections().begin(), response.intersections().end(),
                     [&](const v1::ExclusiveIntersection& each) {
                       return std::all_of(
                           each.selections().begin(), each.selections().end(),
                           [&](std::uint32_t i) { return i < static_cast<std::uint32_t>(size); });
                     });
}

int RunOverlap(const OverlapArguments& arguments, const GlobalOptions& options) {
  const absl::StatusOr<v1::OverlapRequest> request = MakeRequest(arguments, options);
  if (!request.ok()) return ReportUsage(request.status(), options);
  v1::OverlapResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::InsightService::NewStub(Connect(options));
  grpc::Status status = stub->Overlap(&context, *request, &response);
  if (status.ok() && !IsWhole(response)) {
    status = grpc::Status(grpc::StatusCode::INTERNAL, "the server sent a table without all cells");
  }
  if (!status.ok())
    return ReportFailure(status, options, ExpressionOf(status, request->selections()));
  if (options.json) {
    PrintJson(OverlapJson(response));
    return kExitOk;
  }
  for (int i = 0; i < response.selections_size() && i < request->selections_size(); ++i) {
    v1::ResultInfo info;
    *info.mutable_warnings() = response.selections(i).warnings();
    PrintWarnings(info, request->selections(i).selection().expression());
  }
  PrintOverlap(response, arguments.jaccard);
  return kExitOk;
}

}  // namespace

void RegisterOverlapCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "overlap", "How up to 64 crowds lie over each other: pairs, unique users, combinations");
  auto arguments = std::make_shared<OverlapArguments>();
  command->add_option("NAME=EXPR", arguments->selections, "A crowd and what to call it")
      ->type_name("");
  command->add_option("--file", arguments->file, "Read a NAME=EXPR a line from a file, too")
      ->type_name("FILE");
  AddFrameOptions(*command, arguments->frame);
  command->add_option("--top", arguments->top, "Combinations, of most users first; default 20")
      ->type_name("K")
      ->check(CheckWholeNumber, "");
  command->add_flag("--jaccard", arguments->jaccard,
                    "Show users in both / users in either instead of users in both");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunOverlap(*arguments, options); });
}

}  // namespace throng::cli
