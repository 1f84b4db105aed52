// The way back from an I/O error: probe the disk, open the database anew, and delete what a failed
// write may have left, so that what was refused is never seen.
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/envelope.h"
#include "storage/file_system_hook.h"
#include "storage/population_loader.h"
#include "storage/rocks_status.h"
#include "storage/rocks_store.h"

namespace throng::storage {
namespace {

constexpr size_t kProbeBytes = 1 << 20;

}  // namespace

absl::Status RocksStore::Resume() {
  const OperationGate::Closure closed(gate_);
  return WithoutExceptions([&]() -> absl::Status {
    if (CheckWritable().ok()) return absl::OkStatus();
    absl::Status resumed = ResumeImpl();
    index::MutexLock lock(mutex_);
    stopped_ = resumed;
    return resumed;
  });
}

absl::Status RocksStore::ResumeImpl() {
  // Before the database is closed: while the disk refuses, its reads stay available.
  THRONG_RETURN_IF_ERROR(ProbeDisk());
  database_.reset();
  THRONG_ASSIGN_OR_RETURN(database_, Database::Open(options_));
  return DropUnacknowledged();
}

absl::Status RocksStore::ProbeDisk() {
  const std::shared_ptr<rocksdb::FileSystem> files = options_.file_system == nullptr
                                                         ? rocksdb::FileSystem::Default()
                                                         : options_.file_system->file_system;
  const std::string path = options_.directory + "/RESUME_PROBE";
  const rocksdb::IOOptions options;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status = files->NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok()) status = file->Append(std::string(kProbeBytes, '\0'), options, nullptr);
  if (status.ok()) status = file->Fsync(options, nullptr);
  if (file != nullptr) {
    const rocksdb::IOStatus closed = file->Close(options, nullptr);
    if (status.ok()) status = closed;
  }
  const rocksdb::IOStatus deleted = files->DeleteFile(path, options, nullptr);
  if (status.ok()) status = deleted;
  return FromRocks(status, "resume: write " + path);
}

absl::Status RocksStore::DropUnacknowledged() {
  std::map<uint32_t, std::pair<uint64_t, uint64_t>> loaded;  // last and folded versions
  rocksdb::WriteBatch batch;
  {
    index::MutexLock lock(mutex_);
    for (const auto& [id, state] : states_) {
      if (state.is_loaded) loaded[id] = {state.last_version, state.folded_version};
    }
    RangeScan scan = database_->Scan(Family::kMeta, AllPopulations());
    for (; scan.Valid(); scan.Next()) {
      const std::optional<uint32_t> id = KeyU32(scan.key(), scan.key().size() - 4);
      if (states_.contains(*id)) continue;
      database_->Delete(Family::kMeta, scan.key(), &batch);
      database_->Delete(Family::kMeta, BaseKey(*id), &batch);
    }
    THRONG_RETURN_IF_ERROR(scan.status());
  }
  for (const auto& [id, versions] : loaded) {
    const auto [last, folded] = versions;
    // A fold that failed at its very end may have dropped the record, having folded it.
    const bool may_be_folded =
        last <= folded || !database_->Get(Family::kLog, LogKey(id, last)).ok();
    if (may_be_folded && last > folded) {
      THRONG_ASSIGN_OR_RETURN(const StoredBase base, ReadBase(*database_, id));
      if (base.version < last) {
        return absl::DataLossError(fmt::format("{} was acknowledged and is missing",
                                               DescribeKey(Family::kLog, LogKey(id, last))));
      }
    }
    RangeScan scan = database_->Scan(
        Family::kLog, {.begin = LogKey(id, last + 1), .end = PopulationRange(id).end});
    for (; scan.Valid(); scan.Next()) {
      THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                              Unseal(Kind::kRecord, Family::kLog, scan.key(), scan.value()));
      THRONG_ASSIGN_OR_RETURN(const LoggedRecord logged, DecodeRecord(payload));
      for (const index::RequestRecord& request : logged.record.requests) {
        database_->Delete(Family::kMeta, RequestKey(id, request.scope, request.request_id), &batch);
      }
      database_->Delete(Family::kLog, scan.key(), &batch);
    }
    THRONG_RETURN_IF_ERROR(scan.status());
  }
  // Synced even when empty: what was recovered from the old write-ahead log is on disk from here.
  return database_->Write(&batch, /*sync=*/true);
}

}  // namespace throng::storage
