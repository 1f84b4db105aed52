// The ids that wait for their users in the newest version of a crowd of uploads.
//
//   absl::StatusOr<WaitingIds> waiting = WaitingIds::Of(universe, *crowd);
//   WaitingIds::Reader reader(*waiting);
//   while (true) {
//     THRONG_ASSIGN_OR_RETURN(const storage::ListedId* id, reader.Next());
//     if (id == nullptr) break;
//     FindWaiting(snapshot, *id);   // the user, if it is there by now
//   }
//
// They stand on disk and are read part by part. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_WAITING_IDS_H_
#define THRONG_SERVER_ENGINE_WAITING_IDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "index/crowd_sets.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "server/engine/universe.h"
#include "storage/upload_list.h"
#include "storage/upload_writer.h"

namespace throng::engine {

// Borrows the universe. Thread-compatible.
class WaitingIds {
 public:
  // None where the crowd has no version, or one that no upload made. Errors: as
  // Store::ReadUpload, but kNotFound.
  static absl::StatusOr<WaitingIds> Of(const Universe& universe, const index::CrowdEntry& crowd);

  // Whether unknown ids are kept, also when none waits.
  bool keeps() const { return upload_.record.keeps_unknown; }
  uint64_t count() const { return upload_.kept(); }

  // In order of (hash, id type, text). Not thread-safe.
  class Reader {
   public:
    explicit Reader(const WaitingIds& ids) : ids_(ids) {}
    // The next one, valid until the next call; null: that was the last. Errors: as
    // Store::ReadUploadIds.
    absl::StatusOr<const storage::ListedId*> Next();

   private:
    const WaitingIds& ids_;
    uint32_t next_part_ = 0;
    storage::ListedIds part_;
    size_t next_ = 0;
  };

 private:
  const Universe* universe_ = nullptr;
  index::CrowdVersionId id_;
  storage::StoredUpload upload_;
};

// The user with the id on the snapshot. Thread-safe.
std::optional<uint32_t> FindWaiting(const index::Snapshot& snapshot, const storage::ListedId& id);

// A crowd of uploads computed again: its users, with those whose ids waited and who are there now.
struct UploadRefresh {
  index::OrdinalSetRef users;
  storage::UploadRecord record;
};
absl::StatusOr<UploadRefresh> LookUpAgain(const index::Snapshot& snapshot,
                                          const index::CrowdEntry& crowd, const WaitingIds& waiting,
                                          const query::Check& check);
// Writes the list of the version that this makes: those that wait on, unless the crowd is frozen
// with it.
absl::Status WriteStillWaiting(const index::Snapshot& snapshot, const WaitingIds& waiting,
                               const storage::UploadRecord& record, bool freezes,
                               storage::UploadWriter* writer);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_WAITING_IDS_H_
