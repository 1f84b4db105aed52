#include "query/curve_counts.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "index/chunk_ops.h"
#include "query/joint_execution.h"

namespace throng::query {
namespace {

using index::ChunkSet;

// Counts the values of who is in the larger of the two crowds only.
class CurveCollector final : public JointCollector {
 public:
  CurveCollector(const index::Snapshot& snapshot, uint32_t tag, const HistogramShape& shape,
                 bool negated)
      : snapshot_(snapshot), tag_(tag), shape_(shape), larger_(negated ? 0 : 1) {}

  void Start(uint32_t workers, uint32_t /*chunks*/) override { workers_.resize(workers); }
  void Collect(uint32_t chunk, std::span<const ChunkSet> users, uint32_t number) override {
    if (workers_[number] == nullptr) workers_[number] = std::make_unique<Worker>(shape_);
    Worker& worker = *workers_[number];
    const ChunkSet& smaller = users[1 - larger_];
    const ChunkSet deciding = index::Subtract(users[larger_], smaller, *worker.scratch);
    worker.settled += smaller.cardinality;
    worker.deciding += deciding.cardinality;
    if (deciding.empty()) return;
    const index::TagShard* shard = snapshot_.shard(tag_, chunk / index::kChunksPerShard);
    if (shard == nullptr || shard->column == nullptr) return;
    worker.histogram.Add(*shard->column, chunk % index::kChunksPerShard, deciding);
  }

  // After execution. Gives the counts, and the largest value that was seen.
  CurveCounts Finish(int64_t* largest) {
    CurveCounts counts;
    Worker* first = nullptr;
    for (const std::unique_ptr<Worker>& worker : workers_) {
      if (worker == nullptr) continue;
      counts.settled += worker->settled;
      counts.deciding += worker->deciding;
      if (first == nullptr) {
        first = worker.get();
      } else {
        first->histogram.Merge(worker->histogram);
      }
    }
    *largest = first == nullptr ? std::numeric_limits<int64_t>::min() : first->histogram.largest();
    if (first != nullptr) counts.steps = first->histogram.Steps();
    return counts;
  }

 private:
  struct alignas(64) Worker {
    explicit Worker(const HistogramShape& shape)
        : histogram(shape), scratch(index::TakeScratch()) {}
    uint64_t settled = 0;
    uint64_t deciding = 0;
    ValueHistogram histogram;
    index::ScratchRef scratch;
  };

  const index::Snapshot& snapshot_;
  const uint32_t tag_;
  const HistogramShape shape_;
  const size_t larger_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

// The least number that anybody has, and one that nobody's is above: the blocks say so.
Interval BoundsOf(const index::Snapshot& snapshot, uint32_t tag) {
  constexpr auto kLargest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  Interval bounds{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
  const auto extend = [&](int64_t low, int64_t high) {
    bounds.low = std::min(bounds.low, low);
    bounds.high = std::max(bounds.high, high);
  };
  for (uint32_t s = 0; s < snapshot.shard_count(); ++s) {
    const index::TagShard* shard = snapshot.shard(tag, s);
    if (shard == nullptr || shard->column == nullptr) continue;
    for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
      for (const index::Cell& cell : shard->column->delta(c)) {
        if (cell.present) extend(cell.value, cell.value);
      }
      const index::ColumnBlock* block = shard->column->block(c).get();
      if (block == nullptr) continue;
      // From the base, at most so far; the sum may be beyond 64 bits.
      const uint64_t span = ~uint64_t{0} >> (64 - 8 * block->width());
      const uint64_t room = kLargest - static_cast<uint64_t>(block->base());
      const bool bounded = block->codes() != nullptr && span < room;
      extend(block->base(), bounded ? block->base() + static_cast<int64_t>(span)
                                    : std::numeric_limits<int64_t>::max());
      for (const int64_t value : block->exceptions().values) extend(value, value);
    }
  }
  return bounds;
}

uint64_t Distance(int64_t low, int64_t high) {
  return static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
}

}  // namespace

absl::StatusOr<CurveCounts> CountCurve(const CurvePlans& plans, uint32_t tag, const Interval& range,
                                       const index::Snapshot& snapshot, index::Parallel& parallel,
                                       const Check& check) {
  const std::vector<PhysicalPlan> both{plans.never, plans.always};
  const Interval bounds = BoundsOf(snapshot, tag);
  const int64_t low = std::max(range.low, bounds.low);
  int64_t high = std::min(range.high, bounds.high);
  HistogramShape shape{.lowest = low};
  if (low <= high) {
    shape.buckets =
        static_cast<uint32_t>(std::min(Distance(low, high), uint64_t{kCurveValuesMax} - 1) + 1);
  }
  CurveCollector collector(snapshot, tag, shape, plans.negated);
  if (absl::Status status = ExecuteJointly(both, snapshot, parallel, check, collector);
      !status.ok()) {
    return status;
  }
  int64_t largest = 0;
  CurveCounts counts = collector.Finish(&largest);
  high = std::min(high, largest);
  if (low > high) counts.steps.clear();
  if (low <= high && Distance(low, high) >= kCurveValuesMax) {
    // The range is known by now; the smallest steps that it can be cut into.
    shape.highest = high;
    shape.shift = static_cast<uint32_t>(std::bit_width(Distance(low, high) / kWideStepsMax));
    shape.buckets = static_cast<uint32_t>((Distance(low, high) >> shape.shift) + 1);
    CurveCollector wide(snapshot, tag, shape, plans.negated);
    if (absl::Status status = ExecuteJointly(both, snapshot, parallel, check, wide); !status.ok()) {
      return status;
    }
    counts = wide.Finish(&largest);
  }
  return counts;
}

}  // namespace throng::query
