// Store on RocksDB. The work is spread over files by what it is about:
//
//   rocks_store.cc   open, populations, requests, the high-water mark
//   rocks_append.cc  commits
//   rocks_resume.cc  the way back from an I/O error
//   rocks_load.cc    recovery: base and log -> snapshot
//   rocks_fold.cc    snapshot -> base; the content of a REPLACE
//   rocks_crowds.cc  the sets of crowd versions
//   rocks_uploads.cc  the lists of uploads
//   rocks_checkpoint.cc  a copy as of now
//
// Example: see storage/store.h, whose comments are the contract.
#ifndef THRONG_STORAGE_ROCKS_STORE_H_
#define THRONG_STORAGE_ROCKS_STORE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/mutex.h"
#include "storage/database.h"
#include "storage/operation_gate.h"
#include "storage/population_state.h"
#include "storage/record_codec.h"
#include "storage/store.h"
#include "storage/write_permission.h"

namespace throng::storage {

// kAborted (CONTENT_LOST): what was written of a REPLACE before an I/O error does not count.
absl::Status ContentLost(uint32_t tag);

// Thread-safe, as Store says.
class RocksStore : public Store {
 public:
  explicit RocksStore(const StoreOptions& options)
      : options_(options), permission_(options.directory, options.on_write_state) {}
  ~RocksStore() override;

  // Once, before anything else.
  absl::Status Start();

  std::vector<Population> populations() const override;
  absl::StatusOr<Population> CreatePopulation(std::string_view name, std::string_view display_name,
                                              std::string_view primary_id_type) override;
  absl::StatusOr<LoadedPopulation> Load(uint32_t population, index::Parallel& parallel,
                                        const Progress& progress) override;
  using Store::Append;
  absl::Status Append(uint32_t population,
                      std::span<const index::CommitRecord* const> records) override;
  absl::StatusOr<index::RequestRecord> FindRequest(uint32_t population, std::string_view scope,
                                                   std::string_view request_id) const override;
  absl::Status Fold(uint32_t population, const index::Snapshot& snapshot,
                    const index::Snapshot* folded) override;
  absl::Status WriteGeneration(uint32_t population, const index::TagDefinition& definition,
                               const index::TagContent& content) override;
  absl::Status Checkpoint(const std::string& directory) override;
  absl::Status PrepareCheckpoint() override;
  const std::string& directory() const override { return options_.directory; }
  uint64_t log_bytes(uint32_t population) const override;
  WriteState write_state() const override { return permission_.state(); }
  absl::Status Resume() override;

 private:
  // Of CrowdSetStore.
  absl::Status WriteCrowdVersion(uint32_t population, const index::CrowdVersionId& id,
                                 const index::OrdinalSet* users) override;
  absl::StatusOr<index::OrdinalSetRef> ReadCrowdVersion(uint32_t population,
                                                        const index::CrowdVersionId& id,
                                                        uint64_t computed_count) const override;

  // Of UploadListStore.
  absl::Status BeginUpload(uint32_t population, const index::CrowdVersionId& id) override;
  absl::Status WriteUploadIds(uint32_t population, const index::CrowdVersionId& id, uint32_t part,
                              std::span<const ListedId> ids) override;
  absl::Status EndUpload(uint32_t population, const index::CrowdVersionId& id,
                         const UploadRecord& record, std::span<const UploadPart> parts,
                         std::span<const RefusedId> refused) override;
  absl::StatusOr<StoredUpload> ReadUpload(uint32_t population,
                                          const index::CrowdVersionId& id) const override;
  absl::StatusOr<ListedIds> ReadUploadIds(uint32_t population, const index::CrowdVersionId& id,
                                          uint32_t part) const override;
  absl::StatusOr<std::vector<RefusedId>> ReadUploadRefused(uint32_t population,
                                                           const index::CrowdVersionId& id,
                                                           uint32_t part) const override;
  absl::Status EraseFromUploads(uint32_t population, const index::Snapshot& snapshot,
                                const index::Snapshot* folded) override;
  // Calls `work` while a list is being written.
  template <typename Work>
  absl::Status Upload(uint32_t population, const index::CrowdVersionId& id, bool begins,
                      const Work& work);
  absl::Status CheckUploading(uint32_t population, const index::CrowdVersionId& id, bool begins);

