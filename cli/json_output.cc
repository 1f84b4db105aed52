#include "cli/json_output.h"

#include <cstdint>
#include <cstdio>

#include "absl/time/time.h"
#include "cli/error_output.h"
#include "cli/sampling_options.h"
#include "cli/schema.h"
#include "cli/selection_options.h"
#include "cli/value_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

Json WarningsJson(const v1::ResultInfo& info) {
  Json warnings = Json::array();
  for (const v1::Warning& warning : info.warnings()) {
    warnings.push_back({{"reason", warning.reason()},
                        {"message", warning.message()},
                        {"line", warning.line()},
                        {"column", warning.column()},
                        {"length", warning.length()}});
  }
  return warnings;
}

Json RowJson(const v1::BreakdownRow& row) {
  Json json = {{"count", row.count()},
               {"share", row.share()},
               {"baseline_count", row.baseline_count()},
               {"baseline_share", row.baseline_share()},
               {"tgi", nullptr}};
  if (row.has_tgi()) json["tgi"] = row.tgi();
  if (row.has_range()) json["range"] = RangeJson(row.range());
  MarkWithheld(row, json);
  return json;
}

Json TagBreakdownJson(const v1::TagBreakdown& breakdown) {
  Json rows = Json::array();
  for (const v1::BreakdownRow& row : breakdown.rows()) {
    Json json = {{"value", ValueJson(row.value())}};
    json.update(RowJson(row));
    rows.push_back(std::move(json));
  }
  Json others = {{"values", breakdown.others_values()}};
  others.update(RowJson(breakdown.others()));
  return {{"tag", breakdown.tag()},
          {"rows", std::move(rows)},
          {"missing", RowJson(breakdown.missing())},
          {"others", std::move(others)}};
}

Json RunJson(const v1::PlanNodeRun& run) {
  Json forms = Json::array();
  for (const v1::LeafFormRun& form : run.forms()) {
    forms.push_back({{"form", form.form()}, {"chunks", form.chunks()}});
  }
  return {{"users", run.has_users() ? Json(run.users()) : Json(nullptr)},
          {"chunks", run.chunks()},
          {"chunks_in_parent", run.chunks_in_parent()},
          {"chunks_skipped", run.chunks_skipped()},
          {"time_us", absl::ToDoubleMicroseconds(ToDuration(run.time()))},
          {"forms", std::move(forms)},
          {"users_at_hand", run.users_at_hand()}};
}

// Of an answer that may be an estimate.
template <typename Response>
void AppendSample(const Response& response, Json& json) {
  if (!response.has_sample()) return;
  json["range"] = RangeJson(response.range());
  json["sample"] = SampleJson(response.sample());
}

// What the planner reckoned with.
void AppendEstimate(const v1::PlanNode& node, Json& json) {
  Json forms = Json::array();
  for (const v1::LeafForm& form : node.forms()) {
    forms.push_back(
        {{"form", form.form()}, {"cost_ns", form.cost_ns()}, {"chunks", form.chunks()}});
  }
  json["exact_users"] = node.has_exact_users() ? Json(node.exact_users()) : Json(nullptr);
  json["cost_ns"] = node.cost_ns();
  json["form"] = node.form();
  json["forms"] = std::move(forms);
  json["users_at_hand"] = node.users_at_hand();
  json["values_asked"] = node.values_asked();
  json["values_of_tag"] = node.values_of_tag();
  json["rewrite"] = node.rewrite();
}

Json PlanJson(const v1::ExplainResponse& response, bool plan_only) {
  Json plan = Json::array();
  for (const v1::PlanNode& node : response.nodes()) {
    Json json = {{"depth", node.depth()},   {"operator", node.operator_()},
                 {"detail", node.detail()}, {"estimated_users", node.estimated_users()},
                 {"actual_users", nullptr}, {"chunks", nullptr},
                 {"time_us", nullptr}};
    if (!plan_only) {
      json["actual_users"] = node.actual_users();
      json["chunks"] = node.chunks();
      json["time_us"] = absl::ToDoubleMicroseconds(ToDuration(node.time()));
    }
    AppendEstimate(node, json);
    if (node.has_run()) json["run"] = RunJson(node.run());
    plan.push_back(std::move(json));
  }
  return plan;
}

}  // namespace

