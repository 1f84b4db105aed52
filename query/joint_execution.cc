#include "query/joint_execution.h"

#include <algorithm>
#include <cstddef>
#include <memory>

#include "query/evaluator.h"
#include "query/shard_loop.h"

namespace throng::query {
namespace {

// The plans' evaluators, and the users they find, of one worker.
class JointEvaluator {
 public:
  JointEvaluator(const std::vector<PhysicalPlan>& plans, const index::Snapshot& snapshot)
      : starts_(plans.size()), users_(plans.size()) {
    for (const PhysicalPlan& plan : plans) {
      evaluators_.push_back(std::make_unique<Evaluator>(plan, snapshot, Profiling::kNone));
    }
  }

  // Returns whether anybody can be there.
  bool StartShard(uint32_t shard) {
    bool any = false;
    for (size_t i = 0; i < evaluators_.size(); ++i) {
      starts_[i] = evaluators_[i]->StartShard(shard) != 0;
      any |= starts_[i];
    }
    return any;
  }

  // The users of each plan in a chunk of the shard; valid until the next call.
  std::span<const index::ChunkSet> Evaluate(uint32_t chunk) {
    for (size_t i = 0; i < evaluators_.size(); ++i) {
      users_[i] = starts_[i] ? evaluators_[i]->Evaluate(chunk) : index::ChunkSet::Empty();
    }
    return users_;
  }

 private:
  std::vector<std::unique_ptr<Evaluator>> evaluators_;
  std::vector<bool> starts_;  // of the shard at hand
  std::vector<index::ChunkSet> users_;
};

bool AllEmpty(std::span<const index::ChunkSet> users) {
  return std::all_of(users.begin(), users.end(),
                     [](const index::ChunkSet& set) { return set.empty(); });
}

}  // namespace

absl::Status ExecuteJointly(const std::vector<PhysicalPlan>& plans, const index::Snapshot& snapshot,
                            index::Parallel& parallel, const Check& check,
                            JointCollector& collector) {
  const uint32_t shards = snapshot.shard_count();
  collector.Start(parallel.threads(), shards * index::kChunksPerShard);
  std::vector<std::unique_ptr<JointEvaluator>> evaluators(parallel.threads());
  return ShardLoop(check).Run(
      shards, AreSmall(plans), parallel, [&](uint32_t shard, uint32_t worker) {
        if (evaluators[worker] == nullptr) {
          evaluators[worker] = std::make_unique<JointEvaluator>(plans, snapshot);
        }
        JointEvaluator& evaluator = *evaluators[worker];
        if (!evaluator.StartShard(shard)) return;
        for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
          const std::span<const index::ChunkSet> users = evaluator.Evaluate(c);
          if (AllEmpty(users)) continue;
          collector.Collect(shard * index::kChunksPerShard + c, users, worker);
        }
      });
}

}  // namespace throng::query
