// Finds the users that a write names by primary id, and creates those nobody knows.
//
//   NewUsers users(newest, UnknownIds::kCreate, &record);
//   absl::StatusOr<std::optional<uint32_t>> ordinal = users.FindOrCreate("u17", "users[0].id");
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_NEW_USERS_H_
#define THRONG_SERVER_ENGINE_NEW_USERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "index/change.h"
#include "index/snapshot.h"
#include "server/engine/write_batch.h"

namespace throng::engine {

// For one record and one thread. Borrows snapshot and record.
class NewUsers {
 public:
  NewUsers(const index::Snapshot& newest, UnknownIds unknown_ids, index::CommitRecord* record)
      : newest_(newest), unknown_ids_(unknown_ids), record_(*record) {}

  // The user's ordinal; empty when it is unknown and left out. Errors: kInvalidArgument (EMPTY_ID,
  // ID_TOO_LONG, INVALID_UTF8), kNotFound (UNKNOWN_USER), kResourceExhausted (TOO_MANY_USERS), at
  // `field`.
  absl::StatusOr<std::optional<uint32_t>> FindOrCreate(const std::string& id,
                                                       std::string_view field);
  // Counts a user who is left out, or says that nobody has the id.
  absl::StatusOr<std::optional<uint32_t>> LeaveOut(std::string_view id, std::string_view field);
  // What UnknownIds::kCreate means for an id of another type: kInvalidArgument
  // (CANNOT_CREATE_USER) at `field`.
  static absl::Status CannotCreate(std::string_view id_type, std::string_view field);

  UnknownIds unknown_ids() const { return unknown_ids_; }
  uint64_t users_skipped() const { return users_skipped_; }

 private:
  const index::Snapshot& newest_;
  const UnknownIds unknown_ids_;
  index::CommitRecord& record_;
  uint64_t users_skipped_ = 0;
  absl::flat_hash_map<std::string, uint32_t> created_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_NEW_USERS_H_
