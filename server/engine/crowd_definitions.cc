#include "server/engine/crowd_definitions.h"

#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_rules.h"
#include "server/engine/diagnosis.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

constexpr size_t kNamedUsersMax = 10;  // of a crowd that cannot be deleted

// Whether the crowds that a rule names are there, and no more: who is in them is nobody's concern
// when the rule is saved.
class NamesOnly final : public query::CrowdLookup {
 public:
  explicit NamesOnly(const CrowdView& view) : view_(view) {}

  absl::StatusOr<query::LogicalPlan> Lookup(const query::CrowdRef& reference) override {
    const index::CrowdEntry* crowd = view_.Find(reference.name);
    if (crowd == nullptr) return UnknownReference(reference, view_);
    if (crowd->definition->deleted()) return DeletedReference(reference);
    if (reference.version != 0 && crowd->FindVersion(reference.version) == nullptr) {
      return index::MakeError(
          absl::StatusCode::kFailedPrecondition,
          fmt::format("crowd \"{}\" has no version {}", reference.name, reference.version),
          {.reason = "CROWD_VERSION_GONE",
           .line = reference.span.line,
           .column = reference.span.column,
           .length = reference.span.length});
    }
    // Of somebody, so that nothing is said to be always empty.
    return query::LogicalPlan{query::TagExists{}};
  }

 private:
  const CrowdView& view_;
};

}  // namespace

absl::StatusOr<ReadyRule> ReadRule(const Universe& universe, const CallContext& context,
                                   const CrowdRule& rule, std::string_view time_zone,
                                   std::optional<int64_t> reference_us) {
  ReadyRule ready;
  THRONG_ASSIGN_OR_RETURN(ready.expression, ReadExpression(rule, "crowd.rule"));
  const absl::StatusOr<query::TimeContext> time =
      query::MakeTimeContext(time_zone, reference_us.value_or(universe.now_us()));
  if (!time.ok()) return index::WithField(time.status(), "crowd.time_zone");
  const index::SnapshotRef snapshot = universe.newest();
  const CrowdView crowds(*snapshot, context.visibility);
  const index::CatalogueView tags(snapshot->catalogue(), context.visibility);
  NamesOnly names(crowds);
  absl::StatusOr<query::Resolved> resolved =
      query::Resolve(ready.expression, tags, SnapshotIdLookup(*snapshot), *time, &names);
  if (!resolved.ok()) return index::WithField(resolved.status(), "crowd.rule");
  if (context.notes != nullptr) context.notes->Note(ready.expression);
  AddMissingCounts(*snapshot, &resolved->warnings);
  ready.warnings = std::move(resolved->warnings);
  return ready;
}

absl::Status KeepIn(const index::Snapshot& newest, const CrowdView& view, const ReadyRule& rule,
                    index::CrowdDefinition* definition) {
  absl::StatusOr<KeptRule> kept = KeepRule(rule.expression, newest, view);
  if (!kept.ok()) return index::WithField(kept.status(), "crowd.rule");
  definition->rule = std::move(kept->text);
  definition->references = std::move(kept->references);
  definition->tags = std::move(kept->tags);
  return index::WithField(
      CrowdGraph(newest.crowds())
          .Check(newest.crowds().FindById(definition->id) == nullptr ? 0 : definition->id,
                 definition->name, definition->references),
      "crowd.rule");
}

absl::Status CheckNameFree(const index::CrowdCatalogue& crowds, const std::string& name,
                           uint32_t id, std::string_view field) {
  // A name that the caller may not see is taken all the same.
  const index::CrowdEntry* other = crowds.Find(name);
  if (other == nullptr || other->definition->id == id) return absl::OkStatus();
  return index::MakeError(absl::StatusCode::kAlreadyExists,
                          fmt::format("crowd \"{}\" exists already{}", name,
                                      other->definition->deleted()
                                          ? ": it was deleted and can be undeleted until it expires"
                                          : ""),
                          {.reason = "CROWD_EXISTS", .field = std::string(field)});
}

absl::Status InUse(const index::CrowdDefinition& definition, const CrowdView& view,
                   const std::vector<const index::CrowdEntry*>& users) {
  std::string names;
  size_t seen = 0;
  for (const index::CrowdEntry* user : users) {
    if (!view.Sees(*user)) continue;
    if (seen++ >= kNamedUsersMax) continue;
    names += fmt::format("{}\"{}\"", seen == 1 ? "" : ", ", user->definition->name);
  }
  if (seen > kNamedUsersMax) names += fmt::format(" and {} others", seen - kNamedUsersMax);
  // Of those that the caller does not see not even the number is said.
  const std::string message =
      seen == 0 ? fmt::format("crowd \"{}\" is in use", definition.name)
                : fmt::format("crowd \"{}\" is used by {}: change or delete these first",
                              definition.name, names);
  return index::MakeError(absl::StatusCode::kFailedPrecondition, message,
                          {.reason = "CROWD_IN_USE", .field = "name", .requested = seen});
}

absl::Status CheckKeptTime(int64_t kept_us) {
  if (kept_us >= 0 && kept_us <= kCrowdKeptUsMax) return absl::OkStatus();
  return index::MakeError(
      absl::StatusCode::kInvalidArgument,
      fmt::format("a deleted crowd is kept for 0 to {} days", kCrowdKeptUsMax / kDayUs),
      {.reason = "BAD_KEPT_TIME", .field = "kept_time"});
}

absl::Status AddCrowd(const index::Snapshot& newest, index::CrowdDefinition draft,
                      index::CommitRecord* record) {
  std::vector<index::CrowdDefinition>& added = record->crowds.definitions;
  THRONG_RETURN_IF_ERROR(CheckNameFree(newest.crowds(), draft.name, 0, "crowd.name"));
  const size_t crowds = newest.crowds().by_id().size() + added.size() + 1;
  if (crowds > index::kCrowdsMax) {
    return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_CROWDS",
                                "the number of crowds", index::kCrowdsMax, crowds);
  }
  draft.id = newest.crowds().next_id() + static_cast<uint32_t>(added.size());
  draft.create_us = draft.update_us = record->time_us;
  THRONG_RETURN_IF_ERROR(index::Validate(draft));
  added.push_back(std::move(draft));
  return absl::OkStatus();
}

}  // namespace throng::engine
