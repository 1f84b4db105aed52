#include "index/error.h"

#include <gtest/gtest.h>

namespace throng::index {
namespace {

TEST(ErrorTest, CarriesEveryField) {
  const absl::Status status = MakeError(absl::StatusCode::kInvalidArgument, "no such tag",
                                        {.reason = "UNKNOWN_TAG",
                                         .field = "selection.expression",
                                         .line = 2,
                                         .column = 7,
                                         .length = 4,
                                         .expected = "a tag",
                                         .suggestion = "city",
                                         .limit = 3,
                                         .requested = 4,
                                         .row = 0});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "no such tag");
  const auto detail = GetErrorDetail(status);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "UNKNOWN_TAG");
  EXPECT_EQ(detail->field, "selection.expression");
  EXPECT_EQ(detail->line, 2);
  EXPECT_EQ(detail->column, 7);
  EXPECT_EQ(detail->length, 4);
  EXPECT_EQ(detail->expected, "a tag");
  EXPECT_EQ(detail->suggestion, "city");
  EXPECT_EQ(detail->limit, 3u);
  EXPECT_EQ(detail->requested, 4u);
  EXPECT_EQ(detail->row, 0u);
}

TEST(ErrorTest, WithFieldKeepsAFieldThatIsThere) {
  const absl::Status bare = InvalidArgument("BAD", "", "bad");
  EXPECT_EQ(GetErrorDetail(WithField(bare, "a.b"))->field, "a.b");
  EXPECT_EQ(GetErrorDetail(WithField(InvalidArgument("BAD", "c", "bad"), "a.b"))->field, "c");
  EXPECT_EQ(WithField(absl::OkStatus(), "a"), absl::OkStatus());
  EXPECT_FALSE(GetErrorDetail(absl::InternalError("x")).has_value());
}

TEST(ErrorTest, LimitNamesBothNumbers) {
  const absl::Status status =
      LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY", "the list's length", 10, 11);
  EXPECT_EQ(status.message(), "the list's length is 11; at most 10 is allowed");
}

}  // namespace
}  // namespace throng::index
