#include "server/service/audit_failures.h"

#include <atomic>
#include <chrono>
#include <cstdint>

#include "server/access/log_text.h"
#include "spdlog/spdlog.h"

namespace throng::service {

void ReportAuditFailure(const absl::Status& status) {
  static std::atomic<int64_t> last_second{-1};
  const int64_t second = std::chrono::duration_cast<std::chrono::seconds>(
                             std::chrono::steady_clock::now().time_since_epoch())
                             .count();
  if (last_second.exchange(second) == second) return;
  spdlog::error("event=audit_failed message={}", access::QuotedMessage(status));
}

}  // namespace throng::service
