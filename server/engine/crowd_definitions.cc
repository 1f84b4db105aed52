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

}  // namespace throng::engine
