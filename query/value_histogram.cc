#include "query/value_histogram.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <span>

#include "index/chunk_ops.h"
#include "query/column_codes.h"

namespace throng::query {
namespace {

using index::ChunkSet;
using index::SetKind;

// With fewer members they are looked up one by one.
constexpr uint32_t kFewMembers = 1024;

}  // namespace

ValueHistogram::ValueHistogram(const HistogramShape& shape)
    : shape_(shape),
      counts_(static_cast<uint32_t*>(std::calloc(size_t{shape.buckets} + 1, sizeof(uint32_t)))),
      largest_(std::numeric_limits<int64_t>::min()),
      scratch_(index::TakeScratch()) {
  if (counts_ == nullptr) throw std::bad_alloc();
  if (shape.shift == 0) return;
  ends_.resize(size_t{shape.buckets} + 1,
               {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()});
}

void ValueHistogram::AddValue(int64_t value, uint32_t users) {
  largest_ = std::max(largest_, value);
  if (value < shape_.lowest || value > shape_.highest) return;
  const uint64_t bucket =
      (static_cast<uint64_t>(value) - static_cast<uint64_t>(shape_.lowest)) >> shape_.shift;
  if (bucket >= shape_.buckets) return;
  counts_[bucket] += users;
  if (shape_.shift == 0) return;
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

template <typename Code>
void ValueHistogram::AddSet(const index::ColumnBlock& block, const ChunkSet& users,
                            const uint8_t* next) {
  const uint8_t* codes = block.codes();
  if (users.kind == SetKind::kFull) {
    AddCodes<Code>(codes, index::kChunkSize, block.base());
  } else if (users.kind == SetKind::kRuns) {
    for (uint32_t i = 0; i < users.size; ++i) {
      const index::Run run = users.runs[i];
      AddCodes<Code>(codes + size_t{run.first} * sizeof(Code), uint32_t{run.last} - run.first + 1,
                     block.base());
    }
  } else if (users.kind == SetKind::kArray || users.cardinality <= kFewMembers) {
    alignas(64) uint8_t few[kCollectedMax * sizeof(Code)];
    uint32_t size = 0;
    index::ForEach(users, [&](uint32_t offset) {
      std::memcpy(few + size_t{size++} * sizeof(Code), codes + size_t{offset} * sizeof(Code),
                  sizeof(Code));
      if (size < kCollectedMax) return;
      AddCodes<Code>(few, size, block.base());
      size = 0;
    });
    AddCodes<Code>(few, size, block.base());
  } else {
    VisitCollected<Code>(codes, users.words, next, [&](const uint8_t* some, uint32_t size) {
      AddCodes<Code>(some, size, block.base());
    });
  }
  if (sizeof(Code) == 1) AddByteTables(block.base());
}

// Code 0 is "no value", code 1 the base.
template <typename Code>
void ValueHistogram::AddCodes(const uint8_t* codes, uint32_t size, int64_t base) {
  if (sizeof(Code) == 1) {
    AddBytes(codes, size);
    return;
  }
  const uint64_t before = static_cast<uint64_t>(base) - 1;  // a code and this are the value
  if (shape_.shift > 0) {
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
  uint32_t* const counts = counts_.get();
  const uint64_t beyond = shape_.buckets;
  for (uint32_t i = 0; i < size; ++i) {
    const uint64_t code = LoadCode<Code>(codes, i);
    const uint64_t bucket = std::min(code + from_lowest, beyond);  // below the lowest: beyond, too
    counts[code == 0 ? beyond : bucket] += 1;
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
    if (users > 0) AddValue(base + static_cast<int64_t>(code) - 1, users);
  }
  std::memset(byte_counts_, 0, sizeof(byte_counts_));
}

uint32_t ValueHistogram::end() const {
  if (largest_ < shape_.lowest) return 0;
  const uint64_t last =
      (static_cast<uint64_t>(largest_) - static_cast<uint64_t>(shape_.lowest)) >> shape_.shift;
  return last < shape_.buckets ? static_cast<uint32_t>(last) + 1 : shape_.buckets;
}

void ValueHistogram::Merge(const ValueHistogram& other) {
  largest_ = std::max(largest_, other.largest_);
  for (uint32_t bucket = 0; bucket < other.end(); ++bucket) {
    counts_[bucket] += other.counts_[bucket];
    if (shape_.shift == 0) continue;
    ends_[bucket].first = std::min(ends_[bucket].first, other.ends_[bucket].first);
    ends_[bucket].last = std::max(ends_[bucket].last, other.ends_[bucket].last);
  }
}

std::vector<ValueStep> ValueHistogram::Steps() const {
  std::vector<ValueStep> steps;
  for (uint32_t bucket = 0; bucket < end(); ++bucket) {
    if (counts_[bucket] == 0) continue;
    const auto value = static_cast<int64_t>(static_cast<uint64_t>(shape_.lowest) + bucket);
    steps.push_back(shape_.shift == 0
                        ? ValueStep{value, value, counts_[bucket]}
                        : ValueStep{ends_[bucket].first, ends_[bucket].last, counts_[bucket]});
  }
  return steps;
}

}  // namespace throng::query
