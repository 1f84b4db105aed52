#include "server/engine/user_lookup.h"

namespace throng::engine {

std::optional<uint32_t> FindUser(const index::Snapshot& snapshot, const index::IdKey& key) {
  const std::optional<uint32_t> ordinal = snapshot.ids().Find(key);
  if (!ordinal.has_value()) return std::nullopt;
  const index::TagShard* universe =
      snapshot.shard(index::kUniverseTag, *ordinal >> index::kShardBits);
  const bool exists =
      universe != nullptr && index::Contains(universe->values[0], *ordinal & index::kShardMask);
  return exists ? ordinal : std::nullopt;
}

std::shared_ptr<const index::OrdinalSet> SnapshotIdLookup::Lookup(
    const std::vector<std::string>& ids, const std::vector<uint64_t>& numbers,
    uint64_t* unknown) const {
  index::OrdinalSet::Builder users;
  const auto add = [&](const index::IdKey& key) {
    if (const std::optional<uint32_t> ordinal = FindUser(snapshot_, key)) {
      users.Add(*ordinal);
    } else {
      ++*unknown;
    }
  };
  for (const std::string& id : ids) add(index::MakeIdKey(id));
  char buffer[20];
  for (const uint64_t number : numbers) add(index::MakeIdKey(number, buffer));
  return users.Build();
}

}  // namespace throng::engine