  absl::Status ReadPopulations();
  int64_t now_us() const;

  // OK while writes are accepted; the error that stopped them after one.
  absl::Status CheckWritable() const { return permission_.Check(); }
  // Passes `status` on; remembers it when it stops writes.
  absl::Status Noted(const absl::Status& status) { return permission_.Noted(status, now_us()); }

  absl::StatusOr<Population> CreatePopulationImpl(std::string_view name,
                                                  std::string_view display_name,
                                                  std::string_view primary_id_type);
  absl::Status AppendImpl(uint32_t population, std::span<const index::CommitRecord* const> records);
  // Errors unless the first version follows the last one and the others follow it.
  absl::Status CheckVersions(uint32_t population,
                             std::span<const index::CommitRecord* const> records) const;
  // Which tags `record` replaces.
  absl::StatusOr<std::vector<Flip>> FindFlips(uint32_t population,
                                              const index::CommitRecord& record) const;
  void PutRequests(uint32_t population, const index::CommitRecord& record,
                   rocksdb::WriteBatch* batch);
  void NoteAppended(uint32_t population, const index::CommitRecord& record,
                    const std::vector<Flip>& flips, uint64_t bytes);
  absl::Status FoldImpl(uint32_t population, const index::Snapshot& snapshot,
                        const index::Snapshot* folded);
  // What is checked and put of a fold before its last batch. `needs_scrub` as NoteFolded's.
  absl::Status CheckFold(uint32_t population, const index::Snapshot& snapshot, bool* needs_scrub,
                         std::set<TagGeneration>* flipped, uint64_t* folded_version) const;
  void NoteFolded(uint32_t population, const index::Snapshot& snapshot, bool needs_scrub);
  // Removes what erasures left in files, if there is any.
  absl::Status ScrubIfNeeded(uint32_t population);
  absl::Status WriteGenerationImpl(uint32_t population, const index::TagDefinition& definition,
                                   const index::TagContent& content);

  absl::Status WriteCrowdVersionImpl(uint32_t population, const index::CrowdVersionId& id,
                                     const index::OrdinalSet* users);
  // Errors unless the sets of the record's new versions are on disk.
  absl::Status CheckCrowdsWritten(uint32_t population, const index::CommitRecord& record) const;
  // Deletes sets of versions that `snapshot` has no longer.
  absl::Status DeleteDroppedCrowds(uint32_t population, const index::Snapshot& snapshot);

  // Syncs the log every sync_interval_ms until the store is destroyed.
  void SyncAtIntervals();
  // Writes the high-water mark if it is due or `now`.
  absl::Status AdvanceHighWater(bool now);
  absl::Status ResumeImpl();
  // Looks for room, then writes, syncs and deletes a small file.
  absl::Status ProbeDisk();
  // Deletes what a failed write may have left: records and populations nobody was told of.
  absl::Status DropUnacknowledged();
  // What a REPLACE has written so far was not synced: it may be gone, or of an older stage.
  void ForgetPendingContents();

  const StoreOptions options_;
  WritePermission permission_;
  mutable OperationGate gate_;
  // Replaced only by Resume, while the gate is closed; null when that failed.
  std::unique_ptr<Database> database_;

  mutable index::Mutex mutex_;
  std::map<uint32_t, PopulationState> states_ THRONG_GUARDED_BY(mutex_);

  index::Mutex create_mutex_;  // one CreatePopulation at a time
  index::Mutex resume_mutex_;  // one Resume at a time

  index::Mutex interval_mutex_;
  index::ConditionVariable interval_stop_;
  bool interval_stopping_ THRONG_GUARDED_BY(interval_mutex_) = false;
  std::atomic<bool> is_sync_due_ = false;  // something was appended and not synced
  std::thread interval_thread_;            // only when commits are not synced one by one

  index::Mutex mark_mutex_;  // before mutex_
  HighWater mark_ THRONG_GUARDED_BY(mark_mutex_);
  std::chrono::steady_clock::time_point marked_at_ THRONG_GUARDED_BY(mark_mutex_);
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_ROCKS_STORE_H_
