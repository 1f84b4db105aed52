// The lists of uploads: written between the set of a version and the commit that makes it one.
#include "fmt/format.h"
#include "index/error.h"
#include "storage/rocks_status.h"
#include "storage/rocks_store.h"
#include "storage/upload_blocks.h"
#include "storage/upload_erasure.h"

namespace throng::storage {

absl::Status RocksStore::CheckUploading(uint32_t population, const index::CrowdVersionId& id,
                                        bool begins) {
  THRONG_RETURN_IF_ERROR(CheckWritable());
  index::MutexLock lock(mutex_);
  const auto it = states_.find(population);
  if (it == states_.end() || !it->second.is_loaded) {
    return absl::FailedPreconditionError("the population is not loaded");
  }
  const auto written = it->second.crowds.find(id);
  if (written == it->second.crowds.end() || written->second.version != 0) {
    return absl::InvalidArgumentError(
        fmt::format("no set of a new version {} of crowd {} was written", id.number, id.crowd));
  }
  if (written->second.is_lost) {
    return index::MakeError(
        absl::StatusCode::kAborted,
        fmt::format("crowd {}: the disk failed while version {} was written: compute it again",
                    id.crowd, id.number),
        {.reason = "CONTENT_LOST"});
  }
  if (begins) written->second.is_uploading = true;
  if (written->second.is_uploading) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("the list of version {} of crowd {} was not begun", id.number, id.crowd));
}

template <typename Work>
absl::Status RocksStore::Upload(uint32_t population, const index::CrowdVersionId& id, bool begins,
                                const Work& work) {
  const OperationGate::TryPass pass(gate_, [&] { return CheckWritable(); });
  THRONG_RETURN_IF_ERROR(pass.status());
  return WithoutExceptions([&]() -> absl::Status {
    THRONG_RETURN_IF_ERROR(CheckUploading(population, id, begins));
    return Noted(work());
  });
}

absl::Status RocksStore::BeginUpload(uint32_t population, const index::CrowdVersionId& id) {
  return Upload(population, id, /*begins=*/true,
                [&] { return DeleteUploadList(*database_, population, id); });
}

absl::Status RocksStore::WriteUploadIds(uint32_t population, const index::CrowdVersionId& id,
                                        uint32_t part, std::span<const ListedId> ids) {
  return Upload(population, id, /*begins=*/false,
                [&] { return WriteUploadPart(*database_, population, id, part, ids); });
}

absl::Status RocksStore::EndUpload(uint32_t population, const index::CrowdVersionId& id,
                                   const UploadRecord& record, std::span<const UploadPart> parts,
                                   std::span<const RefusedId> refused) {
  return Upload(population, id, /*begins=*/false, [&]() -> absl::Status {
    THRONG_RETURN_IF_ERROR(WriteUploadEnd(*database_, population, id,
                                          {.record = record, .parts = {parts.begin(), parts.end()}},
                                          refused));
    index::MutexLock lock(mutex_);
    states_[population].crowds[id].is_uploading = false;
    return absl::OkStatus();
  });
}

absl::StatusOr<StoredUpload> RocksStore::ReadUpload(uint32_t population,
                                                    const index::CrowdVersionId& id) const {
  const OperationGate::Pass pass(gate_);
  return WithoutExceptions([&]() -> absl::StatusOr<StoredUpload> {
    if (database_ == nullptr) return CheckWritable();
    return ReadUploadHeader(*database_, population, id);
  });
}

absl::StatusOr<ListedIds> RocksStore::ReadUploadIds(uint32_t population,
                                                    const index::CrowdVersionId& id,
                                                    uint32_t part) const {
  const OperationGate::Pass pass(gate_);
  return WithoutExceptions([&]() -> absl::StatusOr<ListedIds> {
    if (database_ == nullptr) return CheckWritable();
    return storage::ReadUploadIds(*database_, population, id, part);
  });
}

absl::StatusOr<std::vector<RefusedId>> RocksStore::ReadUploadRefused(
    uint32_t population, const index::CrowdVersionId& id, uint32_t part) const {
  const OperationGate::Pass pass(gate_);
  return WithoutExceptions([&]() -> absl::StatusOr<std::vector<RefusedId>> {
    if (database_ == nullptr) return CheckWritable();
    return storage::ReadUploadRefused(*database_, population, id, part);
  });
}

absl::Status RocksStore::EraseFromUploads(uint32_t population, const index::Snapshot& snapshot,
                                          const index::Snapshot* folded) {
  const OperationGate::TryPass pass(gate_, [&] { return CheckWritable(); });
  THRONG_RETURN_IF_ERROR(pass.status());
  return WithoutExceptions([&]() -> absl::Status {
    THRONG_RETURN_IF_ERROR(CheckWritable());
    uint64_t folded_version = 0;
    {
      index::MutexLock lock(mutex_);
      folded_version = states_.at(population).folded_version;
    }
    return Noted(EraseFromUploadLists(*database_, population, snapshot, folded, folded_version));
  });
}

}  // namespace throng::storage
