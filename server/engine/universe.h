// A loaded population: the newest snapshot, the one door for commits, and leased versions.
//
//   absl::StatusOr<std::shared_ptr<Universe>> u = universes.Find("default");
//   absl::StatusOr<index::SnapshotRef> pinned = (*u)->Pin(read_version);
//   absl::StatusOr<index::SnapshotRef> next = (*u)->Commit(
//       [&](const index::Snapshot& newest, index::CommitRecord* record) { ... });
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_UNIVERSE_H_
#define THRONG_SERVER_ENGINE_UNIVERSE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/change.h"
#include "index/mutex.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "server/engine/crowd_set_cache.h"
#include "server/engine/pending_replace.h"
#include "server/engine/population_stats.h"
#include "server/engine/universe_environment.h"
#include "storage/store.h"

namespace throng::engine {

// Commits that one sync makes durable; what else waits is the next one's.
inline constexpr size_t kGroupCommitsMax = 256;

// Thread-safe.
class Universe {
 public:
  // Fills in the record of a commit on the newest snapshot. Its version and time are set already;
  // leaving the rest empty commits nothing.
  using Build =
      std::function<absl::Status(const index::Snapshot& newest, index::CommitRecord* record)>;

  Universe(storage::Population population, storage::LoadedPopulation loaded,
           const UniverseEnvironment& environment);

  const storage::Population& population() const { return population_; }
  index::Parallel& parallel() const { return *environment_.parallel; }
  index::Parallel& write_parallel() const { return *environment_.write_parallel; }
  storage::Store& store() const { return *environment_.store; }
  int64_t now_us() const { return environment_.clock_us(); }
  // Of older versions of crowds; what a read keeps there changes nothing else.
  friend CrowdSetCache& CrowdSetsOf(const Universe& universe) { return universe.crowd_sets_; }
  friend class UploadLists;  // upload_lists.h
  friend uint64_t ResultBytesMax(const Universe& u) { return u.environment_.result_bytes_max; }

  // The newest snapshot that readers may see: all of it is durable.
  index::SnapshotRef newest() const;
  // The newest snapshot (0), or the leased one of that version. The version is leased from now on.
  // Errors: kFailedPrecondition (VERSION_GONE).
  absl::StatusOr<index::SnapshotRef> Pin(uint64_t read_version);

  // Durable, then visible, then returned: the snapshot in which the commit is visible. On an error
  // nothing of it ever is. Commits that come while the log is being synced share the next sync: one
  // waits for the sync that runs and its own, and for no timer. One of more than a few cells,
  // as far as the caller knows, is built by threads that stand back for counts.
  absl::StatusOr<index::SnapshotRef> Commit(const Build& build, size_t cells = 0);

  // The answer of a commit that is not durable yet to a request id; its retry waits for it when it
  // commits nothing. Call it while building a commit.
  std::optional<index::RequestRecord> FindUnsynced(std::string_view scope,
                                                   std::string_view request_id) const;

  // A REPLACE of tags: between Begin and Finish or Abort, commits to them are remembered.
  // Errors: kAborted (REPLACE_UNDER_WAY).
  absl::StatusOr<std::shared_ptr<PendingReplace>> BeginReplace(const std::set<uint32_t>& tags);
  // Calls `finish` with all commits held up: it applies what is pending, makes the new content
  // durable and fills in `record`; then the contents become visible in one commit.
  // Errors: PendingReplace::lost (kAborted, REPLACE_OVERTAKEN).
  using FinishReplace = std::function<absl::StatusOr<std::vector<index::TagContentRef>>(
      const index::Snapshot& newest, index::CommitRecord* record)>;
  absl::StatusOr<index::SnapshotRef> CommitReplace(const std::shared_ptr<PendingReplace>& pending,
                                                   const FinishReplace& finish);
  void AbortReplace(const std::shared_ptr<PendingReplace>& pending);

  // Rewrites base blocks and trims the log, if the log is long enough or `always`.
  absl::Status Fold(bool always);

  // Calls `work` with the newest snapshot and lets no commit in meanwhile.
  absl::Status HoldCommits(const std::function<absl::Status(const index::SnapshotRef&)>& work);
  // Walks the newest snapshot and what older ones hold beside it: CountMemory.
  PopulationStats Stats(const index::Visibility& visibility, uint32_t tags_max) const;

 private:
  struct Lease {
    index::SnapshotRef snapshot;
    int64_t expires_us = 0;
  };

