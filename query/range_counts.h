// Looks closer at some ranges of a tag's numbers: who of a crowd has which number of them. What the
// buckets of a wide tag's histogram are cut up by.
//
//   RangesOfTag seen{.tag = 7, .shape = shape, .ranges = {{.low = 0, .high = 99, .users = 12,
//                                                          .needs_values = true}}};
//   RangeCollector collector(snapshot, {seen});
//   Execute(plan, snapshot, parallel, check, collector);
//   collector.Finish()[0][0];    // the steps of the first range of the first tag
#ifndef THRONG_QUERY_RANGE_COUNTS_H_
#define THRONG_QUERY_RANGE_COUNTS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "index/snapshot.h"
#include "query/collector.h"
#include "query/value_histogram.h"

namespace throng::query {

// Ranges of more users are cut into buckets, others into the values that users have: so much memory
// may each take.
inline constexpr uint64_t kKeptValuesMax = 1u << 16;
inline constexpr uint32_t kRangeBucketsMax = 1u << 14;

// Both ends belong to it. A value.
struct OpenRange {
  int64_t low = 0;
  int64_t high = 0;
  uint64_t users = 0;  // who have a number of it
  // Whether single values are asked for; else only how many lie below each cut.
  bool needs_values = false;
  std::vector<int64_t> cuts = {};  // ascending, distinct, above low and up to high

  // What a collector keeps of it at most, all threads but one left out.
  uint64_t bytes() const;
};

// A value.
struct RangesOfTag {
  uint32_t tag = 0;  // the id of an ordered tag
  // Each range lies in one of the buckets. Numbers are looked up by bucket first.
  HistogramShape shape;
  std::vector<OpenRange> ranges;  // ascending, disjoint
};

// Thread-safe as a Collector must be. Borrows the snapshot.
class RangeCollector final : public Collector {
 public:
  RangeCollector(const index::Snapshot& snapshot, std::vector<RangesOfTag> tags);
  ~RangeCollector() override;

  void Start(uint32_t workers, uint32_t chunks) override;
  uint64_t BytesAChunk() const override;
  void Collect(uint32_t chunk, const index::ChunkSet& users, uint32_t worker) override;
  // After execution, once: by tag and range the steps that somebody is in, in ascending order.
  // Those of a range that needs values and has few users have one value each; others are narrower
  // than the range, and none lies across a cut of a range that needs no values.
  std::vector<std::vector<std::vector<ValueStep>>> Finish();

 private:
  struct Lookup;
  class TagRanges;
  struct Worker;

  const index::Snapshot& snapshot_;
  const std::vector<RangesOfTag> tags_;
  std::vector<Lookup> lookups_;  // by tag
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_RANGE_COUNTS_H_
