// Whether the store accepts writes: withdrawn by the first error that the disk gives, given back
// when the store has resumed.
//
//   THRONG_RETURN_IF_ERROR(permission.Check());
//   absl::Status written = permission.Noted(database.Write(&batch, true), now_us);
//   ...
//   permission.Settle(ResumeImpl());   // OK: writes are accepted again
#ifndef THRONG_STORAGE_WRITE_PERMISSION_H_
#define THRONG_STORAGE_WRITE_PERMISSION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "index/mutex.h"
#include "storage/store.h"

namespace throng::storage {

// What writes are answered with after `cause`: DISK_FULL or READ_ONLY, and what to do about it.
absl::Status ReadOnlyError(const absl::Status& cause, const std::string& directory);

// Thread-safe.
class WritePermission {
 public:
  // `on_change` may be null; it is called after every change, without a lock.
  WritePermission(std::string directory, std::function<void()> on_change)
      : directory_(std::move(directory)), on_change_(std::move(on_change)) {}

  // OK while writes are accepted; else what they are answered with.
  absl::Status Check() const { return state().error; }
  WriteState state() const;

  // Passes `status` on, but an error after which nothing more may be written withdraws the
  // permission and becomes what Check() says from then on. `now_us` in Unix microseconds.
  absl::Status Noted(const absl::Status& status, int64_t now_us);

  // An attempt to resume begins.
  void NoteAttempt();
  // It ended so: OK gives the permission back, else the new error is what writes are answered with.
  absl::Status Settle(const absl::Status& resumed);

 private:
  const std::string directory_;
  const std::function<void()> on_change_;
  mutable index::Mutex mutex_;
  WriteState state_ THRONG_GUARDED_BY(mutex_);
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_WRITE_PERMISSION_H_
