// Chooses the users that a limit leaves of a plan: exactly so many, and always the same.
//
//   absl::StatusOr<OrdinalSetRef> users = ChooseUsers(plan, limit, snapshot, parallel, check);
//   LogicalPlan chosen{Ordinals{*users}};   // to be counted, exported, ... like any other plan
//
// Nobody is sorted but a few thousand at the end. As in SELECT of R. Floyd and R. Rivest,
// "Expected time bounds for selection" (1975), a sample says between which two ranks the last user
// to be taken is likely to be; who is below them is taken, and who is between them is looked at
// further. What the sample says wrongly costs another pass and no user: ranks are compared exactly.
// Sets stay bitmaps all the while, so that users take a bit each, and numbers are compared by the
// kernels that ranges are.
#ifndef THRONG_QUERY_LIMITED_USERS_H_
#define THRONG_QUERY_LIMITED_USERS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/limit.h"
#include "query/physical_plan.h"
#include "query/user_order.h"

namespace throng::query {

// What a choice costs; whom it takes does not depend on it.
struct ChoiceEffort {
  uint64_t ranked_users_max = 32'768;  // are ranked one by one, 16 bytes each; more are split first
  uint64_t sample_users = 16'384;      // at most about so many
  double deviations = 3;               // from the sample's guess to each end of the range in doubt
};

// The first limit.users of the plan's users in the limit's order, or all where they are fewer. The
// plan runs once; what follows takes one to three passes over its users. Errors: the check's.
// Thread-safe.
absl::StatusOr<OrdinalSetRef> ChooseUsers(const PhysicalPlan& plan, const Limit& limit,
                                          const index::Snapshot& snapshot,
                                          index::Parallel& parallel, const Check& check,
                                          const ChoiceEffort& effort = {});

}  // namespace throng::query

#endif  // THRONG_QUERY_LIMITED_USERS_H_
