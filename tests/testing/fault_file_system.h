// A file system that fails when told to and forgets what was not synced when the power is cut.
//
//   auto files = std::make_shared<FaultFileSystem>();
//   storage::FileSystemHook hook{.file_system = files};
//   files->FailFrom(7, FaultFileSystem::kForever, rocksdb::IOStatus::NoSpace());
//   ...                                   // the 7th change from here on, and all later ones, fail
//   files->CutPower();                    // nothing reaches the disk any more
//   store.reset();
//   files->RestorePower();                // what was not synced is gone
#ifndef THRONG_TESTS_TESTING_FAULT_FILE_SYSTEM_H_
#define THRONG_TESTS_TESTING_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "index/mutex.h"
#include "rocksdb/file_system.h"

namespace throng::testing {

// Counts and fails changes: creating, appending to, syncing, truncating, renaming and deleting
// files, and syncing directories. Reading never fails. Thread-safe.
class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  static constexpr uint64_t kForever = std::numeric_limits<uint64_t>::max();

  FaultFileSystem() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultFileSystem"; }

  // From the `first`-th change (1 is the next one) on, `count` changes fail with `error`. An append
  // that fails has written half of its bytes.
  void FailFrom(uint64_t first, uint64_t count, const rocksdb::IOStatus& error);
  // No change fails any more.
  void Heal();
  // Changes tried since the last FailFrom or Heal.
  uint64_t changes() const;

  void CutPower();
  // Call when no file is open. Undoes what was not synced: bytes, new names, renames.
  void RestorePower();

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // What files and directories of ours call.
  rocksdb::IOStatus Change();
  // The file got so many bytes more; or, truncated, has so many.
  void NoteSize(const std::string& path, uint64_t bytes, bool is_truncated);
  void NoteSynced(const std::string& path);
  void NoteDirectorySynced(const std::string& directory);

 private:
  struct FileState {
    uint64_t size = 0;
    uint64_t synced = 0;
    bool has_durable_name = false;
  };
  struct Rename {
    std::string from;
    std::string to;
    std::optional<std::string> replaced;  // what `to` held
  };

  mutable index::Mutex mutex_;
  uint64_t changes_ THRONG_GUARDED_BY(mutex_) = 0;
  uint64_t first_failing_ THRONG_GUARDED_BY(mutex_) = kForever;
  uint64_t failing_count_ THRONG_GUARDED_BY(mutex_) = 0;
  rocksdb::IOStatus error_ THRONG_GUARDED_BY(mutex_);
  bool has_power_ THRONG_GUARDED_BY(mutex_) = true;
  std::map<std::string, FileState> files_ THRONG_GUARDED_BY(mutex_);
  std::vector<Rename> renames_ THRONG_GUARDED_BY(mutex_);  // not yet durable
};

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_FAULT_FILE_SYSTEM_H_
