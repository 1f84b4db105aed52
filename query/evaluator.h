// Evaluates a physical plan chunk by chunk: the machine inside the executor.
//
//   Evaluator evaluator(plan, snapshot, Profiling::kNone);
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
#include <optional>
#include <vector>

#include "index/chunk_algebra.h"
#include "index/chunk_set.h"
#include "index/scratch_pool.h"
#include "index/snapshot.h"
#include "query/leaf_reader.h"
#include "query/operator_work.h"
#include "query/physical_plan.h"

namespace throng::query {

// What an evaluator says of its operators afterwards.
enum class Profiling : uint8_t {
  kNone,
  // The users, chunks and time of each operator, its inputs' included; operators then run one by
  // one, two operands at a time.
  kOperators,
  // The same, and how leaves were read, of the evaluation as it runs without profiling. The time of
  // operands that are read in their parent's pass is the parent's.
  kAsRun,
};

// What one operator did, by pre-order number.
struct OperatorProfile {
  uint64_t users = 0;   // given to the parent: all, or those of the users at hand
  uint64_t chunks = 0;  // in which it was looked at
  std::chrono::nanoseconds time{0};
  // Of kAsRun. False where operands were combined without counting this one.
  bool users_known = true;
  uint64_t chunks_in_parent = 0;  // of `chunks`: in one pass with its parent's other operands
  LeafAccesses accesses;          // of leaves

  void Add(const OperatorProfile& other);
};

// For one thread. Borrows the plan and the snapshot.
class Evaluator {
 public:
  // `other_bytes` are read beside the plan's operands, in every chunk.
  Evaluator(const PhysicalPlan& plan, const index::Snapshot& snapshot, Profiling profiling,
            uint64_t other_bytes = 0);

  // What the order goes by: about how many users there are in the shard at most (an estimate where
  // there are buckets); 0: nothing there to evaluate. Orders the inputs of
  // every operator by their cardinality in the shard.
  uint64_t StartShard(uint32_t shard);
  // The users in a chunk (0 to 15) of the shard. The view is valid until the next call.
  index::ChunkSet Evaluate(uint32_t chunk);
  // How many they are; less work than Evaluate where nothing needs to be materialised.
  uint32_t Count(uint32_t chunk);
  // Adds what a count of the shard would take to `works`, in pre-order, without looking at users.
  // REQUIRES: no profiling of operators.
  void EstimateShard(uint32_t shard, std::vector<OperatorWork>* works);
  // In pre-order; all 0 without profiling.
  const std::vector<OperatorProfile>& profiles() const { return profiles_; }

 private:
  enum class Goal { kUsers, kCount };  // a count is a set without members, of that cardinality

  struct Operator {
    const PhysicalPlan* plan = nullptr;
    std::vector<uint32_t> inputs;      // numbers; in the order of cardinality in the shard
    std::unique_ptr<LeafReader> leaf;  // null for inner operators
    uint64_t users_max = 0;            // in the current shard
    uint32_t taken_in = 0;             // the intersection that a difference takes in; 0: none
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

  OperatorProfile* ProfileOf(uint32_t number) {
    return profiling_ == Profiling::kAsRun ? &profiles_[number] : nullptr;
  }
  void NoteInParent(uint32_t number, std::optional<uint32_t> users);

  uint32_t Flatten(const PhysicalPlan& plan);
  void ReadAheadIfLarge(uint64_t other_bytes);
  uint64_t StartOperator(uint32_t number);
  void Sort(Operator& op);
  void SortConjuncts(Operator& op);
  index::ChunkSet Evaluate(uint32_t number, uint32_t chunk, Goal goal);
  index::ChunkSet EvaluateConjuncts(Operator& op, uint32_t chunk, Goal goal);
  index::ChunkSet Restrict(const index::ChunkSet& users, uint32_t number, uint32_t chunk,
                           bool wanted, Goal goal, index::ChunkScratch& out);
  bool ReadInPlace(Operator& op, uint32_t chunk);
  void GatherUnion(Operator& op, uint32_t chunk);
  void GatherLeaf(Operator& op, uint32_t number, uint32_t chunk);
  void GatherTerm(Operator& op, uint32_t number, uint32_t chunk);
  index::ChunkSet EvaluateUnion(Operator& op, const index::ChunkTerm& common, uint32_t chunk,
                                Goal goal);
  uint64_t EstimateLeaf(uint32_t number, uint32_t chunk, LeafUse use, uint64_t at_hand,
                        std::vector<OperatorWork>& works);
  uint64_t EstimateWhole(uint32_t number, uint32_t chunk, Goal goal,
                         std::vector<OperatorWork>& works);
  uint64_t EstimateUnion(uint32_t number, uint32_t chunk, std::vector<OperatorWork>& works);
  uint64_t EstimateConjuncts(uint32_t number, uint32_t chunk, Goal goal,
                             std::vector<OperatorWork>& works);
  uint64_t EstimateRestrict(uint32_t parent, uint32_t number, uint32_t chunk, LeafUse use,
                            uint64_t at_hand, std::vector<OperatorWork>& works);
  index::ChunkSet EvaluateProfiled(uint32_t number, uint32_t chunk);
  index::ChunkSet EvaluatePairwise(Operator& op, uint32_t chunk);

  const index::Snapshot& snapshot_;
  const Profiling profiling_;
  std::vector<Operator> operators_;  // in pre-order
  std::vector<OperatorProfile> profiles_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_EVALUATOR_H_
