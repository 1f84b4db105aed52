// Runs a plan over the users of a sample.
//
//   SampleFrame frame = PickSample(snapshot, spec);
//   SampleTally users;
//   absl::Status done = CountSample(logical, snapshot, parallel, check, &frame, &users);
//   SampleIntervals(frame, 0.95).Of(users);
#ifndef THRONG_QUERY_SAMPLED_EXECUTION_H_
#define THRONG_QUERY_SAMPLED_EXECUTION_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/logical_plan.h"
#include "query/sample_frame.h"
#include "query/sample_interval.h"

namespace throng::query {

// Counts the plan's users among those that the frame looks at. By hash, says how many these are in
// `frame->looked_at`. Errors: the check's. Thread-safe, like all here.
absl::Status CountSample(const LogicalPlan& plan, const index::Snapshot& snapshot,
                         index::Parallel& parallel, const Check& check, SampleFrame* frame,
                         SampleTally* users);

// Of one tag, by code; FLAG: code 0 is "set".
struct SampledTagCounts {
  std::vector<SampleTally> counts;
  SampleTally without_value;  // FLAG: users for whom it is not set
};

// The same, and counts them over CATEGORY, LABELS and FLAG tags, in their order.
absl::Status BreakDownSample(const LogicalPlan& plan, const std::vector<uint32_t>& tags,
                             const index::Snapshot& snapshot, index::Parallel& parallel,
                             const Check& check, SampleFrame* frame, SampleTally* users,
                             std::vector<SampledTagCounts>* counts);

}  // namespace throng::query

#endif  // THRONG_QUERY_SAMPLED_EXECUTION_H_
