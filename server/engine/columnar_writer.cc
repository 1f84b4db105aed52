#include "server/engine/columnar_writer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

// An ordinal that stands for the i-th new id until users are created.
constexpr uint32_t kNewIdBit = 0x8000'0000;
constexpr uint32_t kNoCode = ~uint32_t{0};
constexpr uint32_t kNewCodeBit = 0x8000'0000;

absl::Status BadBatch(std::string field, std::string_view message) {
  return index::InvalidArgument("BAD_BATCH", field, fmt::format("{}: {}", field, message));
}

bool Bit(std::string_view bits, uint32_t row) {
  return !bits.empty() && ((static_cast<uint8_t>(bits[row / 8]) >> (row % 8)) & 1) != 0;
}

bool HasBits(std::string_view bits, uint32_t rows) { return bits.size() == (rows + 7) / 8; }

std::string Shorten(std::string_view text) {
  constexpr size_t kShown = 64;
  return text.size() <= kShown ? std::string(text) : std::string(text.substr(0, kShown)) + "...";
}

// Why a text cannot be a tag's value; empty if it can.
std::string_view TextFault(std::string_view text) {
  if (text.empty()) return "EMPTY_VALUE";
  if (text.size() > static_cast<size_t>(index::kTagValueBytesMax)) return "VALUE_TOO_LONG";
  if (!index::IsValidUtf8(text)) return "INVALID_UTF8";
  return "";
}

}  // namespace

absl::Status ColumnarWriter::Read(
    const ColumnBatch& batch,
    const std::map<std::string, const index::TagEntry*, std::less<>>& tags) {
  batch_ = &batch;
  THRONG_RETURN_IF_ERROR(ReadIds(batch));
  std::set<std::string_view> seen;
  for (size_t i = 0; i < batch.columns.size(); ++i) {
    const TagColumn& column = batch.columns[i];
    const auto tag = tags.find(column.tag);
    const std::string field = fmt::format("batch.columns[{}]", i);
    if (tag == tags.end()) {
      return BadBatch(field + ".tag", fmt::format("\"{}\" is not a tag of the header", column.tag));
    }
    if (!seen.insert(column.tag).second) {
      return BadBatch(field + ".tag", fmt::format("\"{}\" stands twice", column.tag));
    }
    THRONG_RETURN_IF_ERROR(CheckShape(column, *tag->second, i));
    columns_.push_back({.source = &column, .entry = tag->second});
  }
  for (Column& column : columns_) ReadCells(column);
  std::sort(errors_.begin(), errors_.end(),
            [](const RowError& a, const RowError& b) { return a.row < b.row; });
  return absl::OkStatus();
}

absl::Status ColumnarWriter::ReadIds(const ColumnBatch& batch) {
  const auto* numbers = std::get_if<std::span<const uint64_t>>(&batch.ids);
  const size_t rows =
      numbers != nullptr ? numbers->size() : std::get<TextsView>(batch.ids).ends.size();
  if (rows > kBatchRowsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "BATCH_TOO_LARGE",
                             "the batch's number of rows", kBatchRowsMax, rows),
        "batch.ids");
  }
  rows_ = static_cast<uint32_t>(rows);
  ordinals_.assign(rows_, kNoUser);
  refused_.assign(rows_, false);
  if (unknown_ids_ == UnknownIds::kCreate) {
    new_ids_.reserve(rows_);  // new_id_numbers_ views them
    new_id_numbers_.reserve(rows_);
  }
  if (numbers != nullptr) {
    ReadNumbers(*numbers);
    return absl::OkStatus();
  }
  const TextsView& texts = std::get<TextsView>(batch.ids);
  uint32_t begin = 0;
  for (uint32_t row = 0; row < rows_; begin = texts.ends[row++]) {
    const uint32_t end = texts.ends[row];
    if (end < begin || end > texts.data.size()) {
      return BadBatch("batch.ids.texts.ends", "ends must ascend and stay within data");
    }
    const std::string_view id = texts.data.substr(begin, end - begin);
    if (id_type_ != nullptr) {
      ReadLinkedId(row, id);
    } else if (id.empty()) {
      Refuse(row, "", "EMPTY_ID", "the id is empty");
    } else if (id.size() > index::kIdBytesMax) {
      Refuse(row, "", "ID_TOO_LONG",
             fmt::format("id \"{}\" has {} bytes; at most {} are allowed", Shorten(id), id.size(),
                         index::kIdBytesMax));
    } else {
      const index::IdKey key = index::MakeIdKey(id);
      TakeId(row, key, snapshot_.ids().Find(key));
    }
  }
  return absl::OkStatus();
}

