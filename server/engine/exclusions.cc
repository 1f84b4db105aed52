#include "server/engine/exclusions.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "index/error.h"
#include "query/exclusion_collector.h"
#include "query/formatter.h"
#include "query/joint_execution.h"
#include "query/normalizer.h"
#include "query/parser.h"
#include "query/physical_plan.h"
#include "server/engine/error_field.h"
#include "server/engine/resolved_selection.h"

namespace throng::engine {
namespace {

using query::Expression;
using query::LogicalPlan;

// A crowd that stands by itself in a request is looked for, as a resource is.
absl::Status AtExclusion(const absl::Status& status, std::string_view field, size_t i) {
  const std::string path = fmt::format("{}[{}]", field, i);
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  if (!detail.has_value() || detail->reason != "UNKNOWN_CROWD") {
    return index::WithField(status, path);
  }
  return AtField(index::MakeError(absl::StatusCode::kNotFound,
                                  {status.message().data(), status.message().size()}, *detail),
                 path);
}

Expression Excluding(const query::CrowdRef& crowd) {
  query::Not negation;
  negation.operand.push_back({crowd});
  return {std::move(negation)};
}

LogicalPlan Excluding(const LogicalPlan& plan) {
  query::LogicalNot negation;
  negation.operand.push_back(plan);
  return {std::move(negation)};
}

query::PhysicalPlan PlanOf(const LogicalPlan& plan, const index::Snapshot& snapshot) {
  return query::MakePhysicalPlan(query::Normalize(plan, snapshot.catalogue()), snapshot);
}

}  // namespace

absl::StatusOr<Exclusions> BindExclusions(const std::vector<query::CrowdRef>& crowds,
                                          std::string_view field, query::CrowdLookup& lookup) {
  if (crowds.size() > kExclusionsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_EXCLUSIONS",
                             "the number of exclusions", kExclusionsMax, crowds.size()),
        field);
  }
  Exclusions exclusions{.crowds = crowds};
  for (size_t i = 0; i < crowds.size(); ++i) {
    absl::StatusOr<LogicalPlan> plan = lookup.Lookup(crowds[i]);
    if (!plan.ok()) return AtExclusion(plan.status(), field, i);
    exclusions.plans.push_back(*std::move(plan));
  }
  return exclusions;
}

absl::Status AddExclusions(std::string_view field, Exclusions* exclusions, Expression* expression,
                           query::Resolved* resolved) {
  if (exclusions->crowds.empty()) return absl::OkStatus();
  exclusions->gross = resolved->plan;
  auto* limited = std::get_if<query::Limited>(&expression->node);
  Expression& root = limited == nullptr ? *expression : limited->operand[0];
  // The plan has the expression's shape: what replaces a condition in one finds it in the other.
  if (!std::holds_alternative<query::And>(root.node)) {
    query::And conjunction;
    conjunction.operands.push_back(std::move(root));
    root = {std::move(conjunction)};
    query::LogicalAnd planned;
    planned.operands.push_back(std::move(resolved->plan));
    resolved->plan = {std::move(planned)};
  }
  auto& operands = std::get<query::And>(root.node).operands;
  auto& planned = std::get<query::LogicalAnd>(resolved->plan.node).operands;
  for (size_t i = 0; i < exclusions->crowds.size(); ++i) {
    const query::CrowdRef& crowd = exclusions->crowds[i];
    operands.push_back(Excluding(crowd));
    planned.push_back(Excluding(exclusions->plans[i]));
    resolved->conditions.push_back(
        {.text = query::Format({crowd}), .span = crowd.span, .plan = exclusions->plans[i]});
  }
  return index::WithField(query::Validate(*expression, query::ExpressionLimits()), field);
}

absl::StatusOr<ExclusionReport> CountExclusions(const ResolvedSelection& selection) {
  const Exclusions& exclusions = selection.exclusions;
  const index::Snapshot& snapshot = *selection.snapshot;
  std::vector<query::PhysicalPlan> plans{PlanOf(exclusions.gross, snapshot)};
  for (const LogicalPlan& plan : exclusions.plans) plans.push_back(PlanOf(plan, snapshot));
  query::ExclusionCollector collector(exclusions.plans.size());
  THRONG_RETURN_IF_ERROR(query::ExecuteJointly(plans, snapshot, selection.universe->parallel(),
                                               selection.check, collector));
  const query::ExclusionCounts counts = collector.Finish();
  ExclusionReport report{.gross = counts.gross, .reachable = counts.reachable};
  for (size_t i = 0; i < exclusions.crowds.size(); ++i) {
    report.losses.push_back(
        {.crowd = exclusions.crowds[i], .overlap = counts.overlaps[i], .loss = counts.losses[i]});
  }
  return report;
}

}  // namespace throng::engine
