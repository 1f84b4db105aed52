// Evaluates a physical plan chunk by chunk: the machine inside the executor.
//
//   Evaluator evaluator(plan, snapshot, /*profile=*/false);
//   evaluator.StartShard(3);
//   index::ChunkSet users = evaluator.Evaluate(/*chunk in shard=*/7);
//
// Operands that lie in a block are read in place, all of one operator in one pass; leaves that cost
// more are asked only for the users still at hand. Chunks where a conjunct is empty are left
// without looking at the others. All scratch is taken once.
#ifndef THRONG_QUERY_EVALUATOR_H_
#define THRONG_QUERY_EVALUATOR_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "index/chunk_algebra.h"
#include "index/chunk_set.h"
#include "index/scratch_pool.h"
#include "index/snapshot.h"
#include "query/leaf_reader.h"
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
  // With `profile`, each operator counts its users, chunks and time, its inputs' included;
  // operators then run one by one, two operands at a time.
  Evaluator(const PhysicalPlan& plan, const index::Snapshot& snapshot, bool profile);

  // What the order goes by: about how many users there are in the shard at most (an estimate where
  // there are buckets); 0: nothing there to evaluate. Orders the inputs of
  // every operator by their cardinality in the shard.
  uint64_t StartShard(uint32_t shard);
  // The users in a chunk (0 to 15) of the shard. The view is valid until the next call.
  index::ChunkSet Evaluate(uint32_t chunk);
  // How many they are; less work than Evaluate where nothing needs to be materialised.
  uint32_t Count(uint32_t chunk);
  // In pre-order.
  const std::vector<OperatorProfile>& profiles() const { return profiles_; }

 private:
  enum class Goal { kUsers, kCount };  // a count is a set without members, of that cardinality

  struct Operator {
    const PhysicalPlan* plan = nullptr;
    std::vector<uint32_t> inputs;      // numbers; in the order of cardinality in the shard
    std::unique_ptr<LeafReader> leaf;  // null for inner operators
    uint64_t users_max = 0;            // in the current shard
    // Of intersections and differences, in the current shard: operands that lie in blocks, and the
    // others, which are asked for one by one. A difference takes in an intersection that it begins
    // with.
    std::vector<uint32_t> in_place;
    std::vector<uint32_t> minus_in_place;
    std::vector<uint32_t> asked;
    std::vector<uint32_t> minus_asked;
    std::vector<index::ChunkSet> sets;  // of the chunk at hand
    std::vector<index::ChunkSet> minus_sets;
    std::vector<index::ChunkTerm> terms;  // of unions
    index::ScratchRef scratch[2];         // inner operators: used in turn
  };

  uint32_t Flatten(const PhysicalPlan& plan);
  uint64_t StartOperator(uint32_t number);
  void Sort(Operator& op);
  void SortConjuncts(Operator& op);
  index::ChunkSet Evaluate(uint32_t number, uint32_t chunk, Goal goal);
  index::ChunkSet EvaluateConjuncts(Operator& op, uint32_t chunk, Goal goal);
  index::ChunkSet Restrict(const index::ChunkSet& users, uint32_t number, uint32_t chunk,
                           bool wanted, Goal goal, index::ChunkScratch& out);
  bool ReadInPlace(Operator& op, uint32_t chunk);
  void GatherUnion(Operator& op, uint32_t chunk);
  index::ChunkSet EvaluateUnion(Operator& op, const index::ChunkTerm& common, uint32_t chunk,
                                Goal goal);
  index::ChunkSet EvaluateProfiled(uint32_t number, uint32_t chunk);
  index::ChunkSet EvaluatePairwise(Operator& op, uint32_t chunk);

  const index::Snapshot& snapshot_;
  const bool profile_;
  std::vector<Operator> operators_;  // in pre-order
  std::vector<OperatorProfile> profiles_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_EVALUATOR_H_
