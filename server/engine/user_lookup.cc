#include "server/engine/user_lookup.h"

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/universe.h"

namespace throng::engine {
namespace {

// Whether the ordinal is a user's: an erased one's is nobody's.
bool IsUser(const index::Snapshot& snapshot, uint32_t ordinal) {
  const index::TagShard* universe =
      snapshot.shard(index::kUniverseTag, ordinal >> index::kShardBits);
  return universe != nullptr && index::Contains(universe->values[0], ordinal & index::kShardMask);
}

// Finds the ids 0 to count - 1: make_key and found as of IdDictionary::FindAll, but that what is
// found is a user.
template <typename MakeKey, typename Found>
void FindEach(const index::Snapshot& snapshot, const index::IdTypeDefinition* type, size_t count,
              MakeKey make_key, Found found) {
  if (type == nullptr) {
    snapshot.ids().FindAll(count, make_key,
                           [&](size_t i, const index::IdKey&, std::optional<uint32_t> ordinal) {
                             if (ordinal.has_value() && IsUser(snapshot, *ordinal))
                               found(i, *ordinal);
                           });
    return;
  }
  const index::LinkedIds* linked = snapshot.linked_ids(type->id);
  if (linked == nullptr) return;
  linked->ids().FindAll(count, make_key,
                        [&](size_t i, const index::IdKey&, std::optional<uint32_t> entry) {
                          if (entry.has_value()) found(i, linked->owner(*entry));
                        });
}

}  // namespace

std::optional<uint32_t> FindUser(const index::Snapshot& snapshot, const index::IdKey& key) {
  const std::optional<uint32_t> ordinal = snapshot.ids().Find(key);
  return ordinal.has_value() && IsUser(snapshot, *ordinal) ? ordinal : std::nullopt;
}

absl::StatusOr<const index::IdTypeDefinition*> FindIdType(const Universe& universe,
                                                          const index::Snapshot& snapshot,
                                                          std::string_view name,
                                                          std::string_view field) {
  if (name.empty() || name == universe.population().primary_id_type) return nullptr;
  const index::IdTypeDefinition* type = snapshot.catalogue().FindIdType(name);
  if (type != nullptr) return type;
  std::vector<std::string_view> names{universe.population().primary_id_type};
  for (const index::IdTypeDefinition& known : snapshot.catalogue().id_types()) {
    names.push_back(known.name);
  }
  return index::MakeError(absl::StatusCode::kNotFound,
                          fmt::format("there is no id type \"{}\"", name),
                          {.reason = "UNKNOWN_ID_TYPE",
                           .field = std::string(field),
                           .suggestion = index::NearestName(name, names)});
}

absl::StatusOr<std::string> KeptForm(const index::IdTypeDefinition* type, std::string_view id,
                                     std::string_view field) {
  static const index::IdTypeDefinition kPrimary;
  absl::StatusOr<std::string> kept = index::NormalizeId(type == nullptr ? kPrimary : *type, id);
  if (!kept.ok()) return index::WithField(kept.status(), field);
  return kept;
}

std::optional<uint32_t> FindUser(const index::Snapshot& snapshot,
                                 const index::IdTypeDefinition* type, const index::IdKey& key) {
  if (type == nullptr) return FindUser(snapshot, key);
  const index::LinkedIds* linked = snapshot.linked_ids(type->id);
  return linked == nullptr ? std::nullopt : linked->Find(key);
}

absl::StatusOr<std::optional<uint32_t>> FindUser(const index::Snapshot& snapshot,
                                                 const index::IdTypeDefinition* type,
                                                 std::string_view id, std::string_view field) {
  THRONG_ASSIGN_OR_RETURN(const std::string kept, KeptForm(type, id, field));
  return FindUser(snapshot, type, index::MakeIdKey(kept));
}

std::vector<UserMatch> FindUsers(const index::Snapshot& snapshot,
                                 const index::IdTypeDefinition* type,
                                 std::span<const std::string_view> ids) {
  std::vector<UserMatch> matches(ids.size());
  std::vector<std::string> kept;
  std::vector<size_t> places;
  kept.reserve(ids.size());
  places.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    absl::StatusOr<std::string> form = KeptForm(type, ids[i], "ids");
    matches[i].is_refused = !form.ok();
    if (!form.ok()) continue;
    kept.push_back(*std::move(form));
    places.push_back(i);
  }
  FindEach(
      snapshot, type, kept.size(), [&](size_t i, char*) { return index::MakeIdKey(kept[i]); },
      [&](size_t i, uint32_t user) { matches[places[i]].ordinal = user; });
  return matches;
}

std::vector<UserMatch> FindUsers(const index::Snapshot& snapshot,
                                 const index::IdTypeDefinition* type,
                                 std::span<const uint64_t> numbers) {
  std::vector<UserMatch> matches(numbers.size());
  FindEach(
      snapshot, type, numbers.size(),
      [&](size_t i, char* buffer) { return index::MakeIdKey(numbers[i], buffer); },
      [&](size_t i, uint32_t user) { matches[i].ordinal = user; });
  return matches;
}

std::shared_ptr<const index::OrdinalSet> SnapshotIdLookup::Lookup(
    const std::vector<std::string>& ids, const std::vector<uint64_t>& numbers,
    uint64_t* unknown) const {
  index::OrdinalSet::Builder users;
  const auto add = [&](size_t, const index::IdKey&, std::optional<uint32_t> ordinal) {
    if (ordinal.has_value() && IsUser(snapshot_, *ordinal)) {
      users.Add(*ordinal);
    } else {
      ++*unknown;
    }
  };
  snapshot_.ids().FindAll(
      ids.size(), [&](size_t i, char*) { return index::MakeIdKey(ids[i]); }, add);
  snapshot_.ids().FindAll(
      numbers.size(), [&](size_t i, char* buffer) { return index::MakeIdKey(numbers[i], buffer); },
      add);
  return users.Build();
}

}  // namespace throng::engine
