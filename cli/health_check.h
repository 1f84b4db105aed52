// Asks the server's health service (grpc.health.v1), of which no stub is generated here.
//
//   grpc::Status status = CheckHealth(*channel, "throng.v1.UserService", absl::Seconds(5));
//   status.ok();   // that service is SERVING: writes are accepted
//
// Thread-safe.
#ifndef THRONG_CLI_HEALTH_CHECK_H_
#define THRONG_CLI_HEALTH_CHECK_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"

namespace throng::cli {

// `service` of at most 127 bytes; empty: the server as a whole. Errors: UNAVAILABLE (NOT_SERVING)
// when it answers that it is not serving; else the call's own.
grpc::Status CheckHealth(const std::shared_ptr<grpc::Channel>& channel, const std::string& service,
                         absl::Duration limit);

}  // namespace throng::cli

#endif  // THRONG_CLI_HEALTH_CHECK_H_
