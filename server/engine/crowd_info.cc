#include "server/engine/crowd_info.h"

#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_rules.h"

namespace throng::engine {

std::string_view CrowdStateName(CrowdState state) {
  switch (state) {
    case CrowdState::kNew:
      return "NEW";
    case CrowdState::kReady:
      return "READY";
    case CrowdState::kFrozen:
      return "FROZEN";
    case CrowdState::kDeleted:
      return "DELETED";
  }
  return "UNKNOWN";
}

CrowdState StateOf(const index::CrowdEntry& crowd) {
  if (crowd.definition->deleted()) return CrowdState::kDeleted;
  if (crowd.definition->frozen) return CrowdState::kFrozen;
  return crowd.versions->empty() ? CrowdState::kNew : CrowdState::kReady;
}

std::string EtagOf(const index::CrowdDefinition& definition) {
  return fmt::format("{}-{}", definition.id, definition.revision);
}

absl::Status CheckEtag(const index::CrowdDefinition& definition, std::string_view etag) {
  if (etag.empty() || etag == EtagOf(definition)) return absl::OkStatus();
  return index::MakeError(
      absl::StatusCode::kAborted,
      fmt::format("crowd \"{}\" was changed meanwhile: read it again", definition.name),
      {.reason = "ETAG_MISMATCH", .field = "etag", .expected = EtagOf(definition)});
}

absl::StatusOr<index::OrdinalSetRef> UsersOf(const Universe& universe,
                                             const index::Snapshot& snapshot,
                                             const index::CrowdEntry& crowd,
                                             const index::CrowdVersion& version) {
  if (version.number == crowd.versions->back().number) return crowd.last_set;
  return CrowdSetsOf(universe).Read(universe.store(), universe.population().id, snapshot,
                                    {crowd.definition->id, version.number}, version.computed_count);
}

absl::StatusOr<uint64_t> CurrentCount(const Universe& universe, const index::Snapshot& snapshot,
                                      const index::CrowdEntry& crowd,
                                      const index::CrowdVersion& version) {
  if (snapshot.user_count() == snapshot.ordinal_end()) return version.computed_count;
  THRONG_ASSIGN_OR_RETURN(const index::OrdinalSetRef users,
                          UsersOf(universe, snapshot, crowd, version));
  return users->cardinality();
}

absl::StatusOr<const index::CrowdVersion*> FindPrevious(const index::CrowdEntry& crowd,
                                                        const index::CrowdVersion& version,
                                                        std::string_view field) {
  if (version.previous == 0) return nullptr;
  const index::CrowdVersion* previous = crowd.FindVersion(version.previous);
  if (previous != nullptr) return previous;
  return index::MakeError(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("version {} of crowd \"{}\", which was there before {}, is not kept any more: "
                  "name one that is, and pin versions or raise keep_last for the next time",
                  version.previous, crowd.definition->name, version.number),
      {.reason = "CROWD_VERSION_GONE", .field = std::string(field), .requested = version.previous});
}

CrowdInfo DescribeCrowd(const index::Snapshot& snapshot, const CrowdView& view,
                        const index::CrowdEntry& crowd) {
  CrowdInfo info{.definition = *crowd.definition,
                 .state = StateOf(crowd),
                 .etag = EtagOf(*crowd.definition),
                 .version_count = static_cast<uint32_t>(crowd.versions->size()),
                 .data_version = snapshot.data_version()};
  if (!info.definition.frozen) {
    info.definition.rule = NamedRuleText(info.definition, snapshot.crowds());
  }
  if (!crowd.versions->empty()) {
    info.newest = {.version = crowd.versions->back(),
                   .current_count = crowd.last_set->cardinality()};
  }
  for (const uint32_t id : crowd.definition->references) {
    const index::CrowdEntry* below = snapshot.crowds().FindById(id);
    if (below != nullptr && view.Sees(*below)) info.references.push_back(below->definition->name);
  }
  return info;
}

absl::StatusOr<CrowdInfo> DescribeWhole(const index::Snapshot& snapshot, const CrowdView& view,
                                        uint32_t id) {
  const index::CrowdEntry* crowd = snapshot.crowds().FindById(id);
  if (crowd == nullptr) {
    return index::MakeError(absl::StatusCode::kNotFound, "the crowd is gone",
                            {.reason = "UNKNOWN_CROWD", .field = "name"});
  }
  CrowdInfo info = DescribeCrowd(snapshot, view, *crowd);
  for (const index::CrowdEntry* user : CrowdGraph(snapshot.crowds()).UsersOf(id)) {
    if (view.Sees(*user)) info.used_by.push_back(user->definition->name);
  }
  return info;
}

}  // namespace throng::engine
