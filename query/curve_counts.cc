#include "query/curve_counts.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "index/chunk_ops.h"
#include "query/column_bounds.h"
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
