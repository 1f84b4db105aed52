// What the operators of a plan are expected to take, without running it.
//
//   auto estimates = EstimatePlan(plan, snapshot, parallel, check);
//   (*estimates)[0].cost_ns;      // of the whole plan, on one core
//   (*estimates)[2].forms;        // the ways leaf 2 can be read, and what each would take
//
// The walk is that of a count, shard by shard and chunk by chunk, with the exact cardinalities of
// each, the same order of operands and the same choice of a leaf's form (LeafReader::Choose); but
// no user is looked at, so that the users at hand after an operand are an upper bound.
#ifndef THRONG_QUERY_PLAN_ESTIMATE_H_
#define THRONG_QUERY_PLAN_ESTIMATE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/leaf_choice.h"
#include "query/physical_plan.h"

namespace throng::query {

// One way to read a leaf. A value.
struct FormEstimate {
  LeafForm form = LeafForm::kNothing;
  // Of reading every chunk so. Where a chunk cannot be, what is read there instead is counted.
  uint64_t cost_ns = 0;
  uint64_t chunks = 0;  // in which it is the cheapest, and so taken
};

// A value.
struct OperatorEstimate {
  // What the operator selects by itself, where the stored cardinalities say it.
  std::optional<uint64_t> exact_users;
  uint64_t cost_ns = 0;  // on one core; the inputs' included
  // Of leaves: the cheapest of `forms`; kNothing where no chunk needs the leaf.
  std::optional<LeafForm> form;
  std::vector<FormEstimate> forms;
  // Of leaves: the users asked about, at most, in the chunks where not everybody is.
  uint64_t users_at_hand = 0;
};

// Of each operator, in pre-order. `check` as in CountUsers. Thread-safe.
absl::StatusOr<std::vector<OperatorEstimate>> EstimatePlan(const PhysicalPlan& plan,
                                                           const index::Snapshot& snapshot,
                                                           index::Parallel& parallel,
                                                           const Check& check);

// What a count would take each operator, its inputs' work included: ns on one core, in pre-order.
// Reckoned in a few shards, spread evenly, so that it takes some microseconds whatever the
// population. Thread-safe.
std::vector<uint64_t> EstimateCosts(const PhysicalPlan& plan, const index::Snapshot& snapshot);

}  // namespace throng::query

#endif  // THRONG_QUERY_PLAN_ESTIMATE_H_
