#include "cli/batch_builder.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"

namespace throng::cli {
namespace {

// The most a number can take in a packed field.
constexpr size_t kVarintBytesMax = 10;
constexpr size_t kCodeBytesMax = 5;

// Sets bit `row` and makes the mask long enough for it.
void SetBit(std::string& mask, size_t row) {
  if (mask.size() <= row / 8) mask.resize(row / 8 + 1, '\0');
  mask[row / 8] = static_cast<char>(static_cast<unsigned char>(mask[row / 8]) | (1U << (row % 8)));
}

}  // namespace

BatchBuilder::BatchBuilder(const Schema& schema, size_t rows_max)
    : rows_max_(std::clamp<size_t>(rows_max, 1, kBatchRowsMax)), columns_(schema.tags.size()) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    columns_[i].tag = schema.tags[i].name;
    columns_[i].type = schema.tags[i].type;
  }
}

void BatchBuilder::Add(const ParsedRow& row, uint64_t line) {
  AddId(row);
  for (size_t i = 0; i < columns_.size(); ++i) AddCell(row, row.cells[i], columns_[i]);
  lines_.push_back(line);
}

void BatchBuilder::AddId(const ParsedRow& row) {
  if (ids_are_numbers_ && row.id_is_number) {
    ids_.mutable_numbers()->add_values(row.number);
    bytes_ += sizeof(uint64_t);
    return;
  }
  if (ids_are_numbers_) {
    // The first id that is not a number: those before it become texts too.
    ids_are_numbers_ = false;
    v1::NumberColumn numbers;
    numbers.Swap(ids_.mutable_numbers());
    ids_.mutable_texts();
    for (const uint64_t number : numbers.values()) AddTextId(fmt::format_int(number).str());
  }
  if (row.id_is_number) {
    AddTextId(fmt::format_int(row.number).str());
  } else {
    AddTextId(row.id);
  }
}

void BatchBuilder::AddTextId(std::string_view id) {
  v1::TextColumn& texts = *ids_.mutable_texts();
  texts.mutable_data()->append(id);
  texts.add_ends(static_cast<uint32_t>(texts.data().size()));
  bytes_ += id.size() + kCodeBytesMax;
}

void BatchBuilder::AddCell(const ParsedRow& row, const Cell& cell, Column& column) {
  const size_t place = rows();
  const bool has_value = cell.state == Cell::State::kValue;
  if (cell.state == Cell::State::kLeave) SetBit(*column.message.mutable_leave_mask(), place);
  if (cell.state == Cell::State::kClear) SetBit(*column.message.mutable_clear_mask(), place);
  if (column.type == v1::TAG_TYPE_CATEGORY) {
    const size_t text_bytes = column.dictionary.text_bytes();
    column.message.mutable_categories()->add_codes(has_value ? column.dictionary.Add(cell.text)
                                                             : 0);
    bytes_ += column.dictionary.text_bytes() - text_bytes + kCodeBytesMax;
  } else if (column.type == v1::TAG_TYPE_LABELS) {
    AddLabels(row, cell, column);
  } else if (column.type == v1::TAG_TYPE_FLAG) {
    if (has_value && cell.number != 0) SetBit(*column.message.mutable_flags(), place);
  } else {
    column.message.mutable_integers()->add_values(has_value ? cell.number : 0);
    bytes_ += kVarintBytesMax;
  }
}

void BatchBuilder::AddLabels(const ParsedRow& row, const Cell& cell, Column& column) {
  v1::LabelsColumn& labels = *column.message.mutable_labels();
  const size_t text_bytes = column.dictionary.text_bytes();
  const uint64_t mark = rows() + 1;
  for (uint32_t i = cell.labels_begin; cell.state == Cell::State::kValue && i < cell.labels_end;
       ++i) {
    const uint32_t code = column.dictionary.Add(row.labels[i]);
    if (code >= column.label_rows.size()) column.label_rows.resize(code + 1, 0);
    if (column.label_rows[code] == mark) continue;  // said twice
    column.label_rows[code] = mark;
    labels.add_codes(code);
    bytes_ += kCodeBytesMax;
  }
  labels.add_ends(static_cast<uint32_t>(labels.codes_size()));
  bytes_ += column.dictionary.text_bytes() - text_bytes + kCodeBytesMax;
}

LoadBatch BatchBuilder::Take(uint64_t batch_number) {
  LoadBatch result;
  v1::ColumnBatch& batch = *result.request.mutable_batch();
  batch.set_batch_number(batch_number);
  batch.mutable_ids()->Swap(&ids_);
  if (rows() == 0) batch.mutable_ids()->mutable_numbers();
  for (Column& column : columns_) Finish(column, batch);
  result.lines.swap(lines_);
  ids_.Clear();
  ids_are_numbers_ = true;
  bytes_ = 0;
  return result;
}

// Moves the column into the batch and empties it.
void BatchBuilder::Finish(Column& column, v1::ColumnBatch& batch) {
  const size_t mask_bytes = (rows() + 7) / 8;
  v1::TagColumn& message = column.message;
  message.set_tag(column.tag);
  if (!message.leave_mask().empty()) message.mutable_leave_mask()->resize(mask_bytes, '\0');
  if (!message.clear_mask().empty()) message.mutable_clear_mask()->resize(mask_bytes, '\0');
  if (column.type == v1::TAG_TYPE_FLAG) message.mutable_flags()->resize(mask_bytes, '\0');
  auto* values = column.type == v1::TAG_TYPE_CATEGORY
                     ? message.mutable_categories()->mutable_values()
                 : column.type == v1::TAG_TYPE_LABELS ? message.mutable_labels()->mutable_values()
                                                      : nullptr;
  if (values != nullptr) {
    values->Reserve(static_cast<int>(column.dictionary.size()));
    for (uint32_t code = 0; code < column.dictionary.size(); ++code) {
      const std::string_view text = column.dictionary.text(code);
      values->Add()->assign(text.data(), text.size());
    }
  }
  batch.add_columns()->Swap(&message);
  message.Clear();
  column.dictionary.Clear();
  column.label_rows.clear();
}

}  // namespace throng::cli
