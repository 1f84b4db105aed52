#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <variant>

#include "index/error.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "query/plan_estimate.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/selections.h"

namespace throng::engine {
namespace {

using query::PhysicalPlan;

// Plans profiled in one pass over the shards; bounds the memory of their operators' scratch.
constexpr size_t kPlansAtOnce = 64;

uint64_t ValuesOfTag(uint32_t tag, const index::Catalogue& catalogue) {
  const index::TagEntry* entry = catalogue.FindById(tag);
  return entry == nullptr || entry->values == nullptr ? 0 : entry->values->size();
}

// How many values, ranges or ids the operator asks for, and how many values its tag has.
void SetValues(const PhysicalPlan& plan, const index::Catalogue& catalogue, ExplainNode* node) {
  if (const auto* values = std::get_if<query::TagValues>(&plan.node)) {
    node->values_asked = values->codes.size();
    node->values_of_tag = ValuesOfTag(values->tag, catalogue);
  } else if (const auto* exists = std::get_if<query::TagExists>(&plan.node)) {
    node->values_of_tag = ValuesOfTag(exists->tag, catalogue);
  } else if (const auto* ranges = std::get_if<query::NumericRanges>(&plan.node)) {
    node->values_asked = ranges->intervals.size();
  } else if (const auto* ids = std::get_if<query::Ordinals>(&plan.node)) {
    node->values_asked = ids->set->cardinality();
  }
  if (plan.rewrite.values_asked == 0) return;
  node->values_asked = plan.rewrite.values_asked;
  if (const std::vector<PhysicalPlan>* inputs = query::InputsOf(plan)) {
    const auto& exists = std::get<query::TagExists>(inputs->front().node);
    node->values_of_tag = ValuesOfTag(exists.tag, catalogue);
  }
}

// The operators of a plan in pre-order, as estimates and profiles number them.
void AppendNodes(const PhysicalPlan& plan, uint32_t depth, const index::Catalogue& catalogue,
                 std::vector<ExplainNode>* nodes) {
  nodes->push_back({.depth = depth,
                    .operator_name = query::OperatorName(plan),
                    .detail = query::LeafText(plan, catalogue),
                    .estimated_users = plan.users_max,
                    .rewrite = plan.rewrite});
  SetValues(plan, catalogue, &nodes->back());
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

absl::Status Estimate(const ResolvedSelection& bound, ExplainResult* result) {
  THRONG_ASSIGN_OR_RETURN(
      std::vector<query::OperatorEstimate> estimates,
      query::EstimatePlan(bound.plan, *bound.snapshot, bound.universe->parallel(), bound.check));
  for (size_t n = 0; n < result->nodes.size(); ++n) {
    result->nodes[n].estimate = std::move(estimates[n]);
  }
  return absl::OkStatus();
}

// Counts as Count does, with notes.
absl::Status Analyze(const ResolvedSelection& bound, ExplainResult* result) {
  const auto start = std::chrono::steady_clock::now();
  THRONG_ASSIGN_OR_RETURN(
      const query::ProfiledPlan analyzed,
      query::AnalyzeCount(bound.plan, *bound.snapshot, bound.universe->parallel(), bound.check));
  result->run_time = std::chrono::steady_clock::now() - start;
  const uint64_t chunks = uint64_t{bound.snapshot->shard_count()} * index::kChunksPerShard;
  for (size_t n = 0; n < result->nodes.size(); ++n) {
    ExplainRun& run = result->nodes[n].run.emplace();
    run.chunks_skipped = chunks;
    if (analyzed.operators.empty()) {
      run.users = 0;
      continue;
    }
    const query::OperatorProfile& profile = analyzed.operators[n];
    if (profile.users_known) run.users = profile.users;
    run.chunks = profile.chunks;
    run.chunks_in_parent = profile.chunks_in_parent;
    run.chunks_skipped -= profile.chunks;
    run.time = profile.time;
    run.accesses = profile.accesses;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExplainResult> Selections::Explain(const CallContext& context,
                                                  const Selection& selection,
                                                  const ExplainOptions& options) {
  if (options.plan_only && options.analyze) {
    return index::MakeError(absl::StatusCode::kInvalidArgument,
                            "a plan that does not run has nothing to analyze",
                            {.reason = "NOTHING_RUNS", .field = "analyze"});
  }
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, selection));
  ExplainResult result;
  AppendNodes(bound.plan, 0, bound.snapshot->catalogue(), &result.nodes);
  for (const query::ResolvedCondition& condition : bound.resolved.conditions) {
    result.conditions.push_back({.text = condition.text, .span = condition.span});
  }
  THRONG_RETURN_IF_ERROR(Estimate(bound, &result));
  if (options.analyze) THRONG_RETURN_IF_ERROR(Analyze(bound, &result));
  if (!options.plan_only) THRONG_RETURN_IF_ERROR(Profile(bound, &result));
  result.info = bound.Info();
  result.stages = Stages(bound, result.info.canonical_expression);
  return result;
}

}  // namespace throng::engine
