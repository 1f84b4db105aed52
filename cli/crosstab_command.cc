// throng crosstab: a crowd counted over two tags at once.
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
  throng crosstab "views_7d > 3" --rows city --columns interests
  throng crosstab "is_graduate" --rows city --columns rent --column-edges 1500,3000,5000
  throng crosstab "all()" --rows city --columns channel --top-rows 50 --shares row
  throng crosstab --file crowd.txt --rows interests --columns interests --json

Tags of numbers, days and times are put into bins by their edges: k edges make k + 1 bins, an edge
belongs to the bin above it. Of a LABELS tag a user is in as many rows as it has labels, so that
they may add up to more than the crowd; in "others" it is counted once.)help";

constexpr std::uint32_t kRowsDefault = 20;
constexpr std::uint32_t kColumnsDefault = 8;
constexpr int kBarColumns = 20;

struct CrossTabArguments {
  SelectionOptions selection;
  std::string rows;
  std::string columns;
  std::string row_edges;
  std::string column_edges;
  std::uint32_t top_rows = kRowsDefault;
  std::uint32_t top_columns = kColumnsDefault;
  std::string shares;
};

absl::Status SetAxis(const std::string& tag, const std::string& edges, std::uint32_t top,
                     v1::CrossTabAxisRequest* axis) {
  axis->set_tag(tag);
  axis->set_top(top);
  if (edges.empty()) return absl::OkStatus();
  return AddEdges(edges, axis->mutable_edges());
}

absl::StatusOr<v1::CrossTabRequest> MakeRequest(const CrossTabArguments& arguments,
                                                const GlobalOptions& options) {
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return selection.status();
  v1::CrossTabRequest request;
  *request.mutable_selection() = *std::move(selection);
  absl::Status status =
      SetAxis(arguments.rows, arguments.row_edges, arguments.top_rows, request.mutable_rows());
  if (!status.ok()) return status;
  status = SetAxis(arguments.columns, arguments.column_edges, arguments.top_columns,
                   request.mutable_columns());
  if (!status.ok()) return status;
  return request;
}

// "Beijing", "< 18", "18 to < 65", ">= 65".
std::string LabelOf(const v1::CrossTabEntry& entry) {
  if (!entry.has_lower() && !entry.has_upper()) return ValueText(entry.value());
  return BinText(entry.has_lower() ? &entry.lower() : nullptr,
                 entry.has_upper() ? &entry.upper() : nullptr);
}

// The rows or columns that are shown: others and missing only where there can be any.
struct ShownEntry {
  int place = 0;  // among the cells
  std::string label;
  const v1::CrossTabEntry* entry = nullptr;
};
std::vector<ShownEntry> Shown(const v1::CrossTabAxis& axis) {
  std::vector<ShownEntry> shown;
  for (const v1::CrossTabEntry& entry : axis.entries()) {
    shown.push_back({static_cast<int>(shown.size()), LabelOf(entry), &entry});
  }
  if (axis.others_values() > 0) {
    shown.push_back({axis.entries_size(),
                     fmt::format("({} others)", FormatCount(axis.others_values())),
                     &axis.others()});
  }
  // Of a FLAG nobody is without a value: who does not have it set is "false".
  if (axis.entries_size() == 0 || !axis.entries(0).value().has_flag()) {
    shown.push_back({axis.entries_size() + 1, "(missing)", &axis.missing()});
  }
  return shown;
}

bool IsWithheldCell(const v1::CrossTabRow& row, int column) {
  return std::binary_search(row.withheld_cells().begin(), row.withheld_cells().end(),
                            static_cast<std::uint32_t>(column));
}

std::string CellText(const v1::CrossTabRow& row, const ShownEntry& of_row,
                     const ShownEntry& of_column, const std::string& shares) {
  const int column = of_column.place;
  if (IsWithheldCell(row, column)) return std::string(kWithheldText);
  const auto percent = [&](const auto& list) { return fmt::format("{:.2f}%", list[column] * 100); };
  if (shares == "row") return OrWithheld(*of_row.entry, "count", percent(row.row_shares()));
  if (shares == "column") {
    return OrWithheld(*of_column.entry, "count", percent(row.column_shares()));
  }
  if (shares == "total") return percent(row.total_shares());
  return FormatCount(row.counts(column));
}

// Whether each row has a cell for every column: what a server of this version sends.
bool IsWhole(const v1::CrossTabResponse& response) {
  const int columns = response.columns().entries_size() + 2;
  return response.cells_size() == response.rows().entries_size() + 2 &&
         std::all_of(
             response.cells().begin(), response.cells().end(), [&](const v1::CrossTabRow& row) {
               return row.counts_size() == columns && row.row_shares_size() == columns &&
                      row.column_shares_size() == columns && row.total_shares_size() == columns;
             });
}

std::string ShareText(const v1::CrossTabEntry& entry) {
  return OrWithheld(entry, "share", fmt::format("{:.2f}%", entry.share() * 100));
}

