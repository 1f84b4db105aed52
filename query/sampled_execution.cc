#include "query/sampled_execution.h"

#include <functional>
#include <memory>
#include <utility>

#include "index/error.h"
#include "query/breakdown_collector.h"
#include "query/evaluator.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "query/shard_loop.h"

namespace throng::query {
namespace {

PhysicalPlan Planned(const LogicalPlan& plan, const index::Snapshot& snapshot) {
  return MakePhysicalPlan(Normalize(plan, snapshot.catalogue()), snapshot);
}

// The plan's users in the buckets of a frame by hash.
PhysicalPlan PlannedInBuckets(const LogicalPlan& plan, const index::Snapshot& snapshot,
                              const SampleFrame& frame) {
  return Planned({LogicalAnd{{plan, {frame.buckets}}}}, snapshot);
}

// The chunks to read, shard by shard.
std::vector<std::vector<uint32_t>> ByShard(const std::vector<uint32_t>& chunks) {
  std::vector<std::vector<uint32_t>> shards;
  uint32_t shard = 0;
  for (const uint32_t chunk : chunks) {
    if (shards.empty() || chunk / index::kChunksPerShard != shard) shards.emplace_back();
    shard = chunk / index::kChunksPerShard;
    shards.back().push_back(chunk);
  }
  return shards;
}

// Calls visit(evaluator, chunk, worker) for every chunk of the frame that may have somebody.
using Visit = std::function<void(Evaluator&, uint32_t chunk, uint32_t worker)>;
absl::Status VisitChunks(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                         index::Parallel& parallel, const Check& check, const SampleFrame& frame,
                         const Visit& visit) {
  std::vector<std::unique_ptr<Evaluator>> evaluators(parallel.threads());
  const std::vector<std::vector<uint32_t>> shards = ByShard(frame.chunks);
  return ShardLoop(check).Run(
      static_cast<uint32_t>(shards.size()), plan.users_max <= kInlineUsersMax, parallel,
      [&](uint32_t i, uint32_t worker) {
        if (evaluators[worker] == nullptr) {
          evaluators[worker] = std::make_unique<Evaluator>(plan, snapshot, Profiling::kNone);
        }
        if (evaluators[worker]->StartShard(shards[i].front() / index::kChunksPerShard) == 0) return;
        for (const uint32_t chunk : shards[i]) visit(*evaluators[worker], chunk, worker);
      });
}

// Sets how many users a frame by hash looks at.
absl::Status CountLookedAt(const index::Snapshot& snapshot, index::Parallel& parallel,
                           const Check& check, SampleFrame* frame) {
  THRONG_ASSIGN_OR_RETURN(
      frame->looked_at, CountUsers(Planned({frame->buckets}, snapshot), snapshot, parallel, check));
  return absl::OkStatus();
}

// What one worker found. A collector of its own gives the counts of a chunk: those up to and with
// it but for those before.
struct alignas(64) Worker {
  std::unique_ptr<BreakdownCollector> collector;
  std::vector<TagCounts> before;
  SampleTally users;
  std::vector<SampledTagCounts> tags;
};

std::vector<SampledTagCounts> NoCounts(const std::vector<TagCounts>& shape) {
  std::vector<SampledTagCounts> none(shape.size());
  for (size_t t = 0; t < shape.size(); ++t) none[t].counts.resize(shape[t].counts.size());
  return none;
}

void StartWorker(const index::Snapshot& snapshot, const std::vector<uint32_t>& tags,
                 Worker* worker) {
  worker->collector = std::make_unique<BreakdownCollector>(snapshot, tags);
  worker->collector->Start(1, 0);
  worker->before = worker->collector->Finish();
  worker->tags = NoCounts(worker->before);
}

bool IsFlag(const index::Snapshot& snapshot, uint32_t tag) {
  return snapshot.catalogue().FindById(tag)->definition.type == index::TagType::kFlag;
}

void AddChunk(const index::Snapshot& snapshot, const std::vector<uint32_t>& tags, uint64_t found,
              uint64_t users, Worker* worker) {
  worker->users.AddChunk(found, users);
  std::vector<TagCounts> now = worker->collector->Finish();
  for (size_t t = 0; t < now.size(); ++t) {
    const TagCounts& before = worker->before[t];
    for (size_t code = 0; code < now[t].counts.size(); ++code) {
      worker->tags[t].counts[code].AddChunk(now[t].counts[code] - before.counts[code], users);
    }
    const uint64_t with = IsFlag(snapshot, tags[t]) ? now[t].counts[0] - before.counts[0]
                                                    : now[t].with_value - before.with_value;
    worker->tags[t].without_value.AddChunk(found - with, users);
  }
  worker->before = std::move(now);
}

absl::Status BreakDownChunks(const PhysicalPlan& plan, const std::vector<uint32_t>& tags,
                             const index::Snapshot& snapshot, index::Parallel& parallel,
                             const Check& check, const SampleFrame& frame, SampleTally* users,
                             std::vector<SampledTagCounts>* counts) {
  std::vector<Worker> workers(parallel.threads());
  THRONG_RETURN_IF_ERROR(VisitChunks(
      plan, snapshot, parallel, check, frame,
      [&](Evaluator& evaluator, uint32_t chunk, uint32_t worker_number) {
        const index::ChunkSet found = evaluator.Evaluate(chunk % index::kChunksPerShard);
        if (found.empty()) return;
        Worker& worker = workers[worker_number];
        if (worker.collector == nullptr) StartWorker(snapshot, tags, &worker);
        worker.collector->Collect(chunk, found, 0);
        AddChunk(snapshot, tags, found.cardinality, UsersOfChunk(snapshot, chunk), &worker);
      }));
  BreakdownCollector shape(snapshot, tags);
  *counts = NoCounts(shape.Finish());
  for (const Worker& worker : workers) {
    users->Merge(worker.users);
    for (size_t t = 0; t < worker.tags.size(); ++t) {
      (*counts)[t].without_value.Merge(worker.tags[t].without_value);
      for (size_t code = 0; code < worker.tags[t].counts.size(); ++code) {
        (*counts)[t].counts[code].Merge(worker.tags[t].counts[code]);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CountSample(const LogicalPlan& plan, const index::Snapshot& snapshot,
                         index::Parallel& parallel, const Check& check, SampleFrame* frame,
                         SampleTally* users) {
  if (!frame->by_chunks) {
    THRONG_RETURN_IF_ERROR(CountLookedAt(snapshot, parallel, check, frame));
    THRONG_ASSIGN_OR_RETURN(users->found, CountUsers(PlannedInBuckets(plan, snapshot, *frame),
                                                     snapshot, parallel, check));
    return absl::OkStatus();
  }
  std::vector<SampleTally> tallies(parallel.threads());
  THRONG_RETURN_IF_ERROR(VisitChunks(Planned(plan, snapshot), snapshot, parallel, check, *frame,
                                     [&](Evaluator& evaluator, uint32_t chunk, uint32_t worker) {
                                       tallies[worker].AddChunk(
                                           evaluator.Count(chunk % index::kChunksPerShard),
                                           UsersOfChunk(snapshot, chunk));
                                     }));
  for (const SampleTally& tally : tallies) users->Merge(tally);
  return absl::OkStatus();
}

absl::Status BreakDownSample(const LogicalPlan& plan, const std::vector<uint32_t>& tags,
                             const index::Snapshot& snapshot, index::Parallel& parallel,
                             const Check& check, SampleFrame* frame, SampleTally* users,
                             std::vector<SampledTagCounts>* counts) {
  if (frame->by_chunks) {
    return BreakDownChunks(Planned(plan, snapshot), tags, snapshot, parallel, check, *frame, users,
                           counts);
  }
  THRONG_RETURN_IF_ERROR(CountLookedAt(snapshot, parallel, check, frame));
  BreakdownCollector collector(snapshot, tags);
  THRONG_RETURN_IF_ERROR(
      Execute(PlannedInBuckets(plan, snapshot, *frame), snapshot, parallel, check, collector));
  users->found = collector.users();
  const std::vector<TagCounts> found = collector.Finish();
  *counts = NoCounts(found);
  for (size_t t = 0; t < found.size(); ++t) {
    for (size_t code = 0; code < found[t].counts.size(); ++code) {
      (*counts)[t].counts[code].found = found[t].counts[code];
    }
    const uint64_t with = IsFlag(snapshot, tags[t]) ? found[t].counts[0] : found[t].with_value;
    (*counts)[t].without_value.found = users->found - with;
  }
  return absl::OkStatus();
}

}  // namespace throng::query
