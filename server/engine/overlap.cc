#include "server/engine/overlap.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "query/joint_execution.h"
#include "server/engine/insights.h"
#include "server/engine/joint_selections.h"
#include "server/engine/resolved_selection.h"

namespace throng::engine {
namespace {

absl::Status CheckTop(const OverlapRequest& request) {
  if (request.top >= 1 && request.top <= kOverlapTopMax) return absl::OkStatus();
  return index::MakeError(absl::StatusCode::kInvalidArgument,
                          fmt::format("top is {}; it must be 1 to {}", request.top, kOverlapTopMax),
                          {.reason = "VALUE_OUT_OF_RANGE",
                           .field = "top",
                           .limit = kOverlapTopMax,
                           .requested = request.top});
}

void AddIntersections(const query::OverlapCounts& counts, uint32_t top, OverlapResult* result) {
  if (!counts.is_complete) {
    result->intersections_status = index::MakeError(
        absl::StatusCode::kResourceExhausted,
        fmt::format("the selections have more than {} combinations of two or more: who is in "
                    "exactly which is left out",
                    query::kOverlapCombinationsMax),
        {.reason = "TOO_MANY_INTERSECTIONS",
         .field = "selections",
         .limit = query::kOverlapCombinationsMax,
         .requested = query::kOverlapCombinationsMax + 1});
  }
  for (const query::ExclusiveIntersection& exclusive : counts.intersections) {
    if (result->intersections.size() == top) {
      ++result->intersections_left_out;
      result->users_left_out += exclusive.users;
      continue;
    }
    ExclusiveUsers users{.count = exclusive.users};
    for (uint64_t rest = exclusive.mask; rest != 0; rest &= rest - 1) {
      users.selections.push_back(static_cast<uint32_t>(std::countr_zero(rest)));
    }
    result->intersections.push_back(std::move(users));
  }
}

}  // namespace

absl::StatusOr<OverlapResult> Insights::Overlap(const CallContext& context,
                                                const OverlapRequest& request) {
  THRONG_RETURN_IF_ERROR(CheckTop(request));
  THRONG_ASSIGN_OR_RETURN(const JointSelections joint,
                          ResolveJointly(universes_, context, request, /*least=*/1));
  const ResolvedSelection& frame = joint.frame;
  const std::vector<query::PhysicalPlan> plans = joint.plans();
  query::OverlapCollector collector(plans.size());
  THRONG_RETURN_IF_ERROR(query::ExecuteJointly(plans, *frame.snapshot, frame.universe->parallel(),
                                               frame.check, collector));
  query::OverlapCounts counts = collector.Finish();

  OverlapResult result{.union_count = counts.union_users};
  result.selections = joint.Describe(request);
  for (size_t i = 0; i < result.selections.size(); ++i) {
    result.selections[i].count = counts.pair(i, i);
    result.selections[i].unique = counts.unique[i];
  }
  AddIntersections(counts, request.top, &result);
  result.pairs = std::move(counts.pairs);
  result.info = joint.Info();
  return result;
}

}  // namespace throng::engine
