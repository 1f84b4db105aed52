// Erasure: forgetting users, in the data and in what is restored later.
//
//   engine.erasures().Erase(context, {.users = {{"phone", "138"}}})->users[0].ids_removed;
//
// An erasure is an entry in the ledger (storage/erasure_ledger.h), then a commit. A start finds the
// entries that the data has not followed - because the process died between the two, or because the
// data is of a backup of before - and erases those users again. docs/privacy.md has the whole.
#ifndef THRONG_SERVER_ENGINE_ERASURES_H_
#define THRONG_SERVER_ENGINE_ERASURES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/call_context.h"
#include "server/engine/identities.h"
#include "storage/erasure_ledger.h"

namespace throng::engine {

class Universe;
class Universes;

inline constexpr uint32_t kEraseUsersMax = 1'000;  // in one Erase

struct EraseRequest {
  std::string population = "default";
  std::vector<TypedId> users;
  std::string request_id;
  uint64_t payload_hash = 0;  // kept for a day: must not tell the ids
  bool validate_only = false;
};

struct ErasedUser {
  bool found = false;         // once, when a request names a user twice
  uint32_t tags_cleared = 0;  // that the caller may see
  uint32_t ids_removed = 0;   // the primary one included
};

struct EraseResult {
  std::vector<ErasedUser> users;  // one for each of the request
  uint64_t data_version = 0;
  uint64_t users_erased = 0;
};

// Thread-safe.
class Erasures {
 public:
  // `ledger` outlives it.
  Erasures(Universes& universes, storage::ErasureLedger& ledger)
      : universes_(universes), ledger_(ledger) {}

  // All or nothing. Errors: kInvalidArgument with field "users[i]...", kNotFound
  // (UNKNOWN_POPULATION, UNKNOWN_ID_TYPE), kResourceExhausted (TOO_MANY_USERS, disk full),
  // kUnavailable. After the last two a restart may still erase the users.
  absl::StatusOr<EraseResult> Erase(const CallContext& context, const EraseRequest& request);

  // Erases the users of ledger entries that the population's data has not followed. Returns how
  // many there were. Once, before the first call.
  absl::StatusOr<uint64_t> Follow(Universe& universe);

 private:
  Universes& universes_;
  storage::ErasureLedger& ledger_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_ERASURES_H_
