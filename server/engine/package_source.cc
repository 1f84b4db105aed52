#include "server/engine/package_source.h"

#include <algorithm>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_info.h"
#include "server/engine/crowd_rules.h"
#include "server/engine/crowd_view.h"
#include "server/engine/user_lookup.h"
#include "server/engine/visible_tag.h"

namespace throng::engine {
namespace {

constexpr int kSensitivityMax = 9;

bool IsBitmap(PackageFormat format) {
  return format == PackageFormat::kRoaring32 || format == PackageFormat::kRoaring64;
}

// At "spec.tags[i]" what stands at "tags[i]".
absl::Status InSpec(const absl::Status& status) {
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  if (!detail.has_value()) return status;
  index::ErrorDetail moved = *detail;
  moved.field = fmt::format("spec.{}", moved.field);
  const absl::string_view message = status.message();
  return index::MakeError(status.code(), std::string_view(message.data(), message.size()), moved);
}

absl::Status NotNow(std::string_view reason, std::string_view field, std::string_view message) {
  return index::MakeError(absl::StatusCode::kFailedPrecondition, message,
                          {.reason = std::string(reason), .field = std::string(field)});
}

// A version by number. One that a stream began with has gone, another never was.
absl::StatusOr<const index::CrowdVersion*> FindVersion(const index::CrowdEntry& crowd,
                                                       uint32_t number, bool is_resumed,
                                                       std::string_view field) {
  const index::CrowdVersion* version = crowd.FindVersion(number);
  if (version != nullptr) return version;
  const std::string& name = crowd.definition->name;
  if (is_resumed) {
    return NotNow("CROWD_VERSION_GONE", "resume_token",
                  fmt::format("version {} of crowd \"{}\" is gone: start again, and pin a version "
                              "that must stay",
                              number, name));
  }
  return index::MakeError(absl::StatusCode::kNotFound,
                          fmt::format("crowd \"{}\" has no version {}", name, number),
                          {.reason = "UNKNOWN_VERSION", .field = std::string(field)});
}

absl::StatusOr<const index::CrowdEntry*> FindCrowd(const index::Snapshot& snapshot,
                                                   const CrowdView& view, const PackageSpec& spec,
                                                   const PackageBinding* resumed) {
  const index::CrowdEntry* crowd = nullptr;
  if (resumed != nullptr) {
    crowd = snapshot.crowds().FindById(resumed->crowd);
    if (crowd == nullptr || !view.Sees(*crowd)) return view.Unknown(spec.crowd, "spec.crowd");
  } else {
    THRONG_ASSIGN_OR_RETURN(crowd, view.Require(spec.crowd, "spec.crowd"));
  }
  if (crowd->definition->deleted()) {
    return NotNow("CROWD_DELETED", "spec.crowd",
                  fmt::format("crowd \"{}\" is deleted: undelete it", crowd->definition->name));
  }
  if (crowd->versions->empty()) {
    return NotNow(
        "CROWD_NOT_REFRESHED", "spec.crowd",
        fmt::format("crowd \"{}\" has no version yet: refresh it", crowd->definition->name));
  }
  return crowd;
}

// Tags beneath the crowd's definition, its versions, and the crowds that it rests on: the manifest
// has its rule. What is not in the catalogue is as sensitive as can be.
void AddTagsBeneath(const index::Snapshot& snapshot, const index::CrowdEntry& crowd,
                    std::vector<PackageTag>* beneath) {
  std::set<uint32_t> tags;
  std::set<uint32_t> seen{crowd.definition->id};
  std::vector<const index::CrowdEntry*> open{&crowd};
  while (!open.empty()) {
    const index::CrowdEntry& next = *open.back();
    open.pop_back();
    tags.insert(next.definition->tags.begin(), next.definition->tags.end());
    for (const index::CrowdVersion& version : *next.versions) {
      tags.insert(version.tags.begin(), version.tags.end());
    }
    for (const uint32_t reference : next.definition->references) {
      const index::CrowdEntry* below = snapshot.crowds().FindById(reference);
      if (below != nullptr && seen.insert(reference).second) open.push_back(below);
    }
  }
  for (const uint32_t tag : tags) {
    const index::TagEntry* entry = snapshot.catalogue().FindById(tag);
    beneath->push_back({tag, entry == nullptr ? kSensitivityMax : entry->definition.sensitivity});
  }
}

// Fills in the versions, who is written, and the tags beneath.
absl::Status BindUsers(const index::Snapshot& newest, const index::CrowdEntry& crowd,
                       const PackageBinding* resumed, PackageSource* source) {
  PackageSpec& spec = source->manifest.spec;
  const bool is_resumed = resumed != nullptr;
  if (is_resumed) spec.version = resumed->version;
  if (spec.version == 0) spec.version = crowd.versions->back().number;
  THRONG_ASSIGN_OR_RETURN(const index::CrowdVersion* version,
                          FindVersion(crowd, spec.version, is_resumed, "spec.version"));
  THRONG_ASSIGN_OR_RETURN(source->users, UsersOf(*source->universe, newest, crowd, *version));
  source->binding.crowd = crowd.definition->id;
  source->binding.version = version->number;
  PackageManifest& manifest = source->manifest;
  manifest.computed_count = version->computed_count;
  manifest.current_count = source->users->cardinality();
  manifest.version_data_version = version->data_version;
  manifest.version_create_us = version->create_us;
  manifest.definition_changed = version->revision != crowd.definition->revision;
  AddTagsBeneath(newest, crowd, &source->beneath);
  if (spec.delta.has_value()) {
    uint32_t& from = spec.delta->from;
    if (is_resumed) {
      from = resumed->from;
    } else if (from == 0) {
      THRONG_ASSIGN_OR_RETURN(const index::CrowdVersion* previous,
                              FindPrevious(crowd, *version, "spec.delta.from_version"));
      if (previous != nullptr) from = previous->number;
    }
    index::OrdinalSetRef before = std::make_shared<const index::OrdinalSet>();
    if (from != 0) {
      THRONG_ASSIGN_OR_RETURN(const index::CrowdVersion* base,
                              FindVersion(crowd, from, is_resumed, "spec.delta.from_version"));
      THRONG_ASSIGN_OR_RETURN(before, UsersOf(*source->universe, newest, crowd, *base));
    }
    source->binding.from = from;
    source->users = spec.delta->side == DiffCrowdVersions::Side::kAdded
                        ? index::Difference(*source->users, *before)
                        : index::Difference(*before, *source->users);
  }
  manifest.total = source->users->cardinality();
  return absl::OkStatus();
}

absl::Status BindColumns(const CallContext& context, const index::Snapshot& newest,
                         PackageSource* source) {
  PackageSpec& spec = source->manifest.spec;
  // What the caller may see is what it may see now, whatever the age of the values.
  const index::CatalogueView view(newest.catalogue(), context.visibility);
  const absl::StatusOr<std::vector<const index::TagEntry*>> tags = FindVisibleTags(view, spec.tags);
  if (!tags.ok()) return InSpec(tags.status());
  for (const index::TagEntry* tag : *tags) {
    const index::TagEntry* entry = source->snapshot->catalogue().FindById(tag->definition.id);
    if (entry == nullptr) {
      return NotNow("VERSION_GONE", "resume_token", "a tag was made meanwhile: start again");
    }
    source->tags.push_back(entry);
    source->beneath.push_back({tag->definition.id, tag->definition.sensitivity});
  }
  THRONG_ASSIGN_OR_RETURN(source->id_type, FindIdType(*source->universe, *source->snapshot,
                                                      spec.id_type, "spec.id_type"));
  spec.id_type = source->id_type == nullptr ? source->universe->population().primary_id_type
                                            : source->id_type->name;
  for (size_t i = 0; i < spec.tags.size(); ++i) {
    if (spec.tags[i] != spec.id_type) continue;
    return index::InvalidArgument(
        "NAME_TAKEN", fmt::format("spec.tags[{}]", i),
        fmt::format("the ids are the column \"{}\": a tag of that name cannot stand beside them",
                    spec.id_type));
  }
  if (!IsBitmap(spec.format)) return absl::OkStatus();
  if (source->id_type != nullptr) {
    return index::InvalidArgument("NOT_FOR_BITMAPS", "spec.id_type",
                                  "a bitmap holds primary ids only");
  }
  if (!source->snapshot->ids().all_numeric()) {
    return index::InvalidArgument("NOT_NUMERIC", "spec.format",
                                  "not every primary id is a number: export them as text");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSpec(const PackageSpec& spec) {
  if (spec.tags.size() > kPackageTagsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_TAGS",
                             "the number of tags", kPackageTagsMax, spec.tags.size()),
        "spec.tags");
  }
  if (IsBitmap(spec.format) && spec.hashing != IdHashing::kNone) {
    return index::InvalidArgument("NOT_FOR_BITMAPS", "spec.hash", "a bitmap holds no hashes");
  }
  const bool has_columns =
      spec.format == PackageFormat::kCsv || spec.format == PackageFormat::kNdjson;
  if (!spec.tags.empty() && !has_columns) {
    return index::InvalidArgument(
        "TAGS_WITHOUT_COLUMNS", "spec.tags",
        fmt::format("{} has no columns: use csv or ndjson", PackageFormatName(spec.format)));
  }
  return absl::OkStatus();
}

absl::StatusOr<PackageSource> BindPackage(Universes& universes, const CallContext& context,
                                          const PackageSpec& spec, const PackageBinding* resumed) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_RETURN_IF_ERROR(CheckSpec(spec));
  PackageSource source;
  THRONG_ASSIGN_OR_RETURN(source.universe, universes.Find(spec.population));
  source.manifest.spec = spec;
  // Leased: a stream with columns can go on with the same values as long as it is.
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef newest, source.universe->Pin(0));
  source.snapshot = newest;
  // Primary ids never change; what else stands in a row may.
  const bool is_primary =
      spec.id_type.empty() || spec.id_type == source.universe->population().primary_id_type;
  source.rests_on_snapshot = !is_primary || !spec.tags.empty();
  if (resumed != nullptr && source.rests_on_snapshot) {
    const absl::StatusOr<index::SnapshotRef> pinned = source.universe->Pin(resumed->data_version);
    if (!pinned.ok()) {
      return NotNow("VERSION_GONE", "resume_token",
                    fmt::format("data version {} is no longer kept, and its values are needed to "
                                "go on: start again",
                                resumed->data_version));
    }
    source.snapshot = *pinned;
  }
  const CrowdView view(*newest, context.visibility);
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, FindCrowd(*newest, view, spec, resumed));
  THRONG_RETURN_IF_ERROR(BindUsers(*newest, *crowd, resumed, &source));
  THRONG_RETURN_IF_ERROR(BindColumns(context, *newest, &source));
  PackageManifest& manifest = source.manifest;
  manifest.spec.crowd = crowd->definition->name;
  manifest.definition = crowd->definition->frozen
                            ? crowd->definition->rule
                            : NamedRuleText(*crowd->definition, newest->crowds());
  manifest.data_version = source.snapshot->data_version();
  manifest.create_us = source.universe->now_us();
  source.binding.data_version = manifest.data_version;
  return source;
}

bool SeesTags(const index::Catalogue& catalogue, const index::Visibility& visibility,
              const std::vector<PackageTag>& tags) {
  return std::all_of(tags.begin(), tags.end(), [&](const PackageTag& tag) {
    const index::TagEntry* entry = catalogue.FindById(tag.id);
    const int sensitivity = entry == nullptr ? tag.sensitivity : entry->definition.sensitivity;
    return sensitivity <= visibility.sensitivity_max;
  });
}

}  // namespace throng::engine