  // A commit that is applied to the head and not durable yet.
  struct Unsynced {
    index::CommitRecord record;
    index::SnapshotRef snapshot;
  };
  // The commits between two failures of the disk. Guarded by sync_mutex_.
  struct Epoch {
    std::deque<Unsynced> unsynced;
    bool is_syncing = false;
    uint64_t durable_version = 0;
    absl::Status failure;  // of every version beyond durable_version
  };
  using EpochRef = std::shared_ptr<Epoch>;

  index::SnapshotRef head() const;
  EpochRef epoch() const;
  // Frees the memory of snapshots that nobody can see any more.
  void DropExpiredLeases();
  void DropRetired();
  void RetireExpired(int64_t now_us) THRONG_REQUIRES(snapshot_mutex_);
  // An erasure that was not folded in, and not too soon after the last one.
  bool IsErasureDue(const index::Snapshot& snapshot) THRONG_REQUIRES(fold_mutex_);
  struct Built {
    EpochRef epoch;
    index::SnapshotRef snapshot;
    bool is_new = false;
  };
  // Builds a commit on the head and makes it the head.
  absl::StatusOr<Built> BuildNext(const Build& build) THRONG_REQUIRES(commit_mutex_);
  index::CommitRecord NextRecord(const index::Snapshot& newest) const;
  // Makes `snapshot` the head, and `record` wait for the next sync.
  void Push(index::CommitRecord record, const index::SnapshotRef& snapshot)
      THRONG_REQUIRES(commit_mutex_);
  // Returns when `version` is durable and visible, or never will be.
  absl::Status WaitUntilDurable(const EpochRef& epoch, uint64_t version);
  // Logs and publishes what waits. Called, and returns, with sync_mutex_ held.
  void SyncGroup(Epoch& epoch) THRONG_REQUIRES(sync_mutex_);
  // Gives up what is not durable, after the disk refused with `failure`.
  void DropHead(const EpochRef& epoch);

  const storage::Population population_;
  const UniverseEnvironment environment_;

  // Taken in this order: commit_mutex_, sync_mutex_, snapshot_mutex_.
  index::Mutex commit_mutex_;
  std::vector<std::shared_ptr<PendingReplace>> replaces_ THRONG_GUARDED_BY(commit_mutex_);

  mutable index::Mutex sync_mutex_;  // guards what Epochs hold
  index::ConditionVariable synced_;
  EpochRef epoch_ THRONG_GUARDED_BY(sync_mutex_);

  mutable index::Mutex snapshot_mutex_;  // held for the copy of a pointer only
  index::SnapshotRef newest_ THRONG_GUARDED_BY(snapshot_mutex_);
  // What the next commit builds on: newest_, or ahead of it by commits that are being synced.
  index::SnapshotRef head_ THRONG_GUARDED_BY(snapshot_mutex_);
  std::map<uint64_t, Lease> leases_ THRONG_GUARDED_BY(snapshot_mutex_);
  // Freeing what only an old snapshot holds takes long: not under a lock, and not the work of a
  // reader, unless it reads for longer than the version is leased.
  std::vector<index::SnapshotRef> retired_ THRONG_GUARDED_BY(snapshot_mutex_);
  OlderSnapshots older_ THRONG_GUARDED_BY(snapshot_mutex_);
  uint64_t folded_version_ THRONG_GUARDED_BY(snapshot_mutex_) = 0;
  std::optional<std::chrono::nanoseconds> last_fold_ THRONG_GUARDED_BY(snapshot_mutex_);

  CommitTimes commit_times_;
  mutable CrowdSetCache crowd_sets_;
  index::Mutex fold_mutex_;
  index::SnapshotRef folded_ THRONG_GUARDED_BY(fold_mutex_);
  int64_t erasure_folded_us_ THRONG_GUARDED_BY(fold_mutex_) = 0;
  uint64_t uploads_erased_version_ THRONG_GUARDED_BY(fold_mutex_) = 0;
  std::atomic<uint64_t> folding_version_ = 0;  // of the last fold of erasures that was begun
};

// All populations; folds them when it ends. Thread-safe.
class Universes {
 public:
  explicit Universes(const UniverseEnvironment& environment) : environment_(environment) {}
  ~Universes();

  const UniverseEnvironment& environment() const { return environment_; }
  void Add(storage::Population population, storage::LoadedPopulation loaded);
  // Errors: kNotFound (UNKNOWN_POPULATION).
  absl::StatusOr<std::shared_ptr<Universe>> Find(std::string_view name) const;
  // In order of name.
  std::vector<std::shared_ptr<Universe>> List() const;

 private:
  const UniverseEnvironment environment_;
  mutable index::Mutex mutex_;
  std::map<std::string, std::shared_ptr<Universe>, std::less<>> universes_
      THRONG_GUARDED_BY(mutex_);
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_UNIVERSE_H_
