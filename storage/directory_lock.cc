#include "storage/directory_lock.h"

#include "fmt/format.h"
#include "storage/rocks_status.h"

namespace throng::storage {

bool IsLockHeld(const rocksdb::Status& status) {
  if (!status.IsIOError()) return false;
  // The file is there and open; as RocksDB's file system words it.
  const std::string text = status.ToString();
  return text.find("lock hold by current process") != std::string::npos ||
         text.find("While lock file") != std::string::npos;
}

absl::StatusOr<DirectoryLock> DirectoryLock::Take(const std::string& directory) {
  rocksdb::Env* env = rocksdb::Env::Default();
  const std::string file = directory + "/LOCK";
  // LockFile would make one.
  if (!env->FileExists(file).ok()) return DirectoryLock(nullptr);
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status status = env->LockFile(file, &lock);
  if (status.ok()) return DirectoryLock(lock);
  if (IsLockHeld(status)) {
    return absl::FailedPreconditionError(
        fmt::format("data directory {} is in use by another process", directory));
  }
  return DirectoryLock(nullptr);
}

DirectoryLock::~DirectoryLock() {
  if (lock_ != nullptr) static_cast<void>(rocksdb::Env::Default()->UnlockFile(lock_));
}

}  // namespace throng::storage
