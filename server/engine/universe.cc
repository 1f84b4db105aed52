#include "server/engine/universe.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/erasure_record.h"

namespace throng::engine {
namespace {

// So few cells are written sooner than another thread wakes up.
constexpr size_t kSmallCommitMax = 64;
// A fold that takes erasures in rewrites files to remove their traces: not more often than this.
constexpr int64_t kErasureFoldIntervalUs = 60'000'000;

uint64_t BytesOf(const PendingReplace::Change& change) {
  const index::TagChange& of = change.change;
  const size_t bits = of.cleared.size() + of.replaced.size();
  const size_t numbers = of.ordinals.size() + of.label_ends.size() + of.label_changes.size();
  return sizeof(change) + numbers * sizeof(uint32_t) + of.cells.size() * sizeof(int64_t) + bits / 8;
}

// Lets go of what is remembered where that is more than `bytes_max`: the REPLACE is lost.
void BoundChanges(uint64_t bytes_max, PendingReplace* pending) {
  if (pending->bytes <= bytes_max) return;
  pending->lost = index::MakeError(
      absl::StatusCode::kAborted,
      fmt::format("others changed {} bytes of the tags of this REPLACE meanwhile, at most {} are "
                  "kept for its end: begin again while less is written to them",
                  pending->bytes, bytes_max),
      {.reason = "REPLACE_OVERTAKEN",
       .field = "header.tags",
       .limit = bytes_max,
       .requested = pending->bytes});
  pending->changes = {};
  pending->bytes = 0;
}

void NoteChange(PendingReplace::Change change, PendingReplace* pending) {
  pending->bytes += BytesOf(change);
  pending->changes.push_back(std::move(change));
}

// What a REPLACE under way must know of a commit.
void NoteCommit(const index::Snapshot& next, const index::CommitRecord& record,
                PendingReplace* pending) {
  if (!pending->lost.ok()) return;
  for (const index::TagChange& change : record.tag_changes) {
    if (!pending->tags.contains(change.tag)) continue;
    NoteChange({.version = record.version, .change = change}, pending);
  }
  // Staged content may hold erased users who do not have the tag yet.
  for (const uint32_t tag : pending->tags) {
    if (record.erased_users.empty()) break;
    const index::TagType type = next.catalogue().FindById(tag)->definition.type;
    NoteChange({.version = record.version, .change = ClearedTag(tag, type, record.erased_users)},
               pending);
  }
}

}  // namespace

Universe::Universe(storage::Population population, storage::LoadedPopulation loaded,
                   const UniverseEnvironment& environment)
    : population_(std::move(population)),
      environment_(environment),
      epoch_(std::make_shared<Epoch>()),
      newest_(std::move(loaded.snapshot)),
      head_(newest_),
      folded_version_(loaded.folded == nullptr ? 0 : loaded.folded->data_version()),
      crowd_sets_(environment.crowd_cache_bytes),
      folded_(std::move(loaded.folded)) {
  epoch_->durable_version = newest_->data_version();
  if (folded_ == nullptr || folded_ == newest_) return;
  index::MutexLock lock(snapshot_mutex_);
  older_.Note(folded_, environment_.clock_us());
}

index::SnapshotRef Universe::newest() const {
  index::MutexLock lock(snapshot_mutex_);
  return newest_;
}

index::SnapshotRef Universe::head() const {
  index::MutexLock lock(snapshot_mutex_);
  return head_;
}

absl::StatusOr<index::SnapshotRef> Universe::Pin(uint64_t read_version) {
  const int64_t now_us = environment_.clock_us();
  index::MutexLock lock(snapshot_mutex_);
  RetireExpired(now_us);
  index::SnapshotRef pinned;
  if (read_version == 0 || read_version == newest_->data_version()) {
    pinned = newest_;
  } else if (const auto lease = leases_.find(read_version); lease != leases_.end()) {
    pinned = lease->second.snapshot;
  } else {
    return index::MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("data version {} is not kept any more; the newest is {}: repeat the first call "
                    "without read_version",
                    read_version, newest_->data_version()),
        {.reason = "VERSION_GONE", .field = "selection.read_version", .requested = read_version});
  }
  leases_[pinned->data_version()] = {pinned, now_us + environment_.lease_us};
  if (leases_.size() > environment_.leased_versions_max) {
    retired_.push_back(std::move(leases_.begin()->second.snapshot));
    leases_.erase(leases_.begin());
  }
  return pinned;
}

