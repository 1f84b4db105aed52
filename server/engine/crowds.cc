// Definitions: create, get, update, delete, undelete. Lists and versions are in crowd_versions.cc,
// what computes in crowd_refresh.cc.
#include "server/engine/crowds.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_definitions.h"
#include "server/engine/crowd_info.h"
#include "server/engine/crowd_rules.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"

namespace throng::engine {
namespace {

// Answers of retries are the crowd as it is now: what is kept is its id.
uint32_t DecodeId(std::string_view text) {
  uint32_t id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  return id;
}

absl::Status Deleted(const index::CrowdDefinition& definition) {
  return index::MakeError(absl::StatusCode::kFailedPrecondition,
                          fmt::format("crowd \"{}\" was deleted: undelete it", definition.name),
                          {.reason = "CROWD_DELETED", .field = "name"});
}

index::CrowdDefinition DefinitionOf(const CreateCrowd& create) {
  return {.name = create.name,
          .kind = create.kind,
          .display_name = create.display_name,
          .description = create.description,
          .owner = create.owner,
          .folder = create.folder,
          .labels = create.labels,
          .time_zone = create.time_zone,
          .reference_us = create.reference_us,
          .references = create.references,
          .details = create.details,
          .keep_last = create.keep_last,
          .online = create.online,
          .byte_budget = create.byte_budget};
}

void Assign(const UpdateCrowd& update, index::CrowdDefinition* definition) {
  if (update.new_name.has_value()) definition->name = *update.new_name;
  if (update.time_zone.has_value()) definition->time_zone = *update.time_zone;
  if (update.reference_us.has_value()) definition->reference_us = *update.reference_us;
  if (update.display_name.has_value()) definition->display_name = *update.display_name;
  if (update.description.has_value()) definition->description = *update.description;
  if (update.owner.has_value()) definition->owner = *update.owner;
  if (update.folder.has_value()) definition->folder = *update.folder;
  if (update.labels.has_value()) definition->labels = *update.labels;
  if (update.keep_last.has_value()) definition->keep_last = *update.keep_last;
  if (update.online.has_value()) definition->online = *update.online;
  if (update.byte_budget.has_value()) definition->byte_budget = *update.byte_budget;
}

// An arm goes with the others: without it the split would not say any more who is where.
absl::Status ArmOfSplit(const index::CrowdDefinition& definition) {
  return index::MakeError(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("crowd \"{}\" is an arm of a split: delete the split", definition.name),
      {.reason = "ARM_OF_SPLIT", .field = "name"});
}

// A new zone is checked also where the rule stays.
absl::Status CheckTimeZone(const std::string& zone) {
  const absl::StatusOr<query::TimeContext> time = query::MakeTimeContext(zone, 0);
  return time.ok() ? absl::OkStatus() : index::WithField(time.status(), "crowd.time_zone");
}

// What a crowd without a rule rests on is there, and may be.
absl::Status CheckReferences(const index::CrowdCatalogue& crowds,
                             const index::CrowdDefinition& definition) {
  for (const uint32_t id : definition.references) {
    const index::CrowdEntry* crowd = crowds.FindById(id);
    if (crowd != nullptr && !crowd->definition->deleted()) continue;
    return index::MakeError(absl::StatusCode::kFailedPrecondition,
                            "a crowd that this one would rest on was deleted",
                            {.reason = "CROWD_DELETED", .field = "crowd.references"});
  }
  return index::WithField(CrowdGraph(crowds).Check(0, definition.name, definition.references),
                          "crowd.references");
}

}  // namespace

absl::StatusOr<CrowdInfo> Crowds::Create(const CallContext& context, const CreateCrowd& create,
                                         const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(create.population));
  index::CrowdDefinition draft = DefinitionOf(create);
  THRONG_RETURN_IF_ERROR(index::Validate(draft));
  THRONG_RETURN_IF_ERROR(CheckTimeZone(draft.time_zone));
  std::optional<ReadyRule> rule;
  if (create.kind == index::CrowdKind::kRule) {
    THRONG_ASSIGN_OR_RETURN(
        rule, ReadRule(*universe, context, create.rule, create.time_zone, create.reference_us));
  }
  const RequestKey key =
      MakeRequestKey(context, "crowds.create", options.request_id, options.payload_hash);
  uint32_t id = 0;
  bool retried = false;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    retried = first.has_value();
    if (retried) {
      id = DecodeId(*first);
      return absl::OkStatus();
    }
    THRONG_RETURN_IF_ERROR(CheckNameFree(newest.crowds(), draft.name, 0, "crowd.name"));
    if (newest.crowds().by_id().size() >= index::kCrowdsMax) {
      return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_CROWDS",
                                  "the number of crowds", index::kCrowdsMax,
                                  newest.crowds().by_id().size() + 1);
    }
    draft.id = id = newest.crowds().next_id();
    draft.create_us = draft.update_us = record->time_us;
    if (rule.has_value()) {
      const CrowdView view(newest, context.visibility);
      THRONG_RETURN_IF_ERROR(KeepIn(newest, view, *rule, &draft));
    } else {
      THRONG_RETURN_IF_ERROR(CheckReferences(newest.crowds(), draft));
    }
    THRONG_RETURN_IF_ERROR(index::Validate(draft));
    if (options.validate_only) return absl::OkStatus();
    record->crowds.definitions.push_back(draft);
    Remember(key, std::to_string(id), record);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  const CrowdView view(*snapshot, context.visibility);
  CrowdInfo info;
  if (options.validate_only && !retried) {
    const index::CrowdEntry entry{
        .definition = std::make_shared<const index::CrowdDefinition>(draft),
        .versions = std::make_shared<const std::vector<index::CrowdVersion>>()};
    info = DescribeCrowd(*snapshot, view, entry);
    info.etag.clear();
  } else {
    THRONG_ASSIGN_OR_RETURN(info, DescribeWhole(*snapshot, view, id));
  }
  if (rule.has_value()) info.warnings = std::move(rule->warnings);
  return info;
}

