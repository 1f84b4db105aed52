#include "server/engine/quick_turns.h"

#include <algorithm>

namespace throng::engine {

using std::chrono::nanoseconds;

QuickTurns::QuickTurns(uint32_t cores) : running_max_(std::max(cores / 2, 1u)) {}

bool QuickTurns::Take(Clock::time_point now) {
  if (running_.fetch_add(1, std::memory_order_relaxed) >= running_max_) return false;
  const int64_t window = now.time_since_epoch() / kQuickWindow;
  if (window_.exchange(window, std::memory_order_relaxed) != window) {
    used_ns_.store(0, std::memory_order_relaxed);
  }
  const int64_t most = nanoseconds(kQuickWindow).count() * running_max_ * kQuickPercent / 100;
  return used_ns_.load(std::memory_order_relaxed) < most;
}

QuickTurns::Turn::Turn(QuickTurns& turns, Clock::time_point now)
    : turns_(turns), begun_(now), is_mine_(turns.Take(now)) {}

void QuickTurns::Turn::End(Clock::time_point now) {
  if (has_ended_) return;
  has_ended_ = true;
  turns_.running_.fetch_sub(1, std::memory_order_relaxed);
  if (is_mine_) {
    turns_.used_ns_.fetch_add(nanoseconds(now - begun_).count(), std::memory_order_relaxed);
  }
}

}  // namespace throng::engine
