// Runs many plans over one snapshot, a few shards at a time, and what they have in common once.
//
//   absl::StatusOr<std::vector<PlanUsers>> users =
//       SelectEach(plans, snapshot, parallel, check, take, {});
//   (*users)[7].set->cardinality();
//
// Common parts (query/shared_parts.h) are kept for the shards at hand only, of which there is one a
// thread: a part takes about 128 KiB a shard at most, and 8 bytes for each chunk up to the shard's
// end. What the plans read of a shard is still in the cache when the next one asks.
#ifndef THRONG_QUERY_BATCH_EXECUTION_H_
#define THRONG_QUERY_BATCH_EXECUTION_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
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

// Told of memory that the users take as soon as they have it, from any query thread: anything but
// OK ends the execution with it. Blocks that plans share are told of once. When it says no, there
// is at most one shard of one plan a thread beyond what it was told of.
using TakeBytes = std::function<absl::Status(uint64_t bytes)>;

// The users of each plan: those that Execute gives it. Without `take` memory has no bound. Errors:
// the check's; those of `take`. Thread-safe.
absl::StatusOr<std::vector<PlanUsers>> SelectEach(const std::vector<PhysicalPlan>& plans,
                                                  const index::Snapshot& snapshot,
                                                  index::Parallel& parallel, const Check& check,
                                                  const TakeBytes& take,
                                                  const SharingLimits& limits);

}  // namespace throng::query

#endif  // THRONG_QUERY_BATCH_EXECUTION_H_
