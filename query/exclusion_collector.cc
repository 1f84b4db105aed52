#include "query/exclusion_collector.h"

#include <utility>

#include "index/chunk_ops.h"
#include "index/scratch_pool.h"

namespace throng::query {

using index::ChunkSet;

// One thread's counts.
class ExclusionCollector::Worker {
 public:
  explicit Worker(size_t exclusions) : spare_(index::TakeScratch()), used_(index::TakeScratch()) {
    counts_.overlaps.resize(exclusions);
    counts_.losses.resize(exclusions);
  }

  void Collect(std::span<const ChunkSet> users) {
    const ChunkSet& crowd = users[0];
    if (crowd.empty()) return;
    counts_.gross += crowd.cardinality;
    ChunkSet left = crowd;
    for (size_t i = 0; i < counts_.overlaps.size(); ++i) {
      const ChunkSet& exclusion = users[i + 1];
      if (exclusion.empty()) continue;
      const uint32_t overlap = index::IntersectCardinality(crowd, exclusion);
      if (overlap == 0) continue;
      counts_.overlaps[i] += overlap;
      const ChunkSet rest = index::Subtract(left, exclusion, *spare_);
      // Where nobody goes, `rest` may be `left` as it is, and the spare scratch stays spare.
      if (rest.cardinality == left.cardinality) continue;
      counts_.losses[i] += left.cardinality - rest.cardinality;
      left = rest;
      std::swap(spare_, used_);
    }
    counts_.reachable += left.cardinality;
  }

  void AddTo(ExclusionCounts* sum) const {
    sum->gross += counts_.gross;
    sum->reachable += counts_.reachable;
    for (size_t i = 0; i < counts_.overlaps.size(); ++i) {
      sum->overlaps[i] += counts_.overlaps[i];
      sum->losses[i] += counts_.losses[i];
    }
  }

 private:
  ExclusionCounts counts_;
  index::ScratchRef spare_;
  index::ScratchRef used_;
};

ExclusionCollector::ExclusionCollector(size_t exclusions) : exclusions_(exclusions) {}
ExclusionCollector::~ExclusionCollector() = default;

void ExclusionCollector::Start(uint32_t workers, uint32_t) { workers_.resize(workers); }

void ExclusionCollector::Collect(uint32_t, std::span<const ChunkSet> users, uint32_t worker) {
  if (workers_[worker] == nullptr) workers_[worker] = std::make_unique<Worker>(exclusions_);
  workers_[worker]->Collect(users);
}

ExclusionCounts ExclusionCollector::Finish() const {
  ExclusionCounts sum;
  sum.overlaps.resize(exclusions_);
  sum.losses.resize(exclusions_);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker != nullptr) worker->AddTo(&sum);
  }
  return sum;
}

}  // namespace throng::query
