// Reads certificates and the access file again when they have changed, every second, and at once
// when it is asked to (SIGHUP), with the limits of the settings.
//
//   Reloader reloader(tls.get(), access.get(), [&] { return SetLimitsAgain(); });
//   reloader.ReloadNow();      // from any thread
//
// What cannot be read is logged, and what was in force stays. A certificate that expires soon is
// logged once a day.
#ifndef THRONG_SERVER_SERVICE_RELOADER_H_
#define THRONG_SERVER_SERVICE_RELOADER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "index/mutex.h"
#include "server/access/access_control.h"
#include "server/service/server_tls.h"

namespace throng::service {

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

  // What the log said last. A value.
  struct Failure {
    std::string message;  // empty: nothing is wrong
    std::chrono::steady_clock::time_point said;
  };

 private:
  void Run() THRONG_EXCLUDES(mutex_);
  void Reload(bool always);
  void ReloadLimits();
  void WarnOfExpiry();

  ServerTls* const tls_;
  access::AccessControl* const access_;
  const std::function<absl::Status()> reload_limits_;
  int64_t warned_day_ = -1;  // of the thread, like the next two
  Failure tls_failure_;
  Failure access_failure_;
  index::Mutex mutex_;
  index::ConditionVariable changed_;
  bool asked_ THRONG_GUARDED_BY(mutex_) = false;
  bool closing_ THRONG_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_RELOADER_H_
