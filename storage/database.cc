#include "storage/database.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/codec.h"
#include "storage/directory_lock.h"
#include "storage/envelope.h"
#include "storage/file_system_hook.h"
#include "storage/rocks_options.h"
#include "storage/rocks_status.h"

namespace throng::storage {
namespace {

constexpr std::string_view kFormatMagic = "throng";
constexpr size_t kDeletionBatchBytes = 4 << 20;

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

std::string_view ToView(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

absl::StatusOr<uint32_t> DecodeFormat(std::string_view value) {
  ByteReader in(value);
  const std::string_view magic = in.Raw(kFormatMagic.size());
  const uint64_t version = in.Fixed64();
  const uint64_t checksum = in.Fixed64();
  if (!in.Done() || magic != kFormatMagic || version > UINT32_MAX ||
      value != EncodeFormat(static_cast<uint32_t>(version))) {
    static_cast<void>(checksum);
    return DamagedAt(Family::kMeta, FormatKey(), "the checksum does not match");
  }
  return static_cast<uint32_t>(version);
}

// True when there is no database yet. Errors: kDataLoss when only its entry point is missing,
// kFailedPrecondition when a restore was not finished, which may have left any part of one.
absl::StatusOr<bool> IsNewDirectory(rocksdb::FileSystem& files, const std::string& directory) {
  const rocksdb::IOOptions options;
  const std::string restoring = fmt::format("{}/{}", directory, kRestoringDirectory);
  if (files.FileExists(restoring, options, nullptr).ok()) {
    return absl::FailedPreconditionError(fmt::format(
        "a restore into {} was not finished: run throngd restore again, into the same directory",
        directory));
  }
  const rocksdb::IOStatus current = files.FileExists(directory + "/CURRENT", options, nullptr);
  if (!current.IsNotFound()) {
    THRONG_RETURN_IF_ERROR(FromRocks(current, "look into the data directory " + directory));
    return false;
  }
  std::vector<std::string> names;
  THRONG_RETURN_IF_ERROR(FromRocks(files.GetChildren(directory, options, &names, nullptr),
                                   "list the data directory " + directory));
  for (const std::string& name : names) {
    if (name == kHighWaterFile || name.ends_with(".sst")) {
      return absl::DataLossError(
          fmt::format("{}/CURRENT is missing, but {} is there", directory, name));
    }
  }
  return true;
}

absl::Status OpenError(const rocksdb::Status& status, const StoreOptions& options,
                       const FirstDamage& damage) {
  if (IsLockHeld(status)) {
    return absl::FailedPreconditionError(
        fmt::format("data directory {} is in use by another process", options.directory));
  }
  const std::string doing = fmt::format("open the data directory {}", options.directory);
  const absl::Status error = FromRocks(status, doing);
  const std::string line = damage.Get();
  if (!status.IsCorruption() || line.empty()) return error;
  return absl::DataLossError(fmt::format("{} ({})", ToView(error), line));
}

}  // namespace

std::string EncodeFormat(uint32_t version) {
  ByteWriter out;
  out.Raw(kFormatMagic);
  out.Fixed64(version);
  out.Fixed64(Checksum(FormatKey(), 0, out.bytes()));
  return out.Take();
}

RangeScan::RangeScan(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, KeyRange range)
    : range_(std::move(range)), begin_(range_.begin), end_(range_.end) {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = false;
  options.iterate_lower_bound = &begin_;
  if (!range_.end.empty()) options.iterate_upper_bound = &end_;
  iterator_.reset(db.NewIterator(options, family));
  iterator_->Seek(begin_);
}

absl::Status RangeScan::status() const { return FromRocks(iterator_->status(), "read"); }

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const StoreOptions& options) {
  if (options.directory.empty()) return absl::InvalidArgumentError("no data directory is given");
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) {
    return absl::UnavailableError(
        fmt::format("cannot make the data directory {}: {}", options.directory, error.message()));
  }
  std::unique_ptr<Database> database(new Database());
  if (options.file_system != nullptr) {
    database->owned_env_ = rocksdb::NewCompositeEnv(options.file_system->file_system);
  }
  database->env_ =
      options.file_system == nullptr ? rocksdb::Env::Default() : database->owned_env_.get();
  THRONG_ASSIGN_OR_RETURN(const bool is_new,
                          IsNewDirectory(database->file_system(), options.directory));
  THRONG_RETURN_IF_ERROR(database->OpenRocks(options, is_new));
  THRONG_RETURN_IF_ERROR(database->CheckFormat(options));
  return database;
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenReadOnly(const StoreOptions& options,
                                                                 Tolerance tolerance) {
  const auto damage = std::make_shared<FirstDamage>();
  std::unique_ptr<Database> database(new Database());
  database->env_ = rocksdb::Env::Default();
  database->is_read_only_ = true;
  THRONG_ASSIGN_OR_RETURN(const bool is_new,
                          IsNewDirectory(database->file_system(), options.directory));
  if (is_new) {
    return absl::DataLossError(fmt::format("{} holds no database", options.directory));
  }
  rocksdb::DBOptions rocks = MakeReadOnlyDbOptions(options, database->env_, damage);
  rocks.paranoid_checks = tolerance == Tolerance::kNone;
  std::vector<std::string> names;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(rocks, options.directory, &names);
  if (!status.ok()) return OpenError(status, options, *damage);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(names.size());
  for (const std::string& name : names) {
    families.emplace_back(name, MakeFamilyOptions(options, name));
  }
  rocksdb::DB* db = nullptr;
  status = rocksdb::DB::OpenForReadOnly(rocks, options.directory, families, &database->all_handles_,
                                        &db);
  if (!status.ok()) return OpenError(status, options, *damage);
  database->db_.reset(db);
  for (const Family family : kFamilies) {
    const auto name = std::find(names.begin(), names.end(), FamilyName(family));
    if (name == names.end()) {
      return absl::DataLossError(fmt::format("the family {} is missing", FamilyName(family)));
    }
    database->handles_[static_cast<size_t>(family)] =
        database->all_handles_[static_cast<size_t>(name - names.begin())];
  }
  return database;
}

Database::~Database() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : all_handles_) {
    static_cast<void>(db_->DestroyColumnFamilyHandle(family));
  }
  static_cast<void>(db_->Close());
}