void ColumnarWriter::ReadNumbers(std::span<const uint64_t> numbers) {
  const auto make_key = [&](size_t row, char* buffer) {
    return index::MakeIdKey(numbers[row], buffer);
  };
  if (id_type_ == nullptr) {
    snapshot_.ids().FindAll(
        rows_, make_key, [&](size_t row, const index::IdKey& key, std::optional<uint32_t> ordinal) {
          TakeId(static_cast<uint32_t>(row), key, ordinal);
        });
    return;
  }
  for (uint32_t row = 0; row < rows_; ++row) {
    char buffer[20];
    ReadLinkedId(row, make_key(row, buffer).text);
  }
}

// Nobody is created by such an id: StartSession refuses UnknownIds::kCreate.
void ColumnarWriter::ReadLinkedId(uint32_t row, std::string_view id) {
  const absl::StatusOr<std::string> kept = index::NormalizeId(*id_type_, id);
  if (!kept.ok()) {
    const absl::string_view why = kept.status().message();
    Refuse(row, "", index::GetErrorDetail(kept.status())->reason, {why.data(), why.size()});
    return;
  }
  const std::optional<uint32_t> ordinal = FindUser(snapshot_, id_type_, index::MakeIdKey(*kept));
  if (ordinal.has_value()) {
    ordinals_[row] = *ordinal;
  } else if (unknown_ids_ == UnknownIds::kSkip) {
    ++rows_skipped_;
  } else {
    Refuse(row, "", "UNKNOWN_USER",
           fmt::format("no user has the {} \"{}\"", id_type_->name, Shorten(*kept)));
  }
}

void ColumnarWriter::TakeId(uint32_t row, const index::IdKey& key,
                            std::optional<uint32_t> ordinal) {
  if (ordinal.has_value()) {
    ordinals_[row] = *ordinal;
    return;
  }
  if (unknown_ids_ == UnknownIds::kSkip) {
    ++rows_skipped_;
    return;
  }
  if (unknown_ids_ == UnknownIds::kError) {
    Refuse(row, "", "UNKNOWN_USER", fmt::format("no user has the id \"{}\"", Shorten(key.text)));
    return;
  }
  if (!index::IsValidUtf8(key.text)) {
    Refuse(row, "", "INVALID_UTF8", "the id is not UTF-8");
    return;
  }
  if (uint64_t{snapshot_.ordinal_end()} + new_ids_.size() >= index::kOrdinalsMax) {
    Refuse(row, "", "TOO_MANY_USERS",
           fmt::format("a population has at most {} users", index::kOrdinalsMax));
    return;
  }
  const auto known = new_id_numbers_.find(key.text);
  if (known != new_id_numbers_.end()) {
    ordinals_[row] = kNewIdBit | known->second;
    return;
  }
  const auto number = static_cast<uint32_t>(new_ids_.size());
  new_ids_.emplace_back(key.text);
  new_id_numbers_.emplace(new_ids_.back(), number);
  ordinals_[row] = kNewIdBit | number;
}

absl::Status ColumnarWriter::CheckShape(const TagColumn& column, const index::TagEntry& entry,
                                        size_t number) {
  const std::string field = fmt::format("batch.columns[{}]", number);
  for (const auto& [mask, name] :
       {std::pair(column.leave_mask, "leave_mask"), std::pair(column.clear_mask, "clear_mask")}) {
    if (mask.empty() || HasBits(mask, rows_)) continue;
    return BadBatch(
        fmt::format("{}.{}", field, name),
        fmt::format("{} rows need {} bytes, not {}", rows_, (rows_ + 7) / 8, mask.size()));
  }
  if (!column.leave_mask.empty() && !column.clear_mask.empty()) {
    for (size_t i = 0; i < column.leave_mask.size(); ++i) {
      if ((column.leave_mask[i] & column.clear_mask[i]) != 0) {
        return BadBatch(field, "a row is in both leave_mask and clear_mask");
      }
    }
  }
  const index::TagType type = entry.definition.type;
  const bool fits =
      type == index::TagType::kFlag       ? std::holds_alternative<FlagsView>(column.values)
      : type == index::TagType::kCategory ? std::holds_alternative<CodedView>(column.values)
      : type == index::TagType::kLabels   ? std::holds_alternative<LabelsView>(column.values)
                                          : std::holds_alternative<IntegersView>(column.values);
  if (!fits) {
    return BadBatch(field + ".values", fmt::format("not the kind that {} tag \"{}\" takes",
                                                   index::TagTypeName(type), column.tag));
  }
  if (const auto* view = std::get_if<CodedView>(&column.values))
    return CheckCoded(column, *view, field);
  if (const auto* view = std::get_if<LabelsView>(&column.values)) return CheckLabels(*view, field);
  if (const auto* view = std::get_if<IntegersView>(&column.values)) {
    return CheckIntegers(*view, field);
  }
  return CheckFlags(std::get<FlagsView>(column.values), field);
}

