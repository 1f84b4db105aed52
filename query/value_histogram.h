// How many of some users have each number of an ordered tag, chunk by chunk.
//
//   ValueHistogram histogram({.lowest = 0, .shift = 0, .buckets = 1'000});
//   histogram.Add(*shard->column, chunk, users);
//   for (const ValueStep& step : histogram.Steps()) ...
//
// Codes are counted as they lie in the columns, packed; users in the delta are left out there and
// counted one by one. Small tables stand twice, for even and for odd places, because equal
// neighbours would wait for one another; those of one byte wide codes four times.
#ifndef THRONG_QUERY_VALUE_HISTOGRAM_H_
#define THRONG_QUERY_VALUE_HISTOGRAM_H_

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <vector>

#include "index/chunk_set.h"
#include "index/column_shard.h"
#include "index/scratch_pool.h"
#include "query/logical_plan.h"

namespace throng::query {

// Neighbouring values and the users that have one of them. A value.
struct ValueStep {
  int64_t first = 0;  // the least and the largest that a user has, or can have
  int64_t last = 0;
  uint64_t users = 0;
  friend bool operator==(const ValueStep&, const ValueStep&) = default;
};

// Bucket b has the values from lowest + b * 2^shift up to the next bucket's. A value.
struct HistogramShape {
  int64_t lowest = 0;
  int64_t highest = std::numeric_limits<int64_t>::max();  // larger values are left out
  uint32_t shift = 0;                                     // 0: a bucket a value
  uint32_t buckets = 1;
  // With a shift: whether steps are as wide as what users have, or as their buckets, which takes
  // less time.
  bool keeps_ends = true;
};

// Not thread-safe: one a worker. Takes 4 bytes a bucket, 20 where it keeps ends.
class ValueHistogram {
 public:
  explicit ValueHistogram(const HistogramShape& shape);

  // Counts the values of `users` of chunk 0 to 15 of the shard. Values beyond the buckets are left
  // out.
  void Add(const index::ColumnShard& column, uint32_t chunk, const index::ChunkSet& users);

  // No value that was seen is above it, those beyond the buckets included; the least int64 when
  // there was none.
  int64_t largest() const { return largest_; }
  // Adds the other's counts. REQUIRES: the same shape.
  void Merge(const ValueHistogram& other);
  // Calls visit(step) for each bucket that somebody is in, in ascending order.
  template <typename Visit>
  void VisitSteps(Visit visit) const {
    const uint32_t size = end();
    for (uint32_t bucket = 0; bucket < size; ++bucket) {
      bucket += EmptyFrom(bucket, size);
      if (bucket >= size) return;
      if (const uint32_t users = UsersIn(bucket); users > 0) visit(StepOf(bucket, users));
    }
  }
  std::vector<ValueStep> Steps() const;

 private:
  struct Free {
    void operator()(uint32_t* memory) const { std::free(memory); }
  };
  struct Ends {
    int64_t first;
    int64_t last;
  };

  uint32_t end() const;  // buckets from there on were never touched
  // Of a table that stands once, how many buckets nobody is in, eight at a time: far numbers are
  // rare.
  uint32_t EmptyFrom(uint32_t bucket, uint32_t end) const {
    uint32_t empty = 0;
    if (!odd_counts_.empty()) return 0;
    for (; bucket + empty + 8 <= end; empty += 8) {
      const uint32_t* counts = counts_.get() + bucket + empty + 1;
      uint32_t any = 0;
      for (uint32_t i = 0; i < 8; ++i) any |= counts[i];
      if (any != 0) break;
    }
    return empty;
  }
  uint32_t UsersIn(uint32_t bucket) const {
    return counts_[bucket + 1] + (odd_counts_.empty() ? 0 : odd_counts_[bucket + 1]);
  }
  ValueStep StepOf(uint32_t bucket, uint32_t users) const {
    if (shape_.shift > 0) return WideStepOf(bucket, users);
    const auto value = static_cast<int64_t>(static_cast<uint64_t>(shape_.lowest) + bucket);
    return {value, value, users};
  }
  ValueStep WideStepOf(uint32_t bucket, uint32_t users) const;
  void AddValue(int64_t value, uint32_t users = 1);
  // `next` are codes that will be read after the block's.
  void AddBlock(const index::ColumnBlock& block, const index::ChunkSet& users, const uint8_t* next);
  template <typename Code>
  void AddSet(const index::ColumnBlock& block, const index::ChunkSet& users, const uint8_t* next);
  template <typename Code>
  bool HoldsAll(const index::ColumnBlock& block) const;
  template <typename Code>
  void AddCodes(const uint8_t* codes, uint32_t size, int64_t base);
  void AddBytes(const uint8_t* codes, uint32_t size);
  void AddByteTables(int64_t base);

  const HistogramShape shape_;
  // Of bucket b at b + 1; at 0 of who is in none. Zeroed by the system where it is touched: most
  // values of a wide tag never are.
  std::unique_ptr<uint32_t[], Free> counts_;
  std::vector<uint32_t> odd_counts_;  // the same of codes at odd places; may be empty
  std::vector<Ends> ends_;            // where they are kept
  int64_t largest_;
  uint32_t byte_counts_[4][256] = {};
  index::ScratchRef scratch_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_VALUE_HISTOGRAM_H_
