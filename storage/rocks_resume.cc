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

// Bytes of the write-ahead logs: opening the database writes them into tables, at most as large.
uint64_t LogFileBytes(rocksdb::FileSystem& files, const std::string& directory) {
  const rocksdb::IOOptions options;
  std::vector<std::string> names;
  if (!files.GetChildren(directory, options, &names, nullptr).ok()) return 0;
  uint64_t bytes = 0;
  for (const std::string& name : names) {
    uint64_t size = 0;
    if (name.ends_with(".log") &&
        files.GetFileSize(fmt::format("{}/{}", directory, name), options, &size, nullptr).ok()) {
      bytes += size;
    }
  }
  return bytes;
}

}  // namespace

absl::Status ContentLost(uint32_t tag) {
  return index::MakeError(
      absl::StatusCode::kAborted,
      fmt::format("tag {}: the disk failed during the REPLACE: begin it again", tag),
      {.reason = "CONTENT_LOST"});
}

absl::Status RocksStore::Resume() {
  index::MutexLock lock(resume_mutex_);
  if (CheckWritable().ok()) return absl::OkStatus();
  permission_.NoteAttempt();
  return permission_.Settle(WithoutExceptions([&] { return ResumeImpl(); }));
}

absl::Status RocksStore::ResumeImpl() {
  // Before the database is closed: while the disk refuses, its reads stay available.
  THRONG_RETURN_IF_ERROR(ProbeDisk());
  const OperationGate::Closure closed(gate_);
  database_.reset();
  THRONG_ASSIGN_OR_RETURN(database_, Database::Open(options_));
  ForgetPendingContents();
  return DropUnacknowledged();
}

void RocksStore::ForgetPendingContents() {
  index::MutexLock lock(mutex_);
  for (auto& [id, state] : states_) {
    for (auto& [generation, pending] : state.pending) pending.is_lost = true;
    for (auto& [version, content] : state.crowds) content.is_lost = content.version == 0;
  }
}

absl::Status RocksStore::ProbeDisk() {
  const std::shared_ptr<rocksdb::FileSystem> files = options_.file_system == nullptr
                                                         ? rocksdb::FileSystem::Default()
                                                         : options_.file_system->file_system;
  const std::string path = options_.directory + "/RESUME_PROBE";
  const rocksdb::IOOptions options;
  const uint64_t needed = LogFileBytes(*files, options_.directory) + kProbeBytes;
  uint64_t free = 0;
  if (files->GetFreeSpace(options_.directory, options, &free, nullptr).ok() && free < needed) {
    return absl::ResourceExhaustedError(
        fmt::format("disk full: {} bytes are free, {} are needed to go on", free, needed));
  }
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
  std::set<uint32_t> known;
  rocksdb::WriteBatch batch;
  {
    index::MutexLock lock(mutex_);
    for (const auto& [id, state] : states_) {
      known.insert(id);
      if (state.is_loaded) loaded[id] = {state.last_version, state.folded_version};
    }
  }
  RangeScan populations = database_->Scan(Family::kMeta, AllPopulations());
  for (; populations.Valid(); populations.Next()) {
    const std::optional<uint32_t> id = KeyU32(populations.key(), populations.key().size() - 4);
    if (known.contains(*id)) continue;
    database_->Delete(Family::kMeta, populations.key(), &batch);
    database_->Delete(Family::kMeta, BaseKey(*id), &batch);
  }
  THRONG_RETURN_IF_ERROR(populations.status());
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
