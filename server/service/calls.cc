#include "server/service/calls.h"

#include "server/access/log_text.h"
#include "spdlog/spdlog.h"

namespace throng::service {

Calls::Calls(const ServiceLimits& limits, const Guards& guards)
    : CallEntry(limits, guards),
      ended_calls_(metrics_, limits.slow_call_min),
      pools_(limits, metrics_) {}

void Calls::SetLimits(const ServiceLimits& limits) {
  ended_calls_.SetSlow(limits.slow_call_min);
  pools_.SetLimits(limits);
}

absl::Status LogFailure(std::string_view call, std::string_view call_id, absl::Status status) {
  const bool is_ours = status.code() == absl::StatusCode::kInternal ||
                       status.code() == absl::StatusCode::kDataLoss ||
                       status.code() == absl::StatusCode::kUnknown;
  if (is_ours) {
    spdlog::error("event=call_failed call_id={} call={} status={}", call_id, call,
                  access::Quoted(status.ToString()));
  }
  return status;
}

}  // namespace throng::service
