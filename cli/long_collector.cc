#include "cli/long_collector.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

bool HoldsTexts(v1::TagType type) {
  return type == v1::TAG_TYPE_CATEGORY || type == v1::TAG_TYPE_LABELS;
}

// Sorts by user and keeps the order of the file within a user.
template <typename Entry>
void SortByUser(std::vector<Entry>& entries) {
  const auto by_user = [](const Entry& a, const Entry& b) { return a.user < b.user; };
  if (std::is_sorted(entries.begin(), entries.end(), by_user)) return;
  std::stable_sort(entries.begin(), entries.end(), by_user);
}

}  // namespace

LongCollector::LongCollector(const Schema& schema, const ColumnBinding& binding)
    : schema_(schema), binding_(binding), tags_(schema.tags.size()) {
  parsers_.reserve(schema.tags.size());
  for (const TagSchema& tag : schema.tags) {
    parsers_.emplace_back(tag, schema);
    tag_names_.Add(tag.name);  // names differ, so the code is the place in the schema
  }
}

RowOutcome LongCollector::Add(const std::vector<std::string_view>& fields, uint64_t line) {
  const auto field = [&](uint32_t column) {
    return schema_.trim ? TrimBlanks(fields[column]) : fields[column];
  };
  ParsedRow row;
  const RowOutcome outcome =
      ParseRowId(schema_, field(*binding_.id), binding_.names[*binding_.id], row, error_);
  if (outcome != RowOutcome::kParsed) return outcome;
  const std::string_view name = field(binding_.tag);
  const std::optional<uint32_t> tag = tag_names_.Find(name);
  if (!tag) {
    std::vector<std::string> names;
    for (const TagSchema& known : schema_.tags) names.push_back(known.name);
    const std::string nearest = NearestName(name, names);
    error_ = MakeCellError(
        binding_.names[binding_.tag], name,
        nearest.empty() ? "the schema has no such tag"
                        : fmt::format("the schema has no such tag; did you mean '{}'?", nearest));
    return RowOutcome::kRefused;
  }
  if (!ParseCells(*tag, field(binding_.value))) return RowOutcome::kRefused;
  const bool from_float = row.id_is_number && row.id.empty();
  const uint32_t user = from_float ? ids_.Add(fmt::format_int(row.number).str()) : ids_.Add(row.id);
  if (user == first_lines_.size()) first_lines_.push_back(line);
  for (const Cell& cell : cells_) Store(*tag, user, cell);
  return RowOutcome::kParsed;
}

// Parses a value into cells_: one, or several for LABELS with a separator. False: error_ is set.
bool LongCollector::ParseCells(size_t tag, std::string_view value) {
  const CellParser& parser = parsers_[tag];
  cells_.clear();
  if (parser.IsMissing(value)) {
    const bool clear = schema_.on_missing == Schema::OnMissing::kClear;
    cells_.emplace_back().state = clear ? Cell::State::kClear : Cell::State::kLeave;
    return true;
  }
  const std::string& separator = parser.separator();
  while (true) {
    const size_t stop = separator.empty() ? value.npos : value.find(separator);
    std::string_view part = value.substr(0, stop);
    if (schema_.trim) part = TrimBlanks(part);
    if (separator.empty() || !part.empty()) {
      const absl::Status status = ParseValue(parser, part, cells_.emplace_back());
      if (!status.ok()) {
        const std::string_view reason(status.message().data(), status.message().size());
        error_ = MakeCellError(binding_.names[binding_.value], part,
                               fmt::format("tag '{}': {}", schema_.tags[tag].name, reason));
        return false;
      }
    }
    if (stop == value.npos) return true;
    value.remove_prefix(stop + separator.size());
  }
}

void LongCollector::Store(size_t tag, uint32_t user, const Cell& cell) {
  TagRows& rows = tags_[tag];
  if (cell.state == Cell::State::kLeave) return;
  const bool clear = cell.state == Cell::State::kClear;
  if (HoldsTexts(parsers_[tag].type())) {
    rows.texts.push_back({.user = user, .code = clear ? kClear : rows.dictionary.Add(cell.text)});
  } else {
    rows.numbers.push_back({.user = user, .clear = clear, .number = cell.number});
  }
}

void LongCollector::Finish() {
  for (TagRows& rows : tags_) {
    SortByUser(rows.texts);
    SortByUser(rows.numbers);
  }
}

bool LongCollector::Next(ParsedRow& row, uint64_t& line) {
  if (next_user_ == first_lines_.size()) return false;
  const uint32_t user = next_user_++;
  line = first_lines_[user];
  row.id = ids_.text(user);
  row.id_is_number = ParseCanonicalId(row.id, row.number);
  row.labels.clear();
  row.cells.assign(tags_.size(), Cell());
  for (size_t tag = 0; tag < tags_.size(); ++tag) {
    if (HoldsTexts(parsers_[tag].type())) {
      TakeTexts(tag, user, row);
    } else {
      TakeNumbers(tag, user, row.cells[tag]);
    }
  }
  return true;
}

void LongCollector::TakeTexts(size_t tag, uint32_t user, ParsedRow& row) {
  TagRows& rows = tags_[tag];
  Cell& cell = row.cells[tag];
  const bool labels = parsers_[tag].type() == v1::TAG_TYPE_LABELS;
  cell.labels_begin = static_cast<uint32_t>(row.labels.size());
  for (; rows.next < rows.texts.size() && rows.texts[rows.next].user == user; ++rows.next) {
    const uint32_t code = rows.texts[rows.next].code;
    if (code == kClear) {
      // A missing value among labels says nothing about the other labels.
      if (!labels || cell.state == Cell::State::kLeave) cell.state = Cell::State::kClear;
      continue;
    }
    cell.state = Cell::State::kValue;
    cell.text = rows.dictionary.text(code);
    if (labels) row.labels.push_back(cell.text);
  }
  cell.labels_end = static_cast<uint32_t>(row.labels.size());
}

void LongCollector::TakeNumbers(size_t tag, uint32_t user, Cell& cell) {
  TagRows& rows = tags_[tag];
  for (; rows.next < rows.numbers.size() && rows.numbers[rows.next].user == user; ++rows.next) {
    const NumberEntry& entry = rows.numbers[rows.next];
    cell.state = entry.clear ? Cell::State::kClear : Cell::State::kValue;
    cell.number = entry.number;
  }
}

}  // namespace throng::cli
