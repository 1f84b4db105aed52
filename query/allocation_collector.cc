#include "query/allocation_collector.h"

#include <algorithm>

#include "index/chunk_ops.h"
#include "index/scratch_pool.h"

namespace throng::query {
namespace {

using index::ChunkSet;

void AddAll(const std::vector<uint64_t>& numbers, std::vector<uint64_t>* sums) {
  for (size_t i = 0; i < numbers.size(); ++i) (*sums)[i] += numbers[i];
}

AllocationCounts NoCounts(size_t crowds) {
  return {.gross = std::vector<uint64_t>(crowds),
          .kept = std::vector<uint64_t>(crowds),
          .losses = std::vector<uint64_t>(crowds * crowds)};
}

}  // namespace

// One thread's counts.
class AllocationCollector::Worker {
 public:
  explicit Worker(size_t crowds)
      : counts_(NoCounts(crowds)),
        kept_(crowds),
        scratches_(crowds),
        taken_(index::TakeScratch()) {}

  void Collect(std::span<const ChunkSet> users) {
    std::fill_n(taken_->bits.words, index::kWordsPerChunk, uint64_t{0});
    uint32_t taken = 0;
    for (size_t i = 0; i < kept_.size(); ++i) {
      kept_[i] = ChunkSet::Empty();
      if (users[i].empty()) continue;
      counts_.gross[i] += users[i].cardinality;
      kept_[i] = users[i];
      if (taken > 0) {
        if (scratches_[i] == nullptr) scratches_[i] = index::TakeScratch();
        kept_[i] =
            index::Subtract(users[i], ChunkSet::Bitset(taken_->bits.words, taken), *scratches_[i]);
      }
      counts_.kept[i] += kept_[i].cardinality;
      CountLosses(users[i], i);
      index::UniteInto(kept_[i], taken_->bits.words);
      taken += kept_[i].cardinality;
    }
  }

  void AddTo(AllocationCounts* sum) const {
    AddAll(counts_.gross, &sum->gross);
    AddAll(counts_.kept, &sum->kept);
    AddAll(counts_.losses, &sum->losses);
  }

 private:
  // What crowds before it got of crowd `i`: they share nobody, so that it is known when all are
  // found.
  void CountLosses(const ChunkSet& users, size_t i) {
    uint32_t lost = users.cardinality - kept_[i].cardinality;
    for (size_t j = 0; j < i && lost > 0; ++j) {
      if (kept_[j].empty()) continue;
      const uint32_t to = index::IntersectCardinality(users, kept_[j]);
      counts_.losses[i * kept_.size() + j] += to;
      lost -= to;
    }
  }

  AllocationCounts counts_;
  // Of the chunk at hand.
  std::vector<ChunkSet> kept_;
  std::vector<index::ScratchRef> scratches_;
  index::ScratchRef taken_;
};

AllocationCollector::AllocationCollector(size_t crowds) : crowds_(crowds) {}
AllocationCollector::~AllocationCollector() = default;

void AllocationCollector::Start(uint32_t workers, uint32_t) { workers_.resize(workers); }

void AllocationCollector::Collect(uint32_t, std::span<const ChunkSet> users, uint32_t worker) {
  if (workers_[worker] == nullptr) workers_[worker] = std::make_unique<Worker>(crowds_);
  workers_[worker]->Collect(users);
}

AllocationCounts AllocationCollector::Finish() const {
  AllocationCounts sum = NoCounts(crowds_);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker != nullptr) worker->AddTo(&sum);
  }
  return sum;
}

}  // namespace throng::query
