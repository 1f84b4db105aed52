#include "server/service/overload_state.h"

namespace throng::service {

void OverloadState::NoteQueue(bool is_waiting, TimePoint now) {
  if (!is_waiting) {
    waiting_since_.reset();
  } else if (!waiting_since_.has_value()) {
    waiting_since_ = now;
  }
}

void OverloadState::NoteDecision(bool refused, TimePoint now) {
  if (!IsOverloaded(now)) return;
  ++offered_;
  if (refused) ++refused_;
}

void OverloadState::Enter(TimePoint now) {
  if (is_overloaded_) return;
  is_overloaded_ = true;
  window_begun_ = now;
  offered_ = 0;
  refused_ = 0;
}

bool OverloadState::IsOverloaded(TimePoint now) {
  if (!is_overloaded_) {
    if (waiting_since_.has_value() && now - *waiting_since_ >= kOverloadWindow) Enter(now);
    return is_overloaded_;
  }
  if (now - window_begun_ < kOverloadWindow) return true;
  is_overloaded_ = refused_ * kRefusedShare > offered_;
  window_begun_ = now;
  offered_ = 0;
  refused_ = 0;
  if (!is_overloaded_ && waiting_since_.has_value()) waiting_since_ = now;
  return is_overloaded_;
}

}  // namespace throng::service
