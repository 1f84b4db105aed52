#include "server/engine/maintenance.h"

#include <algorithm>
#include <utility>

#include "index/parallel.h"
#include "server/engine/crowds.h"

namespace throng::engine {
namespace {

// A fold can take its time: calls go first when the cores are busy.
constexpr int kFoldNice = 10;

}  // namespace

void Alarm::Ring() {
  index::MutexLock lock(mutex_);
  is_ringing_ = true;
  rang_.NotifyAll();
}

void Alarm::SleepUntil(std::chrono::steady_clock::time_point deadline) {
  index::MutexLock lock(mutex_);
  while (!is_ringing_ && rang_.WaitUntil(mutex_, deadline)) continue;
  is_ringing_ = false;
}

Maintenance::~Maintenance() {
  {
    index::MutexLock lock(mutex_);
    stopping_ = true;
  }
  alarm_->Ring();
  if (thread_.joinable()) thread_.join();
}

void Maintenance::Start() {
  thread_ = std::thread([this] { Run(); });
}

bool Maintenance::IsStopping() {
  index::MutexLock lock(mutex_);
  return stopping_;
}

void Maintenance::WatchWriteState(WriteStateWatcher watcher) {
  index::MutexLock lock(watcher_mutex_);
  watcher_ = std::move(watcher);
  const storage::WriteState state = universes_.environment().store->write_state();
  told_writable_ = state.error.ok();
  if (watcher_) watcher_(state);
}

void Maintenance::TellWatcher() {
  index::MutexLock lock(watcher_mutex_);
  const storage::WriteState state = universes_.environment().store->write_state();
  if (state.error.ok() == told_writable_) return;
  told_writable_ = state.error.ok();
  if (watcher_) watcher_(state);
}

Maintenance::Time Maintenance::ResumeIfDue(Time now) {
  if (resume_pause_.count() == 0) {
    resume_pause_ = pauses_.resume_first;
    resume_at_ = now + resume_pause_;
  } else if (now >= resume_at_) {
    // Why it failed is the error that writes get from now on.
    universes_.environment().store->Resume().IgnoreError();
    TellWatcher();
    resume_pause_ = std::min(2 * resume_pause_, pauses_.resume_last);
    resume_at_ = std::chrono::steady_clock::now() + resume_pause_;
  }
  return resume_at_;
}

void Maintenance::Run() {
  index::StandBack(kFoldNice);
  storage::Store& store = *universes_.environment().store;
  Time wake_at = std::chrono::steady_clock::now() + pauses_.fold;
  while (true) {
    alarm_->SleepUntil(wake_at);
    if (IsStopping()) return;
    TellWatcher();
    const Time now = std::chrono::steady_clock::now();
    wake_at = now + pauses_.fold;
    if (!store.write_state().error.ok()) {
      wake_at = ResumeIfDue(now);
      continue;
    }
    resume_pause_ = std::chrono::milliseconds(0);
    // A failed fold is tried again; writes meanwhile are refused by the store with the reason.
    for (const auto& universe : universes_.List()) {
      PurgeExpiredCrowds(*universe).IgnoreError();
      universe->Fold(false).IgnoreError();
    }
  }
}

}  // namespace throng::engine
