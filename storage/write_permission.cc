#include "storage/write_permission.h"

#include <string_view>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/rocks_status.h"

namespace throng::storage {

absl::Status ReadOnlyError(const absl::Status& cause, const std::string& directory) {
  const std::string_view message(cause.message().data(), cause.message().size());
  if (message.starts_with("disk full: ")) {
    return index::MakeError(
        absl::StatusCode::kResourceExhausted,
        fmt::format("{}; nothing is written until there is room again: free some on the disk of {}",
                    message, directory),
        {.reason = "DISK_FULL"});
  }
  if (absl::IsDataLoss(cause)) {
    return index::MakeError(
        absl::StatusCode::kDataLoss,
        fmt::format("{}; nothing is written any more: stop the server and run throngd verify {}",
                    message, directory),
        {.reason = "READ_ONLY"});
  }
  return index::MakeError(
      absl::StatusCode::kUnavailable,
      fmt::format("{}; nothing is written until the disk of {} takes it again, which is tried "
                  "every few seconds",
                  message, directory),
      {.reason = "READ_ONLY"});
}

WriteState WritePermission::state() const {
  index::MutexLock lock(mutex_);
  return state_;
}

absl::Status WritePermission::Noted(const absl::Status& status, int64_t now_us) {
  if (status.ok() || !StopsWrites(status)) return status;
  absl::Status error = ReadOnlyError(status, directory_);
  {
    index::MutexLock lock(mutex_);
    if (!state_.error.ok()) return state_.error;
    state_.error = error;
    state_.since_us = now_us;
  }
  if (on_change_) on_change_();
  return error;
}

void WritePermission::NoteAttempt() {
  index::MutexLock lock(mutex_);
  ++state_.resume_attempts;
}

absl::Status WritePermission::Settle(const absl::Status& resumed) {
  absl::Status error = resumed.ok() ? resumed : ReadOnlyError(resumed, directory_);
  {
    index::MutexLock lock(mutex_);
    state_.error = error;
    if (error.ok()) state_.since_us = 0;
  }
  if (on_change_) on_change_();
  return error;
}

}  // namespace throng::storage
