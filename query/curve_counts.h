// Whom one numeric condition decides about, by the number they have: what the counts of an
// expression for every threshold of that condition follow from.
//
//   CurvePlans plans{.never = ..., .always = ...};   // the condition replaced by nobody, everybody
//   absl::StatusOr<CurveCounts> c = CountCurve(plans, spend, kept, snapshot, parallel, check);
//   // c->settled + those of c->steps that meet the threshold = the count
//
// The condition stands in the expression once, so that whoever comes to meet it can only enter the
// crowd, or, under an odd number of nots, only leave it: the users that are in one of the two
// crowds but not in the other are all that it decides about.
#ifndef THRONG_QUERY_CURVE_COUNTS_H_
#define THRONG_QUERY_CURVE_COUNTS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/logical_plan.h"
#include "query/physical_plan.h"
#include "query/value_histogram.h"

namespace throng::query {

// A tag whose numbers lie in a range of at most so many is counted number by number in one pass;
// one of a wider range in up to kWideStepsMax steps and in two passes. Memory a worker: 4 MB.
inline constexpr uint32_t kCurveValuesMax = 1u << 20;
inline constexpr uint32_t kWideStepsMax = 1u << 16;

struct CurvePlans {
  PhysicalPlan never;    // the expression with nobody for the condition
  PhysicalPlan always;   // with everybody
  bool negated = false;  // whether an odd number of nots stands before the condition
};

struct CurveCounts {
  uint64_t settled = 0;   // in the crowd whatever the condition says
  uint64_t deciding = 0;  // in the crowd only if they meet it; negated: only if they do not
  // Those of them with a number in the range asked for, in ascending order.
  std::vector<ValueStep> steps;
};

// `tag` is the id of an INTEGER, DECIMAL, DATE or DATETIME tag. Errors: the check's. Thread-safe.
absl::StatusOr<CurveCounts> CountCurve(const CurvePlans& plans, uint32_t tag, const Interval& range,
                                       const index::Snapshot& snapshot, index::Parallel& parallel,
                                       const Check& check);

}  // namespace throng::query

#endif  // THRONG_QUERY_CURVE_COUNTS_H_
