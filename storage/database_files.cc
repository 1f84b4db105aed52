#include "storage/database_files.h"

#include <memory>

#include "rocksdb/utilities/checkpoint.h"
#include "storage/rocks_status.h"

namespace throng::storage {

std::vector<std::pair<std::string, uint64_t>> DatabaseFiles::Tables() const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_.GetLiveFilesMetaData(&files);
  std::vector<std::pair<std::string, uint64_t>> tables;
  tables.reserve(files.size());
  for (const rocksdb::LiveFileMetaData& file : files) {
    tables.emplace_back(file.name.substr(file.name.starts_with('/') ? 1 : 0), file.size);
  }
  return tables;
}

absl::Status DatabaseFiles::Flush() {
  rocksdb::FlushOptions options;
  return FromRocks(db_.Flush(options, families_), "flush");
}

absl::Status DatabaseFiles::Checkpoint(const std::string& directory) {
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&db_, &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // Flush() came before: what is in the log since is copied, which is quicker than another one.
  constexpr uint64_t kNeverFlush = UINT64_MAX;
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory, kNeverFlush);
  return FromRocks(status, "make a checkpoint in " + directory);
}

}  // namespace throng::storage