void PrintJson(const Json& json) {
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::int64_t Microseconds(const google::protobuf::Duration& duration) {
  return absl::ToInt64Microseconds(ToDuration(duration));
}

void AppendInfo(const v1::ResultInfo& info, Json& json) {
  json["data_version"] = info.data_version();
  json["engine_us"] = Microseconds(info.engine_time());
  json["canonical_expression"] = info.canonical_expression();
  json["reference_time"] = TimestampText(info.reference_time());
  json["time_zone"] = info.time_zone();
  json["exact"] = info.exact();
  if (info.minimum_count() > 0) json["minimum_count"] = info.minimum_count();
  json["warnings"] = WarningsJson(info);
  if (info.crowds().empty()) return;
  Json crowds = Json::array();
  for (const v1::CrowdVersionRead& crowd : info.crowds()) {
    crowds.push_back({{"crowd", crowd.crowd()},
                      {"version", crowd.version()},
                      {"data_version", crowd.data_version()},
                      {"compute_time", TimestampText(crowd.compute_time())}});
  }
  json["crowds"] = std::move(crowds);
}

Json CountJson(const v1::CountResponse& response) {
  Json json = {{"count", response.count()}};
  if (response.has_exclusions()) {
    const v1::ExclusionReport& report = response.exclusions();
    Json losses = Json::array();
    for (const v1::ExclusionLoss& loss : report.losses()) {
      Json each = {
          {"crowd", CrowdText(loss.crowd())}, {"overlap", loss.overlap()}, {"loss", loss.loss()}};
      MarkWithheld(loss, each);
      losses.push_back(std::move(each));
    }
    Json exclusions = {{"gross", report.gross()},
                       {"reachable", report.reachable()},
                       {"losses", std::move(losses)}};
    MarkWithheld(report, exclusions);
    json["exclusions"] = std::move(exclusions);
  }
  MarkWithheld(response, json);
  AppendSample(response, json);
  AppendInfo(response.info(), json);
  return json;
}

Json ExplainJson(const v1::ExplainResponse& response, bool plan_only) {
  Json conditions = Json::array();
  for (const v1::ConditionCount& condition : response.conditions()) {
    Json each = {{"condition", condition.condition()},
                 {"count", plan_only ? Json(nullptr) : Json(condition.count())},
                 {"line", condition.line()},
                 {"column", condition.column()},
                 {"length", condition.length()},
                 {"without", condition.has_without() ? Json(condition.without()) : Json()},
                 {"changed", condition.has_changed() ? Json(condition.changed()) : Json()}};
    MarkWithheld(condition, each);
    conditions.push_back(std::move(each));
  }
  Json waterfall = Json::array();
  for (const v1::WaterfallStep& step : response.waterfall()) {
    Json each = {{"operand", step.operand()}, {"left", step.left()}};
    MarkWithheld(step, each);
    waterfall.push_back(std::move(each));
  }
  Json stages = Json::array();
  for (const v1::PlanStage& stage : response.stages()) {
    stages.push_back({{"stage", stage.stage()}, {"text", stage.text()}});
  }
  Json json = {{"count", plan_only ? Json(nullptr) : Json(response.count())},
               {"plan", PlanJson(response, plan_only)},
               {"conditions", std::move(conditions)},
               {"waterfall", std::move(waterfall)},
               {"stages", std::move(stages)}};
  if (response.has_run_time()) json["run_us"] = Microseconds(response.run_time());
  MarkWithheld(response, json);
  AppendInfo(response.info(), json);
  return json;
}

Json BreakdownJson(const v1::BreakdownResponse& response) {
  Json tags = Json::array();
  for (const v1::TagBreakdown& breakdown : response.tags()) {
    tags.push_back(TagBreakdownJson(breakdown));
  }
  Json json = {{"count", response.count()},
               {"baseline_count", response.baseline_count()},
               {"tags", std::move(tags)}};
  MarkWithheld(response, json);
  AppendSample(response, json);
  AppendInfo(response.info(), json);
  return json;
}

Json MembersJson(const v1::ListMembersResponse& response) {
  Json ids = Json::array();
  for (const std::string& id : response.ids()) ids.push_back(id);
  Json json = {{"ids", std::move(ids)},
               {"next_page_token", response.next_page_token()},
               {"total", response.total()}};
  AppendInfo(response.info(), json);
  return json;
}

Json PortraitJson(const v1::Portrait& portrait) {
  Json tags = Json::object();
  for (const v1::PortraitEntry& entry : portrait.entries()) {
    if (entry.type() == v1::TAG_TYPE_LABELS) {
      Json labels = Json::array();
      for (const v1::Value& value : entry.values()) labels.push_back(ValueJson(value));
      tags[entry.tag()] = std::move(labels);
    } else if (!entry.values().empty()) {
      tags[entry.tag()] = ValueJson(entry.values(0));
    }
  }
  Json ids = Json::object();
  for (const v1::TypedId& id : portrait.ids()) ids[id.id_type()].push_back(id.id());
  return {{"id", portrait.id()},
          {"data_version", portrait.data_version()},
          {"ids", std::move(ids)},
          {"tags", std::move(tags)}};
}

Json TagJson(const v1::Tag& tag) {
  Json json = {{"tag", LastPart(tag.name())},
               {"name", tag.name()},
               {"type", TagTypeName(tag.type())},
               {"scale", tag.scale()},
               {"display_name", tag.display_name()},
               {"path", tag.path()},
               {"description", tag.description()},
               {"owner", tag.owner()},
               {"sensitivity", tag.sensitivity()},
               {"state", TagStateName(tag.state())},
               {"max_values", tag.max_values()},
               {"user_count", tag.user_count()},
               {"value_count", tag.value_count()},
               {"content_time", tag.has_content_time() ? TimestampText(tag.content_time()) : ""},
               {"freshness_seconds", tag.freshness().seconds()},
               {"data_version", tag.data_version()}};
  MarkWithheld(tag, json);
  return json;
}

Json PopulationJson(const v1::Population& population) {
  Json json = {{"population", LastPart(population.name())},
               {"name", population.name()},
               {"display_name", population.display_name()},
               {"primary_id_type", population.primary_id_type()},
               {"user_count", population.user_count()},
               {"tag_count", population.tag_count()},
               {"data_version", population.data_version()}};
  MarkWithheld(population, json);
  return json;
}

Json ValueJson(const v1::Value& value) {
  if (value.kind_case() == v1::Value::kInteger) return value.integer();
  if (value.kind_case() == v1::Value::kFlag) return value.flag();
  return ValueText(value);
}

Json FailureJson(const grpc::Status& status, std::string_view server) {
  const v1::ErrorDetail detail = ErrorDetailOf(status);
  return {{"error",
           {{"code", CodeName(status.error_code())},
            {"reason", detail.reason()},
            {"message", FailureMessage(status, server)},
            {"field", detail.field()},
            {"line", detail.line()},
            {"column", detail.column()},
            {"length", detail.length()},
            {"expected", detail.expected()},
            {"suggestion", detail.suggestion()},
            {"limit", detail.limit()},
            {"requested", detail.requested()}}}};
}

Json UsageJson(std::string_view message) {
  return {{"error",
           {{"code", "INVALID_ARGUMENT"}, {"reason", "USAGE"}, {"message", std::string(message)}}}};
}

}  // namespace throng::cli
