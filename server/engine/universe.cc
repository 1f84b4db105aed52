#include "server/engine/universe.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"

namespace throng::engine {
namespace {

constexpr std::chrono::milliseconds kFoldInterval(500);

}  // namespace

Universe::Universe(storage::Population population, storage::LoadedPopulation loaded,
                   const UniverseEnvironment& environment)
    : population_(std::move(population)),
      environment_(environment),
      newest_(std::move(loaded.snapshot)),
      folded_(std::move(loaded.folded)) {}

index::SnapshotRef Universe::newest() const {
  index::MutexLock lock(snapshot_mutex_);
  return newest_;
}

void Universe::Publish(index::SnapshotRef next) {
  index::MutexLock lock(snapshot_mutex_);
  newest_ = std::move(next);
}

absl::StatusOr<index::SnapshotRef> Universe::Pin(uint64_t read_version) {
  const int64_t now_us = environment_.clock_us();
  index::MutexLock lock(snapshot_mutex_);
  std::erase_if(leases_, [=](const auto& lease) { return lease.second.expires_us <= now_us; });
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
  if (leases_.size() > environment_.leased_versions_max) leases_.erase(leases_.begin());
  return pinned;
}

index::CommitRecord Universe::NextRecord(const index::Snapshot& newest) const {
  return {.version = newest.data_version() + 1,
          .time_us = environment_.clock_us(),
          .first_ordinal = newest.ordinal_end()};
}

absl::StatusOr<index::SnapshotRef> Universe::Commit(const Build& build) {
  index::MutexLock lock(commit_mutex_);
  const index::SnapshotRef newest = this->newest();
  index::CommitRecord record = NextRecord(*newest);
  THRONG_RETURN_IF_ERROR(build(*newest, &record));
  if (record.definitions.empty() && record.new_values.empty() && record.new_users.empty() &&
      record.tag_changes.empty() && record.requests.empty()) {
    return newest;
  }
  // Durable before visible: a failed append leaves memory as it was.
  THRONG_RETURN_IF_ERROR(store().Append(population_.id, record));
  index::SnapshotRef next = index::Apply(*newest, record, parallel());
  for (const auto& pending : replaces_) {
    for (const index::TagChange& change : record.tag_changes) {
      if (pending->tags.contains(change.tag)) pending->changes.push_back(change);
    }
  }
  Publish(next);
  return next;
}

absl::StatusOr<std::shared_ptr<PendingReplace>> Universe::BeginReplace(
    const std::set<uint32_t>& tags) {
  index::MutexLock lock(commit_mutex_);
  for (const auto& other : replaces_) {
    for (uint32_t tag : tags) {
      if (!other->tags.contains(tag)) continue;
      const std::string& name = newest()->catalogue().FindById(tag)->definition.name;
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
  index::MutexLock lock(commit_mutex_);
  std::erase(replaces_, pending);
  const index::SnapshotRef newest = this->newest();
  index::CommitRecord record = NextRecord(*newest);
  THRONG_ASSIGN_OR_RETURN(std::vector<index::TagContentRef> contents, finish(*newest, &record));
  THRONG_RETURN_IF_ERROR(store().Append(population_.id, record));
  index::SnapshotRef next = index::ReplaceContents(*newest, record, std::move(contents));
  Publish(next);
  return next;
}

void Universe::AbortReplace(const std::shared_ptr<PendingReplace>& pending) {
  index::MutexLock lock(commit_mutex_);
  std::erase(replaces_, pending);
}

absl::Status Universe::Fold(bool always) {
  index::MutexLock lock(fold_mutex_);
  if (!always && store().log_bytes(population_.id) < environment_.fold_log_bytes) {
    return absl::OkStatus();
  }
  const index::SnapshotRef snapshot = newest();
  if (folded_ != nullptr && folded_->data_version() == snapshot->data_version()) {
    return absl::OkStatus();
  }
  THRONG_RETURN_IF_ERROR(store().Fold(population_.id, *snapshot, folded_.get()));
  folded_ = snapshot;
  return absl::OkStatus();
}

Universes::~Universes() {
  {
    index::MutexLock lock(mutex_);
    stopping_ = true;
  }
  stop_.NotifyAll();
  if (folder_.joinable()) folder_.join();
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

void Universes::StartFolding() {
  folder_ = std::thread([this] { FoldUntilStopped(); });
}

void Universes::FoldUntilStopped() {
  while (true) {
    {
      index::MutexLock lock(mutex_);
      if (!stopping_) stop_.WaitUntil(mutex_, std::chrono::steady_clock::now() + kFoldInterval);
      if (stopping_) return;
    }
    // A failed fold is tried again; writes meanwhile are refused by the store with the reason.
    for (const auto& universe : List()) universe->Fold(false).IgnoreError();
  }
}

absl::StatusOr<std::shared_ptr<Universe>> Universes::Find(std::string_view name) const {
  index::MutexLock lock(mutex_);
  const auto universe = universes_.find(name);
  if (universe != universes_.end()) return universe->second;
  return index::MakeError(absl::StatusCode::kNotFound,
                          fmt::format("there is no population \"{}\"", name),
                          {.reason = "UNKNOWN_POPULATION", .field = "population"});
}

std::vector<std::shared_ptr<Universe>> Universes::List() const {
  index::MutexLock lock(mutex_);
  std::vector<std::shared_ptr<Universe>> all;
  for (const auto& [name, universe] : universes_) all.push_back(universe);
  return all;
}

}  // namespace throng::engine
