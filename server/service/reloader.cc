#include "server/service/reloader.h"

#include <chrono>
#include <string>
#include <utility>

#include "index/error.h"
#include "server/access/log_text.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr std::chrono::minutes kSayAgain{1};
constexpr int64_t kDaySeconds = 86'400;
constexpr int64_t kWarnDays = 14;

// Whether there is something new.
template <typename Source>
absl::StatusOr<bool> ReadAgain(Source& source, bool always) {
  if (!always) return source.ReloadIfChanged();
  THRONG_RETURN_IF_ERROR(source.Reload());
  return true;
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
  if (tls_ != nullptr) Note(ReloadPart::kCertificate, always, ReadAgain(*tls_, always));
  if (access_ != nullptr) Note(ReloadPart::kAccessFile, always, ReadAgain(*access_, always));
  if (always && reload_limits_) {
    const absl::Status status = reload_limits_();
    Note(ReloadPart::kLimits, always, status.ok() ? absl::StatusOr<bool>(true) : status);
  }
  if (tls_ != nullptr) WarnOfExpiry();
}

void Reloader::Note(ReloadPart part, bool always, const absl::StatusOr<bool>& changed) {
  State& state = states_[static_cast<size_t>(part)];
  const char* what = kReloadPartNames[static_cast<size_t>(part)];
  const char* reason = always ? "signal" : "watch";
  if (changed.ok()) {
    state.said.clear();
    if (!*changed) return;
    state.is_failing.store(false);
    spdlog::info("event=reloaded what={} reason={}", what, reason);
    return;
  }
  state.failures.fetch_add(1);
  state.is_failing.store(true);
  const auto now = std::chrono::steady_clock::now();
  const std::string message = access::QuotedMessage(changed.status());
  if (!always && message == state.said && now < state.said_at + kSayAgain) return;
  state.said = message;
  state.said_at = now;
  spdlog::error("event=reload_failed what={} reason={} message={} in_force=\"what was before\"",
                what, reason, message);
}

void Reloader::WarnOfExpiry() {
  const int64_t now_s = std::chrono::duration_cast<std::chrono::seconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
  const int64_t days_left = (tls_->chain_expires_s() - now_s) / kDaySeconds;
  if (days_left > kWarnDays || warned_day_ == now_s / kDaySeconds) return;
  warned_day_ = now_s / kDaySeconds;
  spdlog::warn("event=certificate_expires days={} subject={}", days_left,
               access::Quoted(tls_->subject()));
}

}  // namespace throng::service