std::string Render(const v1::CrossTabResponse& response, const std::string& shares, bool bars) {
  constexpr auto kRight = Table::Align::kRight;
  const std::vector<ShownEntry> rows = Shown(response.rows());
  const std::vector<ShownEntry> columns = Shown(response.columns());
  std::vector<Table::Column> titles = {
      {Printable(fmt::format("{} \\ {}", response.rows().tag(), response.columns().tag()))}};
  for (const ShownEntry& column : columns) titles.push_back({Printable(column.label), kRight});
  titles.push_back({"USERS", kRight});
  titles.push_back({"SHARE", kRight});
  titles.push_back({""});
  Table table(std::move(titles));
  for (const ShownEntry& row : rows) {
    std::vector<std::string> cells = {row.label};
    for (const ShownEntry& column : columns) {
      cells.push_back(CellText(response.cells(row.place), row, column, shares));
    }
    cells.push_back(NumberText(*row.entry, "count", row.entry->count()));
    cells.push_back(ShareText(*row.entry));
    if (bars) cells.push_back(ShareBar(row.entry->share(), kBarColumns));
    table.AddRow(std::move(cells));
  }
  std::vector<std::string> users = {"USERS"};
  std::vector<std::string> share = {"SHARE"};
  for (const ShownEntry& column : columns) {
    users.push_back(NumberText(*column.entry, "count", column.entry->count()));
    share.push_back(ShareText(*column.entry));
  }
  users.push_back(NumberText(response, "count", response.count()));
  table.AddRow(std::move(users));
  table.AddRow(std::move(share));
  return table.Render();
}

Json EntryJson(const v1::CrossTabEntry& entry) {
  Json json = Json::object();
  if (entry.has_value()) json["value"] = ValueJson(entry.value());
  if (entry.has_lower() || entry.has_upper()) {
    json["lower"] = entry.has_lower() ? ValueJson(entry.lower()) : Json(nullptr);
    json["upper"] = entry.has_upper() ? ValueJson(entry.upper()) : Json(nullptr);
  }
  json["count"] = entry.count();
  json["share"] = entry.share();
  MarkWithheld(entry, json);
  return json;
}

Json AxisJson(const v1::CrossTabAxis& axis) {
  Json entries = Json::array();
  for (const v1::CrossTabEntry& entry : axis.entries()) entries.push_back(EntryJson(entry));
  Json others = {{"values", axis.others_values()}};
  others.update(EntryJson(axis.others()));
  return {{"tag", axis.tag()},
          {"entries", std::move(entries)},
          {"others", std::move(others)},
          {"missing", EntryJson(axis.missing())}};
}

Json CrossTabJson(const v1::CrossTabResponse& response) {
  Json json = {{"count", response.count()},
               {"rows", AxisJson(response.rows())},
               {"columns", AxisJson(response.columns())}};
  const auto add = [&](const char* name, const auto& list_of) {
    Json table = Json::array();
    for (const v1::CrossTabRow& row : response.cells()) {
      Json cells = Json::array();
      for (const auto& cell : list_of(row)) cells.push_back(cell);
      for (const std::uint32_t place : row.withheld_cells()) {
        if (place < cells.size()) cells[place] = nullptr;
      }
      table.push_back(std::move(cells));
    }
    json[name] = std::move(table);
  };
  add(
      "cells", [](const v1::CrossTabRow& row) -> const auto& { return row.counts(); });
  add(
      "row_shares", [](const v1::CrossTabRow& row) -> const auto& { return row.row_shares(); });
  add(
      "column_shares",
      [](const v1::CrossTabRow& row) -> const auto& { return row.column_shares(); });
  add(
      "total_shares", [](const v1::CrossTabRow& row) -> const auto& { return row.total_shares(); });
  MarkWithheld(response, json);
  AppendInfo(response.info(), json);
  return json;
}

int RunCrossTab(const CrossTabArguments& arguments, const GlobalOptions& options) {
  const absl::StatusOr<v1::CrossTabRequest> request = MakeRequest(arguments, options);
  if (!request.ok()) return ReportUsage(request.status(), options);
  v1::CrossTabResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::InsightService::NewStub(Connect(options));
  grpc::Status status = stub->CrossTab(&context, *request, &response);
  if (status.ok() && !IsWhole(response)) {
    status = grpc::Status(grpc::StatusCode::INTERNAL, "the server sent a table without all cells");
  }
  if (!status.ok()) return ReportFailure(status, options, request->selection().expression());
  if (options.json) {
    PrintJson(CrossTabJson(response));
    return kExitOk;
  }
  PrintWarnings(response.info(), request->selection().expression());
  fmt::print("{}\n{}\n\n{}", UsersText(response), InfoLine(response.info()),
             Render(response, arguments.shares, IsTerminal(stdout)));
  return kExitOk;
}

}  // namespace

void RegisterCrossTabCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "crosstab", "A crowd counted over two tags at once, with row, column and total shares");
  auto arguments = std::make_shared<CrossTabArguments>();
  AddSelectionOptions(*command, arguments->selection);
  command->add_option("--rows", arguments->rows, "The tag of the rows")
      ->type_name("TAG")
      ->required();
  command->add_option("--columns", arguments->columns, "The tag of the columns")
      ->type_name("TAG")
      ->required();
  command
      ->add_option("--row-edges", arguments->row_edges,
                   "Edges of bins, ascending, where the rows are numbers, days or times")
      ->type_name("A,B...");
  command->add_option("--column-edges", arguments->column_edges, "The same of the columns")
      ->type_name("A,B...");
  command->add_option("--top-rows", arguments->top_rows, "Values, of most users first; default 20")
      ->type_name("K")
      ->check(CheckWholeNumber, "");
  command
      ->add_option("--top-columns", arguments->top_columns,
                   "Values, of most users first; default 8")
      ->type_name("K")
      ->check(CheckWholeNumber, "");
  command
      ->add_option("--shares", arguments->shares,
                   "Show shares of the row, of the column or of all users instead of users")
      ->type_name("row|column|total")
      ->check(CLI::IsMember({"row", "column", "total"}), "");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunCrossTab(*arguments, options); });
}

}  // namespace throng::cli
