#include <algorithm>
#include <cstddef>
#include <utility>

#include "index/error.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/selections.h"

namespace throng::engine {
namespace {

using query::PhysicalPlan;

// Plans profiled in one pass over the shards; bounds the memory of their operators' scratch.
constexpr size_t kPlansAtOnce = 64;

// The operators of a plan in pre-order, as the profile numbers them.
void AppendNodes(const PhysicalPlan& plan, uint32_t depth, const index::Catalogue& catalogue,
                 std::vector<ExplainNode>* nodes) {
  nodes->push_back({.depth = depth,
                    .operator_name = query::OperatorName(plan),
                    .detail = query::LeafText(plan, catalogue),
                    .estimated_users = plan.users_max});
  if (const std::vector<PhysicalPlan>* inputs = query::InputsOf(plan)) {
    for (const PhysicalPlan& input : *inputs) AppendNodes(input, depth + 1, catalogue, nodes);
  }
}

std::vector<ExplainStage> Stages(const ResolvedSelection& bound, const std::string& canonical) {
  const index::Catalogue& catalogue = bound.snapshot->catalogue();
  return {{"expression", canonical},
          {"resolved", query::ToString(bound.resolved.plan, catalogue)},
          {"normalized", query::ToString(bound.normalized, catalogue)},
          {"physical", query::ToString(bound.plan, catalogue)}};
}

// The selection's plan, then each condition's.
std::vector<PhysicalPlan> PlansToProfile(const ResolvedSelection& bound) {
  std::vector<PhysicalPlan> plans{bound.plan};
  for (const query::ResolvedCondition& condition : bound.resolved.conditions) {
    plans.push_back(query::MakePhysicalPlan(
        query::Normalize(condition.plan, bound.snapshot->catalogue()), *bound.snapshot));
  }
  return plans;
}

absl::Status Profile(const ResolvedSelection& bound, ExplainResult* result) {
  std::vector<PhysicalPlan> plans = PlansToProfile(bound);
  for (size_t first = 0; first < plans.size(); first += kPlansAtOnce) {
    const size_t last = std::min(first + kPlansAtOnce, plans.size());
    const std::vector<PhysicalPlan> batch(
        std::make_move_iterator(plans.begin() + static_cast<ptrdiff_t>(first)),
        std::make_move_iterator(plans.begin() + static_cast<ptrdiff_t>(last)));
    THRONG_ASSIGN_OR_RETURN(
        const std::vector<query::ProfiledPlan> profiled,
        query::ProfilePlans(batch, *bound.snapshot, bound.universe->parallel(), bound.check));
    for (size_t i = first; i < last; ++i) {
      const query::ProfiledPlan& plan = profiled[i - first];
      if (i > 0) {
        result->conditions[i - 1].count = plan.count;
        continue;
      }
      result->count = plan.count;
      // Without a shard no evaluator ran, and there are no profiles.
      for (size_t n = 0; n < plan.operators.size(); ++n) {
        result->nodes[n].actual_users = plan.operators[n].users;
        result->nodes[n].chunks = plan.operators[n].chunks;
        result->nodes[n].time = plan.operators[n].time;
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExplainResult> Selections::Explain(const CallContext& context,
                                                  const Selection& selection, bool plan_only) {
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, selection));
  ExplainResult result;
  AppendNodes(bound.plan, 0, bound.snapshot->catalogue(), &result.nodes);
  for (const query::ResolvedCondition& condition : bound.resolved.conditions) {
    result.conditions.push_back({.text = condition.text, .span = condition.span});
  }
  if (!plan_only) THRONG_RETURN_IF_ERROR(Profile(bound, &result));
  result.info = bound.Info();
  result.stages = Stages(bound, result.info.canonical_expression);
  return result;
}

}  // namespace throng::engine
