// A store in front of another one that holds up a write until it is told to go on, and notes how
// many records each write had.
//
//   HoldingStore store(Must(storage::Store::Open(options)));
//   store.Hold();
//   std::thread writer([&] { universe.Commit(...); });
//   store.AwaitHeld();          // the writer is in Append
//   store.Release();
//   store.groups();             // {1}
#ifndef THRONG_TESTS_SERVER_HOLDING_STORE_H_
#define THRONG_TESTS_SERVER_HOLDING_STORE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "index/mutex.h"
#include "storage/store.h"

namespace throng::engine {

// Thread-safe as the store behind it.
class HoldingStore : public storage::Store {
 public:
  explicit HoldingStore(std::unique_ptr<storage::Store> store) : store_(std::move(store)) {}

  // From now on Append waits, and groups() begins anew.
  void Hold() {
    index::MutexLock lock(mutex_);
    holds_ = true;
    groups_.clear();
  }
  void Release() {
    index::MutexLock lock(mutex_);
    holds_ = false;
    changed_.NotifyAll();
  }
  // Returns when an Append waits, or has been.
  void AwaitHeld() {
    index::MutexLock lock(mutex_);
    while (groups_.empty()) changed_.Wait(mutex_);
  }
  // Records of each Append since Hold, in their order.
  std::vector<size_t> groups() const {
    index::MutexLock lock(mutex_);
    return groups_;
  }

 private:
  absl::Status Append(uint32_t population,
                      std::span<const index::CommitRecord* const> records) override {
    {
      index::MutexLock lock(mutex_);
      groups_.push_back(records.size());
      changed_.NotifyAll();
      while (holds_) changed_.Wait(mutex_);
    }
    return store_->Append(population, records);
  }

  std::vector<storage::Population> populations() const override { return store_->populations(); }
  absl::StatusOr<storage::Population> CreatePopulation(std::string_view name,
                                                       std::string_view display_name,
                                                       std::string_view primary_id_type) override {
    return store_->CreatePopulation(name, display_name, primary_id_type);
  }
  absl::StatusOr<storage::LoadedPopulation> Load(uint32_t population, index::Parallel& parallel,
                                                 const storage::Progress& progress) override {
    return store_->Load(population, parallel, progress);
  }
  absl::StatusOr<index::RequestRecord> FindRequest(uint32_t population, std::string_view scope,
                                                   std::string_view request_id) const override {
    return store_->FindRequest(population, scope, request_id);
  }
  absl::Status Fold(uint32_t population, const index::Snapshot& snapshot,
                    const index::Snapshot* folded) override {
    return store_->Fold(population, snapshot, folded);
  }
  absl::Status WriteGeneration(uint32_t population, const index::TagDefinition& definition,
                               const index::TagContent& content) override {
    return store_->WriteGeneration(population, definition, content);
  }
  absl::Status WriteCrowdVersion(uint32_t population, const index::CrowdVersionId& id,
                                 const index::OrdinalSet* users) override {
    return store_->WriteCrowdVersion(population, id, users);
  }
  absl::StatusOr<index::OrdinalSetRef> ReadCrowdVersion(uint32_t population,
                                                        const index::CrowdVersionId& id,
                                                        uint64_t computed_count) const override {
    return store_->ReadCrowdVersion(population, id, computed_count);
  }
  absl::Status BeginUpload(uint32_t population, const index::CrowdVersionId& id) override {
    return store_->BeginUpload(population, id);
  }
  absl::Status WriteUploadIds(uint32_t population, const index::CrowdVersionId& id, uint32_t part,
                              std::span<const storage::ListedId> ids) override {
    return store_->WriteUploadIds(population, id, part, ids);
  }
  absl::Status EndUpload(uint32_t population, const index::CrowdVersionId& id,
                         const storage::UploadRecord& record,
                         std::span<const storage::UploadPart> parts,
                         std::span<const storage::RefusedId> refused) override {
    return store_->EndUpload(population, id, record, parts, refused);
  }
  absl::StatusOr<storage::StoredUpload> ReadUpload(uint32_t population,
                                                   const index::CrowdVersionId& id) const override {
    return store_->ReadUpload(population, id);
  }
  absl::StatusOr<storage::ListedIds> ReadUploadIds(uint32_t population,
                                                   const index::CrowdVersionId& id,
                                                   uint32_t part) const override {
    return store_->ReadUploadIds(population, id, part);
  }
  absl::StatusOr<std::vector<storage::RefusedId>> ReadUploadRefused(uint32_t population,
                                                                    const index::CrowdVersionId& id,
                                                                    uint32_t part) const override {
    return store_->ReadUploadRefused(population, id, part);
  }
  absl::Status EraseFromUploads(uint32_t population, const index::Snapshot& snapshot,
                                const index::Snapshot* folded) override {
    return store_->EraseFromUploads(population, snapshot, folded);
  }
  absl::Status Checkpoint(const std::string& directory) override {
    return store_->Checkpoint(directory);
  }
  absl::Status PrepareCheckpoint() override { return store_->PrepareCheckpoint(); }
  const std::string& directory() const override { return store_->directory(); }
  uint64_t log_bytes(uint32_t population) const override { return store_->log_bytes(population); }
  storage::WriteState write_state() const override { return store_->write_state(); }
  absl::Status Resume() override { return store_->Resume(); }

  const std::unique_ptr<storage::Store> store_;
  mutable index::Mutex mutex_;
  index::ConditionVariable changed_;
  bool holds_ THRONG_GUARDED_BY(mutex_) = false;
  std::vector<size_t> groups_ THRONG_GUARDED_BY(mutex_);
};

}  // namespace throng::engine

#endif  // THRONG_TESTS_SERVER_HOLDING_STORE_H_
