// A database as files: what backups and checks need of it.
//
//   THRONG_RETURN_IF_ERROR(database.files().Flush());
//   THRONG_RETURN_IF_ERROR(database.files().Checkpoint(directory));
#ifndef THRONG_STORAGE_DATABASE_FILES_H_
#define THRONG_STORAGE_DATABASE_FILES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "rocksdb/db.h"

namespace throng::storage {

// A view: must not outlive its Database. Thread-safe.
class DatabaseFiles {
 public:
  DatabaseFiles(rocksdb::DB& db, const std::vector<rocksdb::ColumnFamilyHandle*>& families)
      : db_(db), families_(families) {}

  // Names and sizes of the tables that it consists of.
  std::vector<std::pair<std::string, uint64_t>> Tables() const;
  // Writes the memory tables into files, so that the write-ahead log gets short. Errors: as
  // FromRocks.
  absl::Status Flush();
  // As Store::Checkpoint; what is not RocksDB's is not in it. Errors: as FromRocks.
  absl::Status Checkpoint(const std::string& directory);

 private:
  rocksdb::DB& db_;
  const std::vector<rocksdb::ColumnFamilyHandle*>& families_;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_DATABASE_FILES_H_
