#include "query/crowd_pair.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "index/chunk_ops.h"
#include "query/bin_counter.h"
#include "query/collector.h"
#include "query/shard_loop.h"

namespace throng::query {
namespace {

using index::ChunkSet;
using index::OrdinalSet;

// Users of each crowd that edges are chosen by, about.
constexpr uint64_t kSampledUsers = 4'096;
// Each crowd's numbers stand for so many quantiles of it.
constexpr size_t kQuantiles = 1'000;

// What one thread counts beside the collectors.
struct alignas(64) PairWorker {
  explicit PairWorker(const std::vector<std::vector<int64_t>>& edges)
      : crowd(edges.begin(), edges.end()),
        baseline(edges.begin(), edges.end()),
        scratch(index::TakeScratch()) {}

  uint64_t common = 0;
  std::vector<BinCounter> crowd;  // of the ordered tags, in their order
  std::vector<BinCounter> baseline;
  index::ScratchRef scratch;
};

// Counts the chunks of both crowds.
class PairCounter {
 public:
  PairCounter(const CrowdPair& pair, const std::vector<PairTag>& tags,
              const index::Snapshot& snapshot)
      : pair_(pair),
        tags_(tags),
        snapshot_(snapshot),
        values_(TagsOf(tags, false, snapshot)),
        ordered_(TagsOf(tags, true, snapshot)),
        edges_(EdgesOf(tags, snapshot)),
        in_crowd_(snapshot, values_),
        in_baseline_(snapshot, values_) {}

  void Start(uint32_t workers) {
    const uint32_t chunks = snapshot_.shard_count() * index::kChunksPerShard;
    in_crowd_.Start(workers, chunks);
    in_baseline_.Start(workers, chunks);
    workers_.resize(workers);
  }

  void CountShard(uint32_t shard, uint32_t number) {
    if (workers_[number] == nullptr) workers_[number] = std::make_unique<PairWorker>(edges_);
    PairWorker& worker = *workers_[number];
    for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
      const uint32_t chunk = shard * index::kChunksPerShard + c;
      const ChunkSet crowd = pair_.crowd->chunk(chunk);
      const ChunkSet baseline = pair_.baseline->chunk(chunk);
      if (crowd.empty() && baseline.empty()) continue;
      if (!pair_.is_everybody) worker.common += index::IntersectCardinality(crowd, baseline);
      AddBins(chunk, crowd, *worker.scratch, &worker.crowd);
      AddBins(chunk, baseline, *worker.scratch, &worker.baseline);
      CountValues(chunk, crowd, baseline, number);
    }
  }

  PairCounts Finish() const {
    PairCounts counts;
    counts.common = pair_.is_everybody ? pair_.crowd->cardinality() : 0;
    for (const auto& worker : workers_) counts.common += worker == nullptr ? 0 : worker->common;
    std::vector<TagCounts> crowd = in_crowd_.Finish();
    std::vector<TagCounts> baseline =
        pair_.is_everybody ? CountEverybody(snapshot_, values_) : in_baseline_.Finish();
    size_t value_tag = 0;
    size_t ordered_tag = 0;
    for (const PairTag& tag : tags_) {
      if (!IsOrdered(tag)) {
        counts.crowd.push_back(std::move(crowd[value_tag]));
        counts.baseline.push_back(std::move(baseline[value_tag++]));
        continue;
      }
      counts.crowd.push_back(SumBins(tag, &PairWorker::crowd, ordered_tag));
      counts.baseline.push_back(SumBins(tag, &PairWorker::baseline, ordered_tag));
      ++ordered_tag;
    }
    return counts;
  }

 private:
  // Tag by tag, so that the second crowd finds what the first one has read in the caches.
  void CountValues(uint32_t chunk, const ChunkSet& crowd, const ChunkSet& baseline,
                   uint32_t number) {
    const bool counts_baseline = !pair_.is_everybody && !baseline.empty();
    if (!crowd.empty()) in_crowd_.StartChunk(chunk, crowd, number);
    if (counts_baseline) in_baseline_.StartChunk(chunk, baseline, number);
    for (size_t i = 0; i < values_.size(); ++i) {
      if (!crowd.empty()) in_crowd_.CollectTag(i, chunk, crowd, number);
      if (counts_baseline) in_baseline_.CollectTag(i, chunk, baseline, number);
    }
  }
  // `bins` are those of the ordered tags.
  void AddBins(uint32_t chunk, const ChunkSet& users, index::ChunkScratch& scratch,
               std::vector<BinCounter>* bins) const {
    if (users.empty()) return;
    for (size_t i = 0; i < ordered_.size(); ++i) {
      const index::TagShard* shard = snapshot_.shard(ordered_[i], chunk / index::kChunksPerShard);
      if (shard == nullptr || shard->column == nullptr) continue;
      (*bins)[i].Add(*shard->column, chunk % index::kChunksPerShard, users, scratch);
    }
  }
  TagCounts SumBins(const PairTag& tag, std::vector<BinCounter> PairWorker::*side,
                    size_t ordered_tag) const {
    TagCounts sum{.counts = std::vector<uint64_t>(tag.edges.size() + 1)};
    for (const auto& worker : workers_) {
      if (worker == nullptr) continue;
      const BinCounter& bins = ((*worker).*side)[ordered_tag];
      const std::vector<uint64_t> counts = bins.counts();
      for (size_t i = 0; i < counts.size(); ++i) sum.counts[i] += counts[i];
      sum.with_value += bins.with_value();
    }
    return sum;
  }
  static bool IsOrdered(const index::Snapshot& snapshot, const PairTag& tag) {
    return index::IsNumeric(snapshot.catalogue().FindById(tag.tag)->definition.type);
  }
  bool IsOrdered(const PairTag& tag) const { return IsOrdered(snapshot_, tag); }
  static std::vector<uint32_t> TagsOf(const std::vector<PairTag>& tags, bool ordered,
                                      const index::Snapshot& snapshot) {
    std::vector<uint32_t> ids;
    for (const PairTag& tag : tags) {
      if (IsOrdered(snapshot, tag) == ordered) ids.push_back(tag.tag);
    }
    return ids;
  }

