// Whether a queue is overloaded: what separates a burst, which may wait, from more work than can be
// done, which must not.
//
//   OverloadState state;
//   state.NoteQueue(/*is_waiting=*/true, now);   // at each change
//   if (state.IsOverloaded(now)) ...             // something has waited all through a second
//   state.NoteDecision(/*refused=*/true, now);
//
// After CoDel (Nichols and Jacobson, 2012: a queue that never empties is no burst) as servers of
// calls use it (Maurer, "Fail at Scale", ACM Queue 13(8), 2015). Time is given, so that tests need
// no clock. Thread-compatible.
#ifndef THRONG_SERVER_SERVICE_OVERLOAD_STATE_H_
#define THRONG_SERVER_SERVICE_OVERLOAD_STATE_H_

#include <chrono>
#include <cstdint>
#include <optional>

namespace throng::service {

// A queue that has not been empty for so long is overloaded; and for windows of so long, it is
// until a window has passed in which at most one call in kRefusedShare was refused.
inline constexpr std::chrono::milliseconds kOverloadWindow{1'000};
inline constexpr uint64_t kRefusedShare = 8;

class OverloadState {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Whether more is there than the threads run.
  void NoteQueue(bool is_waiting, TimePoint now);
  void NoteDecision(bool refused, TimePoint now);
  // One that was let in was refused after all.
  void NoteLate() { ++refused_; }
  // There is more work than may wait at all.
  void Enter(TimePoint now);
  bool IsOverloaded(TimePoint now);

 private:
  std::optional<TimePoint> waiting_since_;
  bool is_overloaded_ = false;
  TimePoint window_begun_;
  uint64_t offered_ = 0;  // in the window, as the next
  uint64_t refused_ = 0;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_OVERLOAD_STATE_H_
