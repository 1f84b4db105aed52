#include "query/batch_execution.h"

#include <algorithm>
#include <span>
#include <utility>

#include "index/block.h"
#include "index/chunk_set.h"
#include "index/error.h"
#include "query/evaluator.h"
#include "query/shard_loop.h"

namespace throng::query {
namespace {

using Clock = std::chrono::steady_clock;
using SetRef = std::shared_ptr<const index::OrdinalSet>;

class BatchExecution {
 public:
  BatchExecution(const std::vector<PhysicalPlan>& plans, const index::Snapshot& snapshot,
                 index::Parallel& parallel, const Check& check, const TakeBytes& take,
                 SharedPlans shared)
      : plans_(plans),
        snapshot_(snapshot),
        parallel_(parallel),
        check_(check),
        take_(take),
        shared_(std::move(shared)),
        shards_at_once_(std::max(parallel.threads(), 1u)),
        blocks_(plans.size()),
        takes_part_(plans.size()),
        plan_times_(plans.size() * shards_at_once_),
        part_times_(shared_.parts.size() * shards_at_once_),
        part_sets_(shards_at_once_, std::vector<SetRef>(shared_.parts.size())) {
    std::vector<bool> is_taken(shared_.parts.size());
    for (size_t i = 0; i < plans.size(); ++i) {
      if (!IsPart(i)) continue;
      const uint32_t part = shared_.reads[i].front().part;
      takes_part_[i] = !is_taken[part];
      is_taken[part] = true;
    }
  }

  absl::StatusOr<std::vector<PlanUsers>> Run() {
    const uint32_t shards = snapshot_.shard_count();
    const size_t chunks = size_t{shards} * index::kChunksPerShard;
    THRONG_RETURN_IF_ERROR(Take(plans_.size() * chunks * sizeof(index::BlockRef)));
    for (auto& blocks : blocks_) blocks.resize(chunks);
    for (uint32_t first = 0; first < shards; first += shards_at_once_) {
      THRONG_RETURN_IF_ERROR(RunShards(first, std::min(shards_at_once_, shards - first)));
    }
    std::vector<PlanUsers> users(plans_.size());
    for (size_t i = 0; i < plans_.size(); ++i) {
      users[i] = {.set = index::OrdinalSet::FromBlocks(std::move(blocks_[i])), .time = TimeOf(i)};
    }
    return users;
  }

 private:
  // Parts level by level, because they read each other; then the plans, shard by shard.
  absl::Status RunShards(uint32_t first, uint32_t count) {
    const auto& parts = shared_.parts;
    for (size_t begin = 0, end = 0; begin < parts.size(); begin = end) {
      while (end < parts.size() && parts[end].level == parts[begin].level) ++end;
      THRONG_RETURN_IF_ERROR(ForEach(count, end - begin, [&](uint32_t place, size_t i) {
        RunPart(begin + i, first + place, place);
      }));
    }
    return ForEach(count, plans_.size(), [&](uint32_t place, size_t i) {
      RunPlan(i, first + place, place);
      return Take(NewBytes(i, first + place));
    });
  }

  // Calls work(place, i) for i below `count` in each of so many shards, shard by shard.
  template <typename Work>
  absl::Status ForEach(uint32_t shards, size_t count, Work work) {
    return ShardLoop(check_).Run(static_cast<uint32_t>(shards * count), AreSmall(plans_), parallel_,
                                 [&](uint32_t item, uint32_t) {
                                   return work(static_cast<uint32_t>(item / count), item % count);
                                 });
  }

  absl::Status Take(uint64_t bytes) const { return take_ ? take_(bytes) : absl::OkStatus(); }

  // Whether the plan is nothing but a part.
  bool IsPart(size_t number) const {
    const std::vector<PartRead>& reads = shared_.reads[number];
    return !reads.empty() && reads.front().at == 0;
  }

  // The memory of a plan's blocks in a shard; those of a part are the first one's who shares them.
  uint64_t NewBytes(size_t number, uint32_t shard) const {
    if (IsPart(number) && !takes_part_[number]) return 0;
    uint64_t bytes = 0;
    for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
      const index::BlockRef& block = blocks_[number][size_t{shard} * index::kChunksPerShard + c];
      if (block) bytes += block->memory_bytes();
    }
    return bytes;
  }

