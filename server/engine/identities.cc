#include "server/engine/identities.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/new_users.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

// Builds the record of one Link call.
class Linker {
 public:
  Linker(const Universe& universe, const index::Snapshot& newest, UnknownIds unknown_ids,
         index::CommitRecord* record)
      : universe_(universe),
        newest_(newest),
        record_(*record),
        users_(newest, unknown_ids, record) {}

  absl::Status Add(const LinkedUser& user, std::string_view field) {
    THRONG_ASSIGN_OR_RETURN(const std::optional<uint32_t> ordinal,
                            users_.FindOrCreate(user.id, fmt::format("{}.id", field)));
    for (size_t i = 0; i < user.ids.size(); ++i) {
      // The ids of a skipped user are checked all the same.
      THRONG_RETURN_IF_ERROR(AddId(user.ids[i], ordinal, fmt::format("{}.ids[{}]", field, i)));
    }
    return absl::OkStatus();
  }

  void Finish() {
    for (auto& [type, added] : added_) {
      if (!added.links.ids.empty()) record_.links.push_back(std::move(added.links));
    }
  }

  uint64_t users_skipped() const { return users_.users_skipped(); }
  uint64_t ids_linked() const { return ids_linked_; }
  uint64_t ids_known() const { return ids_known_; }

 private:
  // What one type gets.
  struct Added {
    index::IdLinks links;
    absl::flat_hash_map<std::string, uint32_t> owners;
    absl::flat_hash_map<uint32_t, uint32_t> counts;  // of each user's ids, the old ones included
  };

  absl::Status AddId(const TypedId& id, std::optional<uint32_t> ordinal, std::string_view field) {
    THRONG_ASSIGN_OR_RETURN(
        const index::IdTypeDefinition* type,
        FindIdType(universe_, newest_, id.id_type, fmt::format("{}.id_type", field)));
    if (type == nullptr) {
      return index::InvalidArgument(
          "PRIMARY_ID", fmt::format("{}.id_type", field),
          "a user has one primary id; ids of declared types can be linked to it");
    }
    const std::string id_field = fmt::format("{}.id", field);
    THRONG_ASSIGN_OR_RETURN(std::string kept, KeptForm(type, id.id, id_field));
    if (!ordinal.has_value()) return absl::OkStatus();
    Added& added = added_for(type->id);
    const std::optional<uint32_t> owner = OwnerOf(*type, added, kept);
    if (owner == ordinal) {
      ++ids_known_;
      return absl::OkStatus();
    }
    if (owner.has_value()) return Taken(type->name, id_field);
    const index::LinkedIds* linked = newest_.linked_ids(type->id);
    const auto [count, is_first] = added.counts.try_emplace(*ordinal, 0);
    if (is_first && linked != nullptr) count->second = linked->CountOf(*ordinal);
    if (++count->second > index::kIdsOfTypeMax) {
      return index::WithField(
          index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_IDS",
                               fmt::format("the number of a user's ids of type \"{}\"", type->name),
                               index::kIdsOfTypeMax, count->second),
          id_field);
    }
    added.owners.emplace(kept, *ordinal);
    added.links.owners.push_back(*ordinal);
    added.links.ids.push_back(std::move(kept));
    ++ids_linked_;
    return absl::OkStatus();
  }

  Added& added_for(uint32_t type) {
    const auto [added, is_first] = added_.try_emplace(type);
    if (is_first) {
      const index::LinkedIds* linked = newest_.linked_ids(type);
      added->second.links.id_type = type;
      added->second.links.first_entry = linked == nullptr ? 0 : linked->entry_count();
    }
    return added->second;
  }

  std::optional<uint32_t> OwnerOf(const index::IdTypeDefinition& type, const Added& added,
                                  const std::string& id) const {
    if (const auto known = FindUser(newest_, &type, index::MakeIdKey(id))) return known;
    const auto owner = added.owners.find(id);
    return owner == added.owners.end() ? std::nullopt : std::optional(owner->second);
  }

  // Whose it is, is not said.
  static absl::Status Taken(std::string_view type, std::string_view field) {
    return index::MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("the id of type \"{}\" belongs to another user: nothing was linked", type),
        {.reason = "ID_TAKEN", .field = std::string(field)});
  }

  const Universe& universe_;
  const index::Snapshot& newest_;
  index::CommitRecord& record_;
  NewUsers users_;
  std::map<uint32_t, Added> added_;  // by type
  uint64_t ids_linked_ = 0;
  uint64_t ids_known_ = 0;
};

std::string EncodeAnswer(uint64_t version, const LinkResult& result) {
  return fmt::format("{} {} {} {} {}", version, result.users_created, result.users_skipped,
                     result.ids_linked, result.ids_known);
}

LinkResult DecodeAnswer(const std::string& text) {
  LinkResult result;
  char* end = nullptr;
  result.data_version = std::strtoull(text.c_str(), &end, 10);
  result.users_created = std::strtoull(end, &end, 10);
  result.users_skipped = std::strtoull(end, &end, 10);
  result.ids_linked = std::strtoull(end, &end, 10);
  result.ids_known = std::strtoull(end, &end, 10);
  return result;
}

absl::Status TooMany(std::string_view reason, std::string_view what, uint64_t limit, uint64_t count,
                     std::string_view field) {
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kResourceExhausted, reason, what, limit, count),
      field);
}

