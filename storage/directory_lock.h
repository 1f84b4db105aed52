// Holds a data directory's LOCK as a server does, without opening its database.
//
//   THRONG_ASSIGN_OR_RETURN(const DirectoryLock lock, DirectoryLock::Take("/var/lib/throng"));
#ifndef THRONG_STORAGE_DIRECTORY_LOCK_H_
#define THRONG_STORAGE_DIRECTORY_LOCK_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "rocksdb/env.h"

namespace throng::storage {

// Held until the object goes. Not thread-safe.
class DirectoryLock {
 public:
  // Takes it if there is one and the file system lets itself be written: where it does not, no
  // server can run. Errors: kFailedPrecondition when another process holds it.
  static absl::StatusOr<DirectoryLock> Take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  explicit DirectoryLock(rocksdb::FileLock* lock) : lock_(lock) {}

  rocksdb::FileLock* lock_;
};

// Whether RocksDB failed because somebody, this process included, holds the lock.
bool IsLockHeld(const rocksdb::Status& status);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_DIRECTORY_LOCK_H_
