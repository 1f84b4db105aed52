#include "server/engine/tags.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"

namespace throng::engine {
namespace {

absl::Status UnknownTag(std::string_view name, const index::CatalogueView& view) {
  const std::string nearest = view.NearestTag(name);
  return index::MakeError(absl::StatusCode::kNotFound, fmt::format("there is no tag \"{}\"", name),
                          {.reason = "UNKNOWN_TAG", .field = "name", .suggestion = nearest});
}

absl::Status AlreadyExists(std::string_view name) {
  return index::MakeError(absl::StatusCode::kAlreadyExists,
                          fmt::format("tag \"{}\" exists already", name),
                          {.reason = "TAG_EXISTS", .field = "tag_id"});
}

TagInfo Describe(const index::Snapshot& snapshot, const index::TagEntry& entry) {
  TagInfo info{.definition = entry.definition,
               .value_count = entry.values->size() - entry.values->dropped(),
               .data_version = snapshot.data_version()};
  if (const index::TagContent* content = snapshot.content(entry.definition.id)) {
    info.user_count = entry.definition.type == index::TagType::kFlag ? content->ValueCardinality(0)
                                                                     : content->ExistsCardinality();
  }
  return info;
}

absl::StatusOr<TagInfo> DescribeByName(const CallContext& context, const index::Snapshot& snapshot,
                                       std::string_view name) {
  const index::CatalogueView view(snapshot.catalogue(), context.visibility);
  const index::TagEntry* entry = view.Find(name);
  if (entry == nullptr) return UnknownTag(name, view);
  return Describe(snapshot, *entry);
}

void Assign(const TagUpdate& update, index::TagDefinition* definition) {
  if (update.display_name.has_value()) definition->display_name = *update.display_name;
  if (update.path.has_value()) definition->path = *update.path;
  if (update.description.has_value()) definition->description = *update.description;
  if (update.owner.has_value()) definition->owner = *update.owner;
  if (update.sensitivity.has_value()) definition->sensitivity = *update.sensitivity;
  if (update.state.has_value()) definition->state = *update.state;
  if (update.values_max.has_value()) definition->values_max = *update.values_max;
  if (update.freshness_s.has_value()) definition->freshness_s = *update.freshness_s;
}

bool IsBelow(std::string_view path, std::string_view prefix) {
  if (prefix.empty()) return true;
  if (!path.starts_with(prefix)) return false;
  return path.size() == prefix.size() || prefix.back() == '/' || path[prefix.size()] == '/';
}

}  // namespace

absl::StatusOr<TagInfo> Tags::Create(const CallContext& context, std::string_view population,
                                     const index::TagDefinition& definition,
                                     const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(index::Validate(definition));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const RequestKey key =
      MakeRequestKey(context, "tags.create", options.request_id, options.payload_hash);
  bool retried = false;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    retried = first.has_value();
    if (retried) return absl::OkStatus();
    // A name that the caller may not see is taken all the same: creating it again would merge two.
    if (newest.catalogue().Find(definition.name) != nullptr) return AlreadyExists(definition.name);
    if (newest.catalogue().next_id() > static_cast<uint32_t>(index::kTagsMax)) {
      return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_TAGS",
                                  "the number of tags", index::kTagsMax, index::kTagsMax + 1);
    }
    if (options.validate_only) return absl::OkStatus();
    index::TagDefinition created = definition;
    created.id = newest.catalogue().next_id();
    created.generation = 1;
    created.content_time_us = 0;
    record->definitions.push_back(std::move(created));
    Remember(key, definition.name, record);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  if (options.validate_only && !retried) {
    return TagInfo{.definition = definition, .data_version = snapshot->data_version()};
  }
  return DescribeByName(context, *snapshot, definition.name);
}

absl::StatusOr<TagInfo> Tags::Get(const CallContext& context, std::string_view population,
                                  std::string_view name) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  return DescribeByName(context, *universe->newest(), name);
}

absl::StatusOr<std::vector<TagInfo>> Tags::List(const CallContext& context,
                                                std::string_view population,
                                                std::string_view path_prefix) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const index::SnapshotRef snapshot = universe->newest();
  std::vector<TagInfo> tags;
  for (const index::TagEntry* entry :
       index::CatalogueView(snapshot->catalogue(), context.visibility).List()) {
    if (IsBelow(entry->definition.path, path_prefix)) tags.push_back(Describe(*snapshot, *entry));
  }
  return tags;
}

absl::StatusOr<TagInfo> Tags::Update(const CallContext& context, std::string_view population,
                                     const TagUpdate& update, const WriteOptions& options) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const RequestKey key =
      MakeRequestKey(context, "tags.update", options.request_id, options.payload_hash);
  index::TagDefinition changed;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    const index::CatalogueView view(newest.catalogue(), context.visibility);
    const index::TagEntry* entry = view.Find(update.name);
    if (entry == nullptr) return UnknownTag(update.name, view);
    changed = entry->definition;
    if (first.has_value()) return absl::OkStatus();
    Assign(update, &changed);
    THRONG_RETURN_IF_ERROR(index::Validate(changed));
    if (options.validate_only || changed == entry->definition) return absl::OkStatus();
    record->definitions.push_back(changed);
    Remember(key, update.name, record);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  TagInfo info = Describe(*snapshot, *snapshot->catalogue().FindById(changed.id));
  info.definition = changed;
  return info;
}

absl::StatusOr<TagValues> Tags::ListValues(const CallContext& context, std::string_view population,
                                           std::string_view name) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const index::SnapshotRef snapshot = universe->newest();
  const index::CatalogueView view(snapshot->catalogue(), context.visibility);
  const index::TagEntry* entry = view.Find(name);
  if (entry == nullptr) return UnknownTag(name, view);
  const index::TagType type = entry->definition.type;
  if (index::IsNumeric(type)) {
    return index::InvalidArgument(
        "NO_VALUES", "name",
        fmt::format("tag \"{}\" is {}: it has numbers, not a list of values", name,
                    index::TagTypeName(type)));
  }
  TagValues values{.type = type, .data_version = snapshot->data_version()};
  const index::TagContent* content = snapshot->content(entry->definition.id);
  const auto users = [&](uint32_t code) {
    return content == nullptr ? 0 : content->ValueCardinality(code);
  };
  if (type == index::TagType::kFlag) {
    if (users(0) > 0) values.values.push_back({.value = "true", .user_count = users(0)});
    return values;
  }
  for (uint32_t code = 0; code < entry->values->size(); ++code) {
    if (const uint64_t count = users(code); count > 0) {
      values.values.push_back({.value = entry->values->value(code), .user_count = count});
    }
  }
  std::sort(values.values.begin(), values.values.end(),
            [](const TagValueCount& a, const TagValueCount& b) {
              return a.user_count != b.user_count ? a.user_count > b.user_count : a.value < b.value;
            });
  values.missing = snapshot->user_count() - (content == nullptr ? 0 : content->ExistsCardinality());
  return values;
}

}  // namespace throng::engine
