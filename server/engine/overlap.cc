#include "server/engine/overlap.h"

#include <algorithm>
#include <bit>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"
#include "query/joint_execution.h"
#include "server/engine/insights.h"
#include "server/engine/resolved_selection.h"

namespace throng::engine {
namespace {

absl::Status CheckName(const std::string& name, size_t i, std::set<std::string_view>* seen) {
  const std::string field = fmt::format("selections[{}].name", i);
  if (name.empty() || name.size() > kOverlapNameBytesMax || !index::IsValidUtf8(name)) {
    return index::InvalidArgument(
        "BAD_NAME", field,
        fmt::format("{} must be UTF-8 text of 1 to {} bytes", field, kOverlapNameBytesMax));
  }
  if (!seen->insert(name).second) {
    return index::InvalidArgument("DUPLICATE_NAME", field,
                                  fmt::format("two selections are named \"{}\"", name));
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const OverlapRequest& request) {
  if (request.selections.empty()) {
    return index::InvalidArgument("NO_SELECTIONS", "selections",
                                  "an overlap needs at least one selection");
  }
  if (request.selections.size() > kOverlapSelectionsMax) {
    return index::WithField(index::LimitExceeded(absl::StatusCode::kInvalidArgument,
                                                 "TOO_MANY_SELECTIONS", "the number of selections",
                                                 kOverlapSelectionsMax, request.selections.size()),
                            "selections");
  }
  if (request.top < 1 || request.top > kOverlapTopMax) {
    return index::MakeError(
        absl::StatusCode::kInvalidArgument,
        fmt::format("top is {}; it must be 1 to {}", request.top, kOverlapTopMax),
        {.reason = "VALUE_OUT_OF_RANGE",
         .field = "top",
         .limit = kOverlapTopMax,
         .requested = request.top});
  }
  std::set<std::string_view> seen;
  for (size_t i = 0; i < request.selections.size(); ++i) {
    THRONG_RETURN_IF_ERROR(CheckName(request.selections[i].name, i, &seen));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ResolvedSelection>> ResolveAll(const ResolvedSelection& frame,
                                                          const CallContext& context,
                                                          const OverlapRequest& request) {
  std::vector<ResolvedSelection> all;
  for (size_t i = 0; i < request.selections.size(); ++i) {
    const NamedSelection& named = request.selections[i];
    const char* form = std::holds_alternative<std::string>(named.what) ? "expression" : "tree";
    THRONG_ASSIGN_OR_RETURN(ResolvedSelection selection,
                            ResolveBeside(frame, context, named.what,
                                          fmt::format("selections[{}].selection.{}", i, form)));
    all.push_back(std::move(selection));
  }
  return all;
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
  THRONG_RETURN_IF_ERROR(CheckLimits(request));
  // The frame that all selections share; its own expression selects nobody and is not run.
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection frame,
                          ResolveSelection(universes_, context,
                                           {.population = request.population,
                                            .what = query::Expression{query::NoUsers()},
                                            .time_zone = request.time_zone,
                                            .reference_us = request.reference_us,
                                            .read_version = request.read_version}));
  THRONG_ASSIGN_OR_RETURN(const std::vector<ResolvedSelection> selections,
                          ResolveAll(frame, context, request));
  std::vector<query::PhysicalPlan> plans;
  for (const ResolvedSelection& selection : selections) plans.push_back(selection.plan);
  query::OverlapCollector collector(plans.size());
  THRONG_RETURN_IF_ERROR(query::ExecuteJointly(plans, *frame.snapshot, frame.universe->parallel(),
                                               frame.check, collector));
  query::OverlapCounts counts = collector.Finish();

  OverlapResult result{.union_count = counts.union_users};
  for (size_t i = 0; i < selections.size(); ++i) {
    ResultInfo info = selections[i].Info();
    result.selections.push_back({.name = request.selections[i].name,
                                 .count = counts.pair(i, i),
                                 .unique = counts.unique[i],
                                 .canonical_expression = std::move(info.canonical_expression),
                                 .warnings = std::move(info.warnings)});
  }
  AddIntersections(counts, request.top, &result);
  result.pairs = std::move(counts.pairs);
  result.info = frame.Info();
  result.info.canonical_expression.clear();
  result.info.warnings.clear();
  for (const ResolvedSelection& selection : selections) {
    AddCrowds(selection.crowds, &result.info);
  }
  return result;
}

}  // namespace throng::engine
