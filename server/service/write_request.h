// What the engine is told of a write, of any request that has a request_id.
//
//   THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
//
// Thread-safe.
#ifndef THRONG_SERVER_SERVICE_WRITE_REQUEST_H_
#define THRONG_SERVER_SERVICE_WRITE_REQUEST_H_

#include "absl/status/statusor.h"
#include "index/error.h"
#include "server/engine/tags.h"
#include "server/service/convert_user.h"
#include "server/service/request_fingerprint.h"

namespace throng::service {

// Errors: those of CheckRequestId.
template <typename Request>
absl::StatusOr<engine::WriteOptions> ToWriteOptions(const Request& request) {
  THRONG_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  engine::WriteOptions options{.request_id = request.request_id(),
                               .payload_hash = RequestFingerprint(request, {"request_id"})};
  if constexpr (requires { request.validate_only(); }) {
    options.validate_only = request.validate_only();
  }
  return options;
}

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_WRITE_REQUEST_H_