absl::Status Database::OpenRocks(const StoreOptions& options, bool is_new) {
  const auto damage = std::make_shared<FirstDamage>();
  const rocksdb::DBOptions db_options = MakeDbOptions(options, env_, damage);
  std::vector<std::string> names{rocksdb::kDefaultColumnFamilyName};
  for (const Family family : kFamilies) names.emplace_back(FamilyName(family));
  if (!is_new) {
    // A newer version may have more families: they must be opened to read its format version.
    std::vector<std::string> found;
    const rocksdb::Status status =
        rocksdb::DB::ListColumnFamilies(db_options, options.directory, &found);
    if (!status.ok()) return OpenError(status, options, *damage);
    for (const std::string& name : found) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(names.size());
  for (const std::string& name : names) {
    families.emplace_back(name, MakeFamilyOptions(options, name));
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(db_options, options.directory, families, &all_handles_, &db);
  if (!status.ok()) return OpenError(status, options, *damage);
  db_.reset(db);
  for (const Family family : kFamilies) {
    handles_[static_cast<size_t>(family)] = all_handles_[static_cast<size_t>(family) + 1];
  }
  return absl::OkStatus();
}

bool Database::IsEmpty() const {
  return std::all_of(all_handles_.begin(), all_handles_.end(), [&](auto* family) {
    const RangeScan scan(*db_, family, {});
    return !scan.Valid() && scan.status().ok();
  });
}

absl::Status Database::CheckFormat(const StoreOptions& options) {
  const absl::StatusOr<std::string> value = Get(Family::kMeta, FormatKey());
  if (absl::IsNotFound(value.status())) {
    if (!is_read_only_) return MakeFormat(options);
    return DamagedAt(Family::kMeta, FormatKey(), "it is missing");
  }
  THRONG_RETURN_IF_ERROR(value.status());
  THRONG_ASSIGN_OR_RETURN(const uint32_t version, DecodeFormat(*value));
  if (version > kFormatVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "data directory {} is of format version {}, this program reads versions up to {}: run a "
        "newer program",
        options.directory, version, kFormatVersion));
  }
  auto mark = ReadHighWater(file_system(), options.directory);
  THRONG_RETURN_IF_ERROR(mark.status());
  if (!mark->has_value()) {
    return absl::DataLossError(fmt::format("{}/{} is missing", options.directory, kHighWaterFile));
  }
  high_water_ = **std::move(mark);
  return absl::OkStatus();
}

