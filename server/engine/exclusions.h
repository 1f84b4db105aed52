// Standing exclusions of a selection: crowds whose users are left out, and what each of them costs.
//
//   Selection selection{.what = "city = 'Beijing'", .exclude = {{.name = "contacted"}}};
//   const CountResult result = *engine.selections().Count(context, selection);
//   result.exclusions->gross;            // in Beijing
//   result.count;                        // of these, those who were not contacted
//
// An exclusion is `and not crowd(...)` behind the expression: what an answer says of conditions, it
// says of exclusions, too. Types are values; functions are thread-safe.
#ifndef THRONG_SERVER_ENGINE_EXCLUSIONS_H_
#define THRONG_SERVER_ENGINE_EXCLUSIONS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "query/expression.h"
#include "query/logical_plan.h"
#include "query/resolver.h"

namespace throng::engine {

struct ResolvedSelection;

struct ExclusionLoss {
  query::CrowdRef crowd;
  uint64_t overlap = 0;  // users of the selection who are in the crowd
  uint64_t loss = 0;     // of these, those who are in no exclusion before it
};

// gross = reachable + all losses. A limit is taken of the reachable: none of these numbers has it.
struct ExclusionReport {
  uint64_t gross = 0;
  uint64_t reachable = 0;
  std::vector<ExclusionLoss> losses;  // in the order asked for
};

// Internal to the engine, all of what follows.
struct Exclusions {
  std::vector<query::CrowdRef> crowds;
  std::vector<query::LogicalPlan> plans;  // of each
  query::LogicalPlan gross;               // of the selection without them, nor its limit
};

// What the crowds mean. Errors: kInvalidArgument (TOO_MANY_EXCLUSIONS) at `field`; as
// query::CrowdLookup at "<field>[i]", but kNotFound (UNKNOWN_CROWD).
absl::StatusOr<Exclusions> BindExclusions(const std::vector<query::CrowdRef>& crowds,
                                          std::string_view field, query::CrowdLookup& lookup);

// Puts the exclusions behind the expression, and into the plan and the conditions that it was
// resolved to. What is without them becomes `gross`. Errors: kInvalidArgument (EXPRESSION_TOO_DEEP,
// TOO_MANY_NODES) at `field` where the expression is so near its limits that, with them, it would
// not parse back.
absl::Status AddExclusions(std::string_view field, Exclusions* exclusions,
                           query::Expression* expression, query::Resolved* resolved);

// Counts all in one pass. REQUIRES: the selection has exclusions. Errors: the check's.
absl::StatusOr<ExclusionReport> CountExclusions(const ResolvedSelection& selection);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_EXCLUSIONS_H_