absl::StatusOr<CrowdInfo> Crowds::Get(const CallContext& context, std::string_view population,
                                      std::string_view name) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const index::SnapshotRef snapshot = universe->newest();
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, view.Require(name, "name"));
  return DescribeWhole(*snapshot, view, crowd->definition->id);
}

absl::StatusOr<CrowdInfo> Crowds::Update(const CallContext& context, const UpdateCrowd& update,
                                         const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(update.population));
  if (update.time_zone.has_value()) THRONG_RETURN_IF_ERROR(CheckTimeZone(*update.time_zone));
  std::optional<ReadyRule> rule;
  if (update.rule.has_value()) {
    THRONG_ASSIGN_OR_RETURN(rule, ReadRule(*universe, context, *update.rule,
                                           update.time_zone.value_or(""), std::nullopt));
  }
  const RequestKey key =
      MakeRequestKey(context, "crowds.update", options.request_id, options.payload_hash);
  index::CrowdDefinition changed;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    if (first.has_value()) {
      changed.id = DecodeId(*first);
      return absl::OkStatus();
    }
    const CrowdView view(newest, context.visibility);
    THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, view.Require(update.name, "name"));
    changed = *crowd->definition;
    THRONG_RETURN_IF_ERROR(CheckEtag(changed, update.etag));
    if (changed.deleted()) return Deleted(changed);
    Assign(update, &changed);
    THRONG_RETURN_IF_ERROR(index::Validate(changed));
    THRONG_RETURN_IF_ERROR(CheckNameFree(newest.crowds(), changed.name, changed.id, "crowd.name"));
    if (rule.has_value()) {
      if (changed.kind != index::CrowdKind::kRule || changed.frozen) {
        return index::MakeError(
            absl::StatusCode::kFailedPrecondition,
            fmt::format(
                "crowd \"{}\" {}", changed.name,
                changed.frozen ? "is frozen: its rule is not evaluated any more" : "has no rule"),
            {.reason = changed.frozen ? "CROWD_FROZEN" : "NOT_A_RULE", .field = "crowd.rule"});
      }
      THRONG_RETURN_IF_ERROR(KeepIn(newest, view, *rule, &changed));
    }
    if (options.validate_only) return absl::OkStatus();
    Remember(key, std::to_string(changed.id), record);
    if (changed == *crowd->definition) return absl::OkStatus();
    ++changed.revision;
    changed.update_us = record->time_us;
    record->crowds.definitions.push_back(changed);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(CrowdInfo info, DescribeWhole(*snapshot, view, changed.id));
  if (rule.has_value()) info.warnings = std::move(rule->warnings);
  return info;
}

