// The numbers of one tag for the users of one chunk, packed; users may have none.
//
//   ColumnBlockRef block = EncodeColumn(values, present);   // null when nobody has a value
//   std::optional<int64_t> v = block->Get(offset);
//   ChunkSet in_range = block->Scan(3, 7, scratch);         // users with 3 <= value <= 7
//
// Values are stored as their distance from the chunk's least one, plus one, in 1, 2, 4 or 8 bytes;
// 0 is "no value", so that a range scan needs no second bitmap. Where only a few values are too
// large for 2 or 4 bytes, these few stand in a list beside them, after M. Zukowski et al.,
// "Super-Scalar RAM-CPU Cache Compression" (2006): half the bytes are read in half the time. Chunks
// that span more than that (values that differ by 2^64 - 2 or more) keep whole values and a bitmap.
#ifndef THRONG_INDEX_COLUMN_BLOCK_H_
#define THRONG_INDEX_COLUMN_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "index/chunk_set.h"

namespace throng::index {

// One int64 and a presence bit for every offset of a chunk: the unpacked form.
struct ColumnChunk {
  int64_t values[kChunkSize];
  uint64_t present[kWordsPerChunk];

  bool Has(uint32_t offset) const { return (present[offset >> 6] >> (offset & 63)) & 1; }
  void Set(uint32_t offset, int64_t value) {
    values[offset] = value;
    present[offset >> 6] |= uint64_t{1} << (offset & 63);
  }
  void Clear(uint32_t offset) { present[offset >> 6] &= ~(uint64_t{1} << (offset & 63)); }
};

// Values that are too large for the width of their chunk's codes. Offsets stand by themselves: who
// asks whose values they are reads little. A value.
struct ColumnExceptions {
  std::vector<uint16_t> offsets;  // ascending
  std::vector<int64_t> values;    // of each

  size_t size() const { return offsets.size(); }
  bool empty() const { return offsets.empty(); }
  void Add(uint32_t offset, int64_t value) {
    offsets.push_back(static_cast<uint16_t>(offset));
    values.push_back(value);
  }
  size_t memory_bytes() const { return size() * (sizeof(uint16_t) + sizeof(int64_t)); }
};
// A chunk has at most so many.
inline constexpr size_t kColumnExceptionsMax = 1024;

// Thread-safe: immutable.
class ColumnBlock {
 public:
  std::optional<int64_t> Get(uint32_t offset) const;
  // Users with low <= value <= high, in `out.bits` unless empty.
  ChunkSet Scan(int64_t low, int64_t high, ChunkScratch& out) const;
  void Decode(ColumnChunk* chunk) const;
  // Calls visit(i, value) for each of the `size` ascending `offsets` whose user has a value.
  template <typename Visit>
  void Gather(const uint16_t* offsets, uint32_t size, Visit visit) const {
    for (uint32_t i = 0; i < size; ++i) {
      if (std::optional<int64_t> value = Get(offsets[i])) visit(i, *value);
    }
  }

  int64_t base() const { return base_; }
  // The largest value, exceptions included, less the base.
  uint64_t span() const { return span_; }
  int width() const { return width_; }  // bytes a user: 1, 2, 4 or 8
  // Codes of `width` bytes, 0 for none and for exceptions; nullptr in the whole-value form.
  const uint8_t* codes() const { return present_.empty() ? data_.data() : nullptr; }
  // Whether every user's value is its code, of at most 2 bytes, or none.
  bool has_plain_codes() const { return codes() != nullptr && width_ <= 2 && exceptions_.empty(); }
  // None where the values span less than 65,535.
  const ColumnExceptions& exceptions() const { return exceptions_; }
  // Calls visit(value) for each exception whose user is among `users`.
  template <typename Visit>
  void VisitExceptions(const ChunkSet& users, Visit visit) const {
    const bool is_bitset = users.kind == SetKind::kBitset;
    for (size_t i = 0; i < exceptions_.size(); ++i) {
      const uint32_t offset = exceptions_.offsets[i];
      const bool in = is_bitset ? (users.words[offset >> 6] >> (offset & 63) & 1) != 0
                                : Contains(users, offset);
      if (in) visit(exceptions_.values[i]);
    }
  }
  size_t memory_bytes() const {
    return sizeof(*this) + data_.size() + present_.size() * 8 + exceptions_.memory_bytes();
  }
  // The same with the allocator's share.
  size_t heap_bytes() const;

 private:
  friend std::shared_ptr<const ColumnBlock> EncodeColumn(const ColumnChunk& chunk);

  ChunkSet AddExceptions(int64_t low, int64_t high, uint64_t* words, uint32_t count) const;

  int64_t base_ = 0;
  uint64_t span_ = 0;  // largest value - base
  int width_ = 1;
  std::vector<uint8_t> data_;
  std::vector<uint64_t> present_;  // whole-value form only
  ColumnExceptions exceptions_;
};

using ColumnBlockRef = std::shared_ptr<const ColumnBlock>;  // null: nobody has a value

ColumnBlockRef EncodeColumn(const ColumnChunk& chunk);

}  // namespace throng::index

#endif  // THRONG_INDEX_COLUMN_BLOCK_H_
