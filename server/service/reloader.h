// Reads certificates and the access file again when they have changed, every second, and at once
// when it is asked to (SIGHUP), with the limits of the settings.
//
//   Reloader reloader(tls.get(), access.get(), [&] { return SetLimitsAgain(); });
//   reloader.ReloadNow();      // from any thread
//
// What cannot be read is logged and counted, and what was in force stays. A line says why it was
// read: reason=signal, or watch. A certificate that expires soon is logged once a day.
#ifndef THRONG_SERVER_SERVICE_RELOADER_H_
#define THRONG_SERVER_SERVICE_RELOADER_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/mutex.h"
#include "server/access/access_control.h"
#include "server/service/server_tls.h"

namespace throng::service {

enum class ReloadPart { kCertificate, kAccessFile, kLimits };
// As log and metrics say them.
inline constexpr std::array<const char*, 3> kReloadPartNames = {"certificate", "access_file",
                                                                "limits"};

// Thread-safe.
class Reloader {
 public:
  // Any may be null. All must outlive this.
  Reloader(ServerTls* tls, access::AccessControl* access,
           std::function<absl::Status()> reload_limits);
  ~Reloader();
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  void ReloadNow() THRONG_EXCLUDES(mutex_);

  // Readings that failed. A file that cannot be read is tried again every second.
  uint64_t failures(ReloadPart part) const { return StateOf(part).failures.load(); }
  // Whether the newest reading failed, so that something older is in force.
  bool is_failing(ReloadPart part) const { return StateOf(part).is_failing.load(); }

 private:
  struct State {
    std::atomic<uint64_t> failures{0};
    std::atomic<bool> is_failing{false};
    std::string said;  // what the log said last; empty: nothing is wrong. Of the thread, like this:
    std::chrono::steady_clock::time_point said_at;
  };

  const State& StateOf(ReloadPart part) const { return states_[static_cast<size_t>(part)]; }
  void Run() THRONG_EXCLUDES(mutex_);
  void Reload(bool always);
  // What became of a reading: whether there is something new. A failure that goes on is logged
  // once a minute.
  void Note(ReloadPart part, bool always, const absl::StatusOr<bool>& changed);
  void WarnOfExpiry();

  ServerTls* const tls_;
  access::AccessControl* const access_;
  const std::function<absl::Status()> reload_limits_;
  std::array<State, kReloadPartNames.size()> states_;
  int64_t warned_day_ = -1;  // of the thread
  index::Mutex mutex_;
  index::ConditionVariable changed_;
  bool asked_ THRONG_GUARDED_BY(mutex_) = false;
  bool closing_ THRONG_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_RELOADER_H_
