#include "server/service/status_mapping.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "server/service/retry_hint.h"
#include "tests/service/status_matchers.h"

namespace throng::service {
namespace {

TEST(StatusMappingTest, KeepsEveryCanonicalCode) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  for (int code = 1; code <= 16; ++code) {
    const grpc::Status status =
        ToGrpcStatus(absl::Status(static_cast<absl::StatusCode>(code), "m"));
    EXPECT_EQ(static_cast<int>(status.error_code()), code);
    EXPECT_EQ(status.error_message(), "m");
    EXPECT_EQ(status.error_details(), "");
  }
  EXPECT_EQ(ToGrpcStatus(absl::NotFoundError("")).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ToGrpcStatus(absl::UnauthenticatedError("")).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST(StatusMappingTest, CarriesWhenToTryAgain) {
  const absl::Status refused =
      index::MakeError(absl::StatusCode::kResourceExhausted, "too much", {.reason = "OVERLOADED"});
  EXPECT_EQ(RetryMillisecondsOf(ToGrpcStatus(refused)), 0);
  for (const int64_t ms : {1, 999, 1'000, 2'345}) {
    const grpc::Status status =
        ToGrpcStatus(WithRetryAfter(refused, std::chrono::milliseconds(ms)));
    EXPECT_EQ(DetailOf(status).reason(), "OVERLOADED");
    EXPECT_EQ(RetryMillisecondsOf(status), ms);
  }
}

// What passes by itself says so, whoever has refused it.
TEST(StatusMappingTest, KnowsWhatPasses) {
  const auto retry_of = [](absl::StatusCode code, const char* reason) {
    return RetryMillisecondsOf(ToGrpcStatus(index::MakeError(code, "no", {.reason = reason})));
  };
  constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
  EXPECT_EQ(retry_of(kExhausted, "OUT_OF_MEMORY"), 1'000);
  for (const char* reason : {"TOO_MANY_PACKAGE_JOBS", "DISK_FULL", "SPILL_FULL"}) {
    EXPECT_EQ(retry_of(kExhausted, reason), 10'000) << reason;
  }
  for (const char* reason : {"TOO_MANY_PACKAGES", "TOO_MANY_CROWDS", "REQUEST_TOO_LARGE", ""}) {
    EXPECT_EQ(retry_of(kExhausted, reason), 0) << reason;
  }
  EXPECT_EQ(retry_of(absl::StatusCode::kInternal, "DISK_FULL"), 0);
  // A hint of its own goes over that.
  const absl::Status refused = index::MakeError(kExhausted, "no", {.reason = "DISK_FULL"});
  EXPECT_EQ(
      RetryMillisecondsOf(ToGrpcStatus(WithRetryAfter(refused, std::chrono::milliseconds(7)))), 7);
}

TEST(StatusMappingTest, CarriesTheDetail) {
  const grpc::Status status =
      ToGrpcStatus(index::MakeError(absl::StatusCode::kInvalidArgument, "unknown tag \"citty\"",
                                    {.reason = "UNKNOWN_TAG",
                                     .field = "selection.expression",
                                     .line = 1,
                                     .column = 5,
                                     .length = 3,
                                     .expected = "a tag",
                                     .suggestion = "城市",
                                     .limit = 7,
                                     .requested = 8,
                                     .row = 0}));
  v1::Status wire;
  ASSERT_TRUE(wire.ParseFromString(status.error_details()));
  EXPECT_EQ(wire.code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_EQ(wire.message(), "unknown tag \"citty\"");
  ASSERT_EQ(wire.details_size(), 1);
  EXPECT_EQ(wire.details(0).type_url(), "type.googleapis.com/throng.v1.ErrorDetail");
  const v1::ErrorDetail detail = DetailOf(status);
  EXPECT_EQ(detail.reason(), "UNKNOWN_TAG");
  EXPECT_EQ(detail.field(), "selection.expression");
  EXPECT_EQ(detail.line(), 1u);
  EXPECT_EQ(detail.column(), 5u);
  EXPECT_EQ(detail.length(), 3u);
  EXPECT_EQ(detail.expected(), "a tag");
  EXPECT_EQ(detail.suggestion(), "城市");
  EXPECT_EQ(detail.limit(), 7u);
  EXPECT_EQ(detail.requested(), 8u);
  EXPECT_TRUE(detail.has_row());
  EXPECT_EQ(detail.row(), 0u);
}

TEST(StatusMappingTest, CutsWhatDoesNotFitAHeader) {
  std::string text;
  while (text.size() < 3 * kStatusMessageBytesMax) text += "城";
  const grpc::Status status =
      ToGrpcStatus(index::InvalidArgument("REASON", "field", text + "\xff"));
  EXPECT_LE(status.error_message().size(), kStatusMessageBytesMax + 3);
  EXPECT_TRUE(status.error_message().ends_with("城...")) << status.error_message();
  EXPECT_EQ(DetailOf(status).reason(), "REASON");
}

}  // namespace
}  // namespace throng::service
