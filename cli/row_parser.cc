#include "cli/row_parser.h"

#include <algorithm>

#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr size_t kShownBytesMax = 200;

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace

CellError MakeCellError(std::string_view column, std::string_view value, std::string_view reason) {
  CellError error{.column = std::string(column), .value = "", .reason = std::string(reason)};
  size_t end = std::min(value.size(), kShownBytesMax);
  while (end < value.size() && end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) {
    --end;
  }
  error.value = value.substr(0, end);
  if (end < value.size()) error.value += fmt::format("... ({} bytes)", value.size());
  return error;
}

std::string_view TrimBlanks(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

RowOutcome ParseRowId(const Schema& schema, std::string_view cell, std::string_view column,
                      ParsedRow& row, CellError& error) {
  const bool missing = cell.empty() || std::find(schema.missing.begin(), schema.missing.end(),
                                                 cell) != schema.missing.end();
  std::string reason;
  if (missing) {
    if (schema.skip_missing_ids) return RowOutcome::kSkipped;
    reason = "the id is missing; missing_id = \"skip\" in the schema leaves such rows out";
  } else if (schema.integral_floats && cell.find('.') != std::string_view::npos) {
    const absl::StatusOr<int64_t> number = ParseInteger(cell, true);
    if (number.ok() && *number >= 0) {
      row.id_is_number = true;
      row.number = static_cast<uint64_t>(*number);
      return RowOutcome::kParsed;
    }
    reason = "not a whole number";
  } else if (cell.size() > kIdBytesMax) {
    reason = fmt::format("the id has {} bytes, more than {}", cell.size(), kIdBytesMax);
  } else {
    row.id = cell;
    row.id_is_number = ParseCanonicalId(cell, row.number);
    return RowOutcome::kParsed;
  }
  error = MakeCellError(column, cell, reason);
  return RowOutcome::kRefused;
}

absl::Status ParseValue(const CellParser& parser, std::string_view text, Cell& cell) {
  cell.state = Cell::State::kValue;
  if (parser.type() == v1::TAG_TYPE_CATEGORY || parser.type() == v1::TAG_TYPE_LABELS) {
    cell.text = text;
    return CellParser::CheckText(text);
  }
  if (parser.type() == v1::TAG_TYPE_FLAG) {
    const absl::StatusOr<bool> flag = parser.ParseFlag(text);
    if (!flag.ok()) return flag.status();
    cell.number = *flag ? 1 : 0;
    return absl::OkStatus();
  }
  const absl::StatusOr<int64_t> number = parser.ParseNumber(text);
  if (!number.ok()) return number.status();
  cell.number = *number;
  return absl::OkStatus();
}

RowParser::RowParser(const Schema& schema, const ColumnBinding& binding)
    : schema_(schema),
      binding_(binding),
      when_missing_(schema.on_missing == Schema::OnMissing::kClear ? Cell::State::kClear
                                                                   : Cell::State::kLeave) {
  parsers_.reserve(schema.tags.size());
  for (const TagSchema& tag : schema.tags) parsers_.emplace_back(tag, schema);
}

std::string_view RowParser::Trimmed(std::string_view cell) const {
  return schema_.trim ? TrimBlanks(cell) : cell;
}

RowOutcome RowParser::Parse(const std::vector<std::string_view>& fields, uint64_t row_number,
                            ParsedRow& row) {
  errors_.clear();
  row.labels.clear();
  row.cells.resize(parsers_.size());
  if (schema_.id_is_row_number || !binding_.id) {
    row.id_is_number = true;
    row.number = row_number;
  } else {
    CellError error;
    const RowOutcome outcome = ParseRowId(schema_, Trimmed(fields[*binding_.id]),
                                          binding_.names[*binding_.id], row, error);
    if (outcome == RowOutcome::kSkipped) return outcome;
    if (outcome == RowOutcome::kRefused) errors_.push_back(std::move(error));
  }
  for (size_t tag = 0; tag < parsers_.size(); ++tag) {
    Cell& cell = row.cells[tag];
    if (parsers_[tag].type() == v1::TAG_TYPE_LABELS) {
      ParseLabels(tag, fields, cell, row);
    } else {
      const uint32_t column = binding_.tags[tag][0];
      ParseCell(tag, Trimmed(fields[column]), column, cell);
    }
  }
  return errors_.empty() ? RowOutcome::kParsed : RowOutcome::kRefused;
}

void RowParser::ParseCell(size_t tag, std::string_view text, uint32_t column, Cell& cell) {
  const CellParser& parser = parsers_[tag];
  if (parser.IsMissing(text)) {
    cell.state = when_missing_;
    return;
  }
  const absl::Status status = ParseValue(parser, text, cell);
  if (!status.ok()) Refuse(column, text, MessageOf(status));
}

void RowParser::ParseLabels(size_t tag, const std::vector<std::string_view>& fields, Cell& cell,
                            ParsedRow& row) {
  const CellParser& parser = parsers_[tag];
  const TagSchema& rules = schema_.tags[tag];
  const std::vector<uint32_t>& columns = binding_.tags[tag];
  cell.labels_begin = static_cast<uint32_t>(row.labels.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    std::string_view text = Trimmed(fields[columns[i]]);
    if (parser.IsMissing(text)) continue;
    if (!rules.labels.empty()) {
      row.labels.push_back(rules.labels[i]);
      continue;
    }
    if (parser.separator().empty()) {
      AddLabel(text, columns[i], row);
      continue;
    }
    while (true) {
      const size_t stop = text.find(parser.separator());
      const std::string_view label = Trimmed(text.substr(0, stop));
      if (!label.empty()) AddLabel(label, columns[i], row);
      if (stop == std::string_view::npos) break;
      text.remove_prefix(stop + parser.separator().size());
    }
  }
  cell.labels_end = static_cast<uint32_t>(row.labels.size());
  const bool any = cell.labels_end > cell.labels_begin;
  cell.state = any ? Cell::State::kValue : when_missing_;
}

void RowParser::AddLabel(std::string_view label, uint32_t column, ParsedRow& row) {
  const absl::Status status = CellParser::CheckText(label);
  if (!status.ok()) return Refuse(column, label, MessageOf(status));
  row.labels.push_back(label);
}

void RowParser::Refuse(uint32_t column, std::string_view value, std::string_view reason) {
  errors_.push_back(MakeCellError(binding_.names[column], value, reason));
}

}  // namespace throng::cli
