// Evaluates a physical plan chunk by chunk: the machine inside the executor.
//
//   Evaluator evaluator(plan, snapshot, /*profile=*/false);
//   evaluator.StartShard(3);
//   index::ChunkSet users = evaluator.Evaluate(/*chunk in shard=*/7);
//
// All scratch is allocated once; operands are read in place. Chunks where a conjunct is empty are
// left without looking at the others.
#ifndef THRONG_QUERY_EVALUATOR_H_
#define THRONG_QUERY_EVALUATOR_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "index/chunk_set.h"
#include "index/snapshot.h"
#include "query/physical_plan.h"

namespace throng::query {

// What one operator did, by pre-order number.
struct OperatorProfile {
  uint64_t users = 0;
  uint64_t chunks = 0;
  std::chrono::nanoseconds time{0};
};

// For one thread. Borrows the plan and the snapshot.
class Evaluator {
 public:
  // With `profile`, each operator counts its users, chunks and time, its inputs' included.
  Evaluator(const PhysicalPlan& plan, const index::Snapshot& snapshot, bool profile);

  // An upper bound of the users in the shard; 0: nothing there to evaluate. Orders the inputs of
  // every operator by their cardinality in the shard.
  uint64_t StartShard(uint32_t shard);
  // The users in a chunk (0 to 15) of the shard. The view is valid until the next call.
  index::ChunkSet Evaluate(uint32_t chunk);
  // How many they are; less work than Evaluate where nothing needs to be materialised.
  uint32_t Count(uint32_t chunk);
  // In pre-order.
  const std::vector<OperatorProfile>& profiles() const { return profiles_; }

 private:
  struct Operator {
    const PhysicalPlan* plan = nullptr;
    std::vector<uint32_t> inputs;  // pre-order numbers, in order of evaluation
    uint64_t users_max = 0;        // in the current shard
    // Leaves of value bitmaps: those of the current shard that are not empty.
    std::vector<const index::BitmapShard*> bitmaps;
    const index::ColumnShard* column = nullptr;
    std::unique_ptr<index::ChunkScratch[]> scratch;  // two, used in turn
  };

  uint32_t Flatten(const PhysicalPlan& plan);
  uint64_t StartLeaf(Operator& op);
  uint64_t StartOperator(uint32_t number);
  index::ChunkSet Evaluate(uint32_t number, uint32_t chunk);
  index::ChunkSet EvaluatePlan(Operator& op, uint32_t chunk);
  index::ChunkSet EvaluateIntersect(Operator& op, uint32_t chunk, size_t inputs);
  index::ChunkSet EvaluateSubtract(Operator& op, uint32_t chunk, size_t inputs);
  index::ChunkSet EvaluateUnite(Operator& op, uint32_t chunk);
  index::ChunkSet EvaluateBitmaps(Operator& op, uint32_t chunk);
  index::ChunkSet EvaluateRanges(Operator& op, const NumericRanges& ranges, uint32_t chunk);
  index::ChunkSet EvaluateBuckets(Operator& op, const HashBuckets& buckets, uint32_t chunk);

  const index::Snapshot& snapshot_;
  const bool profile_;
  uint32_t shard_ = 0;
  std::vector<Operator> operators_;  // in pre-order
  std::vector<OperatorProfile> profiles_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_EVALUATOR_H_
