#include "server/engine/crowd_reader.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "index/error.h"
#include "query/collector.h"
#include "query/lexer.h"
#include "query/limited_users.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "server/engine/crowd_rules.h"
#include "server/engine/crowd_set_cache.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

using query::CrowdRef;
using query::LogicalPlan;

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

// An error about a reference, at its place.
absl::Status At(const CrowdRef& reference, absl::StatusCode code, std::string_view reason,
                std::string_view message) {
  return index::MakeError(code, message,
                          {.reason = std::string(reason),
                           .line = reference.span.line,
                           .column = reference.span.column,
                           .length = reference.span.length});
}

// What is wrong inside a live rule, at the place of the reference: the rule's own places say
// nothing to who wrote the reference.
absl::Status Inside(const CrowdRef& reference, const absl::Status& status) {
  const std::optional<index::ErrorDetail> inner = index::GetErrorDetail(status);
  if (!inner.has_value()) return status;
  index::ErrorDetail detail = *inner;
  detail.field.clear();
  detail.line = reference.span.line;
  detail.column = reference.span.column;
  detail.length = reference.span.length;
  return index::MakeError(
      status.code(),
      fmt::format("in the rule of crowd \"{}\": {}", reference.name, MessageOf(status)), detail);
}

size_t CountOperators(const LogicalPlan& plan) {
  size_t count = 1;
  const auto add = [&](const std::vector<LogicalPlan>& operands) {
    for (const LogicalPlan& operand : operands) count += CountOperators(operand);
  };
  if (const auto* node = std::get_if<query::LogicalAnd>(&plan.node)) add(node->operands);
  if (const auto* node = std::get_if<query::LogicalOr>(&plan.node)) add(node->operands);
  if (const auto* node = std::get_if<query::LogicalNot>(&plan.node)) add(node->operand);
  return count;
}

}  // namespace

absl::StatusOr<query::TimeContext> TimeOf(const index::CrowdDefinition& definition,
                                          const query::TimeContext& time) {
  return query::MakeTimeContext(
      definition.time_zone.empty() ? time.zone_name : definition.time_zone,
      definition.reference_us.value_or(time.reference_us));
}

absl::StatusOr<const index::CrowdEntry*> CrowdReader::Find(const CrowdRef& reference) const {
  const index::CrowdEntry* crowd = view_.Find(reference.name);
  if (crowd == nullptr) return UnknownReference(reference, view_);
  if (crowd->definition->deleted()) return DeletedReference(reference);
  return crowd;
}

absl::StatusOr<LogicalPlan> CrowdReader::Lookup(const CrowdRef& reference) {
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, Find(reference));
  if (reference.live && HasRule(*crowd->definition)) return Live(reference, *crowd);
  return Version(reference, *crowd);
}

absl::StatusOr<LogicalPlan> CrowdReader::Version(const CrowdRef& reference,
                                                 const index::CrowdEntry& crowd) {
  const uint32_t id = crowd.definition->id;
  const auto overlay = overlays_.find(id);
  const bool is_overlaid =
      overlay != overlays_.end() &&
      (reference.version == 0 || reference.version == overlay->second.version.number);
  const index::CrowdVersion* version = nullptr;
  index::OrdinalSetRef set;
  if (is_overlaid) {
    version = &overlay->second.version;
    set = overlay->second.set;
  } else if (crowd.versions->empty()) {
    return At(reference, absl::StatusCode::kFailedPrecondition, "CROWD_NOT_REFRESHED",
              fmt::format("crowd \"{0}\" has no version yet: refresh it{1}", reference.name,
                          HasRule(*crowd.definition)
                              ? fmt::format(", or write crowd('{}', live)", reference.name)
                              : ""));
  } else if (reference.version == 0 || reference.version == crowd.versions->back().number) {
    version = &crowd.versions->back();
    set = crowd.last_set;
  } else {
    version = crowd.FindVersion(reference.version);
    if (version == nullptr) {
      return At(reference, absl::StatusCode::kFailedPrecondition, "CROWD_VERSION_GONE",
                fmt::format("crowd \"{}\" has no version {}; the oldest is {}, the newest {}",
                            reference.name, reference.version, crowd.versions->front().number,
                            crowd.versions->back().number));
    }
    absl::StatusOr<index::OrdinalSetRef> read =
        CrowdSetsOf(universe_).Read(universe_.store(), universe_.population().id, snapshot_,
                                    {id, version->number}, version->computed_count);
    if (!read.ok()) return read.status();
    set = *std::move(read);
  }
  read_ids_.insert({id, version->number});
  tags_.insert(version->tags.begin(), version->tags.end());
  return LogicalPlan{query::Ordinals{
      std::move(set), fmt::format("crowd '{}' v{}", reference.name, version->number)}};
}

absl::Status CrowdReader::Enter(const index::CrowdEntry& crowd) {
  const auto again = std::find(path_.begin(), path_.end(), &crowd);
  if (again != path_.end()) {
    std::string text;
    for (auto step = again; step != path_.end(); ++step) {
      text += fmt::format("{} -> ", (*step)->definition->name);
    }
    return index::InvalidArgument(
        "CROWD_CYCLE", "",
        fmt::format("a crowd cannot rest on itself: {}{}", text, crowd.definition->name));
  }
  if (path_.size() >= kCrowdDepthMax) {
    return index::LimitExceeded(absl::StatusCode::kInvalidArgument, "CROWDS_TOO_DEEP",
                                "the number of crowds that rest on each other in a chain",
                                kCrowdDepthMax, path_.size() + 1);
  }
  path_.push_back(&crowd);
  return absl::OkStatus();
}