  static std::vector<std::vector<int64_t>> EdgesOf(const std::vector<PairTag>& tags,
                                                   const index::Snapshot& snapshot) {
    std::vector<std::vector<int64_t>> edges;
    for (const PairTag& tag : tags) {
      if (IsOrdered(snapshot, tag)) edges.push_back(tag.edges);
    }
    return edges;
  }

  const CrowdPair& pair_;
  const std::vector<PairTag>& tags_;
  const index::Snapshot& snapshot_;
  const std::vector<uint32_t> values_;             // tags with values
  const std::vector<uint32_t> ordered_;            // tags with bins
  const std::vector<std::vector<int64_t>> edges_;  // of those
  BreakdownCollector in_crowd_;
  BreakdownCollector in_baseline_;
  std::vector<std::unique_ptr<PairWorker>> workers_;  // of those that have worked
};

// Calls visit(offset) for some of the users, about `some`, that are spread over the chunk.
template <typename Visit>
void VisitSome(const ChunkSet& users, uint64_t some, Visit visit) {
  if (users.cardinality <= some || users.kind == index::SetKind::kArray) {
    const uint64_t step = std::max<uint64_t>(1, users.cardinality / std::max<uint64_t>(1, some));
    uint64_t rank = 0;
    index::ForEach(users, [&](uint32_t offset) {
      if (rank++ % step == 0) visit(offset);
    });
    return;
  }
  const uint64_t tests = std::min<uint64_t>(
      index::kChunkSize, std::max<uint64_t>(1, some * index::kChunkSize / users.cardinality));
  for (uint64_t i = 0; i < tests; ++i) {
    const auto offset = static_cast<uint32_t>(i * index::kChunkSize / tests);
    if (index::Contains(users, offset)) visit(offset);
  }
}

// The numbers of some users, ascending.
std::vector<int64_t> SampleNumbers(const OrdinalSet& users, uint32_t tag,
                                   const index::Snapshot& snapshot) {
  std::vector<int64_t> numbers;
  for (uint32_t chunk = 0; chunk < users.chunk_count(); ++chunk) {
    const ChunkSet set = users.chunk(chunk);
    if (set.empty()) continue;
    const index::TagShard* shard = snapshot.shard(tag, chunk / index::kChunksPerShard);
    if (shard == nullptr || shard->column == nullptr) continue;
    const uint32_t first = chunk % index::kChunksPerShard * index::kChunkSize;
    const uint64_t some =
        std::max<uint64_t>(1, set.cardinality * kSampledUsers / users.cardinality());
    VisitSome(set, some, [&](uint32_t offset) {
      if (const std::optional<int64_t> number = shard->column->Get(first + offset)) {
        numbers.push_back(*number);
      }
    });
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

absl::StatusOr<CrowdPair> SelectPair(const PhysicalPlan& crowd, const PhysicalPlan& baseline,
                                     const index::Snapshot& snapshot, index::Parallel& parallel,
                                     const Check& check) {
  CrowdPair pair;
  for (const auto& [plan, set] :
       {std::pair(&crowd, &pair.crowd), std::pair(&baseline, &pair.baseline)}) {
    SetCollector users;
    if (absl::Status status = Execute(*plan, snapshot, parallel, check, users); !status.ok()) {
      return status;
    }
    *set = users.Build();
  }
  return pair;
}

absl::StatusOr<PairCounts> CountPair(const CrowdPair& pair, const std::vector<PairTag>& tags,
                                     const index::Snapshot& snapshot, index::Parallel& parallel,
                                     const Check& check) {
  PairCounter counter(pair, tags, snapshot);
  counter.Start(parallel.threads());
  const bool is_small = pair.crowd->cardinality() + pair.baseline->cardinality() <= kInlineUsersMax;
  const absl::Status status = ShardLoop(check).Run(
      snapshot.shard_count(), is_small, parallel,
      [&](uint32_t shard, uint32_t worker) { counter.CountShard(shard, worker); });
  if (!status.ok()) return status;
  return counter.Finish();
}

std::vector<int64_t> QuantileEdges(const CrowdPair& pair, uint32_t tag, uint32_t bins,
                                   const index::Snapshot& snapshot) {
  std::vector<int64_t> merged;
  for (const OrdinalSet* users : {pair.crowd.get(), pair.baseline.get()}) {
    const std::vector<int64_t> numbers = SampleNumbers(*users, tag, snapshot);
    if (numbers.empty()) continue;
    for (size_t i = 0; i < kQuantiles; ++i) {
      merged.push_back(numbers[i * numbers.size() / kQuantiles]);
    }
  }
  std::sort(merged.begin(), merged.end());
  std::vector<int64_t> edges;
  for (uint32_t bin = 1; bin < bins && !merged.empty(); ++bin) {
    // Nothing lies below the smallest number. Where very many users share one, its neighbour is
    // next.
    const int64_t before = edges.empty() ? merged.front() : edges.back();
    int64_t edge = merged[bin * merged.size() / bins];
    if (edge <= before) {
      const auto larger = std::upper_bound(merged.begin(), merged.end(), before);
      if (larger == merged.end()) break;
      edge = *larger;
    }
    edges.push_back(edge);
  }
  return edges;
}

}  // namespace throng::query
