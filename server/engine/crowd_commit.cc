#include "server/engine/crowd_commit.h"

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_rules.h"

namespace throng::engine {
namespace {

// The versions that go when `added` comes: older than the last so many, or beyond the budget; never
// the newest or a pinned one.
std::vector<index::CrowdVersionId> Superseded(const index::CrowdEntry& crowd,
                                              const index::CrowdVersion& added) {
  const index::CrowdDefinition& definition = *crowd.definition;
  std::vector<index::CrowdVersionId> superseded;
  uint32_t kept = 1;
  uint64_t bytes = added.bytes;
  for (auto version = crowd.versions->rbegin(); version != crowd.versions->rend(); ++version) {
    const bool is_over =
        definition.byte_budget != 0 && bytes + version->bytes > definition.byte_budget;
    if (!version->pinned && (kept >= definition.keep_last || is_over)) {
      superseded.push_back({definition.id, version->number});
      continue;
    }
    if (!version->pinned) ++kept;
    bytes += version->bytes;
  }
  return superseded;
}

// The rule for good, as people read it.
index::CrowdDefinition Frozen(const index::CrowdDefinition& definition,
                              const index::CrowdCatalogue& crowds, int64_t time_us) {
  index::CrowdDefinition frozen = definition;
  if (definition.kind == index::CrowdKind::kRule) frozen.rule = NamedRuleText(definition, crowds);
  frozen.references.clear();
  frozen.frozen = true;
  ++frozen.revision;
  frozen.update_us = time_us;
  return frozen;
}

}  // namespace

RefreshGuard::~RefreshGuard() {
  index::MutexLock lock(crowds_.mutex_);
  for (const auto& held : held_) crowds_.refreshing_.erase(held);
}

bool RefreshGuard::Take(uint32_t population, uint32_t crowd) {
  index::MutexLock lock(crowds_.mutex_);
  if (!crowds_.refreshing_.insert({population, crowd}).second) return false;
  held_.emplace_back(population, crowd);
  return true;
}

absl::Status CrowdRefused(const index::CrowdDefinition& definition, std::string_view reason,
                          std::string_view why, std::string_view field) {
  return index::MakeError(absl::StatusCode::kFailedPrecondition,
                          fmt::format("crowd \"{}\" {}", definition.name, why),
                          {.reason = std::string(reason), .field = std::string(field)});
}

absl::Status CheckGetsVersions(const index::CrowdDefinition& definition, std::string_view field) {
  if (definition.deleted()) {
    return CrowdRefused(definition, "CROWD_DELETED", "was deleted: undelete it", field);
  }
  if (definition.frozen) {
    return CrowdRefused(definition, "CROWD_FROZEN", "is frozen: it gets no more versions", field);
  }
  return absl::OkStatus();
}

index::CrowdVersion NextVersion(const index::CrowdEntry& crowd, const index::OrdinalSet& set) {
  const uint32_t previous = crowd.versions->empty() ? 0 : crowd.versions->back().number;
  static const index::OrdinalSet kNobody;
  const index::SetDifference change =
      index::Compare(previous == 0 ? kNobody : *crowd.last_set, set);
  return {.number = previous + 1,
          .revision = crowd.definition->revision,
          .computed_count = set.cardinality(),
          .previous = previous,
          .added = change.added,
          .removed = change.removed,
          .bytes = set.memory_bytes()};
}

WrittenSets::~WrittenSets() {
  // Where that fails too, the next start collects them.
  for (const index::CrowdVersionId& id : ids_) {
    universe_.store().WriteCrowdVersion(universe_.population().id, id, nullptr).IgnoreError();
  }
}

absl::Status WrittenSets::Write(
    std::vector<std::pair<index::CrowdVersionId, index::OrdinalSetRef>> sets) {
  std::vector<absl::Status> statuses(sets.size());
  for (const auto& [id, set] : sets) ids_.push_back(id);
  universe_.write_parallel().For(static_cast<uint32_t>(sets.size()), [&](uint32_t i, uint32_t) {
    statuses[i] = universe_.store().WriteCrowdVersion(universe_.population().id, sets[i].first,
                                                      sets[i].second.get());
  });
  for (const absl::Status& status : statuses) THRONG_RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

absl::Status AddVersion(const index::Snapshot& newest, const ReadyVersion& ready, bool freezes,
                        index::CommitRecord* record) {
  const index::CrowdEntry* crowd = newest.crowds().FindById(ready.crowd);
  if (crowd == nullptr) {
    return index::MakeError(absl::StatusCode::kAborted, "the crowd went meanwhile",
                            {.reason = "UNKNOWN_CROWD", .field = ready.field});
  }
  THRONG_RETURN_IF_ERROR(CheckGetsVersions(*crowd->definition, ready.field));
  const uint32_t last = crowd->versions->empty() ? 0 : crowd->versions->back().number;
  if (ready.version.number != last + 1) {
    return index::MakeError(absl::StatusCode::kAborted, "the crowd got a version meanwhile",
                            {.reason = "REFRESH_UNDER_WAY", .field = ready.field});
  }
  if (freezes && ready.version.revision != crowd->definition->revision) {
    // The rule of now would stand for good beside the users of the one before.
    return index::MakeError(absl::StatusCode::kAborted,
                            "the crowd was changed meanwhile: ask again",
                            {.reason = "CROWD_CHANGED", .field = ready.field});
  }
  index::NewCrowdVersion added{.crowd = ready.crowd, .version = ready.version};
  // Whoever was erased while it was computed is in it on disk, until the next fold.
  added.set = index::LivingIn(newest, ready.set);
  added.version.holds_erased = added.set != ready.set;
  added.version.create_us = record->time_us;
  for (const index::CrowdVersionId& old : Superseded(*crowd, added.version)) {
    record->crowds.dropped.push_back(old);
  }
  record->crowds.versions.push_back(std::move(added));
  if (freezes) {
    record->crowds.definitions.push_back(
        Frozen(*crowd->definition, newest.crowds(), record->time_us));
  }
  return absl::OkStatus();
}

}  // namespace throng::engine