absl::StatusOr<LogicalPlan> CrowdReader::Live(const CrowdRef& reference,
                                              const index::CrowdEntry& crowd) {
  const query::TimeContext& outer = inner_time_ == nullptr ? time_ : *inner_time_;
  absl::StatusOr<query::TimeContext> time = TimeOf(*crowd.definition, outer);
  if (!time.ok()) return Inside(reference, time.status());
  const LiveKey key{crowd.definition->id, time->zone_name, time->reference_us};
  const std::string label = fmt::format("crowd '{}' live", reference.name);
  if (const auto kept = kept_.find(key); kept != kept_.end()) {
    read_ids_.insert(kept->second.read_ids.begin(), kept->second.read_ids.end());
    tags_.insert(kept->second.tags.begin(), kept->second.tags.end());
    return LogicalPlan{query::Ordinals{kept->second.set, label}};
  }
  std::set<index::CrowdVersionId> outer_reads = std::exchange(read_ids_, {});
  std::set<uint32_t> outer_tags = std::exchange(tags_, {});
  absl::StatusOr<LogicalPlan> plan = Bind(crowd, *time, /*runs=*/uses_[key]++ > 0);
  if (plan.ok()) {
    if (auto* ordinals = std::get_if<query::Ordinals>(&plan->node);
        ordinals != nullptr && ordinals->label.empty()) {
      ordinals->label = label;
      kept_[key] = {.set = ordinals->set, .read_ids = read_ids_, .tags = tags_};
    }
  }
  read_ids_.merge(outer_reads);
  tags_.merge(outer_tags);
  if (!plan.ok()) return Inside(reference, plan.status());
  return plan;
}

absl::StatusOr<query::Resolved> CrowdReader::Resolve(const index::CrowdEntry& crowd,
                                                     const query::TimeContext& time) {
  THRONG_RETURN_IF_ERROR(check_());
  THRONG_RETURN_IF_ERROR(Enter(crowd));
  const query::TimeContext* const outer_time = std::exchange(inner_time_, &time);
  const auto resolve = [&]() -> absl::StatusOr<query::Resolved> {
    THRONG_ASSIGN_OR_RETURN(const query::Expression rule,
                            NamedRule(*crowd.definition, snapshot_.crowds()));
    const index::CatalogueView tags(snapshot_.catalogue(), visibility_);
    return query::Resolve(rule, tags, SnapshotIdLookup(snapshot_), time, this);
  };
  absl::StatusOr<query::Resolved> resolved = resolve();
  if (resolved.ok()) tags_.insert(crowd.definition->tags.begin(), crowd.definition->tags.end());
  inner_time_ = outer_time;
  path_.pop_back();
  return resolved;
}

absl::StatusOr<LogicalPlan> CrowdReader::Bind(const index::CrowdEntry& crowd,
                                              const query::TimeContext& time, bool runs) {
  THRONG_ASSIGN_OR_RETURN(query::Resolved resolved, Resolve(crowd, time));
  const bool is_inlined =
      !runs && !resolved.limit.has_value() && CountOperators(resolved.plan) <= kInlinedOperatorsMax;
  if (is_inlined) return std::move(resolved.plan);
  THRONG_ASSIGN_OR_RETURN(index::OrdinalSetRef users, Run(PlanOf(std::move(resolved))));
  return LogicalPlan{query::Ordinals{std::move(users)}};
}

PlannedRule CrowdReader::PlanOf(query::Resolved resolved) const {
  return {.plan = query::MakePhysicalPlan(
              query::Normalize(std::move(resolved.plan), snapshot_.catalogue()), snapshot_),
          .limit = resolved.limit};
}

absl::StatusOr<index::OrdinalSetRef> CrowdReader::Run(const PlannedRule& rule) const {
  if (rule.limit.has_value()) {
    return query::ChooseUsers(rule.plan, *rule.limit, snapshot_, universe_.parallel(), check_);
  }
  query::SetCollector users;
  THRONG_RETURN_IF_ERROR(query::Execute(rule.plan, snapshot_, universe_.parallel(), check_, users));
  return users.Build();
}

absl::StatusOr<PlannedRule> CrowdReader::Plan(const index::CrowdEntry& crowd,
                                              const query::TimeContext& time) {
  THRONG_ASSIGN_OR_RETURN(query::Resolved resolved, Resolve(crowd, time));
  return PlanOf(std::move(resolved));
}

void CrowdReader::Use(uint32_t crowd, const index::CrowdVersion& version,
                      index::OrdinalSetRef set) {
  overlays_[crowd] = {.version = version, .set = std::move(set)};
}

const index::CrowdVersion* CrowdReader::FindRead(const index::CrowdVersionId& id) const {
  const auto overlay = overlays_.find(id.crowd);
  if (overlay != overlays_.end() && overlay->second.version.number == id.number) {
    return &overlay->second.version;
  }
  return snapshot_.crowds().FindById(id.crowd)->FindVersion(id.number);
}

std::vector<CrowdVersionRead> CrowdReader::reads() const {
  std::vector<CrowdVersionRead> reads;
  for (const index::CrowdVersionId& id : read_ids_) {
    const index::CrowdVersion* version = FindRead(id);
    reads.push_back({.crowd = snapshot_.crowds().FindById(id.crowd)->definition->name,
                     .version = id.number,
                     .data_version = version->data_version,
                     .create_us = version->create_us});
  }
  std::sort(reads.begin(), reads.end(), [](const CrowdVersionRead& a, const CrowdVersionRead& b) {
    return std::tie(a.crowd, a.version) < std::tie(b.crowd, b.version);
  });
  return reads;
}

void CrowdReader::ForgetReads() {
  read_ids_.clear();
  tags_.clear();
}

}  // namespace throng::engine
