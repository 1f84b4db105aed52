// The walk of query/plan_estimate.h: each function mirrors the one of query/evaluator.cc that
// evaluates, and returns an upper bound of the users that one would give.
#include <algorithm>
#include <variant>

#include "query/evaluator.h"

namespace throng::query {

void Evaluator::EstimateShard(uint32_t shard, std::vector<OperatorWork>* works) {
  works->resize(operators_.size());
  const uint64_t users_max = StartShard(shard);
  for (size_t i = 0; i < operators_.size(); ++i) {
    if (operators_[i].leaf == nullptr) continue;
    (*works)[i].users += operators_[i].users_max;
    (*works)[i].exact &= operators_[i].leaf->is_exact();
  }
  if (users_max == 0) return;
  for (uint32_t chunk = 0; chunk < index::kChunksPerShard; ++chunk) {
    EstimateWhole(0, chunk, Goal::kCount, *works);
  }
}

uint64_t Evaluator::EstimateLeaf(uint32_t number, uint32_t chunk, LeafUse use, uint64_t at_hand,
                                 std::vector<OperatorWork>& works) {
  const Operator& op = operators_[number];
  const bool whole = use == LeafUse::kRead || use == LeafUse::kCount;
  works[number].Add(op.leaf->Choose(chunk, use, static_cast<uint32_t>(at_hand)),
                    whole ? 0 : at_hand);
  const uint64_t users = std::min<uint64_t>(op.leaf->UsersMax(chunk), at_hand);
  const auto* buckets = std::get_if<HashBuckets>(&op.plan->node);
  if (buckets == nullptr) return users;
  return (users * (buckets->to - buckets->from) + 999'999) / 1'000'000;  // about
}

uint64_t Evaluator::EstimateWhole(uint32_t number, uint32_t chunk, Goal goal,
                                  std::vector<OperatorWork>& works) {
  const Operator& op = operators_[number];
  if (op.users_max == 0) return 0;
  if (op.leaf != nullptr) {
    const LeafUse use = goal == Goal::kCount ? LeafUse::kCount : LeafUse::kRead;
    return EstimateLeaf(number, chunk, use, index::kChunkSize, works);
  }
  return std::holds_alternative<UniteInputs>(op.plan->node)
             ? EstimateUnion(number, chunk, works)
             : EstimateConjuncts(number, chunk, goal, works);
}

uint64_t Evaluator::EstimateUnion(uint32_t number, uint32_t chunk,
                                  std::vector<OperatorWork>& works) {
  uint64_t users = 0;
  for (const uint32_t input : operators_[number].inputs) {
    const uint64_t of_input = EstimateWhole(input, chunk, Goal::kUsers, works);
    users += of_input;
    // What uniting a leaf's sets takes is the leaf's.
    if (operators_[input].leaf == nullptr) works[number].cost += UniteCost(of_input);
  }
  return std::min<uint64_t>(users, index::kChunkSize);
}

uint64_t Evaluator::EstimateConjuncts(uint32_t number, uint32_t chunk, Goal goal,
                                      std::vector<OperatorWork>& works) {
  const Operator& op = operators_[number];
  uint64_t at_hand = index::kChunkSize;
  for (const uint32_t input : op.in_place) {
    at_hand = std::min<uint64_t>(at_hand, operators_[input].leaf->UsersMax(chunk));
  }
  if (at_hand == 0) return 0;
  for (const uint32_t input : op.in_place) {
    EstimateLeaf(input, chunk, LeafUse::kKeep, at_hand, works);
  }
  for (const uint32_t input : op.minus_in_place) {
    EstimateLeaf(input, chunk, LeafUse::kRemove, at_hand, works);
  }
  size_t left = op.asked.size() + op.minus_asked.size();
  size_t next = 0;
  if (op.in_place.empty()) {
    next = 1;
    --left;
    at_hand = EstimateWhole(op.asked[0], chunk, Goal::kUsers, works);
  }
  const auto use = [&](LeafUse unless_last) {
    return --left == 0 && goal == Goal::kCount ? LeafUse::kCountIn : unless_last;
  };
  for (; next < op.asked.size() && at_hand > 0; ++next) {
    at_hand = EstimateRestrict(number, op.asked[next], chunk, use(LeafUse::kKeep), at_hand, works);
  }
  for (size_t i = 0; i < op.minus_asked.size() && at_hand > 0; ++i) {
    EstimateRestrict(number, op.minus_asked[i], chunk, use(LeafUse::kRemove), at_hand, works);
  }
  return at_hand;
}

uint64_t Evaluator::EstimateRestrict(uint32_t parent, uint32_t number, uint32_t chunk, LeafUse use,
                                     uint64_t at_hand, std::vector<OperatorWork>& works) {
  const Operator& op = operators_[number];
  if (op.users_max == 0) return 0;
  if (op.leaf != nullptr) return EstimateLeaf(number, chunk, use, at_hand, works);
  const uint64_t users = std::min(EstimateWhole(number, chunk, Goal::kUsers, works), at_hand);
  works[parent].cost += TestCost(users);
  return users;
}

}  // namespace throng::query
