// Asks a server's health, and calls methods of which there is no stub.
//
//   EXPECT_EQ(Health(channel, "throng.v1.UserService"), kServing);
//
// Thread-safe.
#ifndef THRONG_TESTS_SERVICE_HEALTH_CHECK_H_
#define THRONG_TESTS_SERVICE_HEALTH_CHECK_H_

#include <memory>
#include <string>

#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"

namespace throng::service {

inline constexpr char kServing[] = "\x08\x01";     // HealthCheckResponse {status: SERVING}
inline constexpr char kNotServing[] = "\x08\x02";  // HealthCheckResponse {status: NOT_SERVING}

// Calls a method with a message given as its bytes.
grpc::Status CallWithBytes(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                           const std::string& request, std::string* response);

// The bytes of the answer, or the error's message.
std::string Health(const std::shared_ptr<grpc::Channel>& channel, const std::string& service);

}  // namespace throng::service

#endif  // THRONG_TESTS_SERVICE_HEALTH_CHECK_H_
