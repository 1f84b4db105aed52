#include "server/service/convert_result.h"

#include <string>
#include <utility>

#include "server/service/convert_expression.h"
#include "server/service/convert_sample.h"
#include "server/service/convert_selection.h"
#include "server/service/convert_time.h"
#include "server/service/convert_value.h"
#include "server/service/service_limits.h"

namespace throng::service {
namespace {

void RunToProto(const engine::ExplainRun& run, v1::PlanNodeRun* proto) {
  if (run.users.has_value()) proto->set_users(*run.users);
  proto->set_chunks(run.chunks);
  proto->set_chunks_in_parent(run.chunks_in_parent);
  proto->set_chunks_skipped(run.chunks_skipped);
  DurationToProto(run.time, proto->mutable_time());
  for (size_t i = 0; i < query::kLeafForms; ++i) {
    if (run.accesses.chunks[i] == 0) continue;
    v1::LeafFormRun* added = proto->add_forms();
    added->set_form(std::string(query::ToString(static_cast<query::LeafForm>(i))));
    added->set_chunks(run.accesses.chunks[i]);
  }
  proto->set_users_at_hand(run.accesses.users_at_hand);
}

void NodeToProto(const engine::ExplainNode& node, v1::PlanNode* proto) {
  proto->set_depth(node.depth);
  proto->set_operator_(node.operator_name);
  proto->set_detail(node.detail);
  proto->set_estimated_users(node.estimated_users);
  proto->set_actual_users(node.actual_users);
  proto->set_chunks(node.chunks);
  DurationToProto(node.time, proto->mutable_time());
  const query::OperatorEstimate& estimate = node.estimate;
  if (estimate.exact_users.has_value()) proto->set_exact_users(*estimate.exact_users);
  proto->set_cost_ns(estimate.cost_ns);
  if (estimate.form.has_value()) proto->set_form(std::string(query::ToString(*estimate.form)));
  for (const query::FormEstimate& form : estimate.forms) {
    v1::LeafForm* added = proto->add_forms();
    added->set_form(std::string(query::ToString(form.form)));
    added->set_cost_ns(form.cost_ns);
    added->set_chunks(form.chunks);
  }
  proto->set_users_at_hand(estimate.users_at_hand);
  proto->set_values_asked(node.values_asked);
  proto->set_values_of_tag(node.values_of_tag);
  proto->set_rewrite(std::string(query::ToString(node.rewrite.kind)));
  if (node.run.has_value()) RunToProto(*node.run, proto->mutable_run());
}

// `missing` and `others` stand for no single value and have none.
void CountsToProto(const engine::BreakdownRow& row, v1::BreakdownRow* proto) {
  proto->set_count(row.count);
  proto->set_share(row.share);
  proto->set_baseline_count(row.baseline_count);
  proto->set_baseline_share(row.baseline_share);
  if (row.tgi.has_value()) proto->set_tgi(*row.tgi);
  if (row.range.has_value()) RangeToProto(*row.range, proto->mutable_range());
}

void TagToProto(const engine::TagBreakdown& tag, v1::TagBreakdown* proto) {
  proto->set_tag(tag.tag);
  for (const engine::BreakdownRow& row : tag.rows) {
    v1::BreakdownRow* added = proto->add_rows();
    TextToProto(tag.type, row.value, added->mutable_value());
    CountsToProto(row, added);
  }
  CountsToProto(tag.missing, proto->mutable_missing());
  CountsToProto(tag.others, proto->mutable_others());
  proto->set_others_values(tag.others_values);
}

}  // namespace

void CountToProto(const engine::CountResult& result, v1::CountResponse* proto) {
  proto->set_count(result.count);
  InfoToProto(result.info, proto->mutable_info());
  if (result.exclusions.has_value()) {
    v1::ExclusionReport* report = proto->mutable_exclusions();
    report->set_gross(result.exclusions->gross);
    report->set_reachable(result.exclusions->reachable);
    for (const engine::ExclusionLoss& loss : result.exclusions->losses) {
      v1::ExclusionLoss* added = report->add_losses();
      CrowdRefToProto(loss.crowd, added->mutable_crowd());
      added->set_overlap(loss.overlap);
      added->set_loss(loss.loss);
    }
  }
  if (!result.sample.has_value()) return;
  SampleToProto(*result.sample, proto->mutable_sample());
  RangeToProto(result.range, proto->mutable_range());
}

void ExplainToProto(const engine::ExplainResult& result, v1::ExplainResponse* proto) {
  proto->set_count(result.count);
  for (const engine::ExplainNode& node : result.nodes) NodeToProto(node, proto->add_nodes());
  for (const engine::ExplainCondition& condition : result.conditions) {
    v1::ConditionCount* added = proto->add_conditions();
    added->set_condition(condition.text);
    added->set_count(condition.count);
    added->set_line(static_cast<uint32_t>(condition.span.line));
    added->set_column(static_cast<uint32_t>(condition.span.column));
    added->set_length(static_cast<uint32_t>(condition.span.length));
    if (condition.without.has_value()) added->set_without(*condition.without);
    if (condition.changed.has_value()) added->set_changed(*condition.changed);
  }
  for (const engine::ExplainStep& step : result.waterfall) {
    v1::WaterfallStep* added = proto->add_waterfall();
    added->set_operand(step.text);
    added->set_left(step.left);
  }
  for (const engine::ExplainStage& stage : result.stages) {
    v1::PlanStage* added = proto->add_stages();
    added->set_stage(stage.name);
    added->set_text(stage.text.size() <= kCanonicalEchoBytesMax ? stage.text
                                                                : "(longer than 64 KiB: left out)");
  }
  if (!result.nodes.empty() && result.nodes.front().run.has_value()) {
    DurationToProto(result.run_time, proto->mutable_run_time());
  }
  InfoToProto(result.info, proto->mutable_info());
}

void MembersToProto(engine::MembersPage page, v1::ListMembersResponse* proto) {
  proto->mutable_ids()->Reserve(static_cast<int>(page.ids.size()));
  for (std::string& id : page.ids) *proto->add_ids() = std::move(id);
  proto->set_next_page_token(page.next_page_token);
  proto->set_total(page.total);
  InfoToProto(page.info, proto->mutable_info());
}

void BreakdownToProto(const engine::BreakdownResult& result, v1::BreakdownResponse* proto) {
  proto->set_count(result.count);
  proto->set_baseline_count(result.baseline_count);
  for (const engine::TagBreakdown& tag : result.tags) TagToProto(tag, proto->add_tags());
  InfoToProto(result.info, proto->mutable_info());
  if (!result.sample.has_value()) return;
  SampleToProto(*result.sample, proto->mutable_sample());
  RangeToProto(result.range, proto->mutable_range());
}

}  // namespace throng::service
