#include "server/engine/joint_selections.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"

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

absl::Status CheckSelections(const OverlapRequest& request, size_t least) {
  if (request.selections.size() < least) {
    return index::InvalidArgument(
        "NO_SELECTIONS", "selections",
        fmt::format("at least {} selection{} needed", least, least == 1 ? " is" : "s are"));
  }
  if (request.selections.size() > kOverlapSelectionsMax) {
    return index::WithField(index::LimitExceeded(absl::StatusCode::kInvalidArgument,
                                                 "TOO_MANY_SELECTIONS", "the number of selections",
                                                 kOverlapSelectionsMax, request.selections.size()),
                            "selections");
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
    THRONG_ASSIGN_OR_RETURN(ResolvedSelection selection,
                            ResolveBeside(frame, context, named.what, named.exclude,
                                          fmt::format("selections[{}].selection", i)));
    all.push_back(std::move(selection));
  }
  return all;
}

}  // namespace

std::vector<query::PhysicalPlan> JointSelections::plans() const {
  std::vector<query::PhysicalPlan> plans;
  for (const ResolvedSelection& selection : selections) plans.push_back(selection.plan);
  return plans;
}

std::vector<OverlapSelection> JointSelections::Describe(const OverlapRequest& request) const {
  std::vector<OverlapSelection> described;
  for (size_t i = 0; i < selections.size(); ++i) {
    ResultInfo info = selections[i].Info();
    described.push_back({.name = request.selections[i].name,
                         .canonical_expression = std::move(info.canonical_expression),
                         .warnings = std::move(info.warnings)});
  }
  return described;
}

ResultInfo JointSelections::Info() const {
  ResultInfo info = frame.Info();
  info.canonical_expression.clear();
  info.warnings.clear();
  for (const ResolvedSelection& selection : selections) AddCrowds(selection.crowds, &info);
  return info;
}

absl::StatusOr<JointSelections> ResolveJointly(Universes& universes, const CallContext& context,
                                               const OverlapRequest& request, size_t least) {
  THRONG_RETURN_IF_ERROR(CheckSelections(request, least));
  JointSelections joint;
  // Its own expression selects nobody and is not run.
  THRONG_ASSIGN_OR_RETURN(joint.frame,
                          ResolveSelection(universes, context,
                                           {.population = request.population,
                                            .what = query::Expression{query::NoUsers()},
                                            .time_zone = request.time_zone,
                                            .reference_us = request.reference_us,
                                            .read_version = request.read_version}));
  THRONG_ASSIGN_OR_RETURN(joint.selections, ResolveAll(joint.frame, context, request));
  return joint;
}

}  // namespace throng::engine
