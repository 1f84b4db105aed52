// The plan that runs: which blocks are read and how they are combined.
//
//   PhysicalPlan plan = MakePhysicalPlan(Normalize(resolved.plan, catalogue), snapshot);
//   ToString(plan, catalogue);   // "andnot(and(city in {Beijing}, plan in {pro}), churned)"
//
// A closed variant, plain data. Operators need no complement: every NOT is a difference.
#ifndef THRONG_QUERY_PHYSICAL_PLAN_H_
#define THRONG_QUERY_PHYSICAL_PLAN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "index/snapshot.h"
#include "query/logical_plan.h"

namespace throng::query {

struct PhysicalPlan;

struct IntersectInputs {  // "and": users in all inputs
  std::vector<PhysicalPlan> inputs;
};
struct UniteInputs {  // "or": users in any input
  std::vector<PhysicalPlan> inputs;
};
struct SubtractInputs {  // "andnot": users in the first input and in no other
  std::vector<PhysicalPlan> inputs;
};

// Why the planner made an operator that was not asked for so. A value.
struct PlanRewrite {
  enum class Kind : uint8_t {
    kNone,
    kComplement,  // everybody but those under a not that no and absorbs
    kMostValues,  // any of most values of a tag: who has the tag but who has only the others
    kAllValues,   // any of all values of a tag: who has the tag
  };
  Kind kind = Kind::kNone;
  uint32_t values_asked = 0;  // of kMostValues and kAllValues
};
// "", "complement", "most_values", "all_values".
std::string_view ToString(PlanRewrite::Kind kind);

// The leaves are those of the logical plan: TagValues reads value bitmaps, TagExists the bitmap of
// who has the tag, NumericRanges the column, Everybody the universe.
struct PhysicalPlan {
  std::variant<IntersectInputs, UniteInputs, SubtractInputs, TagValues, TagExists, NumericRanges,
               Ordinals, HashBuckets, Everybody, Nobody>
      node;
  // An upper bound of the users, exact for leaves of one value.
  uint64_t users_max = 0;
  PlanRewrite rewrite = {};
};

// Returns a plan that selects exactly the users of `plan`, which must be normal.
//   * and(x, not(y)) becomes andnot(x, y); a not that no and absorbs is taken from the universe:
//     or(x, not(y)) = all but (y but x).
//   * Any of more than half of a tag's values is read from the rest T of them: for CATEGORY exists
//     but any(T), for LABELS exists but (any(T) but any(of the values)); any of all is exists.
//   * Inputs of and, and what andnot takes away, are ordered by cardinality here and again in each
//     shard.
// Cardinalities come from `snapshot` and change the order of work, never the result. Thread-safe.
PhysicalPlan MakePhysicalPlan(const LogicalPlan& plan, const index::Snapshot& snapshot);

std::string ToString(const PhysicalPlan& plan, const index::Catalogue& catalogue);

// "and", "value", "range", ...
std::string OperatorName(const PhysicalPlan& plan);
// What a leaf reads, e.g. "city in {Beijing}"; empty for inner nodes.
std::string LeafText(const PhysicalPlan& plan, const index::Catalogue& catalogue);
// The inputs of an inner node, nullptr for a leaf.
const std::vector<PhysicalPlan>* InputsOf(const PhysicalPlan& plan);

}  // namespace throng::query

#endif  // THRONG_QUERY_PHYSICAL_PLAN_H_
