#include "query/executor.h"

#include <memory>
#include <utility>

#include "query/shard_loop.h"

namespace throng::query {
namespace {

// One evaluator a worker, made when the worker gets its first shard.
class Evaluators {
 public:
  Evaluators(const PhysicalPlan& plan, const index::Snapshot& snapshot, uint32_t workers,
             Profiling profiling, uint64_t other_bytes = 0)
      : plan_(plan),
        snapshot_(snapshot),
        profiling_(profiling),
        other_bytes_(other_bytes),
        evaluators_(workers) {}

  Evaluator& Get(uint32_t worker) {
    if (evaluators_[worker] == nullptr) {
      evaluators_[worker] = std::make_unique<Evaluator>(plan_, snapshot_, profiling_, other_bytes_);
    }
    return *evaluators_[worker];
  }
  const std::vector<std::unique_ptr<Evaluator>>& all() const { return evaluators_; }

 private:
  const PhysicalPlan& plan_;
  const index::Snapshot& snapshot_;
  const Profiling profiling_;
  const uint64_t other_bytes_;
  std::vector<std::unique_ptr<Evaluator>> evaluators_;
};

struct alignas(64) Partial {
  uint64_t count = 0;
};

bool IsSmall(const PhysicalPlan& plan) { return plan.users_max <= kInlineUsersMax; }

uint64_t Sum(const std::vector<Partial>& partials) {
  uint64_t total = 0;
  for (const Partial& partial : partials) total += partial.count;
  return total;
}

// What the evaluators' operators did, in pre-order.
std::vector<OperatorProfile> SumProfiles(const Evaluators& evaluators) {
  std::vector<OperatorProfile> sums;
  for (const auto& evaluator : evaluators.all()) {
    if (evaluator == nullptr) continue;
    sums.resize(evaluator->profiles().size());
    for (size_t n = 0; n < sums.size(); ++n) sums[n].Add(evaluator->profiles()[n]);
  }
  return sums;
}

absl::StatusOr<uint64_t> CountWith(Evaluators& evaluators, const PhysicalPlan& plan,
                                   const index::Snapshot& snapshot, index::Parallel& parallel,
                                   const Check& check) {
  std::vector<Partial> partials(parallel.threads());
  const absl::Status status = ShardLoop(check).Run(
      snapshot.shard_count(), IsSmall(plan), parallel, [&](uint32_t shard, uint32_t worker) {
        Evaluator& evaluator = evaluators.Get(worker);
        if (evaluator.StartShard(shard) == 0) return;
        uint64_t count = 0;
        for (uint32_t c = 0; c < index::kChunksPerShard; ++c) count += evaluator.Count(c);
        partials[worker].count += count;
      });
  if (!status.ok()) return status;
  return Sum(partials);
}

}  // namespace

absl::StatusOr<uint64_t> CountUsers(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                                    index::Parallel& parallel, const Check& check) {
  Evaluators evaluators(plan, snapshot, parallel.threads(), Profiling::kNone);
  return CountWith(evaluators, plan, snapshot, parallel, check);
}

absl::StatusOr<ProfiledPlan> AnalyzeCount(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                                          index::Parallel& parallel, const Check& check) {
  Evaluators evaluators(plan, snapshot, parallel.threads(), Profiling::kAsRun);
  const absl::StatusOr<uint64_t> count = CountWith(evaluators, plan, snapshot, parallel, check);
  if (!count.ok()) return count.status();
  return ProfiledPlan{.count = *count, .operators = SumProfiles(evaluators)};
}

absl::Status Execute(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                     index::Parallel& parallel, const Check& check, Collector& collector) {
  const uint32_t shards = snapshot.shard_count();
  collector.Start(parallel.threads(), shards * index::kChunksPerShard);
  Evaluators evaluators(plan, snapshot, parallel.threads(), Profiling::kNone,
                        collector.BytesAChunk());
  return ShardLoop(check).Run(
      shards, IsSmall(plan), parallel, [&](uint32_t shard, uint32_t worker) {
        Evaluator& evaluator = evaluators.Get(worker);
        if (evaluator.StartShard(shard) == 0) return;
        for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
          const index::ChunkSet users = evaluator.Evaluate(c);
          if (!users.empty()) collector.Collect(shard * index::kChunksPerShard + c, users, worker);
        }
      });
}

absl::StatusOr<std::vector<ProfiledPlan>> ProfilePlans(const std::vector<PhysicalPlan>& plans,
                                                       const index::Snapshot& snapshot,
                                                       index::Parallel& parallel,
                                                       const Check& check) {
  std::vector<Evaluators> evaluators;
  for (const PhysicalPlan& plan : plans) {
    evaluators.emplace_back(plan, snapshot, parallel.threads(), Profiling::kOperators);
  }
  std::vector<std::vector<Partial>> partials(plans.size(),
                                             std::vector<Partial>(parallel.threads()));
  const absl::Status status = ShardLoop(check).Run(
      snapshot.shard_count(), false, parallel, [&](uint32_t shard, uint32_t worker) {
        for (size_t i = 0; i < plans.size(); ++i) {
          Evaluator& evaluator = evaluators[i].Get(worker);
          if (evaluator.StartShard(shard) == 0) continue;
          for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
            partials[i][worker].count += evaluator.Count(c);
          }
        }
      });
  if (!status.ok()) return status;
  std::vector<ProfiledPlan> profiled(plans.size());
  for (size_t i = 0; i < plans.size(); ++i) {
    profiled[i].count = Sum(partials[i]);
    profiled[i].operators = SumProfiles(evaluators[i]);
  }
  return profiled;
}

}  // namespace throng::query
