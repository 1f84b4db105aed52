// The durable side of Throng: a change log and base blocks in RocksDB.
//
//   absl::StatusOr<std::unique_ptr<Store>> store = Store::Open({.directory = "/var/lib/throng"});
//   absl::StatusOr<LoadedPopulation> loaded = (*store)->Load(population.id, parallel, progress);
//   ...
//   absl::Status durable = (*store)->Append(population.id, record);   // then apply, publish, ack
//
// A commit is one synced write of its record: durable before it is visible. Fold() rewrites the
// base blocks of what changed and trims the log; Load() reads base blocks and replays the log. The
// bytes are documented in storage/FORMAT.md. No RocksDB type leaves this folder.
#ifndef THRONG_STORAGE_STORE_H_
#define THRONG_STORAGE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/change.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "storage/crowd_set_store.h"
#include "storage/upload_list.h"

namespace throng::storage {

inline constexpr uint32_t kFormatVersion = 1;

// Lets tests put a file system that fails or forgets between us and the disk
// (storage/file_system_hook.h).
struct FileSystemHook;

struct StoreOptions {
  // What changes behaviour.
  std::string directory;  // created if missing
  // True: every commit is synced before it is acknowledged. False: the log is synced every
  // sync_interval_ms; a power loss may lose the commits since, never order. Neither loses anything
  // when the process dies.
  bool sync = true;
  uint32_t sync_interval_ms = 200;
  // What changes performance.
  uint64_t write_buffer_bytes = 64 << 20;
  bool compress = true;  // of tables; what is there keeps its form until it is compacted
  // The high-water mark is written at the first commit this long after the last one: what it does
  // not cover, a torn log may lose unnoticed (storage/FORMAT.md). 0: with every commit.
  uint32_t high_water_interval_ms = 1000;
  // For tests.
  FileSystemHook* file_system = nullptr;
  std::function<int64_t()> now_us = nullptr;  // Unix microseconds; null: the system's clock
  // Called when write_state() changed, from the thread that found out, which may hold the caller's
  // locks: it must not call the store.
  std::function<void()> on_write_state = nullptr;
};

// Whether the store accepts writes.
struct WriteState {
  absl::Status error;            // OK: it does; else what every write is answered with
  int64_t since_us = 0;          // since when it does not, Unix microseconds; 0: it does
  uint64_t resume_attempts = 0;  // since Open
};

struct Population {
  uint32_t id = 0;  // never reused
  std::string name;
  std::string display_name;
  std::string primary_id_type;
};

struct LoadedPopulation {
  index::SnapshotRef snapshot;
  // The snapshot as of the last fold: what Fold() compares with. Equals `snapshot` when the log was
  // empty.
  index::SnapshotRef folded;
  uint64_t replayed_records = 0;
};

// Done and total bytes; called from any loading thread.
using Progress = std::function<void(uint64_t bytes_done, uint64_t bytes_total)>;

// Thread-safe, but calls for one population must not overlap except FindRequest and Sync with all
// of them, and Append or Write, Fold and WriteGeneration with one another: one of each at a time,
// but of WriteGeneration one for each tag, and that not with the Append that makes its content
// visible, and ReadCrowdVersion with all of them.
class Store : public CrowdSetStore, public UploadListStore {
 public:
  // Errors: kFailedPrecondition when another process holds the directory or it was written by a
  // newer version, kDataLoss naming the file or key when something is damaged, kUnavailable or
  // kResourceExhausted when the disk refuses.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options);
  ~Store() override = default;

  virtual std::vector<Population> populations() const = 0;
  // Durable when it returns OK. The id is chosen here. Errors: kAlreadyExists; as Append.
  virtual absl::StatusOr<Population> CreatePopulation(std::string_view name,
                                                      std::string_view display_name,
                                                      std::string_view primary_id_type) = 0;

  // Reads base blocks in parallel, checks every checksum, replays the log. Errors: kDataLoss naming
  // the key that is damaged or the record that is missing.
  virtual absl::StatusOr<LoadedPopulation> Load(uint32_t population, index::Parallel& parallel,
                                                const Progress& progress) = 0;

  // Makes `records`, whose versions follow the last one's, durable together: when this returns OK
  // they survive a crash (and, with sync, a power loss). After an error nothing of them is ever
  // seen by this Store; if the process ends before Resume() succeeds, the next Open may find them,
  // all of them. A record with definitions comes alone. Errors: kResourceExhausted (DISK_FULL),
  // kUnavailable (READ_ONLY: an I/O error), kDataLoss (READ_ONLY): the store accepts no more writes
  // until Resume() succeeds. Such a refusal comes at once, whatever Resume() does meanwhile.
  // kInvalidArgument: a record contradicts itself.
  virtual absl::Status Append(uint32_t population,
                              std::span<const index::CommitRecord* const> records) = 0;
  absl::Status Append(uint32_t population, const index::CommitRecord& record) {
    const index::CommitRecord* const only = &record;
    return Append(population, std::span(&only, 1));
  }

  // The answer kept for a request id, by any commit of the last 24 hours. kNotFound: none.
  virtual absl::StatusOr<index::RequestRecord> FindRequest(uint32_t population,
                                                           std::string_view scope,
                                                           std::string_view request_id) const = 0;

  // Rewrites the base blocks in which `snapshot` differs from `folded` (the snapshot of the last
  // fold; null: all of them) and drops log records up to snapshot's version. Atomic for each tag
  // and shard; a crash in between is repaired by the log.
  virtual absl::Status Fold(uint32_t population, const index::Snapshot& snapshot,
                            const index::Snapshot* folded) = 0;

  // Writes shards of a tag's content under `definition.generation`, which nothing refers to yet;
  // null shards are left as they are, so that a content may be written in several calls. A content
  // without shards (not even null ones) discards what earlier calls wrote: a REPLACE begins with
  // it, because one that was aborted may have left shards under the same generation. Shards carry a
  // version older than the commit to come. The Append of a record whose definitions hold
  // `definition` makes it the content: a REPLACE, and the only way to raise a generation. Content
  // that no such record follows is collected by the next Load. Errors: as Append; kAborted
  // (CONTENT_LOST) when an I/O error took what was written before.
  virtual absl::Status WriteGeneration(uint32_t population, const index::TagDefinition& definition,
                                       const index::TagContent& content) = 0;

  // Writes the store as it is now to `directory`, which must not exist and must be on the store's
  // own file system: tables are linked, so that little is copied. Call it with no Append under way:
  // that is what the copy is of.
  virtual absl::Status Checkpoint(const std::string& directory) = 0;
  // Gets ready for a Checkpoint, which has the less to copy; may run beside everything.
  virtual absl::Status PrepareCheckpoint() = 0;
  // The directory it is in.
  virtual const std::string& directory() const = 0;

  // Bytes of log records not yet folded.
  virtual uint64_t log_bytes(uint32_t population) const = 0;
  // Cheap.
  virtual WriteState write_state() const = 0;
  // Tries to leave the read-only state after an I/O error: opens the database anew, once the disk
  // has room for what that writes and takes a small file again. Waits for calls that run then. OK
  // when nothing was wrong.
  virtual absl::Status Resume() = 0;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_STORE_H_
