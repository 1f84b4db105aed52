#include "server/service/engine_gate.h"

#include <algorithm>

#include "fmt/format.h"
#include "index/error.h"

namespace throng::service {

void EngineGate::ReportLoading(uint64_t bytes_done, uint64_t bytes_total) {
  if (bytes_total == 0) return;
  const double share = static_cast<double>(bytes_done) / static_cast<double>(bytes_total);
  percent_.store(std::clamp(static_cast<int>(share * 100), 0, 100));
}

void EngineGate::Open(engine::Engine* engine) {
  engine_.store(engine);
  open_.store(true);
}

absl::StatusOr<engine::Engine*> EngineGate::Enter() const {
  if (closed_.load()) {
    return index::MakeError(absl::StatusCode::kUnavailable, "shutting down",
                            {.reason = "SHUTTING_DOWN"});
  }
  if (!open_.load()) {
    return index::MakeError(absl::StatusCode::kUnavailable,
                            fmt::format("loading, {} %", percent_.load()), {.reason = "LOADING"});
  }
  return engine_.load();
}

}  // namespace throng::service
