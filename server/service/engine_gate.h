// The way to the engine: shut while it loads and while the server drains.
//
//   EngineGate gate;
//   gate.ReportLoading(done, total);   // calls answer UNAVAILABLE "loading, 42 %"
//   gate.Open(engine);                 // calls reach the engine
//   gate.Close();                      // calls answer UNAVAILABLE "shutting down"
#ifndef THRONG_SERVER_SERVICE_ENGINE_GATE_H_
#define THRONG_SERVER_SERVICE_ENGINE_GATE_H_

#include <atomic>
#include <cstdint>

#include "absl/status/statusor.h"
#include "server/engine/engine.h"

namespace throng::service {

// Thread-safe.
class EngineGate {
 public:
  // 0 to 100. May go on while others call Enter.
  void ReportLoading(uint64_t bytes_done, uint64_t bytes_total);
  // `engine` must outlive every call that entered.
  void Open(engine::Engine* engine);
  void Close() { closed_.store(true); }

  // Errors: kUnavailable (LOADING, SHUTTING_DOWN).
  absl::StatusOr<engine::Engine*> Enter() const;
  int loading_percent() const { return percent_.load(); }

 private:
  std::atomic<int> percent_{0};
  std::atomic<engine::Engine*> engine_{nullptr};
  std::atomic<bool> open_{false};
  std::atomic<bool> closed_{false};
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_ENGINE_GATE_H_