index::CommitRecord Universe::NextRecord(const index::Snapshot& newest) const {
  return {.version = newest.data_version() + 1,
          .time_us = environment_.clock_us(),
          .first_ordinal = newest.ordinal_end()};
}

absl::StatusOr<index::SnapshotRef> Universe::Commit(const Build& build, size_t cells) {
  const auto start = std::chrono::steady_clock::now();
  // Before the lock: other commits need not wait for it.
  if (cells > kSmallCommitMax) {
    write_parallel().For(1, [this](uint32_t, uint32_t) { DropRetired(); });
  } else {
    DropRetired();
  }
  absl::StatusOr<Built> built;
  {
    index::MutexLock lock(commit_mutex_);
    const auto work = [&](uint32_t, uint32_t)
                          THRONG_REQUIRES(commit_mutex_) { built = BuildNext(build); };
    if (cells > kSmallCommitMax) {
      write_parallel().For(1, work);
    } else {
      work(0, 0);
    }
  }
  THRONG_RETURN_IF_ERROR(built.status());
  THRONG_RETURN_IF_ERROR(WaitUntilDurable(built->epoch, built->snapshot->data_version()));
  if (built->is_new) commit_times_.Add(std::chrono::steady_clock::now() - start, cells);
  return built->snapshot;
}

absl::StatusOr<Universe::Built> Universe::BuildNext(const Build& build) {
  Built built{.epoch = epoch()};
  const index::SnapshotRef head = this->head();
  index::CommitRecord record = NextRecord(*head);
  THRONG_RETURN_IF_ERROR(build(*head, &record));
  if (record.empty()) {
    built.snapshot = head;  // which may hold the commit that this one repeats: it waits for it
    return built;
  }
  // Staged content may have values that nobody has yet.
  const auto is_staged = [&](const index::DroppedValues& dropped) THRONG_REQUIRES(commit_mutex_) {
    return std::any_of(replaces_.begin(), replaces_.end(),
                       [&](const auto& pending) { return pending->tags.contains(dropped.tag); });
  };
  std::erase_if(record.dropped_values, is_staged);
  built.snapshot = index::Apply(*head, record, write_parallel());
  for (const auto& pending : replaces_) {
    NoteCommit(*built.snapshot, record, pending.get());
    BoundChanges(environment_.replace_changes_bytes_max, pending.get());
  }
  Push(std::move(record), built.snapshot);
  built.is_new = true;
  return built;
}

Universe::EpochRef Universe::epoch() const {
  index::MutexLock lock(sync_mutex_);
  return epoch_;
}

void Universe::Push(index::CommitRecord record, const index::SnapshotRef& snapshot) {
  index::MutexLock lock(sync_mutex_);
  epoch_->unsynced.push_back({.record = std::move(record), .snapshot = snapshot});
  index::MutexLock snapshot_lock(snapshot_mutex_);
  head_ = snapshot;
}

std::optional<index::RequestRecord> Universe::FindUnsynced(std::string_view scope,
                                                           std::string_view request_id) const {
  index::MutexLock lock(sync_mutex_);
  for (const Unsynced& commit : epoch_->unsynced) {
    for (const index::RequestRecord& request : commit.record.requests) {
      if (request.scope == scope && request.request_id == request_id) return request;
    }
  }
  return std::nullopt;
}

absl::Status Universe::WaitUntilDurable(const EpochRef& epoch, uint64_t version) {
  {
    index::MutexLock lock(sync_mutex_);
    while (epoch->durable_version < version && epoch->failure.ok()) {
      if (epoch->is_syncing) {
        synced_.Wait(sync_mutex_);
      } else {
        SyncGroup(*epoch);
      }
    }
    if (epoch->durable_version >= version) return absl::OkStatus();
  }
  DropHead(epoch);
  index::MutexLock lock(sync_mutex_);
  return epoch->failure;
}

