// What the engine does by itself while it is open: it folds logs that have grown, and brings the
// store back when the disk takes writes again.
//
//   auto alarm = std::make_shared<Alarm>();   // the store rings it when its write state changes
//   Maintenance maintenance(universes, alarm, {});
//   maintenance.WatchWriteState([](const storage::WriteState& state) { ... });
//   maintenance.Start();
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_MAINTENANCE_H_
#define THRONG_SERVER_ENGINE_MAINTENANCE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "index/mutex.h"
#include "server/engine/universe.h"
#include "storage/store.h"

namespace throng::engine {

// Wakes one sleeper. Thread-safe; ringing takes no other lock.
class Alarm {
 public:
  void Ring();
  // Returns when it rings, at once if it rang since the last return, or at `deadline`.
  void SleepUntil(std::chrono::steady_clock::time_point deadline);

 private:
  index::Mutex mutex_;
  index::ConditionVariable rang_;
  bool is_ringing_ THRONG_GUARDED_BY(mutex_) = false;
};

// A value; thread-compatible.
struct MaintenancePauses {
  std::chrono::milliseconds fold{500};
  // Between attempts to resume: the first, doubled after each, up to the last.
  std::chrono::milliseconds resume_first{500};
  std::chrono::milliseconds resume_last{10'000};
};

// Thread-safe.
class Maintenance {
 public:
  using WriteStateWatcher = std::function<void(const storage::WriteState&)>;

  // `universes` outlives it; `alarm` is rung whenever the store's write state changed.
  Maintenance(Universes& universes, std::shared_ptr<Alarm> alarm, const MaintenancePauses& pauses)
      : universes_(universes), alarm_(std::move(alarm)), pauses_(pauses) {}
  // Stops after what it is doing.
  ~Maintenance();

  // Once.
  void Start();
  // Calls `watcher` with the state now, and from this object's thread whenever writes stop or go on
  // again. Null: nobody is called any more, and no call is under way when this returns. The watcher
  // must not call the engine.
  void WatchWriteState(WriteStateWatcher watcher);

 private:
  using Time = std::chrono::steady_clock::time_point;

  void Run();
  bool IsStopping();
  void TellWatcher();
  // Tries to resume if it is time; returns when to look again.
  Time ResumeIfDue(Time now);

  Universes& universes_;
  const std::shared_ptr<Alarm> alarm_;
  const MaintenancePauses pauses_;

  // Of the thread alone.
  std::chrono::milliseconds resume_pause_{0};  // 0: writes were accepted when last looked
  Time resume_at_;

  index::Mutex mutex_;
  bool stopping_ THRONG_GUARDED_BY(mutex_) = false;

  index::Mutex watcher_mutex_;  // held while the watcher runs
  WriteStateWatcher watcher_ THRONG_GUARDED_BY(watcher_mutex_);
  bool told_writable_ THRONG_GUARDED_BY(watcher_mutex_) = true;

  std::thread thread_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_MAINTENANCE_H_
