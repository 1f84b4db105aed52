// Unary calls that have ended: how long each ran is counted, and a slow one is logged.
//
//   EndedCalls ended(metrics, std::chrono::milliseconds(500));
//   ended.Note(engine, guarded.Ended(status));
#ifndef THRONG_SERVER_SERVICE_ENDED_CALLS_H_
#define THRONG_SERVER_SERVICE_ENDED_CALLS_H_

#include <atomic>
#include <chrono>

#include "server/engine/engine.h"
#include "server/service/load_metrics.h"
#include "server/service/slow_call.h"

namespace throng::service {

// Thread-safe.
class EndedCalls {
 public:
  // `metrics` must outlive this. `slow`: what runs for so long is slow; zero: nothing is.
  EndedCalls(LoadMetrics& metrics, std::chrono::milliseconds slow)
      : metrics_(metrics), slow_(slow) {}

  void SetSlow(std::chrono::milliseconds slow) { slow_.store(slow); }
  // Whether a call may turn out to be slow, so that what it was about is to be noted.
  bool has_slow() const { return slow_.load(std::memory_order_relaxed).count() > 0; }
  // `engine` may be null.
  void Note(engine::Engine* engine, const EndedCall& call) {
    const std::chrono::milliseconds slow = slow_.load(std::memory_order_relaxed);
    const bool is_slow = slow.count() > 0 && call.took >= slow;
    metrics_.Ran(call.method, call.took, is_slow);
    if (is_slow) LogSlowCall(engine, call);
  }

 private:
  LoadMetrics& metrics_;
  std::atomic<std::chrono::milliseconds> slow_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_ENDED_CALLS_H_
