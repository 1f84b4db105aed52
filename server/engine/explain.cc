#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "index/error.h"
#include "query/executor.h"
#include "query/formatter.h"
#include "query/marginals.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "query/plan_estimate.h"
#include "server/engine/diagnosis.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/selections.h"

namespace throng::engine {
namespace {

using query::PhysicalPlan;

// Plans profiled in one pass over the shards; bounds the memory of their operators' scratch.
constexpr size_t kPlansAtOnce = 64;
// Of a step's text; an operand may be most of an expression.
constexpr size_t kStepBytesMax = 1'000;

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
  std::vector<ExplainStage> stages{{"expression", canonical},
                                   {"resolved", query::ToString(bound.resolved.plan, catalogue)},
                                   {"normalized", query::ToString(bound.normalized, catalogue)},
                                   {"physical", query::ToString(bound.plan, catalogue)}};
  if (bound.resolved.limit.has_value()) stages.push_back({"limit", bound.resolved.limit->text});
  return stages;
}

PhysicalPlan PlanOf(const query::ResolvedCondition& condition, const index::Snapshot& snapshot) {
  return query::MakePhysicalPlan(query::Normalize(condition.plan, snapshot.catalogue()), snapshot);
}

// What each operator of the selection's plan gives.
absl::Status Profile(const ResolvedSelection& bound, ExplainResult* result) {
  THRONG_ASSIGN_OR_RETURN(
      const std::vector<query::ProfiledPlan> profiled,
      query::ProfilePlans({bound.plan}, *bound.snapshot, bound.universe->parallel(), bound.check));
  const query::ProfiledPlan& plan = profiled.front();
  result->count = plan.count;
  // Without a shard no evaluator ran, and there are no profiles.
  for (size_t n = 0; n < plan.operators.size(); ++n) {
    result->nodes[n].actual_users = plan.operators[n].users;
    result->nodes[n].chunks = plan.operators[n].chunks;
    result->nodes[n].time = plan.operators[n].time;
  }
  return absl::OkStatus();
}

// The own counts of conditions without marginals.
absl::Status CountConditions(const ResolvedSelection& bound, ExplainResult* result) {
  const std::vector<query::ResolvedCondition>& conditions = bound.resolved.conditions;
  for (size_t first = 0; first < conditions.size(); first += kPlansAtOnce) {
    const size_t last = std::min(first + kPlansAtOnce, conditions.size());
    std::vector<PhysicalPlan> plans;
    for (size_t i = first; i < last; ++i) plans.push_back(PlanOf(conditions[i], *bound.snapshot));
    THRONG_ASSIGN_OR_RETURN(
        const std::vector<query::ProfiledPlan> profiled,
        query::ProfilePlans(plans, *bound.snapshot, bound.universe->parallel(), bound.check));
    for (size_t i = first; i < last; ++i) result->conditions[i].count = profiled[i - first].count;
  }
  return absl::OkStatus();
}

// The operand's text, cut between two characters.
std::string StepText(const query::Expression& operand) {
  std::string text = query::Format(operand);
  if (text.size() <= kStepBytesMax) return text;
  text.resize(kStepBytesMax);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();  // the first byte of what may be cut
  return text + "...";
}

// Own counts, counts without each condition, the waterfall, and what they say is odd.
absl::Status ExplainConditions(const ResolvedSelection& bound, ExplainResult* result) {
  THRONG_ASSIGN_OR_RETURN(
      const query::Marginals marginals,
      query::CountMarginals(bound.expression, bound.resolved.conditions, *bound.snapshot,
                            bound.universe->parallel(), bound.check));
  result->count = marginals.count;
  for (size_t i = 0; i < result->conditions.size(); ++i) {
    result->conditions[i].count = marginals.own[i];
    result->conditions[i].without = marginals.without[i];
    result->conditions[i].changed = marginals.changed[i];
  }
  const std::vector<const query::Expression*> operands = query::WaterfallOperands(bound.expression);
  for (size_t i = 0; i < operands.size(); ++i) {
    result->waterfall.push_back({.text = StepText(*operands[i]), .left = marginals.left[i]});
  }
  return Diagnose(bound, result);
}

// What the limit leaves of what it is taken of, which is explained.
void ApplyLimit(const ResolvedSelection& bound, ExplainResult* result) {
  const std::optional<query::Limit>& limit = bound.resolved.limit;
  if (!limit.has_value()) return;
  if (result->count < limit->users) {
    result->info.warnings.push_back(
        {"LIMIT_NOT_REACHED",
         fmt::format("there are {} users now: all of them are fewer than [{}] asks for",
                     result->count, limit->text),
         limit->span});
  }
  result->count = bound.Limited(result->count);
  if (result->waterfall.empty()) return;
  result->waterfall.push_back({.text = limit->text, .left = result->count});
}

// Why there are no marginals; nothing where there are.
std::optional<std::string> TooManyForMarginals(const ResolvedSelection& bound) {
  const size_t conditions = bound.resolved.conditions.size();
  if (conditions > query::kMarginalConditionsMax) {
    return fmt::format(
        "{} conditions are too many for counts without each of them; the limit is {}", conditions,
        query::kMarginalConditionsMax);
  }
  const size_t nodes = query::MarginalNodesOf(bound.expression);
  if (nodes <= query::kMarginalNodesMax) return std::nullopt;
  return fmt::format(
      "{} operators and operands are too many for counts without each condition; the limit is {}",
      nodes, query::kMarginalNodesMax);
}

// What is only known when the expression runs.
absl::Status Run(const ResolvedSelection& bound, const ExplainOptions& options,
                 ExplainResult* result) {
  if (!options.conditions_only) THRONG_RETURN_IF_ERROR(Profile(bound, result));
  std::optional<std::string> too_many = TooManyForMarginals(bound);
  if (!too_many.has_value()) return ExplainConditions(bound, result);
  result->info.warnings.push_back({"MARGINALS_LEFT_OUT", *std::move(too_many), {}});
  if (options.conditions_only) {
    THRONG_ASSIGN_OR_RETURN(
        result->count,
        query::CountUsers(bound.plan, *bound.snapshot, bound.universe->parallel(), bound.check));
  }
  return CountConditions(bound, result);
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

absl::Status CheckOptions(const ExplainOptions& options) {
  if (options.plan_only && options.analyze) {
    return index::MakeError(absl::StatusCode::kInvalidArgument,
                            "a plan that does not run has nothing to analyze",
                            {.reason = "NOTHING_RUNS", .field = "analyze"});
  }
  if (options.conditions_only && (options.plan_only || options.analyze)) {
    return index::MakeError(absl::StatusCode::kInvalidArgument,
                            "with conditions only there is no plan to show",
                            {.reason = "NO_PLAN", .field = "conditions_only"});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExplainResult> Selections::Explain(const CallContext& context,
                                                  const Selection& selection,
                                                  const ExplainOptions& options) {
  THRONG_RETURN_IF_ERROR(CheckOptions(options));
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, selection, LimitUse::kSetAside));
  ExplainResult result;
  result.info.warnings = bound.resolved.warnings;
  for (const query::ResolvedCondition& condition : bound.resolved.conditions) {
    result.conditions.push_back({.text = condition.text, .span = condition.span});
  }
  if (!options.conditions_only) {
    AppendNodes(bound.plan, 0, bound.snapshot->catalogue(), &result.nodes);
    THRONG_RETURN_IF_ERROR(Estimate(bound, &result));
  }
  if (options.analyze) THRONG_RETURN_IF_ERROR(Analyze(bound, &result));
  if (!options.plan_only) {
    THRONG_RETURN_IF_ERROR(Run(bound, options, &result));
    ApplyLimit(bound, &result);
  }
  std::vector<query::Warning> warnings = std::move(result.info.warnings);
  result.info = bound.Info();
  result.info.warnings = std::move(warnings);
  if (!options.conditions_only) result.stages = Stages(bound, result.info.canonical_expression);
  return result;
}

}  // namespace throng::engine
