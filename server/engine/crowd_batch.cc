#include "server/engine/crowd_batch.h"

#include <utility>

#include "index/error.h"
#include "query/batch_execution.h"
#include "query/limited_users.h"
#include "server/engine/crowd_commit.h"

namespace throng::engine {
namespace {

using Clock = std::chrono::steady_clock;

uint64_t Micros(std::chrono::nanoseconds time) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

}  // namespace

CrowdBatch::CrowdBatch(const Universe& universe, const index::Snapshot& snapshot,
                       const CallContext& context, const query::TimeContext& time)
    : universe_(universe),
      snapshot_(snapshot),
      time_(time),
      check_([&context] { return context.Check(); }),
      reader_(universe, snapshot, context.visibility, time_, check_),
      bytes_max_(ResultBytesMax(universe)) {}

absl::Status CrowdBatch::Add(ComputedCrowd* computed) {
  const auto start = Clock::now();
  const index::CrowdEntry& crowd = *computed->crowd;
  const index::CrowdDefinition& definition = *crowd.definition;
  THRONG_ASSIGN_OR_RETURN(const query::TimeContext time, TimeOf(definition, time_));
  // An arm's details are no expression: it is equal to no rule.
  const bool is_arm = definition.kind == index::CrowdKind::kSplit;
  const Key key{is_arm ? definition.details : definition.rule, time.zone_name, time.reference_us};
  auto rule = rules_.find(key);
  if (rule == rules_.end()) {
    reader_.ForgetReads();
    Rule bound;
    THRONG_ASSIGN_OR_RETURN(bound.planned, reader_.Plan(crowd, time));
    bound.reads = {reader_.read_ids().begin(), reader_.read_ids().end()};
    bound.tags = {reader_.tags().begin(), reader_.tags().end()};
    rule = rules_.emplace(key, std::move(bound)).first;
  }
  added_.push_back({.computed = computed,
                    .rule = &rule->second,
                    .reference_us = time.reference_us,
                    .binding = Clock::now() - start});
  return absl::OkStatus();
}

absl::Status CrowdBatch::Run() {
  THRONG_RETURN_IF_ERROR(RunRules());
  for (const Added& added : added_) {
    const auto start = Clock::now();
    Finish(*added.rule, added.reference_us, added.computed);
    added.computed->version.duration_us =
        Micros(added.binding + added.rule->time + (Clock::now() - start));
    added.rule->time = {};  // of crowds with one rule, the first takes its time
  }
  added_.clear();
  return absl::OkStatus();
}

absl::Status CrowdBatch::TakeBytes(uint64_t bytes) {
  const uint64_t taken = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (taken <= bytes_max_) return absl::OkStatus();
  return index::LimitExceeded(
      absl::StatusCode::kResourceExhausted, "RESULT_TOO_LARGE",
      "the memory of the crowds of one refresh in bytes (refresh fewer at once, or raise "
      "--result-bytes-max)",
      bytes_max_, taken);
}

absl::Status CrowdBatch::RunRules() {
  std::vector<Rule*> batch;
  std::vector<query::PhysicalPlan> plans;
  for (const Added& added : added_) {
    Rule& rule = *added.rule;
    if (rule.is_run) continue;
    rule.is_run = true;
    if (rule.planned.limit.has_value()) {
      THRONG_RETURN_IF_ERROR(Choose(&rule));
    } else {
      batch.push_back(&rule);
      plans.push_back(std::move(rule.planned.plan));
    }
  }
  THRONG_ASSIGN_OR_RETURN(
      std::vector<query::PlanUsers> users,
      query::SelectEach(
          plans, snapshot_, universe_.parallel(), check_,
          [this](uint64_t bytes) { return TakeBytes(bytes); }, query::SharingLimits()));
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i]->set = std::move(users[i].set);
    batch[i]->time = users[i].time;
  }
  return absl::OkStatus();
}

absl::Status CrowdBatch::Choose(Rule* rule) {
  const auto start = Clock::now();
  THRONG_ASSIGN_OR_RETURN(rule->set, query::ChooseUsers(rule->planned.plan, *rule->planned.limit,
                                                        snapshot_, universe_.parallel(), check_));
  rule->time = Clock::now() - start;
  return TakeBytes(rule->set->memory_bytes());
}

absl::Status CrowdBatch::LookUp(const WaitingIds& waiting, storage::UploadRecord* record,
                                ComputedCrowd* computed) {
  const auto start = Clock::now();
  THRONG_ASSIGN_OR_RETURN(const UploadRefresh refreshed,
                          LookUpAgain(snapshot_, *computed->crowd, waiting, check_));
  THRONG_RETURN_IF_ERROR(TakeBytes(refreshed.users->memory_bytes()));
  *record = refreshed.record;
  record->start_us = time_.reference_us;
  const Rule found{.is_run = true, .set = refreshed.users};
  Finish(found, time_.reference_us, computed);
  computed->version.duration_us = Micros(Clock::now() - start);
  return absl::OkStatus();
}

void CrowdBatch::Finish(const Rule& rule, int64_t reference_us, ComputedCrowd* computed) {
  computed->set = rule.set;
  index::CrowdVersion& version = computed->version;
  version = NextVersion(*computed->crowd, *rule.set);
  version.data_version = snapshot_.data_version();
  version.reference_us = reference_us;
  version.tags = rule.tags;
  version.reads = rule.reads;
  reader_.Use(computed->crowd->definition->id, version, rule.set);
}

}  // namespace throng::engine