absl::Status ColumnarWriter::CheckCoded(const TagColumn& column, const CodedView& view,
                                        std::string_view field) {
  if (view.codes.size() != rows_) {
    return BadBatch(fmt::format("{}.categories.codes", field),
                    fmt::format("{} rows, {} codes", rows_, view.codes.size()));
  }
  for (uint32_t row = 0; row < rows_; ++row) {
    if (view.codes[row] < view.values.size()) continue;
    if (Bit(column.leave_mask, row) || Bit(column.clear_mask, row)) continue;
    return BadBatch(fmt::format("{}.categories.codes[{}]", field, row),
                    fmt::format("{} is no place in values", view.codes[row]));
  }
  return absl::OkStatus();
}

absl::Status ColumnarWriter::CheckLabels(const LabelsView& view, std::string_view field) {
  if (view.ends.size() != rows_) {
    return BadBatch(fmt::format("{}.labels.ends", field),
                    fmt::format("{} rows, {} ends", rows_, view.ends.size()));
  }
  uint32_t begin = 0;
  for (uint32_t end : view.ends) {
    if (end < begin || end > view.codes.size()) {
      return BadBatch(fmt::format("{}.labels.ends", field),
                      "ends must ascend and stay within codes");
    }
    begin = end;
  }
  for (uint32_t code : view.codes) {
    if (code >= view.values.size()) {
      return BadBatch(fmt::format("{}.labels.codes", field),
                      fmt::format("{} is no place in values", code));
    }
  }
  return absl::OkStatus();
}

absl::Status ColumnarWriter::CheckIntegers(const IntegersView& view, std::string_view field) {
  if (view.values.size() == rows_) return absl::OkStatus();
  return BadBatch(fmt::format("{}.integers.values", field),
                  fmt::format("{} rows, {} values", rows_, view.values.size()));
}

absl::Status ColumnarWriter::CheckFlags(const FlagsView& view, std::string_view field) {
  if (HasBits(view.bits, rows_)) return absl::OkStatus();
  return BadBatch(
      fmt::format("{}.flags", field),
      fmt::format("{} rows need {} bytes, not {}", rows_, (rows_ + 7) / 8, view.bits.size()));
}

bool ColumnarWriter::Writes(const TagColumn& column, uint32_t row) const {
  return ordinals_[row] != kNoUser && !Bit(column.leave_mask, row) && !Bit(column.clear_mask, row);
}

void ColumnarWriter::ReadCells(Column& column) {
  if (const auto* view = std::get_if<CodedView>(&column.source->values)) {
    ReadTexts(column, view->values);
  } else if (const auto* view = std::get_if<LabelsView>(&column.source->values)) {
    ReadTexts(column, view->values);
  } else if (const auto* view = std::get_if<IntegersView>(&column.source->values)) {
    ReadIntegers(column, view->values);
  }
}

