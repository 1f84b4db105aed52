#include "server/engine/allocation.h"

#include <string>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "index/error.h"
#include "query/expression.h"
#include "query/joint_execution.h"
#include "server/engine/crowd_definitions.h"
#include "server/engine/error_field.h"
#include "server/engine/joint_selections.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"

namespace throng::engine {
namespace {

using query::Expression;

// The users of crowd `i` whom none of those before it has.
Expression RuleOf(const std::vector<ResolvedSelection>& selections, size_t i) {
  if (i == 0) return selections[0].expression;
  query::And rule;
  rule.operands.push_back(selections[i].expression);
  for (size_t j = 0; j < i; ++j) {
    query::Not negation;
    negation.operand.push_back(selections[j].expression);
    rule.operands.push_back({std::move(negation)});
  }
  return {std::move(rule)};
}

// An error about the crowd that selection `i` would become.
absl::Status AtSelection(const absl::Status& status, size_t i) {
  const bool is_name = FieldOfError(status) == "crowd.name";
  return AtField(status, fmt::format("selections[{}]{}", i, is_name ? ".name" : ""));
}

absl::Status CheckNoLimits(const std::vector<ResolvedSelection>& selections) {
  for (size_t i = 0; i < selections.size(); ++i) {
    const std::optional<query::Limit>& limit = selections[i].resolved.limit;
    if (!limit.has_value()) continue;
    return index::InvalidArgument(
        "LIMIT_NOT_SAVED", fmt::format("selections[{}].selection", i),
        fmt::format("\"{}\" stands at the end of an expression only, and a rule that takes others' "
                    "users out goes on behind it: save that crowd first and name it here",
                    limit->text));
  }
  return absl::OkStatus();
}

// Makes the crowds in one commit; none of them where one cannot be.
absl::Status Save(const CallContext& context, const AllocationRequest& request,
                  const std::vector<ResolvedSelection>& selections, const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(CheckNoLimits(selections));
  Universe& universe = *selections.front().universe;
  std::vector<ReadyRule> rules;
  for (size_t i = 0; i < selections.size(); ++i) {
    absl::StatusOr<ReadyRule> rule =
        ReadRule(universe, context, RuleOf(selections, i), request.crowds.time_zone,
                 request.crowds.reference_us);
    if (!rule.ok()) return AtSelection(rule.status(), i);
    rules.push_back(*std::move(rule));
  }
  const RequestKey key =
      MakeRequestKey(context, "crowds.allocate", options.request_id, options.payload_hash);
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(universe, key));
    if (first.has_value()) return absl::OkStatus();
    const CrowdView view(newest, context.visibility);
    index::CommitRecord built = *record;
    for (size_t i = 0; i < rules.size(); ++i) {
      index::CrowdDefinition draft{.name = request.crowds.selections[i].name,
                                   .owner = request.owner,
                                   .folder = request.folder,
                                   .time_zone = request.crowds.time_zone,
                                   .reference_us = request.crowds.reference_us};
      absl::Status status = KeepIn(newest, view, rules[i], &draft);
      if (status.ok()) status = AddCrowd(newest, std::move(draft), &built);
      if (!status.ok()) return AtSelection(status, i);
    }
    if (options.validate_only) return absl::OkStatus();
    Remember(key, "saved", &built);
    *record = std::move(built);
    return absl::OkStatus();
  };
  return universe.Commit(build).status();
}

}  // namespace

absl::StatusOr<AllocationResult> AllocateCrowds(Universes& universes, const CallContext& context,
                                                const AllocationRequest& request,
                                                const WriteOptions& options) {
  THRONG_ASSIGN_OR_RETURN(const JointSelections joint,
                          ResolveJointly(universes, context, request.crowds, kAllocationCrowdsMin));
  const ResolvedSelection& frame = joint.frame;
  query::AllocationCollector collector(joint.selections.size());
  THRONG_RETURN_IF_ERROR(query::ExecuteJointly(joint.plans(), *frame.snapshot,
                                               frame.universe->parallel(), frame.check, collector));
  AllocationResult result{.crowds = joint.Describe(request.crowds), .counts = collector.Finish()};
  for (size_t i = 0; i < result.crowds.size(); ++i) result.crowds[i].count = result.counts.gross[i];
  if (request.save) {
    THRONG_RETURN_IF_ERROR(Save(context, request, joint.selections, options));
  }
  result.info = joint.Info();
  return result;
}

}  // namespace throng::engine
