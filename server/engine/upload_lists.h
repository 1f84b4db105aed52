// Lists of ids beside an erasure: what is read, copied or written of them holds nobody who is
// erased by then.
//
//   UploadLists lists(universe);
//   THRONG_RETURN_IF_ERROR(lists.Erase().status());                  // before one is read
//   lists.Commit(looked_up, /*copies=*/true, write_lists, build);    // a version with one
//
// An id of an erased person is known from the log and the snapshot folded last, until a fold takes
// the erasure in (storage/upload_erasure.h). Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_UPLOAD_LISTS_H_
#define THRONG_SERVER_ENGINE_UPLOAD_LISTS_H_

#include <cstdint>
#include <functional>
#include <limits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/snapshot.h"
#include "server/engine/universe.h"

namespace throng::engine {

// Borrows the universe. Thread-safe.
class UploadLists {
 public:
  explicit UploadLists(Universe& universe) : universe_(universe) {}

  // Takes the ids of everybody erased so far out of the lists of uploads, as the next fold would.
  // Returns the data version of the newest erasure that it covers. Waits for a fold that runs;
  // costs nothing when nobody was erased since the last one. Errors: as Store::EraseFromUploads.
  absl::StatusOr<uint64_t> Erase();

  // In place of the version that new ids were looked up on, where there are none.
  static constexpr uint64_t kNothingNew = std::numeric_limits<uint64_t>::max();

  // Commits versions whose lists `write` writes: of ids that were looked up on `looked_up`, and,
  // with `copies`, of those of older lists, when both are done again if users were erased in
  // between. Errors: those of `write` and of the commit; kAborted (USERS_ERASED): a fold took in an
  // erasure of after `looked_up`, so that nobody knows any more which of the new ids are concerned.
  absl::StatusOr<index::SnapshotRef> Commit(uint64_t looked_up, bool copies,
                                            const std::function<absl::Status()>& write,
                                            const Universe::Build& build);

 private:
  // A fold that has begun by now does not see a list that is not committed yet, and takes with it
  // what tells whose ids are in it. One that begins later does see it: it waits for commits
  // (Universe::Fold). Errors: kAborted (USERS_ERASED).
  absl::Status CheckNotFolded(const index::Snapshot& newest, uint64_t looked_up) const;
  absl::StatusOr<index::SnapshotRef> TryCommit(uint64_t looked_up, uint64_t erased, bool copies,
                                               const Universe::Build& build, bool* is_stale);

  Universe& universe_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_UPLOAD_LISTS_H_
