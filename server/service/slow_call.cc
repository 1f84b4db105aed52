#include "server/service/slow_call.h"

#include <chrono>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "index/utf8.h"
#include "server/access/log_text.h"
#include "server/engine/selections.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

using access::Quoted;

constexpr std::chrono::milliseconds kPlanTime{100};  // that planning may take once more

double Milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

std::string_view Cut(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  return text.substr(0, index::ValidUtf8Prefix(text.substr(0, bytes_max)));
}

}  // namespace

std::string PlanOf(engine::Engine& engine, const EndedCall& call) {
  const engine::CallNotes& notes = call.notes;
  const bool is_whole = !notes.brief().empty() && !notes.brief().ends_with("...") &&
                        notes.brief().find(" ids)") == std::string::npos;
  if (!notes.place().has_value() || !is_whole) return "";
  engine::CallContext context = call.caller;
  context.notes = nullptr;
  context.cancelled = nullptr;  // the call is over, often as it was cancelled or took too long
  context.deadline = std::chrono::steady_clock::now() + kPlanTime;
  const engine::Selection selection{.population = notes.place()->population,
                                    .what = notes.brief(),
                                    .time_zone = notes.place()->time_zone,
                                    .reference_us = notes.place()->reference_us,
                                    .read_version = notes.place()->data_version};
  const absl::StatusOr<engine::ExplainResult> explained =
      engine.selections().Explain(context, selection, {.plan_only = true});
  if (!explained.ok()) return "";
  std::string plan;
  for (const engine::ExplainNode& node : explained->nodes) {
    if (plan.size() >= kSlowPlanBytesMax) break;
    if (!plan.empty()) plan += "; ";
    plan += fmt::format("{}{}{}{} ~{}", std::string(node.depth, '>'), node.operator_name,
                        node.detail.empty() ? "" : " ", node.detail, node.estimated_users);
  }
  return std::string(Cut(plan, kSlowPlanBytesMax));
}

void LogSlowCall(engine::Engine* engine, const EndedCall& call) {
  uint64_t version = call.data_version;
  if (version == 0 && call.notes.place().has_value()) version = call.notes.place()->data_version;
  std::string line = fmt::format(
      "event=slow_call call_id={} principal={} method={} code={} queue_ms={:.1f} engine_ms={:.1f}",
      call.caller.call_id, Quoted(call.caller.principal), call.method,
      absl::StatusCodeToString(call.code), Milliseconds(call.caller.queued),
      Milliseconds(call.took));
  if (version != 0) line += fmt::format(" data_version={}", version);
  if (!call.notes.brief().empty()) {
    line += fmt::format(" expression={}", Quoted(call.notes.brief()));
    const std::string plan = engine == nullptr ? "" : PlanOf(*engine, call);
    if (!plan.empty()) line += fmt::format(" plan={}", Quoted(plan));
  }
  spdlog::warn("{}", line);
}

}  // namespace throng::service
