// What a site engineer asks of the engine.
//
//   const storage::WriteState state = engine.administration().write_state();
//   if (!state.error.ok()) ...   // the store is read-only, and why
//   absl::StatusOr<storage::BackupInfo> backup =
//       engine.administration().CreateBackup(context, "monday");
#ifndef THRONG_SERVER_ENGINE_ADMINISTRATION_H_
#define THRONG_SERVER_ENGINE_ADMINISTRATION_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/mutex.h"
#include "server/engine/call_context.h"
#include "server/engine/population_stats.h"
#include "storage/backup.h"
#include "storage/store.h"

namespace throng::engine {

class Maintenance;  // what the engine does by itself
class Universes;    // the loaded populations

// A value; thread-compatible.
struct ServerStats {
  std::chrono::nanoseconds uptime{0};  // since the data directory was opened
  storage::WriteState write_state;
  std::vector<PopulationStats> populations;  // in order of name
};

// Thread-safe.
class Administration {
 public:
  // An empty `backup_directory`: no backups.
  Administration(Universes& universes, Maintenance& maintenance, std::string backup_directory);

  // Whether writes are accepted; cheap.
  storage::WriteState write_state() const;
  // Calls `watcher` with the state now, and from another thread whenever writes stop or go on
  // again. Null: nobody is called any more, and no call is under way when this returns. The watcher
  // must not call the engine.
  void WatchWriteState(std::function<void(const storage::WriteState&)> watcher);

  // Of `population`, or of all if that is empty; with the `tags_max` largest tags of each that the
  // caller may see. Errors: kNotFound (UNKNOWN_POPULATION).
  absl::StatusOr<ServerStats> Stats(const CallContext& context, std::string_view population,
                                    uint32_t tags_max = 0) const;

  // Rewrites the base blocks of every population and trims the log. What was committed is durable
  // when it returns, however the store syncs. Errors: kResourceExhausted and kUnavailable when the
  // disk refuses.
  absl::Status Fold();

  // Writes a backup of all populations as they are now, while commits go on but for the moment of
  // the checkpoint. Durable when it returns. Errors: kInvalidArgument (BAD_NAME),
  // kFailedPrecondition (NO_BACKUP_DIRECTORY), kAlreadyExists (BACKUP_EXISTS), kAborted
  // (BACKUP_UNDER_WAY), kResourceExhausted and kUnavailable when a disk refuses, kCancelled,
  // kDeadlineExceeded.
  absl::StatusOr<storage::BackupInfo> CreateBackup(const CallContext& context,
                                                   std::string_view name);
  // The oldest first; what cannot be read says so. Errors: kFailedPrecondition
  // (NO_BACKUP_DIRECTORY).
  absl::StatusOr<std::vector<storage::BackupInfo>> ListBackups(const CallContext& context) const;

 private:
  absl::Status CheckBackupDirectory() const;

  Universes& universes_;
  Maintenance& maintenance_;
  const std::string backup_directory_;
  const std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();

  index::Mutex backup_mutex_;
  bool is_backing_up_ THRONG_GUARDED_BY(backup_mutex_) = false;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_ADMINISTRATION_H_
