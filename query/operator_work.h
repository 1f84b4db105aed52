// What one operator of a plan is reckoned to take, added up over chunks.
//
//   OperatorWork work;
//   work.Add(leaf.Choose(chunk, LeafUse::kRead, 0), /*at_hand=*/0);
//
// Internal to query/evaluator.h and query/plan_estimate.h.
#ifndef THRONG_QUERY_OPERATOR_WORK_H_
#define THRONG_QUERY_OPERATOR_WORK_H_

#include <array>
#include <cstdint>

#include "query/leaf_choice.h"

namespace throng::query {

// A value; thread-compatible. Costs in units of 0.1 ns.
struct OperatorWork {
  uint64_t users = 0;  // of leaves: by their cardinality in each shard
  bool exact = true;   // whether those are exact
  uint64_t cost = 0;   // the operator's own
  uint64_t users_at_hand = 0;
  // By form: chunks in which it is taken, whether it was to be had at all, and how much more it
  // would take than what is taken.
  std::array<uint64_t, kLeafForms> chunks{};
  std::array<bool, kLeafForms> offered{};
  std::array<uint64_t, kLeafForms> cost_above{};

  void Add(const LeafChoice& choice, uint64_t at_hand);
  void Add(const OperatorWork& other);
};

}  // namespace throng::query

#endif  // THRONG_QUERY_OPERATOR_WORK_H_
