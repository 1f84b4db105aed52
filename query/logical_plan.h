// A resolved expression: tags, values, dates and ids are bound to one snapshot's numbers.
//
//   Expression --Resolve()--> LogicalPlan --Normalize()--> LogicalPlan --MakePhysicalPlan()--> ...
//
// It is plain data and a closed variant: it can be printed, compared, serialised and compiled for
// another backend. ToString() is what stage tests compare:
//
//   "and(city in {Beijing}, not(is_graduate), views_7d in [4, max])"
//
// Types are values; leaves of id sets share an immutable set. Thread-compatible.
#ifndef THRONG_QUERY_LOGICAL_PLAN_H_
#define THRONG_QUERY_LOGICAL_PLAN_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "index/catalogue.h"
#include "index/ordinal_set.h"

namespace throng::query {

struct LogicalPlan;

struct LogicalAnd {
  std::vector<LogicalPlan> operands;
};
struct LogicalOr {
  std::vector<LogicalPlan> operands;
};
struct LogicalNot {                  // the complement in the universe
  std::vector<LogicalPlan> operand;  // exactly 1
};
// Users with any of `codes` of a CATEGORY or LABELS tag; a FLAG is a tag with the one code 0.
struct TagValues {
  uint32_t tag = 0;
  std::vector<uint32_t> codes;  // ascending, distinct, not empty
  friend bool operator==(const TagValues&, const TagValues&) = default;
};
// Users with any value of a CATEGORY, LABELS or numeric tag.
struct TagExists {
  uint32_t tag = 0;
  friend bool operator==(const TagExists&, const TagExists&) = default;
};
struct Interval {  // both ends belong to it
  int64_t low = std::numeric_limits<int64_t>::min();
  int64_t high = std::numeric_limits<int64_t>::max();
  friend bool operator==(const Interval&, const Interval&) = default;
};
// Users whose number lies in one of `intervals`.
struct NumericRanges {
  uint32_t tag = 0;
  std::vector<Interval> intervals;  // ascending, disjoint, not adjacent, not empty
  friend bool operator==(const NumericRanges&, const NumericRanges&) = default;
};
struct Ordinals {  // ids(...), the version of a crowd
  std::shared_ptr<const index::OrdinalSet> set;
  std::string label = {};  // "crowd 'spring' v7"; empty: ids(...)
  friend bool operator==(const Ordinals&, const Ordinals&) = default;  // the same set object
};
struct HashBuckets {  // buckets [from, to) of index::kBuckets under the salt
  uint64_t salt_hash = 0;
  std::string salt;
  uint32_t from = 0;
  uint32_t to = 0;
  friend bool operator==(const HashBuckets&, const HashBuckets&) = default;
};
struct Everybody {
  friend bool operator==(const Everybody&, const Everybody&) = default;
};
struct Nobody {
  friend bool operator==(const Nobody&, const Nobody&) = default;
};

struct LogicalPlan {
  std::variant<LogicalAnd, LogicalOr, LogicalNot, TagValues, TagExists, NumericRanges, Ordinals,
               HashBuckets, Everybody, Nobody>
      node;
};

bool operator==(const LogicalAnd& a, const LogicalAnd& b);
bool operator==(const LogicalOr& a, const LogicalOr& b);
bool operator==(const LogicalNot& a, const LogicalNot& b);
bool operator==(const LogicalPlan& a, const LogicalPlan& b);

// Names come from `catalogue`; lists of more than 8 codes or intervals are cut with their number.
std::string ToString(const LogicalPlan& plan, const index::Catalogue& catalogue);

}  // namespace throng::query

#endif  // THRONG_QUERY_LOGICAL_PLAN_H_
