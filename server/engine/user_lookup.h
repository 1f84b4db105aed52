// Finds users of a snapshot by their primary id.
//
//   std::optional<uint32_t> ordinal = FindUser(snapshot, index::MakeIdKey("u17"));
//
// An id that belonged to somebody who is no longer in the universe is as unknown as one that nobody
// ever had. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_USER_LOOKUP_H_
#define THRONG_SERVER_ENGINE_USER_LOOKUP_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "index/id_chunk.h"
#include "index/ordinal_set.h"
#include "index/snapshot.h"
#include "query/resolver.h"

namespace throng::engine {

// The user's ordinal, empty if there is none. Thread-safe.
std::optional<uint32_t> FindUser(const index::Snapshot& snapshot, const index::IdKey& key);

// What ids(...) looks in. Borrows the snapshot. Thread-safe.
class SnapshotIdLookup final : public query::IdLookup {
 public:
  explicit SnapshotIdLookup(const index::Snapshot& snapshot) : snapshot_(snapshot) {}

  std::shared_ptr<const index::OrdinalSet> Lookup(const std::vector<std::string>& ids,
                                                  const std::vector<uint64_t>& numbers,
                                                  uint64_t* unknown) const override;

 private:
  const index::Snapshot& snapshot_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_USER_LOOKUP_H_
