#include "query/value_histogram.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <span>

#include "index/chunk_ops.h"
#include "query/column_bounds.h"
#include "query/column_codes.h"

namespace throng::query {
namespace {

using index::ChunkSet;

// Tables of so many buckets stand twice.
constexpr uint32_t kTwoTablesMax = 4096;

// Counts codes in the tables by turns: eight at a time, which are read as two words.
template <typename Code>
void CountCodes(const uint8_t* codes, uint32_t size, uint32_t* even, uint32_t* odd) {
  uint32_t i = 0;
  if constexpr (sizeof(Code) == 2) {
    for (; i + 8 <= size; i += 8) {
      const auto a = LoadCode<uint64_t>(codes + size_t{i} * 2, 0);
      const auto b = LoadCode<uint64_t>(codes + size_t{i} * 2, 1);
      even[a & 0xffff] += 1;
      odd[(a >> 16) & 0xffff] += 1;
      even[(a >> 32) & 0xffff] += 1;
      odd[a >> 48] += 1;
      even[b & 0xffff] += 1;
      odd[(b >> 16) & 0xffff] += 1;
      even[(b >> 32) & 0xffff] += 1;
      odd[b >> 48] += 1;
    }
  }
  for (; i + 2 <= size; i += 2) {
    even[LoadCode<Code>(codes, i)] += 1;
    odd[LoadCode<Code>(codes, i + 1)] += 1;
  }
  if (i < size) even[LoadCode<Code>(codes, i)] += 1;
}

}  // namespace

ValueHistogram::ValueHistogram(const HistogramShape& shape)
    : shape_(shape),
      counts_(static_cast<uint32_t*>(std::calloc(size_t{shape.buckets} + 1, sizeof(uint32_t)))),
      largest_(std::numeric_limits<int64_t>::min()),
      scratch_(index::TakeScratch()) {
  if (counts_ == nullptr) throw std::bad_alloc();
  if (shape.shift == 0) {
    if (shape.buckets <= kTwoTablesMax) odd_counts_.resize(size_t{shape.buckets} + 1);
  } else if (shape.keeps_ends) {
    ends_.resize(shape.buckets,
                 {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()});
  }
}

void ValueHistogram::AddValue(int64_t value, uint32_t users) {
  largest_ = std::max(largest_, value);
  if (value < shape_.lowest || value > shape_.highest) return;
  const uint64_t bucket = Distance(shape_.lowest, value) >> shape_.shift;
  if (bucket >= shape_.buckets) return;
  counts_[bucket + 1] += users;
  if (ends_.empty()) return;
  ends_[bucket].first = std::min(ends_[bucket].first, value);
  ends_[bucket].last = std::max(ends_[bucket].last, value);
}

void ValueHistogram::Add(const index::ColumnShard& column, uint32_t chunk, const ChunkSet& users) {
  const index::ColumnBlock* block = column.block(chunk).get();
  const std::span<const index::Cell> delta = column.delta(chunk);
  for (const index::Cell& cell : delta) {
    if (cell.present && index::Contains(users, cell.offset & index::kChunkMask)) {
      AddValue(cell.value);
    }
  }
  if (block == nullptr) return;
  const ChunkSet in_block = delta.empty() ? users : WithoutDelta(users, delta, *scratch_);
  AddBlock(*block, in_block, block->codes() == nullptr ? nullptr : NextCodes(column, chunk));
}

void ValueHistogram::AddBlock(const index::ColumnBlock& block, const ChunkSet& users,
                              const uint8_t* next) {
  if (block.codes() == nullptr) {
    index::ForEach(users, [&](uint32_t offset) {
      if (const std::optional<int64_t> value = block.Get(offset)) AddValue(*value);
    });
    return;
  }
  switch (block.width()) {
    case 1:
      AddSet<uint8_t>(block, users, next);
      break;
    case 2:
      AddSet<uint16_t>(block, users, next);
      break;
    case 4:
      AddSet<uint32_t>(block, users, next);
      break;
    case 8:
      AddSet<uint64_t>(block, users, next);
      break;
  }
  block.VisitExceptions(users, [&](int64_t value) { AddValue(value); });
}

// The largest value less the base that the block has a code for.
template <typename Code>
uint64_t CodeSpan(const index::ColumnBlock& block) {
  return std::min(block.span(), uint64_t{std::numeric_limits<Code>::max()} - 1);
}

// Whether each code of the block has a bucket.
template <typename Code>
bool ValueHistogram::HoldsAll(const index::ColumnBlock& block) const {
  if (block.base() < shape_.lowest || block.base() > shape_.highest) return false;
  const uint64_t above = Distance(shape_.lowest, block.base());
  const uint64_t reach =
      std::min<uint64_t>(Distance(shape_.lowest, shape_.highest), uint64_t{shape_.buckets} - 1);
  return above <= reach && CodeSpan<Code>(block) <= reach - above;
}

template <typename Code>
void ValueHistogram::AddSet(const index::ColumnBlock& block, const ChunkSet& users,
                            const uint8_t* next) {
  const int64_t base = block.base();
  if constexpr (sizeof(Code) == 1) {
    VisitCodes<Code>(block.codes(), users, next,
                     [this](const uint8_t* codes, uint32_t size) { AddBytes(codes, size); });
    AddByteTables(base);
    return;
  }
  if (shape_.shift == 0 && HoldsAll<Code>(block)) {
    // Code 0, "no value", falls upon the bucket of base - 1, or upon who is in none.
    uint32_t* const even = counts_.get() + Distance(shape_.lowest, base);
    uint32_t* const odd =
        odd_counts_.empty() ? even : odd_counts_.data() + Distance(shape_.lowest, base);
    const uint32_t even_kept = *even;
    const uint32_t odd_kept = *odd;
    VisitCodes<Code>(block.codes(), users, next, [&](const uint8_t* codes, uint32_t size) {
      CountCodes<Code>(codes, size, even, odd);
    });
    *even = even_kept;
    *odd = odd_kept;
    largest_ = std::max(largest_,
                        static_cast<int64_t>(static_cast<uint64_t>(base) + CodeSpan<Code>(block)));
    return;
  }
  VisitCodes<Code>(block.codes(), users, next,
                   [&](const uint8_t* codes, uint32_t size) { AddCodes<Code>(codes, size, base); });
}

// Code 0 is "no value", code 1 the base.
template <typename Code>
void ValueHistogram::AddCodes(const uint8_t* codes, uint32_t size, int64_t base) {
  const uint64_t before = static_cast<uint64_t>(base) - 1;  // a code and this are the value
  if (!ends_.empty()) {
    for (uint32_t i = 0; i < size; ++i) {
      const uint64_t code = LoadCode<Code>(codes, i);
      if (code != 0) AddValue(static_cast<int64_t>(before + code));
    }
    return;
  }
  Code largest = 0;
  for (uint32_t i = 0; i < size; ++i) largest = std::max(largest, LoadCode<Code>(codes, i));
  if (largest == 0) return;
  largest_ = std::max(largest_, static_cast<int64_t>(before + largest));
  const uint64_t from_lowest = before - static_cast<uint64_t>(shape_.lowest);
  const uint64_t to_highest = Distance(shape_.lowest, shape_.highest);
  const uint32_t shift = shape_.shift;
  const uint64_t buckets = shape_.buckets;
  uint32_t* const counts = counts_.get();
  for (uint32_t i = 0; i < size; ++i) {
    const uint64_t code = LoadCode<Code>(codes, i);
    const uint64_t distance = code + from_lowest;  // below the lowest: beyond the highest
    const uint64_t bucket = distance >> shift;
    const bool counted = code != 0 && distance <= to_highest && bucket < buckets;
    counts[counted ? bucket + 1 : 0] += 1;
  }
}

void ValueHistogram::AddBytes(const uint8_t* codes, uint32_t size) {
  uint32_t i = 0;
  for (; i + 8 <= size; i += 8) {
    const auto eight = LoadCode<uint64_t>(codes + i, 0);
    byte_counts_[0][eight & 0xff] += 1;
    byte_counts_[1][(eight >> 8) & 0xff] += 1;
    byte_counts_[2][(eight >> 16) & 0xff] += 1;
    byte_counts_[3][(eight >> 24) & 0xff] += 1;
    byte_counts_[0][(eight >> 32) & 0xff] += 1;
    byte_counts_[1][(eight >> 40) & 0xff] += 1;
    byte_counts_[2][(eight >> 48) & 0xff] += 1;
    byte_counts_[3][eight >> 56] += 1;
  }
  for (; i < size; ++i) byte_counts_[0][codes[i]] += 1;
}

// The tables of a block's codes, to the counts; empties them.
void ValueHistogram::AddByteTables(int64_t base) {
  for (uint32_t code = 1; code < 256; ++code) {
    const uint32_t users = byte_counts_[0][code] + byte_counts_[1][code] + byte_counts_[2][code] +
                           byte_counts_[3][code];
    if (users == 0) continue;
    AddValue(static_cast<int64_t>(static_cast<uint64_t>(base) + code - 1), users);
  }
  std::memset(byte_counts_, 0, sizeof(byte_counts_));
}

uint32_t ValueHistogram::end() const {
  if (largest_ < shape_.lowest) return 0;
  const uint64_t last = Distance(shape_.lowest, largest_) >> shape_.shift;
  return last < shape_.buckets ? static_cast<uint32_t>(last) + 1 : shape_.buckets;
}

ValueStep ValueHistogram::WideStepOf(uint32_t bucket, uint32_t users) const {
  if (!ends_.empty()) return {ends_[bucket].first, ends_[bucket].last, users};
  const auto lowest = static_cast<uint64_t>(shape_.lowest);
  const uint64_t first = uint64_t{bucket} << shape_.shift;
  const uint64_t last = std::min(first + ((uint64_t{1} << shape_.shift) - 1),
                                 Distance(shape_.lowest, shape_.highest));
  return {static_cast<int64_t>(lowest + first), static_cast<int64_t>(lowest + last), users};
}

void ValueHistogram::Merge(const ValueHistogram& other) {
  largest_ = std::max(largest_, other.largest_);
  for (uint32_t bucket = 0; bucket < other.end(); ++bucket) {
    counts_[bucket + 1] += other.UsersIn(bucket);
    if (ends_.empty()) continue;
    ends_[bucket].first = std::min(ends_[bucket].first, other.ends_[bucket].first);
    ends_[bucket].last = std::max(ends_[bucket].last, other.ends_[bucket].last);
  }
}

std::vector<ValueStep> ValueHistogram::Steps() const {
  std::vector<ValueStep> steps;
  VisitSteps([&steps](const ValueStep& step) { steps.push_back(step); });
  return steps;
}

}  // namespace throng::query
