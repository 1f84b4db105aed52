// Whether one user is among those of a resolved expression, without looking at anybody else.
//
//   IsMember(resolved.conditions[2].plan, snapshot, ordinal);
//
// A look-up a leaf: a bit, a code or a number, an id or a hash. Leaves of very many values of a
// LABELS tag look at one bitmap a value until the first that has the user.
#ifndef THRONG_QUERY_MEMBERSHIP_H_
#define THRONG_QUERY_MEMBERSHIP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/snapshot.h"
#include "query/logical_plan.h"

namespace throng::query {

// `plan` need not be normal. REQUIRES: the user is in the universe of `snapshot`, which the plan
// was resolved on. Thread-safe.
bool IsMember(const LogicalPlan& plan, const index::Snapshot& snapshot, uint32_t ordinal);

// Whether a number lies in one of `intervals`, which are those of a NumericRanges. A binary search
// without a branch to guess wrong: inline, for it is asked of every user of a chunk. Thread-safe.
inline bool IsWithin(const std::vector<Interval>& intervals, int64_t number) {
  const Interval* at = intervals.data();
  for (size_t left = intervals.size(); left > 1;) {
    const size_t half = left / 2;
    at += at[half].low <= number ? half : 0;
    left -= half;
  }
  return at->low <= number && number <= at->high;
}

}  // namespace throng::query

#endif  // THRONG_QUERY_MEMBERSHIP_H_
