#include "query/cross_tab_reader.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "query/leaf_choice.h"

namespace throng::query {
namespace {

using index::ChunkSet;

// slots[slot] = slot, for slots that were found user by user.
const uint16_t* Identity() {
  static const auto& identity = *[] {
    auto* all = new std::vector<uint16_t>(size_t{1} << 16);
    std::iota(all->begin(), all->end(), uint16_t{0});
    return all;
  }();
  return identity.data();
}

// The slot that more than one code has.
std::optional<uint32_t> SharedSlot(const CrossTabAxis& axis) {
  std::vector<bool> seen(axis.slots);
  for (uint32_t slot : axis.slot_of_code) {
    if (seen[slot]) return slot;
    seen[slot] = true;
  }
  return std::nullopt;
}

}  // namespace

CrossTabReader::CrossTabReader(const index::Snapshot& snapshot, const CrossTabAxis& axis)
    : snapshot_(snapshot),
      axis_(axis),
      type_(snapshot.catalogue().FindById(axis.tag)->definition.type),
      shared_slot_(SharedSlot(axis)),
      scratch_(index::TakeScratch()),
      shared_(index::TakeScratch()),
      without_value_(index::TakeScratch()) {}

void CrossTabReader::StartShard(uint32_t shard) {
  shard_ = snapshot_.shard(axis_.tag, shard);
  bitmaps_.Clear();
  if (shard_ == nullptr || !has_sets()) return;
  bitmaps_.Assign(*shard_, is_flag() ? 1 : static_cast<uint32_t>(axis_.slot_of_code.size()));
}

SlotSetWork CrossTabReader::SetWork(uint32_t chunk, uint64_t users) const {
  SlotSetWork work{.sets = 1, .members = users, .test_cost = TestCost(users)};  // without a value
  if (shard_ == nullptr) return work;
  for (uint64_t cardinality : bitmaps_.cardinalities(chunk)) {
    if (cardinality == 0) continue;
    ++work.sets;
    work.members += std::min(cardinality, users);
    work.test_cost += TestCost(std::min(cardinality, users));
  }
  return work;
}

uint32_t CrossTabReader::SlotOfNumber(int64_t number) const {
  if (!index::IsNumeric(type_)) return axis_.slot_of_code[static_cast<size_t>(number)];
  return static_cast<uint32_t>(std::upper_bound(axis_.edges.begin(), axis_.edges.end(), number) -
                               axis_.edges.begin());
}

void CrossTabReader::Share(const ChunkSet& set, bool first) {
  if (first) {
    index::CopyTo(set, shared_->bits.words);
  } else {
    index::UniteInto(set, shared_->bits.words);
  }
}

// Of the users.
ChunkSet CrossTabReader::WithoutValue(uint32_t chunk, const ChunkSet& users) {
  const index::BitmapShardRef& having = is_flag() ? shard_->values[0] : shard_->exists;
  return index::Subtract(users, index::Load(having, chunk, *scratch_), *without_value_);
}

SlotColumn CrossTabReader::ReadSlots(uint32_t chunk, const ChunkSet& users,
                                     std::span<const uint16_t> offsets) {
  if (is_flag()) return ReadFlags(chunk, users, offsets);
  const index::ColumnShard* column = shard_ == nullptr ? nullptr : shard_->column.get();
  if (column == nullptr || column->empty(chunk)) {
    user_slots_.resize(index::kChunkSize);
    for (uint16_t offset : offsets) user_slots_[offset] = static_cast<uint16_t>(axis_.slots);
    return OwnSlots();
  }
  const index::ColumnBlock* block = column->block(chunk).get();
  if (block != nullptr && block->has_plain_codes()) {
    const SlotColumn plain = ReadPlainCodes(*block);
    if (column->delta(chunk).empty()) return plain;
  }
  return ReadEach(*column, chunk, users, offsets);
}

SlotColumn CrossTabReader::ReadFlags(uint32_t chunk, const ChunkSet& users,
                                     std::span<const uint16_t> offsets) {
  flags_.resize(index::kChunkSize);
  for (uint16_t offset : offsets) flags_[offset] = 0;
  if (shard_ != nullptr) {
    const ChunkSet set = index::Load(shard_->values[0], chunk, *scratch_);
    index::ForEach(index::Intersect(set, users, *shared_),
                   [&](uint32_t offset) { flags_[offset] = 1; });
  }
  slots_ = {1, 0};
  return {.codes = flags_.data(), .width = 1, .slots = slots_.data()};
}

// Code 0 is "none", the others stand for numbers from the block's base.
SlotColumn CrossTabReader::ReadPlainCodes(const index::ColumnBlock& block) {
  const auto none = static_cast<uint16_t>(axis_.slots);
  const size_t codes = block.width() == 1 ? 1 << 8 : 1 << 16;
  slots_.resize(codes);
  slots_[0] = none;
  if (!index::IsNumeric(type_)) {
    const auto base = static_cast<size_t>(block.base());
    for (size_t code = 1; code < codes && base + code - 1 < axis_.slot_of_code.size(); ++code) {
      slots_[code] = static_cast<uint16_t>(axis_.slot_of_code[base + code - 1]);
    }
    return {.codes = block.codes(), .width = block.width(), .slots = slots_.data()};
  }
  // The codes from `first` to the next edge have one slot.
  size_t first = 1;
  uint32_t slot = SlotOfNumber(block.base());
  while (first < codes) {
    size_t end = codes;
    if (slot < axis_.edges.size()) {
      const uint64_t distance =
          static_cast<uint64_t>(axis_.edges[slot]) - static_cast<uint64_t>(block.base());
      end = static_cast<size_t>(std::min<uint64_t>(distance, codes - 1)) + 1;
      end = std::min(end, codes);
    }
    std::fill(slots_.begin() + static_cast<ptrdiff_t>(first),
              slots_.begin() + static_cast<ptrdiff_t>(end), static_cast<uint16_t>(slot));
    first = end;
    ++slot;
  }
  return {.codes = block.codes(), .width = block.width(), .slots = slots_.data()};
}

// By the block's number of each user, then the delta's.
SlotColumn CrossTabReader::ReadEach(const index::ColumnShard& column, uint32_t chunk,
                                    const ChunkSet& users, std::span<const uint16_t> offsets) {
  user_slots_.resize(index::kChunkSize);
  const index::ColumnBlock* block = column.block(chunk).get();
  const auto none = static_cast<uint16_t>(axis_.slots);
  if (block == nullptr) {
    for (uint16_t offset : offsets) user_slots_[offset] = none;
  } else if (block->has_plain_codes()) {  // ReadPlainCodes() has made the slots
    const uint8_t* codes = block->codes();
    for (uint16_t offset : offsets) {
      uint16_t code = codes[offset];
      if (block->width() == 2) std::memcpy(&code, codes + size_t{offset} * 2, sizeof(code));
      user_slots_[offset] = slots_[code];
    }
  } else {
    for (uint16_t offset : offsets) {
      const std::optional<int64_t> number = block->Get(offset);
      user_slots_[offset] =
          number.has_value() ? static_cast<uint16_t>(SlotOfNumber(*number)) : none;
    }
  }
  for (const index::Cell& cell : column.delta(chunk)) {
    const uint32_t offset = cell.offset & index::kChunkMask;
    if (!index::Contains(users, offset)) continue;
    user_slots_[offset] = cell.present ? static_cast<uint16_t>(SlotOfNumber(cell.value)) : none;
  }
  return OwnSlots();
}

SlotColumn CrossTabReader::OwnSlots() const {
  return {.codes = reinterpret_cast<const uint8_t*>(user_slots_.data()),
          .width = 2,
          .slots = Identity()};
}

}  // namespace throng::query
