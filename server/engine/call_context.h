// Who calls, what they may see, and how long they will wait: the first argument of every engine
// call.
//
//   CallContext context = CallContext::Internal();
//   context.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
//   engine.Count(context, selection);
#ifndef THRONG_SERVER_ENGINE_CALL_CONTEXT_H_
#define THRONG_SERVER_ENGINE_CALL_CONTEXT_H_

#include <chrono>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "index/catalogue.h"
#include "server/engine/call_notes.h"

namespace throng::engine {

// A value; thread-compatible. `cancelled` must be thread-safe: it is asked from query threads.
struct CallContext {
  std::string principal;  // empty: nobody in particular
  index::Visibility visibility;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::function<bool()> cancelled;     // may be empty: never
  CallNotes* notes = nullptr;          // told what the call is about; null: nobody asks
  std::string call_id;                 // by which the caller and the logs name the call
  std::chrono::nanoseconds queued{0};  // waited for a thread

  // A caller inside the process that sees everything and waits for ever.
  static CallContext Internal() { return CallContext(); }

  // kCancelled, kDeadlineExceeded, or OK.
  absl::Status Check() const {
    if (cancelled && cancelled()) return absl::CancelledError("the caller cancelled the call");
    if (deadline != std::chrono::steady_clock::time_point::max() &&
        std::chrono::steady_clock::now() >= deadline) {
      return absl::DeadlineExceededError("the call's deadline passed");
    }
    return absl::OkStatus();
  }
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CALL_CONTEXT_H_
