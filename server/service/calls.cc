#include "server/service/calls.h"

#include "spdlog/spdlog.h"

namespace throng::service {

Calls::Calls(const ServiceLimits& limits, const Guards& guards)
    : limits_(limits),
      admission_(guards),
      call_pool_("calls", limits.call_threads, limits.calls_queued_max),
      export_pool_("exports", limits.export_streams_max, 0),
      load_pool_("loads", limits.load_streams_max, 0) {}

absl::Status LogFailure(std::string_view call, absl::Status status) {
  const bool is_ours = status.code() == absl::StatusCode::kInternal ||
                       status.code() == absl::StatusCode::kDataLoss ||
                       status.code() == absl::StatusCode::kUnknown;
  if (is_ours) spdlog::error("event=call_failed call={} status=\"{}\"", call, status.ToString());
  return status;
}

}  // namespace throng::service
