#include "storage/rocks_options.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <utility>

#include "rocksdb/cache.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/listener.h"
#include "rocksdb/table.h"

namespace throng::storage {
namespace {

// RocksDB would try to recover from a full disk by itself; the store decides when (Resume).
class NoAutoRecovery : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

constexpr long kMessageBytesMax = 1 << 20;

// RocksDB's messages, in LOG; LOG.old has those before. RocksDB's own logger ends the process when
// it could not write once, which a full disk must not do: here a line that cannot be written is
// lost. Thread-safe.
class MessageFile {
 public:
  explicit MessageFile(const std::string& directory) : path_(directory + "/LOG") {}
  ~MessageFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  MessageFile(const MessageFile&) = delete;
  MessageFile& operator=(const MessageFile&) = delete;

  void Write(const char* line) {
    index::MutexLock lock(mutex_);
    // Not before there is something to say: the directory may be another process's.
    if (file_ == nullptr || std::ftell(file_) > kMessageBytesMax) Start();
    if (file_ == nullptr) return;
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    char time[32];
    std::strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    std::fprintf(file_, "%s %s\n", time, line);
    std::fflush(file_);
  }

 private:
  void Start() THRONG_REQUIRES(mutex_) {
    if (file_ != nullptr) std::fclose(file_);
    std::rename(path_.c_str(), (path_ + ".old").c_str());
    file_ = std::fopen(path_.c_str(), "we");
  }

  const std::string path_;
  index::Mutex mutex_;
  std::FILE* file_ THRONG_GUARDED_BY(mutex_) = nullptr;
};

// Passes lines on to the file and remembers what they say of damage.
class DamageLogger : public rocksdb::Logger {
 public:
  // `file` may be null: nothing is written then.
  DamageLogger(std::unique_ptr<MessageFile> file, std::shared_ptr<FirstDamage> damage)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL),
        file_(std::move(file)),
        damage_(std::move(damage)) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[1024];
    std::vsnprintf(line, sizeof(line), format, arguments);
    damage_->Record(line);
    if (file_ != nullptr) file_->Write(line);
  }

 private:
  const std::unique_ptr<MessageFile> file_;
  std::shared_ptr<FirstDamage> damage_;
};

}  // namespace

void FirstDamage::Record(std::string_view line) {
  if (line.find("dropping ") == std::string_view::npos) return;
  index::MutexLock lock(mutex_);
  if (line_.empty()) line_ = line;
}

std::string FirstDamage::Get() const {
  index::MutexLock lock(mutex_);
  return line_;
}

rocksdb::DBOptions MakeDbOptions(const StoreOptions& options, rocksdb::Env* env,
                                 std::shared_ptr<FirstDamage> damage) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  // Damage is refused.
  db.paranoid_checks = true;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.track_and_verify_wals_in_manifest = true;
  db.verify_sst_unique_id_in_manifest = true;
  // Errors stop the writer until the store resumes.
  db.max_bgerror_resume_count = 0;
  db.listeners.push_back(std::make_shared<NoAutoRecovery>());
  // Small families must not keep old write-ahead logs alive for ever.
  db.max_total_wal_size = 4 * options.write_buffer_bytes;
  db.max_open_files = 512;
  db.bytes_per_sync = 1 << 20;
  db.skip_stats_update_on_db_open = true;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.info_log = std::make_shared<DamageLogger>(std::make_unique<MessageFile>(options.directory),
                                               std::move(damage));
  return db;
}

rocksdb::DBOptions MakeReadOnlyDbOptions(const StoreOptions& options, rocksdb::Env* env,
                                         std::shared_ptr<FirstDamage> damage) {
  rocksdb::DBOptions db = MakeDbOptions(options, env, damage);
  db.create_if_missing = false;
  db.create_missing_column_families = false;
  db.info_log = std::make_shared<DamageLogger>(nullptr, std::move(damage));
  return db;
}

rocksdb::ColumnFamilyOptions MakeFamilyOptions(const StoreOptions& options, std::string_view name) {
  rocksdb::ColumnFamilyOptions family;
  const bool is_large = name == FamilyName(Family::kBlocks) || name == FamilyName(Family::kLog);
  family.write_buffer_size = is_large ? options.write_buffer_bytes : options.write_buffer_bytes / 4;
  family.level_compaction_dynamic_level_bytes = true;
  family.memtable_protection_bytes_per_key = 8;
  family.compression = !options.compress                   ? rocksdb::kNoCompression
                       : name == FamilyName(Family::kMeta) ? rocksdb::kZSTD
                                                           : rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.block_size = 16 << 10;
  table.cache_index_and_filter_blocks = false;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

}  // namespace throng::storage
