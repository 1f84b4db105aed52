// Finds users of a snapshot by their ids.
//
//   std::optional<uint32_t> ordinal = FindUser(snapshot, index::MakeIdKey("u17"));
//   absl::StatusOr<const index::IdTypeDefinition*> type =
//       FindIdType(universe, snapshot, "phone", "id_type");
//   absl::StatusOr<std::optional<uint32_t>> user = FindUser(snapshot, *type, "+86 138", "id");
//
// An id that belonged to somebody who is no longer in the universe is as unknown as one that nobody
// ever had. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_USER_LOOKUP_H_
#define THRONG_SERVER_ENGINE_USER_LOOKUP_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/id_chunk.h"
#include "index/id_type.h"
#include "index/ordinal_set.h"
#include "index/snapshot.h"
#include "query/resolver.h"

namespace throng::engine {

class Universe;

// The user's ordinal, empty if there is none. Thread-safe.
std::optional<uint32_t> FindUser(const index::Snapshot& snapshot, const index::IdKey& key);

// The declared id type; null for the primary one, which is meant by its name and by no name. A view
// of the snapshot. Errors: kNotFound (UNKNOWN_ID_TYPE) at `field`. Thread-safe.
absl::StatusOr<const index::IdTypeDefinition*> FindIdType(const Universe& universe,
                                                          const index::Snapshot& snapshot,
                                                          std::string_view name,
                                                          std::string_view field);

// The form in which ids of a type (null: the primary one) are kept. Errors: kInvalidArgument
// (EMPTY_ID, ID_TOO_LONG, INVALID_UTF8, NOT_HEX) at `field`. Thread-safe.
absl::StatusOr<std::string> KeptForm(const index::IdTypeDefinition* type, std::string_view id,
                                     std::string_view field);

// The user with the id in its kept form, empty if there is none. Thread-safe.
std::optional<uint32_t> FindUser(const index::Snapshot& snapshot,
                                 const index::IdTypeDefinition* type, const index::IdKey& key);
// As above, for an id as it was given. Errors: as KeptForm.
absl::StatusOr<std::optional<uint32_t>> FindUser(const index::Snapshot& snapshot,
                                                 const index::IdTypeDefinition* type,
                                                 std::string_view id, std::string_view field);

// Whom an id names, as it was given.
struct UserMatch {
  std::optional<uint32_t> ordinal;  // empty: nobody
  bool is_refused = false;          // by the id's type
};

// Finds many ids, one match each, in order: where ids lie in no cache, much faster than one by one.
// Thread-safe.
std::vector<UserMatch> FindUsers(const index::Snapshot& snapshot,
                                 const index::IdTypeDefinition* type,
                                 std::span<const std::string_view> ids);
std::vector<UserMatch> FindUsers(const index::Snapshot& snapshot,
                                 const index::IdTypeDefinition* type,
                                 std::span<const uint64_t> numbers);

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