// One of those that wait writes for all: what came while it writes is the next one's.
void Universe::SyncGroup(Epoch& epoch) {
  std::vector<const index::CommitRecord*> records;
  index::SnapshotRef last;
  for (const Unsynced& commit : epoch.unsynced) {
    // Definitions go alone, because the store looks at them one record at a time; versions of
    // crowds, because a disk that lost what was written of them refuses the record.
    const bool is_alone =
        !commit.record.definitions.empty() || !commit.record.crowds.versions.empty();
    if (records.size() == kGroupCommitsMax || (is_alone && !records.empty())) break;
    records.push_back(&commit.record);  // which stay where they are while others are pushed
    last = commit.snapshot;
    if (is_alone) break;
  }
  epoch.is_syncing = true;
  sync_mutex_.Unlock();
  const absl::Status status = store().Append(population_.id, records);
  sync_mutex_.Lock();
  epoch.is_syncing = false;
  if (status.ok()) {
    // Durable before visible.
    epoch.durable_version = last->data_version();
    const auto end = epoch.unsynced.begin() + static_cast<ptrdiff_t>(records.size());
    const int64_t now_us = environment_.clock_us();
    index::MutexLock lock(snapshot_mutex_);
    for (auto commit = epoch.unsynced.begin(); commit != end; ++commit) {
      older_.Note(newest_, now_us);
      retired_.push_back(std::exchange(newest_, std::move(commit->snapshot)));
    }
    epoch.unsynced.erase(epoch.unsynced.begin(), end);
  } else {
    epoch.failure = status;
  }
  synced_.NotifyAll();
}

void Universe::DropHead(const EpochRef& epoch) {
  index::MutexLock lock(commit_mutex_);
  index::MutexLock sync_lock(sync_mutex_);
  if (epoch_ != epoch) return;  // another one that waited did it
  for (const auto& pending : replaces_) {
    std::erase_if(pending->changes, [&](const PendingReplace::Change& change) {
      if (change.version <= epoch->durable_version) return false;
      pending->bytes -= BytesOf(change);
      return true;
    });
  }
  epoch->unsynced.clear();
  epoch_ = std::make_shared<Epoch>();
  epoch_->durable_version = epoch->durable_version;
  index::MutexLock snapshot_lock(snapshot_mutex_);
  head_ = newest_;
}

absl::StatusOr<std::shared_ptr<PendingReplace>> Universe::BeginReplace(
    const std::set<uint32_t>& tags) {
  index::MutexLock lock(commit_mutex_);
  for (const auto& other : replaces_) {
    for (uint32_t tag : tags) {
      if (!other->tags.contains(tag)) continue;
      const std::string& name = head()->catalogue().FindById(tag)->definition.name;
      return index::MakeError(absl::StatusCode::kAborted,
                              fmt::format("another REPLACE of tag \"{}\" is under way", name),
                              {.reason = "REPLACE_UNDER_WAY", .field = "header.tags"});
    }
  }
  auto pending = std::make_shared<PendingReplace>();
  pending->tags = tags;
  replaces_.push_back(pending);
  return pending;
}

absl::StatusOr<index::SnapshotRef> Universe::CommitReplace(
    const std::shared_ptr<PendingReplace>& pending, const FinishReplace& finish) {
  const auto start = std::chrono::steady_clock::now();
  EpochRef epoch;
  index::SnapshotRef next;
  {
    index::MutexLock lock(commit_mutex_);
    epoch = this->epoch();
    std::erase(replaces_, pending);
    THRONG_RETURN_IF_ERROR(pending->lost);
    const index::SnapshotRef head = this->head();
    index::CommitRecord record = NextRecord(*head);
    THRONG_ASSIGN_OR_RETURN(std::vector<index::TagContentRef> contents, finish(*head, &record));
    next = index::ReplaceContents(*head, record, std::move(contents));
    Push(std::move(record), next);
  }
  THRONG_RETURN_IF_ERROR(WaitUntilDurable(epoch, next->data_version()));
  commit_times_.Add(std::chrono::steady_clock::now() - start);
  return next;
}

void Universe::AbortReplace(const std::shared_ptr<PendingReplace>& pending) {
  index::MutexLock lock(commit_mutex_);
  std::erase(replaces_, pending);
}

absl::Status Universe::Fold(bool always) {
  DropExpiredLeases();
  DropRetired();
  index::MutexLock lock(fold_mutex_);
  const bool is_erasure_due = IsErasureDue(*newest());
  if (!always && !is_erasure_due &&
      store().log_bytes(population_.id) < environment_.fold_log_bytes) {
    return absl::OkStatus();
  }
  index::SnapshotRef snapshot = newest();
  if (folded_ != nullptr && folded_->data_version() == snapshot->data_version()) {
    return absl::OkStatus();
  }
  if (snapshot->identity().erasure_version > (folded_ == nullptr ? 0 : folded_->data_version())) {
    // Whoever commits a list of ids from now on sees that this fold may not see it.
    THRONG_RETURN_IF_ERROR(HoldCommits([&](const index::SnapshotRef& held) {
      snapshot = held;
      folding_version_ = held->data_version();
      return absl::OkStatus();
    }));
  }
  const auto start = std::chrono::steady_clock::now();
  THRONG_RETURN_IF_ERROR(store().Fold(population_.id, *snapshot, folded_.get()));
  folded_ = snapshot;
  if (is_erasure_due) erasure_folded_us_ = environment_.clock_us();
  index::MutexLock stats_lock(snapshot_mutex_);
  folded_version_ = snapshot->data_version();
  last_fold_ = std::chrono::steady_clock::now() - start;
  return absl::OkStatus();
}

