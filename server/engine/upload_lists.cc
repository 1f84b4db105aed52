#include "server/engine/upload_lists.h"

#include "index/error.h"
#include "index/mutex.h"

namespace throng::engine {
namespace {

constexpr int kAttemptsMax = 5;

absl::Status UsersErased() {
  return index::MakeError(absl::StatusCode::kAborted,
                          "users were erased while the ids were on their way: begin again",
                          {.reason = "USERS_ERASED"});
}

}  // namespace

absl::StatusOr<uint64_t> UploadLists::Erase() {
  {
    const index::SnapshotRef snapshot = universe_.newest();
    index::MutexLock lock(universe_.snapshot_mutex_);
    const uint64_t erased = snapshot->identity().erasure_version;
    if (erased <= universe_.folded_version_) return erased;
  }
  index::MutexLock lock(universe_.fold_mutex_);
  const index::SnapshotRef snapshot = universe_.newest();
  const uint64_t erased = snapshot->identity().erasure_version;
  const index::Snapshot* folded = universe_.folded_.get();
  const uint64_t folded_version = folded == nullptr ? 0 : folded->data_version();
  if (erased <= folded_version || erased <= universe_.uploads_erased_version_) return erased;
  THRONG_RETURN_IF_ERROR(
      universe_.store().EraseFromUploads(universe_.population().id, *snapshot, folded));
  universe_.uploads_erased_version_ = erased;
  return erased;
}

absl::StatusOr<index::SnapshotRef> UploadLists::Commit(uint64_t looked_up, bool copies,
                                                       const std::function<absl::Status()>& write,
                                                       const Universe::Build& build) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    // What is copied from now on holds nobody who is erased in this version.
    uint64_t erased = 0;
    if (copies) {
      THRONG_ASSIGN_OR_RETURN(erased, Erase());
    }
    // Rather than writing what would have to be taken back.
    THRONG_RETURN_IF_ERROR(CheckNotFolded(*universe_.newest(), looked_up));
    THRONG_RETURN_IF_ERROR(write());
    bool is_stale = false;
    absl::StatusOr<index::SnapshotRef> snapshot =
        TryCommit(looked_up, erased, copies, build, &is_stale);
    if (is_stale) continue;
    if (snapshot.ok() && (*snapshot)->identity().erasure_version > looked_up) {
      // The list may hold ids of users who were erased since; the next one who reads looks.
      index::MutexLock lock(universe_.fold_mutex_);
      universe_.uploads_erased_version_ = 0;
    }
    return snapshot;
  }
  return UsersErased();
}

absl::Status UploadLists::CheckNotFolded(const index::Snapshot& newest, uint64_t looked_up) const {
  const bool is_folded =
      newest.identity().erasure_version > looked_up && universe_.folding_version_ > looked_up;
  return is_folded ? UsersErased() : absl::OkStatus();
}

absl::StatusOr<index::SnapshotRef> UploadLists::TryCommit(uint64_t looked_up, uint64_t erased,
                                                          bool copies, const Universe::Build& build,
                                                          bool* is_stale) {
  return universe_.Commit(
      [&](const index::Snapshot& newest, index::CommitRecord* record) -> absl::Status {
        const uint64_t newest_erasure = newest.identity().erasure_version;
        *is_stale = copies && newest_erasure > erased;
        if (*is_stale) return UsersErased();
        THRONG_RETURN_IF_ERROR(CheckNotFolded(newest, looked_up));
        return build(newest, record);
      });
}

}  // namespace throng::engine