// Codes the batch's texts: known ones by the dictionary, new ones with kNewCodeBit. A text that is
// no value, or one too many, refuses the rows that use it.
void ColumnarWriter::ReadTexts(Column& column, const std::vector<std::string_view>& values) {
  const index::TagEntry& entry = *column.entry;
  const uint32_t values_max = std::min(entry.definition.values_max, index::kTagValuesMax);
  absl::flat_hash_map<std::string, uint32_t> added;
  std::vector<std::string_view> faults(values.size());
  column.codes.assign(values.size(), kNoCode);
  for (size_t i = 0; i < values.size(); ++i) {
    faults[i] = TextFault(values[i]);
    if (!faults[i].empty()) continue;
    if (const std::optional<uint32_t> code = entry.values->Find(values[i])) {
      column.codes[i] = *code;
      continue;
    }
    const auto [place, is_new] =
        added.try_emplace(std::string(values[i]), static_cast<uint32_t>(added.size()));
    if (is_new && entry.values->size() + place->second >= values_max) {
      faults[i] = "TOO_MANY_VALUES";
    } else {
      column.codes[i] = kNewCodeBit | place->second;
    }
  }
  if (std::all_of(faults.begin(), faults.end(), [](std::string_view f) { return f.empty(); })) {
    return;
  }
  const auto refuse = [&](uint32_t row, uint32_t text) {
    if (faults[text].empty()) return;
    Refuse(row, column.source->tag, faults[text],
           faults[text] == "TOO_MANY_VALUES"
               ? fmt::format("\"{}\" would be one value more than the tag's {}",
                             Shorten(values[text]), values_max)
               : fmt::format("\"{}\" cannot be a value", Shorten(values[text])));
  };
  const auto* coded = std::get_if<CodedView>(&column.source->values);
  const auto* labels = std::get_if<LabelsView>(&column.source->values);
  for (uint32_t row = 0; row < rows_; ++row) {
    if (!Writes(*column.source, row)) continue;
    if (coded != nullptr) {
      refuse(row, coded->codes[row]);
      continue;
    }
    for (uint32_t j = row == 0 ? 0 : labels->ends[row - 1]; j < labels->ends[row]; ++j) {
      refuse(row, labels->codes[j]);
    }
  }
}

void ColumnarWriter::ReadIntegers(const Column& column, std::span<const int64_t> values) {
  const index::TagDefinition& tag = column.entry->definition;
  const auto [low, high] = StoredRangeOf(tag.type);
  for (uint32_t row = 0; row < rows_; ++row) {
    if (!Writes(*column.source, row) || (low <= values[row] && values[row] <= high)) continue;
    Refuse(row, tag.name, "VALUE_OUT_OF_RANGE",
           fmt::format("{} is not between {} and {}, what {} takes", values[row], low, high,
                       index::TagTypeName(tag.type)));
  }
}

void ColumnarWriter::Refuse(uint32_t row, std::string_view tag, std::string_view reason,
                            std::string message) {
  if (refused_[row]) return;
  refused_[row] = true;
  errors_.push_back({.batch_number = batch_->number,
                     .row = row,
                     .tag = std::string(tag),
                     .reason = std::string(reason),
                     .message = std::move(message)});
}

uint64_t ColumnarWriter::rows_taken() const { return rows_ - rows_skipped_ - errors_.size(); }

// Gives ordinals to the new ids that a taken row names, and sorts the taken rows.
void ColumnarWriter::AssignOrdinals(index::CommitRecord* record) {
  std::vector<uint32_t> assigned(new_ids_.size(), kNoUser);
  for (uint32_t row = 0; row < rows_; ++row) {
    if (refused_[row]) ordinals_[row] = kNoUser;
    if (ordinals_[row] == kNoUser) continue;
    if ((ordinals_[row] & kNewIdBit) != 0) {
      const uint32_t number = ordinals_[row] & ~kNewIdBit;
      if (assigned[number] == kNoUser) {
        assigned[number] = record->first_ordinal + static_cast<uint32_t>(record->new_users.size());
        record->new_users.push_back(std::move(new_ids_[number]));
      }
      ordinals_[row] = assigned[number];
    }
    order_.push_back(row);
  }
  const auto before = [&](uint32_t a, uint32_t b) { return ordinals_[a] < ordinals_[b]; };
  if (!std::is_sorted(order_.begin(), order_.end(), before)) {
    std::stable_sort(order_.begin(), order_.end(), before);
  }
}

void ColumnarWriter::Fill(index::CommitRecord* record, index::Parallel& parallel) {
  AssignOrdinals(record);
  const auto count = static_cast<uint32_t>(columns_.size());
  std::vector<index::NewValues> added(count);
  std::vector<index::TagChange> changes(count);
  const auto fill = [&](uint32_t i, uint32_t) {
    Column& column = columns_[i];
    added[i] = FillNewValues(column);
    changes[i] = column.entry->definition.type == index::TagType::kLabels ? FillLabels(column)
                                                                          : FillCells(column);
  };
  parallel.ForCells(count, order_.size() * count, fill);
  for (uint32_t i = 0; i < count; ++i) {
    if (!added[i].values.empty()) record->new_values.push_back(std::move(added[i]));
    if (!changes[i].ordinals.empty()) record->tag_changes.push_back(std::move(changes[i]));
  }
}

