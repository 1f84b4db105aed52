#include "tests/testing/owned_column_batch.h"

#include <cstdlib>
#include <utility>

namespace throng::testing {
namespace {

void SetBit(size_t row, std::string* bits) {
  (*bits)[row / 8] = static_cast<char>((*bits)[row / 8] | (1 << (row % 8)));
}

bool IsNumber(const std::string& id, uint64_t* number) {
  *number = std::strtoull(id.c_str(), nullptr, 10);
  return std::to_string(*number) == id;
}

}  // namespace

OwnedColumnBatch::OwnedColumnBatch(const PlainBatch& plain, const std::vector<PlainTag>& tags,
                                   uint64_t number) {
  batch_.number = number;
  AddIds(plain);
  for (const PlainColumn& column : plain.columns) AddColumn(column, tags[column.tag]);
}

void OwnedColumnBatch::AddIds(const PlainBatch& plain) {
  bool all_numbers = true;
  for (const std::string& id : plain.ids) {
    uint64_t number = 0;
    all_numbers = all_numbers && IsNumber(id, &number);
    numbers_.push_back(number);
    texts_ += id;
    ends_.push_back(static_cast<uint32_t>(texts_.size()));
  }
  if (all_numbers) {
    batch_.ids = std::span<const uint64_t>(numbers_);
  } else {
    batch_.ids = engine::TextsView{texts_, ends_};
  }
}

void OwnedColumnBatch::AddColumn(const PlainColumn& column, const PlainTag& tag) {
  Memory& memory = columns_.emplace_back();
  const size_t rows = column.kinds.size();
  const size_t bytes = (rows + 7) / 8;
  memory.leave_mask.resize(bytes);
  memory.clear_mask.resize(bytes);
  memory.flags.resize(bytes);
  for (size_t row = 0; row < rows; ++row) {
    if (column.kinds[row] == CellKind::kLeave) SetBit(row, &memory.leave_mask);
    if (column.kinds[row] == CellKind::kClear) SetBit(row, &memory.clear_mask);
    if (tag.type == PlainType::kFlag && column.numbers[row] != 0) SetBit(row, &memory.flags);
    if (tag.type == PlainType::kCategory) {
      memory.codes.push_back(static_cast<uint32_t>(column.numbers[row]));
    }
    if (tag.type == PlainType::kLabels) {
      memory.codes.insert(memory.codes.end(), column.labels[row].begin(), column.labels[row].end());
      memory.ends.push_back(static_cast<uint32_t>(memory.codes.size()));
    }
  }
  engine::TagColumn view{
      .tag = tag.name, .leave_mask = memory.leave_mask, .clear_mask = memory.clear_mask};
  const std::vector<std::string_view> texts(column.texts.begin(), column.texts.end());
  if (tag.type == PlainType::kFlag) {
    view.values = engine::FlagsView{memory.flags};
  } else if (tag.type == PlainType::kCategory) {
    view.values = engine::CodedView{texts, memory.codes};
  } else if (tag.type == PlainType::kLabels) {
    view.values = engine::LabelsView{texts, memory.codes, memory.ends};
  } else {
    view.values = engine::IntegersView{column.numbers};
  }
  batch_.columns.push_back(std::move(view));
}

}  // namespace throng::testing
