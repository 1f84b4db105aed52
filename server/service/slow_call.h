// The log of slow calls: one line each, with why.
//
//   if (took >= slow_after) LogSlowCall(call);
//
//   event=slow_call call_id=64fb-17 principal=cms method=SelectionService/Count code=OK
//   queue_ms=0.1 engine_ms=712.0 data_version=88 expression="city = 'Beijing'" plan="..."
//
// No line holds the id of a user: of ids(...) it says how many there are, and shows no plan.
#ifndef THRONG_SERVER_SERVICE_SLOW_CALL_H_
#define THRONG_SERVER_SERVICE_SLOW_CALL_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/engine/call_context.h"
#include "server/engine/engine.h"

namespace throng::service {

inline constexpr size_t kSlowPlanBytesMax = 2 << 10;

// A call that has ended. A view; thread-compatible.
struct EndedCall {
  std::string_view method;  // "SelectionService/Count"
  const engine::CallContext& caller;
  const engine::CallNotes& notes;
  uint64_t data_version;  // of the answer; 0: that of the notes, if any
  absl::StatusCode code;
  std::chrono::nanoseconds took;  // on its thread
};

// The plan of what was noted, planned anew on the same data: "and ~120 [city in {Beijing} ~3000,
// ...]". Empty: the call has no expression, or the data version is gone.
std::string PlanOf(engine::Engine& engine, const EndedCall& call);

// `engine` may be null: then without a plan. Thread-safe.
void LogSlowCall(engine::Engine* engine, const EndedCall& call);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_SLOW_CALL_H_
