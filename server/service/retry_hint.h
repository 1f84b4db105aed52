// When to try again what was refused because the server had too much to do: goes with the status.
//
//   absl::Status status = WithRetryAfter(refused, std::chrono::milliseconds(250));
//   RetryAfter(status);   // 250 ms; ToGrpcStatus makes a google.rpc.RetryInfo of it
//
// Thread-safe.
#ifndef THRONG_SERVER_SERVICE_RETRY_HINT_H_
#define THRONG_SERVER_SERVICE_RETRY_HINT_H_

#include <chrono>

#include "absl/status/status.h"

namespace throng::service {

// `status`, which is not OK, with the hint: at least a millisecond.
absl::Status WithRetryAfter(absl::Status status, std::chrono::milliseconds after);
// Zero: there is no hint.
std::chrono::milliseconds RetryAfter(const absl::Status& status);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_RETRY_HINT_H_
