// Parts that plans of a batch have in common, so that each is computed once.
//
//   absl::StatusOr<SharedPlans> shared = FindSharedParts(plans, snapshot, parallel, check, {});
//   shared->parts[0].plan;    // "or(city in {...}, views_7d in [6, max])"
//   shared->reads[7];         // where plan 7 reads parts instead of computing them
//   PhysicalPlan plan = WithParts(plans[7], shared->reads[7], sets);
//
// Two operators are the same part when they select the same users by the same operators, in any
// order of inputs. Whether it is worth computing apart is reckoned as EXPLAIN reckons: what it
// takes where it stands - often only a few users at hand are looked at - against computing it for
// everybody and reading it back. Estimates decide what is shared, never what is selected.
#ifndef THRONG_QUERY_SHARED_PARTS_H_
#define THRONG_QUERY_SHARED_PARTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "index/ordinal_set.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/physical_plan.h"

namespace throng::query {

// Values; thread-compatible.
struct SharingLimits {
  size_t parts_max = 256;
  // A part must save so much of the whole batch's time on one core. Less than zero shares whatever
  // stands twice: for tests.
  int64_t saving_min_ns = 0;
};

// A part's users are read in place of an operator, by its number in pre-order.
struct PartRead {
  uint32_t at = 0;
  uint32_t part = 0;
  friend bool operator==(const PartRead&, const PartRead&) = default;
};

struct SharedPart {
  PhysicalPlan plan;
  std::vector<PartRead> reads;  // of parts that come before it
  uint32_t level = 0;           // one more than that of the parts it reads; 0: it reads none
  uint32_t uses = 0;            // by plans and by other parts; two or more
};

struct SharedPlans {
  std::vector<SharedPart> parts;             // in ascending order of level
  std::vector<std::vector<PartRead>> reads;  // of each plan, ascending
};

// `plans` must be of this snapshot. The same plans give the same parts. Plans without anything that
// could be one are not looked at any further: for others, cardinalities of every chunk are read.
// Errors: the check's. Thread-safe.
absl::StatusOr<SharedPlans> FindSharedParts(const std::vector<PhysicalPlan>& plans,
                                            const index::Snapshot& snapshot,
                                            index::Parallel& parallel, const Check& check,
                                            const SharingLimits& limits);

// The plan that reads sets[r.part] wherever `reads` says so.
PhysicalPlan WithParts(const PhysicalPlan& plan, std::span<const PartRead> reads,
                       std::span<const std::shared_ptr<const index::OrdinalSet>> sets);

}  // namespace throng::query

#endif  // THRONG_QUERY_SHARED_PARTS_H_
