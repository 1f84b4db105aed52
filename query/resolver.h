// Binds an expression to a snapshot: names to tags, texts to codes, dates to numbers, ids to
// ordinals, relative times to the request's reference time.
//
//   TimeContext time = *MakeTimeContext("Asia/Shanghai", reference_us);
//   absl::StatusOr<Resolved> r = Resolve(*Parse(text, {}), view, ids, time);
//   r->plan;        // LogicalPlan
//   r->conditions;  // each condition as written, with its own plan
//   r->warnings;    // unknown values, always empty, ...
#ifndef THRONG_QUERY_RESOLVER_H_
#define THRONG_QUERY_RESOLVER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "index/catalogue.h"
#include "index/ordinal_set.h"
#include "query/expression.h"
#include "query/limit.h"
#include "query/logical_plan.h"

namespace throng::query {

// The request's clock: what now() and today() are, and in which zone days begin.
struct TimeContext {
  absl::TimeZone zone;
  std::string zone_name;  // IANA
  int64_t reference_us = 0;
};

// Errors: kInvalidArgument (UNKNOWN_TIME_ZONE). `zone_name` empty: UTC.
absl::StatusOr<TimeContext> MakeTimeContext(std::string_view zone_name, int64_t reference_us);

// Days since 1970-01-01 / microseconds since 1970-01-01T00:00:00Z of a relative time. Civil units
// (day, week, month, year) move the civil date in the zone, month ends are clamped (Mar 31 - 1m is
// Feb 28 or 29); minutes and hours are elapsed time.
int64_t ResolveDay(const RelativeTimeLiteral& literal, const TimeContext& time);
int64_t ResolveInstant(const RelativeTimeLiteral& literal, const TimeContext& time);

// Finds users by primary id; implemented by the snapshot's dictionary. Thread-safe.
class IdLookup {
 public:
  virtual ~IdLookup() = default;
  // Returns the users of `ids` and `numbers` and adds to `*unknown` how many were not found.
  virtual std::shared_ptr<const index::OrdinalSet> Lookup(const std::vector<std::string>& ids,
                                                          const std::vector<uint64_t>& numbers,
                                                          uint64_t* unknown) const = 0;
};

// Says what a crowd means; implemented by whoever keeps crowds (server/engine/crowd_lookup.h).
// Not thread-safe.
class CrowdLookup {
 public:
  virtual ~CrowdLookup() = default;
  // The plan of the reference's users. Errors: those of Resolve about it, with the place of
  // `crowd`.
  virtual absl::StatusOr<LogicalPlan> Lookup(const CrowdRef& crowd) = 0;
};

// Something the caller should know about a valid expression.
struct Warning {
  std::string reason;  // UNKNOWN_VALUE, UNKNOWN_IDS, ALWAYS_EMPTY, ALWAYS_EVERYBODY,
                       // TAG_OFFLINE, TAG_STALE,
                       // NEGATED_MISSING (`!=` leaves out users without the tag),
                       // REDUNDANT_OR (`x != a or x != b` is everybody with x), INEXACT_LITERAL,
                       // TOP_ASCENDING (a top without a direction takes the least)
  std::string message;
  SourceSpan span;
  std::string tag = {};  // of NEGATED_MISSING: whose users without a value it is about
};

struct ResolvedCondition {
  std::string text;  // canonical; lists are cut after 100 values
  SourceSpan span;
  LogicalPlan plan;
};

struct Resolved {
  LogicalPlan plan;  // of the expression without its limit
  std::optional<Limit> limit;
  std::vector<ResolvedCondition>
      conditions;  // conditions, ids, buckets, samples and crowds, in order
  std::vector<Warning> warnings;
};

// The meaning of each operator is DESIGN section 5 and docs/expressions.md: a NOT is the complement
// in the universe; `!=` is "has the tag and none of the values"; comparisons are exact: a literal
// finer than the tag's scale is never rounded; an unknown text value matches nobody and warns.
//
// Errors: kInvalidArgument with an ErrorDetail: UNKNOWN_TAG (position, nearest visible name),
// WRONG_VALUE_TYPE, NOT_ORDERED (range over CATEGORY, LABELS, FLAG, or the top by one), NOT_A_FLAG
// (bare name), BAD_DATE; what `crowds` says of a crowd(...), INVALID_EXPRESSION without it.
// Thread-safe.
absl::StatusOr<Resolved> Resolve(const Expression& expression, const index::CatalogueView& view,
                                 const IdLookup& ids, const TimeContext& time,
                                 CrowdLookup* crowds = nullptr);

}  // namespace throng::query

#endif  // THRONG_QUERY_RESOLVER_H_
