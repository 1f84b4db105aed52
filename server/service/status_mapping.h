// The one mapping from the engine's status to the wire's.
//
//   grpc::Status wire = ToGrpcStatus(engine_status);
//   wire.error_details();   // bytes of throng.v1.Status: the trailer grpc-status-details-bin
//
// The canonical code and the message stay; an index::ErrorDetail becomes throng.v1.ErrorDetail, and
// its hint of when to try again (retry_hint.h) a google.rpc.RetryInfo behind that. Thread-safe.
#ifndef THRONG_SERVER_SERVICE_STATUS_MAPPING_H_
#define THRONG_SERVER_SERVICE_STATUS_MAPPING_H_

#include <string>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace throng::service {

// Messages are cut to so many bytes: headers that are too long kill the call.
inline constexpr size_t kStatusMessageBytesMax = 2'048;

grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_STATUS_MAPPING_H_