// Values get their codes in order of the first taken row that has them, so that a value only
// refused rows have is not created.
index::NewValues ColumnarWriter::FillNewValues(Column& column) {
  const auto* coded = std::get_if<CodedView>(&column.source->values);
  const auto* labels = std::get_if<LabelsView>(&column.source->values);
  const auto is_new = [](uint32_t code) { return code != kNoCode && (code & kNewCodeBit) != 0; };
  if (std::none_of(column.codes.begin(), column.codes.end(), is_new)) return {};
  const std::vector<std::string_view>& values = coded != nullptr ? coded->values : labels->values;
  index::NewValues added{.tag = column.entry->definition.id,
                         .first_code = column.entry->values->size()};
  std::vector<uint32_t> final_codes(values.size(), kNoCode);  // by number among the new
  const auto use = [&](uint32_t text) {
    if ((column.codes[text] & kNewCodeBit) == 0) return;
    const uint32_t number = column.codes[text] & ~kNewCodeBit;
    if (final_codes[number] != kNoCode) return;
    final_codes[number] = added.first_code + static_cast<uint32_t>(added.values.size());
    added.values.emplace_back(values[text]);
  };
  for (uint32_t row : order_) {
    if (!Writes(*column.source, row)) continue;
    if (coded != nullptr) {
      use(coded->codes[row]);
      continue;
    }
    for (uint32_t j = row == 0 ? 0 : labels->ends[row - 1]; j < labels->ends[row]; ++j) {
      use(labels->codes[j]);
    }
  }
  for (uint32_t& code : column.codes) {
    if (is_new(code)) code = final_codes[code & ~kNewCodeBit];
  }
  return added;
}

index::TagChange ColumnarWriter::FillCells(Column& column) {
  const TagColumn& source = *column.source;
  const auto* coded = std::get_if<CodedView>(&source.values);
  const auto* integers = std::get_if<IntegersView>(&source.values);
  const auto* flags = std::get_if<FlagsView>(&source.values);
  index::TagChange change{.tag = column.entry->definition.id};
  change.ordinals.reserve(order_.size());
  change.cells.reserve(order_.size());
  for (uint32_t row : order_) {
    if (Bit(source.leave_mask, row)) continue;
    const bool cleared = Bit(source.clear_mask, row);
    int64_t cell = 0;
    if (!cleared) {
      cell = coded != nullptr      ? column.codes[coded->codes[row]]
             : integers != nullptr ? integers->values[row]
                                   : int64_t{Bit(flags->bits, row)};
    }
    // A later row of the same user wins.
    if (!change.ordinals.empty() && change.ordinals.back() == ordinals_[row]) {
      change.cells.back() = cell;
      change.cleared.back() = cleared;
      continue;
    }
    change.ordinals.push_back(ordinals_[row]);
    change.cells.push_back(cell);
    change.cleared.push_back(cleared);
  }
  if (std::find(change.cleared.begin(), change.cleared.end(), true) == change.cleared.end()) {
    change.cleared.clear();
  }
  return change;
}

index::TagChange ColumnarWriter::FillLabels(Column& column) {
  const TagColumn& source = *column.source;
  const LabelsView& labels = std::get<LabelsView>(source.values);
  index::TagChange change{.tag = column.entry->definition.id};
  for (uint32_t row : order_) {
    if (Bit(source.leave_mask, row)) continue;
    // A later row of the same user wins: its labels replace those of the earlier one.
    if (!change.ordinals.empty() && change.ordinals.back() == ordinals_[row]) {
      change.label_changes.resize(
          change.label_ends.size() < 2 ? 0 : change.label_ends[change.label_ends.size() - 2]);
      change.ordinals.pop_back();
      change.label_ends.pop_back();
    }
    if (!Bit(source.clear_mask, row)) {
      for (uint32_t j = row == 0 ? 0 : labels.ends[row - 1]; j < labels.ends[row]; ++j) {
        change.label_changes.push_back(column.codes[labels.codes[j]] << 1 | 1);
      }
    }
    change.ordinals.push_back(ordinals_[row]);
    change.label_ends.push_back(static_cast<uint32_t>(change.label_changes.size()));
  }
  change.replaced.assign(change.ordinals.size(), true);
  return change;
}

}  // namespace throng::engine
