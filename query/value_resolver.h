// Binds the literals of one condition to the stored numbers of its tag.
//
//   absl::StatusOr<ValueSpan> span = ResolveOrdered(value, entry.definition, time);
//   std::optional<Interval> interval = Between(&*span, true, nullptr, false);   // >= value
//
// Every function is thread-safe.
#ifndef THRONG_QUERY_VALUE_RESOLVER_H_
#define THRONG_QUERY_VALUE_RESOLVER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "query/expression.h"
#include "query/logical_plan.h"
#include "query/time_resolver.h"

namespace throng::query {

// The numbers `value` stands for in an INTEGER, DECIMAL, DATE or DATETIME tag, unclamped.
// Errors: WRONG_VALUE_TYPE, BAD_DATE.
absl::StatusOr<ValueSpan> ResolveOrdered(const Value& value, const index::TagDefinition& tag,
                                         const TimeContext& time);

// The text `value` stands for in a CATEGORY or LABELS tag; borrowed. Errors: WRONG_VALUE_TYPE.
absl::StatusOr<const std::string*> ResolveText(const Value& value, const index::TagDefinition& tag);

// Errors: WRONG_VALUE_TYPE.
absl::StatusOr<bool> ResolveFlag(const Value& value, const index::TagDefinition& tag);

// The part of `span` that 64 bits hold; empty if there is none.
std::optional<Interval> Within(const ValueSpan& span);

// The numbers at and above `lower` (above it unless inclusive) and at and below `upper`; null is no
// bound. Empty if there is none.
std::optional<Interval> Between(const ValueSpan* lower, bool lower_inclusive,
                                const ValueSpan* upper, bool upper_inclusive);

// Sorts, and joins what overlaps or is adjacent.
std::vector<Interval> Merge(std::vector<Interval> intervals);

}  // namespace throng::query

#endif  // THRONG_QUERY_VALUE_RESOLVER_H_