bool Universe::IsErasureDue(const index::Snapshot& snapshot) {
  const uint64_t folded = folded_ == nullptr ? 0 : folded_->data_version();
  return snapshot.identity().erasure_version > folded &&
         environment_.clock_us() - erasure_folded_us_ >= kErasureFoldIntervalUs;
}

// What an expired lease shows may be an erased user's.
void Universe::DropExpiredLeases() {
  const int64_t now_us = environment_.clock_us();
  index::MutexLock lock(snapshot_mutex_);
  RetireExpired(now_us);
}

void Universe::RetireExpired(int64_t now_us) {
  std::erase_if(leases_, [&](auto& lease) THRONG_REQUIRES(snapshot_mutex_) {
    if (lease.second.expires_us > now_us) return false;
    retired_.push_back(std::move(lease.second.snapshot));
    return true;
  });
}

void Universe::DropRetired() {
  std::vector<index::SnapshotRef> retired;
  index::MutexLock lock(snapshot_mutex_);
  retired.swap(retired_);
}

absl::Status Universe::HoldCommits(
    const std::function<absl::Status(const index::SnapshotRef&)>& work) {
  index::MutexLock lock(commit_mutex_);
  const EpochRef epoch = this->epoch();
  {
    // Nothing is pushed any more. Who waits makes the rest durable, or finds that it never will be.
    index::MutexLock sync_lock(sync_mutex_);
    while (!epoch->unsynced.empty() && epoch->failure.ok()) synced_.Wait(sync_mutex_);
    THRONG_RETURN_IF_ERROR(epoch->failure);
  }
  return work(newest());
}

PopulationStats Universe::Stats(const index::Visibility& visibility, uint32_t tags_max) const {
  PopulationStats stats{.name = population_.name,
                        .log_bytes = store().log_bytes(population_.id),
                        .commits = commit_times_.stats()};
  const int64_t now_us = environment_.clock_us();
  std::vector<index::SnapshotRef> snapshots;
  {
    index::MutexLock lock(snapshot_mutex_);
    snapshots.push_back(newest_);
    stats.older_versions.oldest_age = older_.Collect(now_us, &snapshots);
    stats.folded_version = folded_version_;
    stats.last_fold = last_fold_;
    for (const auto& [version, lease] : leases_) {
      if (lease.expires_us <= now_us) continue;
      if (stats.leased_versions++ == 0) stats.oldest_leased_version = version;
    }
  }
  CountMemory(snapshots, visibility, tags_max, &stats);
  return stats;
}

Universes::~Universes() {
  // What was not folded is in the log: a failure here costs time at the next start, nothing else.
  for (const auto& universe : List()) universe->Fold(true).IgnoreError();
}

void Universes::Add(storage::Population population, storage::LoadedPopulation loaded) {
  const std::string name = population.name;
  auto universe =
      std::make_shared<Universe>(std::move(population), std::move(loaded), environment_);
  index::MutexLock lock(mutex_);
  universes_[name] = std::move(universe);
}

absl::StatusOr<std::shared_ptr<Universe>> Universes::Find(std::string_view name) const {
  index::MutexLock lock(mutex_);
  const auto universe = universes_.find(name);
  if (universe != universes_.end()) return universe->second;
  // Nearest names are not told: which populations a caller may know of is not known here.
  return index::MakeError(absl::StatusCode::kNotFound,
                          fmt::format("there is no population \"{}\"", name),
                          {.reason = "UNKNOWN_POPULATION",
                           .field = "population",
                           .expected = "a population that was created"});
}

std::vector<std::shared_ptr<Universe>> Universes::List() const {
  index::MutexLock lock(mutex_);
  std::vector<std::shared_ptr<Universe>> all;
  for (const auto& [name, universe] : universes_) all.push_back(universe);
  return all;
}

}  // namespace throng::engine
