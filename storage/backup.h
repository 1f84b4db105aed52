// Backups: a directory each, with a copy of the store and a manifest that says what is in it.
//
//   BACKUPS/monday/BACKUP        the manifest: files and digests, as text
//   BACKUPS/monday/data/...      the files of the store
//   BACKUPS/.monday.partial      in the making, or left by a crash: may be deleted
//
//   absl::StatusOr<BackupInfo> made = WriteBackup({.checkpoint = checkpoint, .directory = backups,
//                                                  .name = "monday", ...});
//   std::vector<BackupInfo> backups = *ListBackups(directory);
//   absl::StatusOr<BackupInfo> restored = RestoreBackup("/backups/monday", "/var/lib/throng", ...);
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_BACKUP_H_
#define THRONG_STORAGE_BACKUP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/parallel.h"
#include "storage/digest.h"

namespace throng::storage {

inline constexpr size_t kBackupNameBytesMax = 63;

struct BackedUpPopulation {
  std::string name;
  uint64_t data_version = 0;
  uint64_t user_count = 0;
};

// A value; thread-compatible.
struct BackupInfo {
  std::string name;
  int64_t created_us = 0;  // Unix microseconds
  uint64_t bytes = 0;
  std::vector<BackedUpPopulation> populations;
  std::string damage;  // why it cannot be read; empty: it can
};

// What the manifest says. A value; thread-compatible.
struct BackupManifest {
  struct File {
    std::string name;
    uint64_t bytes = 0;
    std::string digest;
  };
  int64_t created_us = 0;
  std::vector<File> files;
  std::vector<PopulationDigest> populations;
};
std::string EncodeManifest(const BackupManifest& manifest);
absl::StatusOr<BackupManifest> DecodeManifest(std::string_view text);  // errors: kDataLoss

struct BackupPlan {
  std::string checkpoint;  // what Store::Checkpoint made
  std::string directory;   // of all backups; made if missing
  std::string name;
  int64_t created_us = 0;
  std::vector<PopulationDigest> populations;
  std::function<absl::Status()> check;  // asked all the time; an error of it ends the backup
};

// A letter or digit, then those, '-', '_' or '.'. Errors: kInvalidArgument (BAD_NAME).
absl::Status CheckBackupName(std::string_view name);
// Whole and on the disk when it returns, else nothing but a partial directory, which the next
// attempt replaces; or whole, when only the sync of its name failed. Errors: kAlreadyExists
// (BACKUP_EXISTS), kResourceExhausted, kUnavailable.
absl::StatusOr<BackupInfo> WriteBackup(const BackupPlan& plan);
// The oldest first. None when there is no such directory. Errors: kUnavailable.
absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& directory);

// Copies the backup into `directory`, which must not exist or be empty, loads it, and compares
// every digest; on any difference nothing stays there. What a restore that was cut short left is
// replaced; until then no Store opens there. Errors: kDataLoss naming the file or tag that differs,
// kFailedPrecondition when the directory is not empty or the backup was not finished, kNotFound, as
// WriteBackup.
//
// `ledger`, if not empty, takes the place of the backup's ledger of erasures before any Store opens
// there; kFailedPrecondition when it cannot be used: nothing stays there either.
absl::StatusOr<BackupInfo> RestoreBackup(const std::string& backup, const std::string& directory,
                                         index::Parallel& parallel, const std::string& ledger = "");

}  // namespace throng::storage

#endif  // THRONG_STORAGE_BACKUP_H_
