// Runs physical plans over a snapshot, shard by shard, in parallel.
//
//   absl::StatusOr<uint64_t> n = CountUsers(plan, snapshot, parallel, check);
//   SetCollector users;
//   absl::Status done = Execute(plan, snapshot, parallel, check, users);
#ifndef THRONG_QUERY_EXECUTOR_H_
#define THRONG_QUERY_EXECUTOR_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/collector.h"
#include "query/evaluator.h"
#include "query/physical_plan.h"

namespace throng::query {

// Asked before every shard, from any query thread: anything but OK ends the execution with it.
using Check = std::function<absl::Status()>;

// Plans of fewer users than this run on the calling thread: waking others would cost more.
inline constexpr uint64_t kInlineUsersMax = 100'000;

// How many users the plan selects. Thread-safe, like all here.
absl::StatusOr<uint64_t> CountUsers(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                                    index::Parallel& parallel, const Check& check);

// Hands the plan's users to the collector.
absl::Status Execute(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                     index::Parallel& parallel, const Check& check, Collector& collector);

struct ProfiledPlan {
  uint64_t count = 0;
  // In pre-order; times are summed over threads. Empty where no shard was evaluated.
  std::vector<OperatorProfile> operators;
};

// Counts every plan in one pass over the shards, with what each operator did.
absl::StatusOr<std::vector<ProfiledPlan>> ProfilePlans(const std::vector<PhysicalPlan>& plans,
                                                       const index::Snapshot& snapshot,
                                                       index::Parallel& parallel,
                                                       const Check& check);

// Counts as CountUsers does, and says what each operator did: Profiling::kAsRun. A chunk takes a
// little longer for the clock and the notes.
absl::StatusOr<ProfiledPlan> AnalyzeCount(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                                          index::Parallel& parallel, const Check& check);

}  // namespace throng::query

#endif  // THRONG_QUERY_EXECUTOR_H_
