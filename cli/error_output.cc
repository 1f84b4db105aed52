#include "cli/error_output.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "cli/connection.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr std::size_t kLineColumnsMax = 100;
constexpr std::size_t kColumnsBeforePlace = 40;
constexpr std::size_t kTabColumns = 8;
constexpr std::string_view kIndent = "  ";
constexpr std::string_view kCut = "...";

// One code point as it will be printed.
struct Cell {
  std::string text;
  std::size_t width = 0;
};

// The 1-based line, without its end.
std::optional<std::string_view> LineOf(std::string_view text, std::uint32_t line) {
  if (line == 0) return std::nullopt;
  for (std::uint32_t i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

std::vector<Cell> CellsOf(std::string_view line) {
  std::vector<Cell> cells;
  std::size_t column = 0;
  while (!line.empty()) {
    const CodePoint first = FirstCodePoint(line);
    Cell cell;
    if (first.value == '\t') {
      cell.text.assign(kTabColumns - column % kTabColumns, ' ');
    } else {
      cell.text = Printable(line.substr(0, first.bytes));
    }
    cell.width = DisplayWidth(cell.text);
    column += cell.width;
    cells.push_back(std::move(cell));
    line.remove_prefix(first.bytes);
  }
  return cells;
}

// The cells [first, last) that are shown of a line whose place starts at cell `place`.
struct Window {
  std::size_t first = 0;
  std::size_t last = 0;
};

Window WindowAround(const std::vector<Cell>& cells, std::size_t place) {
  std::size_t width = 0;
  for (const Cell& cell : cells) width += cell.width;
  if (width <= kLineColumnsMax) return {0, cells.size()};
  Window window{place, place};
  width = 0;
  while (window.first > 0 && width + cells[window.first - 1].width <= kColumnsBeforePlace) {
    width += cells[--window.first].width;
  }
  while (window.last < cells.size() && width + cells[window.last].width <= kLineColumnsMax) {
    width += cells[window.last++].width;
  }
  return window;
}

void AppendLine(std::string_view label, std::string_view value, std::string& lines) {
  if (!value.empty()) lines += fmt::format("{}: {}\n", label, Printable(value));
}

// Where in a text of several lines: " (line 2, column 5)"; empty for the first line.
std::string PlaceText(std::uint32_t line, std::uint32_t column) {
  return line > 1 ? fmt::format(" (line {}, column {})", line, column) : std::string();
}

void RemoveSuffix(std::string_view suffix, std::string_view& text) {
  if (text.ends_with(suffix)) text.remove_suffix(suffix.size());
}

// The message without what the lines under it say: the server's own messages stand alone, as
// "line 1, column 5: no tag \"citty\"; expected a tag; did you mean city?".
std::string_view WithoutDetail(std::string_view message, const v1::ErrorDetail& detail) {
  const std::string place = fmt::format("line {}, column {}: ", detail.line(), detail.column());
  if (message.starts_with(place)) message.remove_prefix(place.size());
  if (!detail.suggestion().empty()) {
    RemoveSuffix(fmt::format("; did you mean {}?", detail.suggestion()), message);
  }
  if (!detail.expected().empty()) {
    RemoveSuffix(fmt::format("; expected {}", detail.expected()), message);
  }
  return message;
}

}  // namespace

v1::ErrorDetail ErrorDetailOf(const grpc::Status& status) {
  v1::ErrorDetail detail;
  v1::Status trailer;
  if (!trailer.ParseFromString(status.error_details())) return detail;
  for (const auto& any : trailer.details()) {
    if (any.Is<v1::ErrorDetail>() && any.UnpackTo(&detail)) return detail;
  }
  return {};
}

std::string CodeName(int code) {
  static constexpr std::string_view kNames[] = {"OK",
                                                "CANCELLED",
                                                "UNKNOWN",
                                                "INVALID_ARGUMENT",
                                                "DEADLINE_EXCEEDED",
                                                "NOT_FOUND",
                                                "ALREADY_EXISTS",
                                                "PERMISSION_DENIED",
                                                "RESOURCE_EXHAUSTED",
                                                "FAILED_PRECONDITION",
                                                "ABORTED",
                                                "OUT_OF_RANGE",
                                                "UNIMPLEMENTED",
                                                "INTERNAL",
                                                "UNAVAILABLE",
                                                "DATA_LOSS",
                                                "UNAUTHENTICATED"};
  const auto index = static_cast<std::size_t>(code);
  return index < std::size(kNames) ? std::string(kNames[index]) : fmt::format("CODE_{}", index);
}

std::string FailureMessage(const grpc::Status& status, std::string_view server) {
  // Without a detail the status is gRPC's own, not Throng's.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_details().empty()) {
    const std::string_view remedy = ConnectionRemedy(status.error_message());
    return fmt::format("the server at {} cannot be reached or is not ready: {}{}{}", server,
                       status.error_message(), remedy.empty() ? "" : "; ", remedy);
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED &&
      status.error_details().empty()) {
    return fmt::format("the server at {} did not answer in time (--timeout)", server);
  }
  if (status.error_message().empty()) return CodeName(status.error_code());
  return status.error_message();
}

std::string RenderFailure(const grpc::Status& status, std::string_view server,
                          std::string_view expression) {
  const v1::ErrorDetail detail = ErrorDetailOf(status);
  const std::string message = FailureMessage(status, server);
  std::string lines = fmt::format("error: {}{}\n", PrintableLines(WithoutDetail(message, detail)),
                                  PlaceText(detail.line(), detail.column()));
  if (!expression.empty()) {
    lines += MarkPlace(expression, detail.line(), detail.column(), detail.length());
  }
  AppendLine("expected", detail.expected(), lines);
  AppendLine("did you mean", detail.suggestion(), lines);
  return lines;
}

std::string RenderWarning(const v1::Warning& warning, std::string_view expression) {
  std::string lines = fmt::format("warning: {}{}\n", PrintableLines(warning.message()),
                                  PlaceText(warning.line(), warning.column()));
  if (!expression.empty()) {
    lines += MarkPlace(expression, warning.line(), warning.column(), warning.length());
  }
  return lines;
}

std::string MarkPlace(std::string_view text, std::uint32_t line, std::uint32_t column,
                      std::uint32_t length) {
  const std::optional<std::string_view> source = LineOf(text, line);
  if (!source.has_value() || column == 0) return {};
  const std::vector<Cell> cells = CellsOf(*source);
  const std::size_t place = std::min<std::size_t>(column - 1, cells.size());
  const Window window = WindowAround(cells, place);
  std::string shown(kIndent);
  std::size_t before = kIndent.size();
  if (window.first > 0) {
    shown += kCut;
    before += kCut.size();
  }
  std::size_t marked = 0;
  for (std::size_t i = window.first; i < window.last; ++i) {
    shown += cells[i].text;
    if (i < place) before += cells[i].width;
    if (i >= place && i - place < length) marked += cells[i].width;
  }
  if (window.last < cells.size()) shown += kCut;
  const std::string tildes(std::max<std::size_t>(marked, 1) - 1, '~');
  return fmt::format("{}\n{}^{}\n", shown, std::string(before, ' '), tildes);
}

}  // namespace throng::cli
