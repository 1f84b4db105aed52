// Id types of a population, and the ids of its users.
//
//   engine.identities().CreateIdType(context, "default", {.name = "phone"}, {});
//   engine.identities().Link(context, {.users = {{.id = "u1", .ids = {{"phone", "138"}}}}});
//   engine.identities().Resolve(context, {.from_type = "phone", .ids = {"138"}})->results[0].ids;
#ifndef THRONG_SERVER_ENGINE_IDENTITIES_H_
#define THRONG_SERVER_ENGINE_IDENTITIES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/id_type.h"
#include "server/engine/call_context.h"
#include "server/engine/tags.h"
#include "server/engine/write_batch.h"

namespace throng::engine {

class Universes;

inline constexpr uint32_t kLinkUsersMax = 10'000;    // in one Link
inline constexpr uint32_t kLinkIdsMax = 100'000;     // in one Link
inline constexpr uint32_t kResolveIdsMax = 100'000;  // in one Resolve

struct IdTypeInfo {
  index::IdTypeDefinition definition;
  uint64_t id_count = 0;  // that users have
  bool is_primary = false;
};

// An id with its type; an empty type is the primary one.
struct TypedId {
  std::string id_type;
  std::string id;
};

struct LinkedUser {
  std::string id;  // primary
  std::vector<TypedId> ids;
};

struct LinkRequest {
  std::string population = "default";
  UnknownIds unknown_ids = UnknownIds::kError;
  std::vector<LinkedUser> users;
  std::string request_id;
  uint64_t payload_hash = 0;
  bool validate_only = false;
};

struct LinkResult {
  uint64_t data_version = 0;
  uint64_t users_created = 0;
  uint64_t users_skipped = 0;
  uint64_t ids_linked = 0;
  uint64_t ids_known = 0;  // were linked to their user before
};

struct ResolveRequest {
  std::string population = "default";
  std::string from_type;
  std::vector<std::string> ids;
  std::string to_type;
  uint64_t read_version = 0;
};

struct ResolvedId {
  bool found = false;
  std::vector<std::string> ids;  // of the type asked for, in order of linking
};

struct ResolveResult {
  std::vector<ResolvedId> results;  // one for each id
  uint64_t data_version = 0;
};

// Thread-safe.
class Identities {
 public:
  explicit Identities(Universes& universes) : universes_(universes) {}

  // The definition's id is chosen here. Errors: kInvalidArgument (id_type....), kNotFound
  // (UNKNOWN_POPULATION), kAlreadyExists (ID_TYPE_EXISTS), kResourceExhausted (TOO_MANY_ID_TYPES).
  absl::StatusOr<IdTypeInfo> CreateIdType(const CallContext& context, std::string_view population,
                                          const index::IdTypeDefinition& definition,
                                          const WriteOptions& options);
  // The primary one first, then in order of declaration. Errors: kNotFound (UNKNOWN_POPULATION).
  absl::StatusOr<std::vector<IdTypeInfo>> ListIdTypes(const CallContext& context,
                                                      std::string_view population);

  // All or nothing. Errors: kInvalidArgument with field "entries[i]...", kNotFound
  // (UNKNOWN_POPULATION, UNKNOWN_ID_TYPE, UNKNOWN_USER under UnknownIds::kError),
  // kFailedPrecondition (ID_TAKEN: it belongs to another user), kResourceExhausted (TOO_MANY_IDS,
  // TOO_MANY_USERS).
  absl::StatusOr<LinkResult> Link(const CallContext& context, const LinkRequest& request);

  // An id that its type refuses is nobody's. Errors: kNotFound (UNKNOWN_POPULATION,
  // UNKNOWN_ID_TYPE), kFailedPrecondition (VERSION_GONE), kResourceExhausted (TOO_MANY_IDS).
  absl::StatusOr<ResolveResult> Resolve(const CallContext& context, const ResolveRequest& request);

 private:
  Universes& universes_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_IDENTITIES_H_