  void RunPart(size_t number, uint32_t shard, uint32_t place) {
    const Clock::time_point start = Clock::now();
    const SharedPart& part = shared_.parts[number];
    std::vector<index::BlockRef> blocks(size_t{shard + 1} * index::kChunksPerShard);
    Evaluate(WithParts(part.plan, part.reads, part_sets_[place]), shard, blocks);
    part_sets_[place][number] = index::OrdinalSet::FromBlocks(std::move(blocks));
    part_times_[number * shards_at_once_ + place] += Clock::now() - start;
  }

  void RunPlan(size_t number, uint32_t shard, uint32_t place) {
    const Clock::time_point start = Clock::now();
    const std::vector<PartRead>& reads = shared_.reads[number];
    if (IsPart(number)) {
      const index::OrdinalSet& part = *part_sets_[place][reads.front().part];
      for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
        const uint32_t chunk = shard * index::kChunksPerShard + c;
        blocks_[number][chunk] = part.ShareBlock(chunk);
      }
    } else if (reads.empty()) {
      Evaluate(plans_[number], shard, blocks_[number]);
    } else {
      Evaluate(WithParts(plans_[number], reads, part_sets_[place]), shard, blocks_[number]);
    }
    plan_times_[number * shards_at_once_ + place] += Clock::now() - start;
  }

  // Sets the blocks of the shard's chunks. The evaluator is of this shard alone: one a plan and
  // thread that is kept would keep the scratch of each, and what a plan reads of parts changes.
  void Evaluate(const PhysicalPlan& plan, uint32_t shard, std::span<index::BlockRef> blocks) const {
    Evaluator evaluator(plan, snapshot_, Profiling::kNone);
    if (evaluator.StartShard(shard) == 0) return;
    for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
      const index::ChunkSet users = evaluator.Evaluate(c);
      if (!users.empty()) blocks[shard * index::kChunksPerShard + c] = index::MakeBlock(users);
    }
  }

  std::chrono::nanoseconds Sum(const std::vector<std::chrono::nanoseconds>& times, size_t i) const {
    std::chrono::nanoseconds sum{0};
    for (uint32_t place = 0; place < shards_at_once_; ++place) {
      sum += times[i * shards_at_once_ + place];
    }
    return sum;
  }

  // The share of one who reads the part.
  std::chrono::nanoseconds ShareOf(uint32_t number) const {
    const SharedPart& part = shared_.parts[number];
    std::chrono::nanoseconds time = Sum(part_times_, number);
    for (const PartRead& read : part.reads) time += ShareOf(read.part);
    return time / part.uses;
  }

  std::chrono::nanoseconds TimeOf(size_t number) const {
    std::chrono::nanoseconds time = Sum(plan_times_, number);
    for (const PartRead& read : shared_.reads[number]) time += ShareOf(read.part);
    return time;
  }

  const std::vector<PhysicalPlan>& plans_;
  const index::Snapshot& snapshot_;
  index::Parallel& parallel_;
  const Check& check_;
  const TakeBytes& take_;
  const SharedPlans shared_;
  const uint32_t shards_at_once_;
  std::vector<std::vector<index::BlockRef>> blocks_;  // by plan; each chunk written by one thread
  std::vector<bool> takes_part_;  // by plan: it is the first that is nothing but this part
  std::vector<std::chrono::nanoseconds> plan_times_;  // by plan and place
  std::vector<std::chrono::nanoseconds> part_times_;
  std::vector<std::vector<SetRef>> part_sets_;  // by place: of the shards at hand
};

}  // namespace

absl::StatusOr<std::vector<PlanUsers>> SelectEach(const std::vector<PhysicalPlan>& plans,
                                                  const index::Snapshot& snapshot,
                                                  index::Parallel& parallel, const Check& check,
                                                  const TakeBytes& take,
                                                  const SharingLimits& limits) {
  if (plans.empty()) return std::vector<PlanUsers>();
  THRONG_ASSIGN_OR_RETURN(SharedPlans shared,
                          FindSharedParts(plans, snapshot, parallel, check, limits));
  return BatchExecution(plans, snapshot, parallel, check, take, std::move(shared)).Run();
}

}  // namespace throng::query
