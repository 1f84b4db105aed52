// The access list in force, read again when its file changes.
//
//   absl::StatusOr<std::unique_ptr<AccessControl>> control = AccessControl::Open("access.toml");
//   std::shared_ptr<const AccessList> list = (*control)->Current();   // of one call
//   absl::StatusOr<bool> changed = (*control)->ReloadIfChanged();     // now and then
//
// Readers take no lock: each thread keeps the list that it saw last, and looks at one number to
// know whether there is a newer one.
#ifndef THRONG_SERVER_ACCESS_ACCESS_CONTROL_H_
#define THRONG_SERVER_ACCESS_ACCESS_CONTROL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "index/mutex.h"
#include "server/access/access_list.h"
#include "server/access/file_bytes.h"

namespace throng::access {

// Thread-safe.
class AccessControl {
 public:
  // Errors: as ReadAccessFile.
  static absl::StatusOr<std::unique_ptr<AccessControl>> Open(const std::string& path);
  AccessControl(const AccessControl&) = delete;
  AccessControl& operator=(const AccessControl&) = delete;

  std::shared_ptr<const AccessList> Current() const THRONG_EXCLUDES(mutex_);
  // Tells lists apart: rises with each new one.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  // Reads the file if it is not the one that was read, or in any case. Whether there is a new list.
  // On an error the list in force stays; a file that cannot be read (kUnavailable) is tried again
  // the next time, one with a mistake in it only when it has changed. Errors: as ReadAccessFile.
  absl::StatusOr<bool> ReloadIfChanged() THRONG_EXCLUDES(mutex_);
  absl::Status Reload() THRONG_EXCLUDES(mutex_);

 private:
  explicit AccessControl(std::string path);

  const std::string path_;
  const uint64_t number_;  // of this object among all of the process
  std::atomic<uint64_t> generation_{0};
  mutable index::Mutex mutex_;
  std::shared_ptr<const AccessList> list_ THRONG_GUARDED_BY(mutex_);
  FileStamp read_ THRONG_GUARDED_BY(mutex_);
};

}  // namespace throng::access

#endif  // THRONG_SERVER_ACCESS_ACCESS_CONTROL_H_
