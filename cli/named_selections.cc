#include "cli/named_selections.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string_view>
#include <utility>

#include "cli/error_output.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

std::string_view Trim(std::string_view text) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The selection of one NAME=EXPR.
absl::StatusOr<v1::NamedSelection> MakeNamed(std::string_view text, const SelectionOptions& frame,
                                             const GlobalOptions& options) {
  const std::size_t equals = text.find('=');
  const std::string_view name = Trim(text.substr(0, std::min(equals, text.size())));
  if (equals == std::string_view::npos || name.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("\"{}\" is not NAME=EXPR", Printable(text.substr(0, 80))));
  }
  absl::StatusOr<v1::Selection> selection =
      MakeSelection(std::string(Trim(text.substr(equals + 1))), frame, options);
  if (!selection.ok()) return selection.status();
  v1::NamedSelection named;
  named.set_name(std::string(name));
  *named.mutable_selection() = *std::move(selection);
  return named;
}

}  // namespace

absl::StatusOr<NamedSelections> MakeNamedSelections(std::vector<std::string> texts,
                                                    const std::string& file,
                                                    const SelectionOptions& frame,
                                                    const GlobalOptions& options) {
  if (!file.empty()) {
    const absl::StatusOr<std::string> lines = ReadTextFile(file);
    if (!lines.ok()) return lines.status();
    for (std::size_t begin = 0; begin < lines->size();) {
      const std::size_t end = std::min(lines->find('\n', begin), lines->size());
      const std::string_view line = Trim(std::string_view(*lines).substr(begin, end - begin));
      if (!line.empty() && line.front() != '#') texts.emplace_back(line);
      begin = end + 1;
    }
  }
  if (texts.empty()) {
    return absl::InvalidArgumentError("NAME=EXPR is missing: give some, or --file");
  }
  NamedSelections selections;
  for (const std::string& text : texts) {
    absl::StatusOr<v1::NamedSelection> named = MakeNamed(text, frame, options);
    if (!named.ok()) return named.status();
    *selections.Add() = *std::move(named);
  }
  return selections;
}

std::string ExpressionOf(const grpc::Status& status, const NamedSelections& selections) {
  const std::string field = ErrorDetailOf(status).field();
  for (int i = 0; i < selections.size(); ++i) {
    if (field.rfind(fmt::format("selections[{}].", i), 0) == 0) {
      return selections.at(i).selection().expression();
    }
  }
  return "";
}

}  // namespace throng::cli
