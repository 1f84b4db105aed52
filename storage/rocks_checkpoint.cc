// Store::Checkpoint: a copy of the whole store as of now, made of links where files never change.
#include "fmt/format.h"
#include "index/error.h"
#include "storage/erasure_ledger.h"
#include "storage/file_copy.h"
#include "storage/rocks_status.h"
#include "storage/rocks_store.h"

namespace throng::storage {

absl::Status RocksStore::PrepareCheckpoint() {
  const OperationGate::TryPass pass(gate_, [&] { return CheckWritable(); });
  THRONG_RETURN_IF_ERROR(pass.status());
  THRONG_RETURN_IF_ERROR(CheckWritable());
  return WithoutExceptions([&] { return Noted(database_->files().Flush()); });
}

absl::Status RocksStore::Checkpoint(const std::string& directory) {
  const OperationGate::TryPass pass(gate_, [&] { return CheckWritable(); });
  THRONG_RETURN_IF_ERROR(pass.status());
  THRONG_RETURN_IF_ERROR(CheckWritable());
  // Errors are not noted: the copy failed, the store did not.
  return WithoutExceptions([&]() -> absl::Status {
    THRONG_RETURN_IF_ERROR(database_->files().Checkpoint(directory));
    HighWater mark;
    {
      index::MutexLock lock(mutex_);
      for (const auto& [id, state] : states_) {
        if (state.is_loaded) mark[id] = state.last_version;
      }
    }
    THRONG_RETURN_IF_ERROR(WriteHighWater(database_->file_system(), directory, mark));
    // After the copy: an erasure is in the ledger before it is in the data, so that all that the
    // data has followed is there.
    const std::string ledger = fmt::format("{}/{}", options_.directory, kErasureLedgerFile);
    const absl::Status copied =
        CopyFileSynced(ledger, fmt::format("{}/{}", directory, kErasureLedgerFile), [] {
          return absl::OkStatus();
        }).status();
    return absl::IsNotFound(copied) ? absl::OkStatus() : copied;
  });
}

}  // namespace throng::storage