absl::Status CheckSize(const LinkRequest& request) {
  if (request.users.size() > kLinkUsersMax) {
    return TooMany("TOO_MANY_USERS", "the number of users", kLinkUsersMax, request.users.size(),
                   "entries");
  }
  uint64_t ids = 0;
  for (const LinkedUser& user : request.users) ids += user.ids.size();
  if (ids <= kLinkIdsMax) return absl::OkStatus();
  return TooMany("TOO_MANY_IDS", "the number of ids to link", kLinkIdsMax, ids, "entries");
}

IdTypeInfo Describe(const index::Snapshot& snapshot, const index::IdTypeDefinition& type) {
  const index::LinkedIds* linked = snapshot.linked_ids(type.id);
  return {.definition = type, .id_count = linked == nullptr ? 0 : linked->id_count()};
}

absl::Status CheckNew(const Universe& universe, const index::Snapshot& newest,
                      std::string_view name) {
  if (name == universe.population().primary_id_type ||
      newest.catalogue().FindIdType(name) != nullptr) {
    return index::MakeError(absl::StatusCode::kAlreadyExists,
                            fmt::format("id type \"{}\" exists already", name),
                            {.reason = "ID_TYPE_EXISTS", .field = "id_type_id"});
  }
  if (newest.catalogue().id_types().size() < index::kIdTypesMax) return absl::OkStatus();
  return TooMany("TOO_MANY_ID_TYPES", "the number of id types", index::kIdTypesMax,
                 index::kIdTypesMax + 1, "id_type_id");
}

}  // namespace

absl::StatusOr<IdTypeInfo> Identities::CreateIdType(const CallContext& context,
                                                    std::string_view population,
                                                    const index::IdTypeDefinition& definition,
                                                    const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(index::Validate(definition));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const RequestKey key =
      MakeRequestKey(context, "id_types.create", options.request_id, options.payload_hash);
  bool retried = false;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    retried = first.has_value();
    if (retried) return absl::OkStatus();
    THRONG_RETURN_IF_ERROR(CheckNew(*universe, newest, definition.name));
    if (options.validate_only) return absl::OkStatus();
    index::IdTypeDefinition created = definition;
    created.id = static_cast<uint32_t>(newest.catalogue().id_types().size() + 1);
    record->id_types.push_back(std::move(created));
    Remember(key, definition.name, record);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  if (options.validate_only && !retried) return IdTypeInfo{.definition = definition};
  return Describe(*snapshot, *snapshot->catalogue().FindIdType(definition.name));
}

absl::StatusOr<std::vector<IdTypeInfo>> Identities::ListIdTypes(const CallContext& context,
                                                                std::string_view population) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const index::SnapshotRef snapshot = universe->newest();
  std::vector<IdTypeInfo> types;
  types.push_back({.definition = {.name = universe->population().primary_id_type},
                   .id_count = snapshot->user_count(),
                   .is_primary = true});
  for (const index::IdTypeDefinition& type : snapshot->catalogue().id_types()) {
    types.push_back(Describe(*snapshot, type));
  }
  return types;
}

absl::StatusOr<LinkResult> Identities::Link(const CallContext& context,
                                            const LinkRequest& request) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_RETURN_IF_ERROR(CheckSize(request));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(request.population));
  const RequestKey key =
      MakeRequestKey(context, "users.link", request.request_id, request.payload_hash);
  LinkResult result;
  bool repeated = false;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    repeated = first.has_value();
    if (repeated) {
      result = DecodeAnswer(*first);
      return absl::OkStatus();
    }
    index::CommitRecord built = *record;
    Linker linker(*universe, newest, request.unknown_ids, &built);
    for (size_t i = 0; i < request.users.size(); ++i) {
      THRONG_RETURN_IF_ERROR(linker.Add(request.users[i], fmt::format("entries[{}]", i)));
    }
    linker.Finish();
    result.users_created = built.new_users.size();
    result.users_skipped = linker.users_skipped();
    result.ids_linked = linker.ids_linked();
    result.ids_known = linker.ids_known();
    if (request.validate_only) return absl::OkStatus();
    Remember(key, EncodeAnswer(built.version, result), &built);
    *record = std::move(built);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  if (!repeated) result.data_version = snapshot->data_version();
  return result;
}

absl::StatusOr<ResolveResult> Identities::Resolve(const CallContext& context,
                                                  const ResolveRequest& request) {
  THRONG_RETURN_IF_ERROR(context.Check());
  if (request.ids.size() > kResolveIdsMax) {
    return TooMany("TOO_MANY_IDS", "the number of ids", kResolveIdsMax, request.ids.size(), "ids");
  }
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(request.population));
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Pin(request.read_version));
  THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* from,
                          FindIdType(*universe, *snapshot, request.from_type, "from_type"));
  THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* to,
                          FindIdType(*universe, *snapshot, request.to_type, "to_type"));
  ResolveResult result{.results = {}, .data_version = snapshot->data_version()};
  result.results.resize(request.ids.size());
  for (size_t i = 0; i < request.ids.size(); ++i) {
    const absl::StatusOr<std::optional<uint32_t>> user =
        FindUser(*snapshot, from, request.ids[i], "ids");
    if (!user.ok() || !user->has_value()) continue;
    ResolvedId& resolved = result.results[i];
    resolved.found = true;
    if (to == nullptr) {
      resolved.ids.push_back(snapshot->ids().text(**user));
    } else if (const index::LinkedIds* linked = snapshot->linked_ids(to->id)) {
      resolved.ids = linked->IdsOf(**user);
    }
  }
  return result;
}

}  // namespace throng::engine
