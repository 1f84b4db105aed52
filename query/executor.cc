#include "query/executor.h"

#include <atomic>
#include <memory>
#include <utility>

#include "index/mutex.h"

namespace throng::query {
namespace {

// Runs shard by shard until a check fails; remembers the first failure.
class ShardLoop {
 public:
  ShardLoop(const Check& check) : check_(check) {}

  // `work(shard, worker)` is called for each shard; a small plan stays on this thread.
  template <typename Work>
  absl::Status Run(uint32_t shards, bool inline_only, index::Parallel& parallel, Work work) {
    const auto step = [&](uint32_t shard, uint32_t worker) {
      if (stopped_.load(std::memory_order_relaxed)) return;
      if (absl::Status status = check_ ? check_() : absl::OkStatus(); !status.ok()) {
        index::MutexLock lock(mutex_);
        if (failure_.ok()) failure_ = std::move(status);
        stopped_.store(true, std::memory_order_relaxed);
        return;
      }
      work(shard, worker);
    };
    if (inline_only) {
      for (uint32_t shard = 0; shard < shards; ++shard) step(shard, 0);
    } else {
      parallel.For(shards, step);
    }
    index::MutexLock lock(mutex_);
    return failure_;
  }

 private:
  const Check& check_;
  std::atomic<bool> stopped_{false};
  index::Mutex mutex_;
  absl::Status failure_ THRONG_GUARDED_BY(mutex_);
};

// One evaluator a worker, made when the worker gets its first shard.
class Evaluators {
 public:
  Evaluators(const PhysicalPlan& plan, const index::Snapshot& snapshot, uint32_t workers,
             bool profile)
      : plan_(plan), snapshot_(snapshot), profile_(profile), evaluators_(workers) {}

  Evaluator& Get(uint32_t worker) {
    if (evaluators_[worker] == nullptr) {
      evaluators_[worker] = std::make_unique<Evaluator>(plan_, snapshot_, profile_);
    }
    return *evaluators_[worker];
  }
  const std::vector<std::unique_ptr<Evaluator>>& all() const { return evaluators_; }

 private:
  const PhysicalPlan& plan_;
  const index::Snapshot& snapshot_;
  const bool profile_;
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

}  // namespace

absl::StatusOr<uint64_t> CountUsers(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                                    index::Parallel& parallel, const Check& check) {
  Evaluators evaluators(plan, snapshot, parallel.threads(), false);
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

absl::Status Execute(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                     index::Parallel& parallel, const Check& check, Collector& collector) {
  const uint32_t shards = snapshot.shard_count();
  collector.Start(parallel.threads(), shards * index::kChunksPerShard);
  Evaluators evaluators(plan, snapshot, parallel.threads(), false);
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
    evaluators.emplace_back(plan, snapshot, parallel.threads(), true);
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
    for (const auto& evaluator : evaluators[i].all()) {
      if (evaluator == nullptr) continue;
      profiled[i].operators.resize(evaluator->profiles().size());
      for (size_t n = 0; n < evaluator->profiles().size(); ++n) {
        profiled[i].operators[n].users += evaluator->profiles()[n].users;
        profiled[i].operators[n].chunks += evaluator->profiles()[n].chunks;
        profiled[i].operators[n].time += evaluator->profiles()[n].time;
      }
    }
  }
  return profiled;
}

}  // namespace throng::query
