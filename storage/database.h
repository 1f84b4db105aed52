// RocksDB as the store uses it: opened with the options that refuse damage, with our column
// families, errors mapped. FORMAT.md says why each option is as it is.
//
//   absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(options);
//   rocksdb::WriteBatch batch;
//   (*database)->Put(Family::kLog, key, value, &batch);
//   absl::Status durable = (*database)->Write(&batch, /*sync=*/true);
#ifndef THRONG_STORAGE_DATABASE_H_
#define THRONG_STORAGE_DATABASE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/write_batch.h"
#include "storage/database_files.h"
#include "storage/high_water.h"
#include "storage/keys.h"
#include "storage/store.h"

namespace throng::storage {

// In a data directory that a restore is making or was cut short in (storage/backup.h).
inline constexpr std::string_view kRestoringDirectory = "restoring";

// The entries of a key range in order of key. Not thread-safe; must not outlive its Database.
class RangeScan {
 public:
  RangeScan(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, KeyRange range);
  RangeScan(const RangeScan&) = delete;  // the iterator points at the bounds
  RangeScan& operator=(const RangeScan&) = delete;

  bool Valid() const { return iterator_->Valid(); }
  void Next() { iterator_->Next(); }
  void Seek(std::string_view key) { iterator_->Seek(rocksdb::Slice(key.data(), key.size())); }
  // Valid until Next() or Seek().
  std::string_view key() const { return {iterator_->key().data(), iterator_->key().size()}; }
  std::string_view value() const { return {iterator_->value().data(), iterator_->value().size()}; }
  // Why it is not Valid(): OK at the end. Errors: as FromRocks.
  absl::Status status() const;

 private:
  KeyRange range_;
  rocksdb::Slice begin_;
  rocksdb::Slice end_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

// Thread-safe.
class Database {
 public:
  // Opens or makes the directory and checks the format version before anything else. Errors: as
  // Store::Open.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const StoreOptions& options);
  // Opens what is there for reading and changes nothing; CheckFormat is left to the caller. With
  // kDamage, what is damaged is passed over where RocksDB can.
  enum class Tolerance { kNone, kDamage };
  static absl::StatusOr<std::unique_ptr<Database>> OpenReadOnly(const StoreOptions& options,
                                                                Tolerance tolerance);
  ~Database();

  // Checks the format version and reads the high-water mark; a new database gets both, unless it is
  // open for reading. Errors: kFailedPrecondition for a newer version, kDataLoss.
  absl::Status CheckFormat(const StoreOptions& options);

  DatabaseFiles files() { return {*db_, all_handles_}; }
  // The high-water mark as it was found.
  const HighWater& high_water() const { return high_water_; }
  rocksdb::FileSystem& file_system() { return *env_->GetFileSystem(); }

  // Errors: kNotFound; as FromRocks.
  absl::StatusOr<std::string> Get(Family family, std::string_view key) const;
  RangeScan Scan(Family family, KeyRange range) const;
  // Bytes on disk and in memory tables, roughly.
  uint64_t ApproximateBytes(Family family, const KeyRange& range) const;

  void Put(Family family, std::string_view key, std::string_view value, rocksdb::WriteBatch* batch);
  void Delete(Family family, std::string_view key, rocksdb::WriteBatch* batch);
  // Deletes every key of `range` that is there, in batches that are not synced. Key by key: RocksDB
  // 7.8 ends the process when a compaction that drops all it reads cannot write its output, which
  // is opened only where a range deletion is. That is written where damage keeps keys from being
  // read.
  absl::Status DeleteAll(Family family, const KeyRange& range);
  // All of the batch or nothing; with `sync` it and all before it is on disk when OK.
  absl::Status Write(rocksdb::WriteBatch* batch, bool sync);
  // What was written so far is on disk when OK.
  absl::Status Sync();
  // Rewrites the tables that hold keys of `range` and drops the write-ahead logs of before: what
  // was deleted or written over is in no file any more when OK, but of files that a backup holds.
  absl::Status Scrub(const KeyRange& range);

 private:
  Database() = default;

  absl::Status OpenRocks(const StoreOptions& options, bool is_new);
  absl::Status MakeFormat(const StoreOptions& options);
  bool IsEmpty() const;
  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<size_t>(family)];
  }

  std::unique_ptr<rocksdb::Env> owned_env_;
  rocksdb::Env* env_ = nullptr;
  std::unique_ptr<rocksdb::DB> db_;
  bool is_read_only_ = false;
  std::vector<rocksdb::ColumnFamilyHandle*> all_handles_;
  std::array<rocksdb::ColumnFamilyHandle*, std::size(kFamilies)> handles_{};
  HighWater high_water_;
};

// The value of the format key: readable by every version.
std::string EncodeFormat(uint32_t version);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_DATABASE_H_