// The mark comes first: a database without a format version is new, or making it was cut short,
// exactly when it is empty and no mark says otherwise.
absl::Status Database::MakeFormat(const StoreOptions& options) {
  auto mark = ReadHighWater(file_system(), options.directory);
  THRONG_RETURN_IF_ERROR(mark.status());
  if (!IsEmpty() || (mark->has_value() && !(*mark)->empty())) {
    return absl::DataLossError(
        fmt::format("data directory {} has no format version: it is damaged, or not Throng's",
                    options.directory));
  }
  THRONG_RETURN_IF_ERROR(WriteHighWater(file_system(), options.directory, {}));
  rocksdb::WriteBatch batch;
  Put(Family::kMeta, FormatKey(), EncodeFormat(kFormatVersion), &batch);
  return Write(&batch, /*sync=*/true);
}

absl::StatusOr<std::string> Database::Get(Family family, std::string_view key) const {
  std::string value;
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  const rocksdb::Status status = db_->Get(options, handle(family), ToSlice(key), &value);
  if (status.IsNotFound()) return absl::NotFoundError(DescribeKey(family, key));
  THRONG_RETURN_IF_ERROR(FromRocks(status, "read " + DescribeKey(family, key)));
  return value;
}

RangeScan Database::Scan(Family family, KeyRange range) const {
  return RangeScan(*db_, handle(family), std::move(range));
}

uint64_t Database::ApproximateBytes(Family family, const KeyRange& range) const {
  const rocksdb::Range limits(range.begin, range.end);
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  options.include_files = true;
  uint64_t bytes = 0;
  if (!db_->GetApproximateSizes(options, handle(family), &limits, 1, &bytes).ok()) return 0;
  return bytes;
}

void Database::Put(Family family, std::string_view key, std::string_view value,
                   rocksdb::WriteBatch* batch) {
  static_cast<void>(batch->Put(handle(family), ToSlice(key), ToSlice(value)));
}

void Database::Delete(Family family, std::string_view key, rocksdb::WriteBatch* batch) {
  static_cast<void>(batch->Delete(handle(family), ToSlice(key)));
}

absl::Status Database::DeleteAll(Family family, const KeyRange& range) {
  rocksdb::WriteBatch batch;
  RangeScan scan = Scan(family, range);
  for (; scan.Valid(); scan.Next()) {
    Delete(family, scan.key(), &batch);
    if (batch.GetDataSize() < kDeletionBatchBytes) continue;
    THRONG_RETURN_IF_ERROR(Write(&batch, /*sync=*/false));
    batch.Clear();
  }
  const absl::Status status = scan.status();
  if (absl::IsDataLoss(status)) {
    static_cast<void>(batch.DeleteRange(handle(family), ToSlice(range.begin), ToSlice(range.end)));
  } else {
    THRONG_RETURN_IF_ERROR(status);
  }
  return batch.Count() == 0 ? absl::OkStatus() : Write(&batch, /*sync=*/false);
}

absl::Status Database::Write(rocksdb::WriteBatch* batch, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  options.protection_bytes_per_key = 8;
  return FromRocks(db_->Write(options, batch), "write");
}

absl::Status Database::Scrub(const KeyRange& range) {
  // Logs of before had range deletions (DeleteAll says what of them): a key that stays keeps a
  // compaction that drops all the others from an empty output.
  rocksdb::WriteBatch batch;
  const std::string keeper = LogKey(0, 0);
  Put(Family::kLog, keeper, Seal(Kind::kScrub, keeper, ""), &batch);
  THRONG_RETURN_IF_ERROR(Write(&batch, /*sync=*/false));
  const rocksdb::Slice begin(range.begin);
  const rocksdb::Slice end(range.end);
  THRONG_RETURN_IF_ERROR(FromRocks(db_->Flush(rocksdb::FlushOptions(), all_handles_), "flush"));
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  THRONG_RETURN_IF_ERROR(FromRocks(
      db_->CompactRange(options, handle(Family::kLog), nullptr, nullptr), "compact the log"));
  for (const Family family : {Family::kIds, Family::kBlocks, Family::kCrowds, Family::kMeta}) {
    THRONG_RETURN_IF_ERROR(
        FromRocks(db_->CompactRange(options, handle(family), &begin, &end), "compact"));
  }
  // Obsolete files are deleted in the background; this looks for them at once, unless somebody
  // holds files for a backup.
  THRONG_RETURN_IF_ERROR(FromRocks(db_->DisableFileDeletions(), "hold files"));
  return FromRocks(db_->EnableFileDeletions(/*force=*/false), "delete obsolete files");
}

// Not SyncWAL: it runs beside writes, and RocksDB's assertions end the process when it finds that
// one of them has failed just before. A write waits for its turn and sees the error.
absl::Status Database::Sync() {
  rocksdb::WriteBatch empty;
  return Write(&empty, /*sync=*/true);
}

}  // namespace throng::storage
