// Looks into statuses the way a client does. Thread-safe.
//
//   EXPECT_EQ(ReasonOf(ToTag(proto).status()), "UNSPECIFIED at tag.type");
#ifndef THRONG_TESTS_SERVICE_STATUS_MATCHERS_H_
#define THRONG_TESTS_SERVICE_STATUS_MATCHERS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "grpcpp/support/status.h"
#include "index/error.h"
#include "throng/v1/error.pb.h"

namespace throng::service {

// "REASON at field", "OK", or the status's text when it has no detail.
inline std::string ReasonOf(const absl::Status& status) {
  if (status.ok()) return "OK";
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  if (!detail.has_value()) return status.ToString();
  return fmt::format("{} at {}", detail->reason, detail->field);
}

// The detail in grpc-status-details-bin; empty if there is none.
inline v1::ErrorDetail DetailOf(const grpc::Status& status) {
  v1::Status wire;
  v1::ErrorDetail detail;
  if (wire.ParseFromString(status.error_details()) && wire.details_size() >= 1) {
    wire.details(0).UnpackTo(&detail);
  }
  return detail;
}

// What the trailer says of when to try again, in milliseconds; 0 if it says nothing.
inline int64_t RetryMillisecondsOf(const grpc::Status& status) {
  v1::Status wire;
  v1::RetryInfo retry;
  if (!wire.ParseFromString(status.error_details()) || wire.details_size() != 2 ||
      wire.details(1).type_url() != "type.googleapis.com/google.rpc.RetryInfo" ||
      !retry.ParseFromString(wire.details(1).value())) {
    return 0;
  }
  return retry.retry_delay().seconds() * 1'000 + retry.retry_delay().nanos() / 1'000'000;
}

}  // namespace throng::service

#endif  // THRONG_TESTS_SERVICE_STATUS_MATCHERS_H_
