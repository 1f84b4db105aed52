// Runs many plans over one snapshot, a few shards at a time, and what they have in common once.
//
//   absl::StatusOr<std::vector<PlanUsers>> users =
//       SelectEach(plans, snapshot, parallel, check, {});
//   (*users)[7].set->cardinality();
//
// Common parts (query/shared_parts.h) are kept for the shards at hand only, 128 KiB a part, shard
// and thread at most; what the plans read of a shard is still in the cache when the next one asks.
#ifndef THRONG_QUERY_BATCH_EXECUTION_H_
#define THRONG_QUERY_BATCH_EXECUTION_H_

#include <chrono>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "index/ordinal_set.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/physical_plan.h"
#include "query/shared_parts.h"

namespace throng::query {

// Values; thread-compatible.
struct PlanUsers {
  std::shared_ptr<const index::OrdinalSet> set;
  // Of all threads; what parts took is divided evenly among those that read them.
  std::chrono::nanoseconds time{0};
};

// The users of each plan: those that Execute gives it. Errors: the check's. Thread-safe.
absl::StatusOr<std::vector<PlanUsers>> SelectEach(const std::vector<PhysicalPlan>& plans,
                                                  const index::Snapshot& snapshot,
                                                  index::Parallel& parallel, const Check& check,
                                                  const SharingLimits& limits);

}  // namespace throng::query

#endif  // THRONG_QUERY_BATCH_EXECUTION_H_