absl::StatusOr<CrowdInfo> Crowds::Delete(const CallContext& context, std::string_view population,
                                         std::string_view name, std::string_view etag,
                                         int64_t kept_us, const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_RETURN_IF_ERROR(CheckKeptTime(kept_us));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const RequestKey key =
      MakeRequestKey(context, "crowds.delete", options.request_id, options.payload_hash);
  uint32_t id = 0;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    if (first.has_value()) {
      id = DecodeId(*first);
      return absl::OkStatus();
    }
    const CrowdView view(newest, context.visibility);
    THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, view.Require(name, "name"));
    index::CrowdDefinition deleted = *crowd->definition;
    id = deleted.id;
    THRONG_RETURN_IF_ERROR(CheckEtag(deleted, etag));
    if (deleted.deleted()) return Deleted(deleted);
    if (deleted.kind == index::CrowdKind::kSplit) return ArmOfSplit(deleted);
    const std::vector<const index::CrowdEntry*> users = CrowdGraph(newest.crowds()).UsersOf(id);
    if (!users.empty()) return InUse(deleted, view, users);
    if (options.validate_only) return absl::OkStatus();
    ++deleted.revision;
    deleted.update_us = deleted.delete_us = record->time_us;
    deleted.expire_us = record->time_us + kept_us;
    record->crowds.definitions.push_back(std::move(deleted));
    Remember(key, std::to_string(id), record);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  return DescribeWhole(*snapshot, CrowdView(*snapshot, context.visibility), id);
}

absl::StatusOr<CrowdInfo> Crowds::Undelete(const CallContext& context, std::string_view population,
                                           std::string_view name, const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const RequestKey key =
      MakeRequestKey(context, "crowds.undelete", options.request_id, options.payload_hash);
  uint32_t id = 0;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    if (first.has_value()) {
      id = DecodeId(*first);
      return absl::OkStatus();
    }
    const CrowdView view(newest, context.visibility);
    THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, view.Require(name, "name"));
    index::CrowdDefinition restored = *crowd->definition;
    id = restored.id;
    if (!restored.deleted()) {
      return index::MakeError(absl::StatusCode::kFailedPrecondition,
                              fmt::format("crowd \"{}\" is not deleted", restored.name),
                              {.reason = "NOT_DELETED", .field = "name"});
    }
    for (const uint32_t reference : restored.references) {
      const index::CrowdEntry* below = newest.crowds().FindById(reference);
      if (below != nullptr && !below->definition->deleted()) continue;
      return index::MakeError(
          absl::StatusCode::kFailedPrecondition,
          below == nullptr
              ? fmt::format("crowd \"{}\" rests on a crowd that is gone", restored.name)
              : fmt::format("crowd \"{}\" rests on \"{}\", which was deleted: undelete that first",
                            restored.name, below->definition->name),
          {.reason = "CROWD_DELETED", .field = "name"});
    }
    if (options.validate_only) return absl::OkStatus();
    ++restored.revision;
    restored.update_us = record->time_us;
    restored.delete_us = restored.expire_us = 0;
    record->crowds.definitions.push_back(std::move(restored));
    Remember(key, std::to_string(id), record);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  return DescribeWhole(*snapshot, CrowdView(*snapshot, context.visibility), id);
}

Splits Crowds::splits() { return Splits(universes_); }

absl::Status Crowds::PurgeExpired() {
  for (const auto& universe : universes_.List()) {
    THRONG_RETURN_IF_ERROR(PurgeExpiredCrowds(*universe));
  }
  return absl::OkStatus();
}

absl::Status PurgeExpiredCrowds(Universe& universe) {
  const auto expired = [&](const index::Snapshot& snapshot) {
    std::vector<uint32_t> ids;
    for (const auto& [id, crowd] : snapshot.crowds().by_id()) {
      const index::CrowdDefinition& definition = *crowd->definition;
      if (definition.deleted() && definition.expire_us <= universe.now_us()) ids.push_back(id);
    }
    return ids;
  };
  if (expired(*universe.newest()).empty()) return absl::OkStatus();
  return universe
      .Commit([&](const index::Snapshot& newest, index::CommitRecord* record) {
        record->crowds.purged = expired(newest);
        return absl::OkStatus();
      })
      .status();
}

}  // namespace throng::engine
