#include "server/service/reloader.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr std::chrono::minutes kSayAgain{1};
constexpr int64_t kDaySeconds = 86'400;
constexpr int64_t kWarnDays = 14;

// Reads one of the two again and says what became of it; a failure that goes on, once a minute.
template <typename Source>
void ReloadOne(Source* source, bool always, std::string_view what, Reloader::Failure* last) {
  if (source == nullptr) return;
  absl::StatusOr<bool> changed = true;
  if (always) {
    const absl::Status status = source->Reload();
    if (!status.ok()) changed = status;
  } else {
    changed = source->ReloadIfChanged();
  }
  if (changed.ok()) last->message.clear();
  if (!changed.ok()) {
    const auto now = std::chrono::steady_clock::now();
    const std::string message(changed.status().message());
    if (!always && message == last->message && now < last->said + kSayAgain) return;
    *last = {.message = message, .said = now};
    spdlog::error("event=reload_failed what={} message=\"{}\" in_force=\"what was before\"", what,
                  message);
  } else if (*changed) {
    spdlog::info("event=reloaded what={}", what);
  }
}

}  // namespace

Reloader::Reloader(ServerTls* tls, access::AccessControl* access,
                   std::function<absl::Status()> reload_limits)
    : tls_(tls),
      access_(access),
      reload_limits_(std::move(reload_limits)),
      thread_([this] { Run(); }) {}

Reloader::~Reloader() {
  {
    index::MutexLock lock(mutex_);
    closing_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void Reloader::ReloadNow() {
  index::MutexLock lock(mutex_);
  asked_ = true;
  changed_.NotifyAll();
}

void Reloader::Run() {
  while (true) {
    bool always = false;
    {
      index::MutexLock lock(mutex_);
      if (!closing_ && !asked_) {
        changed_.WaitUntil(mutex_, std::chrono::steady_clock::now() + kInterval);
      }
      if (closing_) return;
      always = std::exchange(asked_, false);
    }
    Reload(always);
  }
}

void Reloader::Reload(bool always) {
  ReloadOne(tls_, always, "certificate", &tls_failure_);
  ReloadOne(access_, always, "access_file", &access_failure_);
  if (always && reload_limits_) ReloadLimits();
  if (tls_ != nullptr) WarnOfExpiry();
}

void Reloader::ReloadLimits() {
  const absl::Status status = reload_limits_();
  if (status.ok()) {
    spdlog::info("event=reloaded what=limits");
    return;
  }
  const absl::string_view message = status.message();
  spdlog::error("event=reload_failed what=limits message=\"{}\" in_force=\"what was before\"",
                std::string_view(message.data(), message.size()));
}

void Reloader::WarnOfExpiry() {
  const int64_t now_s = std::chrono::duration_cast<std::chrono::seconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
  const int64_t days_left = (tls_->expires_s() - now_s) / kDaySeconds;
  if (days_left > kWarnDays || warned_day_ == now_s / kDaySeconds) return;
  warned_day_ = now_s / kDaySeconds;
  spdlog::warn("event=certificate_expires days={} subject=\"{}\"", days_left, tls_->subject());
}

}  // namespace throng::service
