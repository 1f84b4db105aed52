#include "server/engine/administration.h"

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/maintenance.h"
#include "server/engine/universe.h"

namespace throng::engine {
namespace {

// Pins the newest snapshot of every universe, one after the other; when it has all of them, and so
// long as no commit can come, calls `work`.
absl::Status HoldAll(const std::vector<std::shared_ptr<Universe>>& universes,
                     std::vector<index::SnapshotRef>* snapshots,
                     const std::function<absl::Status()>& work) {
  if (snapshots->size() == universes.size()) return work();
  return universes[snapshots->size()]->HoldCommits([&](const index::SnapshotRef& newest) {
    snapshots->push_back(newest);
    return HoldAll(universes, snapshots, work);
  });
}

// Deletes a directory when it goes. Not thread-safe.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) { Remove(); }
  ~ScratchDirectory() { Remove(); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  void Remove() const {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    std::filesystem::remove_all(path_ + ".tmp", ignored);  // RocksDB's, of one that was cut short
  }

  const std::string path_;
};

std::string CheckpointPath(const Universes& universes) {
  return universes.environment().store->directory() + "/CHECKPOINT";
}

}  // namespace

Administration::Administration(Universes& universes, Maintenance& maintenance,
                               std::string backup_directory)
    : universes_(universes),
      maintenance_(maintenance),
      backup_directory_(std::move(backup_directory)) {
  // A backup that the end of the process cut short keeps old tables on the disk.
  const ScratchDirectory left(CheckpointPath(universes_));
}

storage::WriteState Administration::write_state() const {
  return universes_.environment().store->write_state();
}

void Administration::WatchWriteState(std::function<void(const storage::WriteState&)> watcher) {
  maintenance_.WatchWriteState(std::move(watcher));
}

absl::StatusOr<ServerStats> Administration::Stats(const CallContext& context,
                                                  std::string_view population,
                                                  uint32_t tags_max) const {
  ServerStats stats{.uptime = std::chrono::steady_clock::now() - opened_,
                    .write_state = write_state()};
  std::vector<std::shared_ptr<Universe>> universes;
  if (population.empty()) {
    universes = universes_.List();
  } else {
    THRONG_ASSIGN_OR_RETURN(universes.emplace_back(), universes_.Find(population));
  }
  for (const auto& universe : universes) {
    THRONG_RETURN_IF_ERROR(context.Check());
    stats.populations.push_back(universe->Stats(context.visibility, tags_max));
  }
  return stats;
}

absl::Status Administration::Fold() {
  for (const auto& universe : universes_.List()) {
    THRONG_RETURN_IF_ERROR(universe->Fold(/*always=*/true));
  }
  return absl::OkStatus();
}

absl::Status Administration::CheckBackupDirectory() const {
  if (!backup_directory_.empty()) return absl::OkStatus();
  return index::MakeError(
      absl::StatusCode::kFailedPrecondition,
      "the server has no directory for backups: start throngd with --backup-dir",
      {.reason = "NO_BACKUP_DIRECTORY"});
}

absl::StatusOr<storage::BackupInfo> Administration::CreateBackup(const CallContext& context,
                                                                 std::string_view name) {
  THRONG_RETURN_IF_ERROR(CheckBackupDirectory());
  THRONG_RETURN_IF_ERROR(storage::CheckBackupName(name));
  {
    index::MutexLock lock(backup_mutex_);
    if (is_backing_up_) {
      return index::MakeError(absl::StatusCode::kAborted, "another backup is under way",
                              {.reason = "BACKUP_UNDER_WAY"});
    }
    is_backing_up_ = true;
  }
  const auto done = [this](Administration*) {
    index::MutexLock lock(backup_mutex_);
    is_backing_up_ = false;
  };
  const std::unique_ptr<Administration, decltype(done)> guard(this, done);

  storage::Store& store = *universes_.environment().store;
  const ScratchDirectory checkpoint(CheckpointPath(universes_));
  const std::vector<std::shared_ptr<Universe>> universes = universes_.List();
  std::vector<index::SnapshotRef> snapshots;
  THRONG_RETURN_IF_ERROR(store.PrepareCheckpoint());
  storage::BackupPlan plan{.checkpoint = checkpoint.path(),
                           .directory = backup_directory_,
                           .name = std::string(name),
                           .created_us = universes_.environment().clock_us(),
                           .check = [&] { return context.Check(); }};
  THRONG_RETURN_IF_ERROR(
      HoldAll(universes, &snapshots, [&] { return store.Checkpoint(checkpoint.path()); }));
  // Commits go on from here; what is pinned is what the checkpoint holds.
  for (size_t i = 0; i < universes.size(); ++i) {
    THRONG_RETURN_IF_ERROR(context.Check());
    plan.populations.push_back(
        storage::DigestOf(universes[i]->population(), *snapshots[i], universes[i]->parallel()));
  }
  return storage::WriteBackup(plan);
}

absl::StatusOr<std::vector<storage::BackupInfo>> Administration::ListBackups(
    const CallContext& /*context*/) const {
  THRONG_RETURN_IF_ERROR(CheckBackupDirectory());
  return storage::ListBackups(backup_directory_);
}

}  // namespace throng::engine
