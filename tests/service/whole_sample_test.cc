// Estimates from samples through a whole server.
#include <cstdint>
#include <string>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"

namespace throng::service {
namespace {

class WholeSampleTest : public WholeServerTest {
 protected:
  static v1::CountRequest Request(const std::string& expression, uint32_t millionths,
                                  const std::string& salt) {
    v1::CountRequest request;
    request.mutable_selection()->set_expression(expression);
    request.mutable_sample()->set_millionths(millionths);
    request.mutable_sample()->set_salt(salt);
    return request;
  }

  v1::CountResponse Sampled(const v1::CountRequest& request) {
    v1::CountResponse response;
    grpc::ClientContext context;
    const grpc::Status status = selections_->Count(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  v1::ErrorDetail Refusal(const v1::CountRequest& request, grpc::StatusCode code) {
    v1::CountResponse response;
    grpc::ClientContext context;
    const grpc::Status status = selections_->Count(&context, request, &response);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    return DetailOf(status);
  }
};

// The documented hash picks whom the function sample() of expressions picks.
TEST_F(WholeSampleTest, TheUsersAreThoseOfTheSampleFunction) {
  for (const std::string salt : {"", "s", "another"}) {
    const v1::CountResponse answer = Sampled(Request("graduate", 300'000, salt));
    EXPECT_EQ(answer.sample().method(), v1::SAMPLE_METHOD_USERS);
    const std::string looked_at = fmt::format("sample(30%, 'throng sample {}')", salt);
    EXPECT_EQ(answer.sample().users_looked_at(), Count(looked_at).count());
    EXPECT_EQ(answer.range().found(), Count("graduate and " + looked_at).count());
    EXPECT_EQ(answer.sample().users(), kUsers);
    EXPECT_EQ(answer.sample().salt(), salt);
  }
}

TEST_F(WholeSampleTest, AnEstimateSaysThatItIsOne) {
  const v1::CountResponse answer = Sampled(Request("graduate", 500'000, "s"));
  EXPECT_FALSE(answer.info().exact());
  EXPECT_TRUE(Count("graduate").info().exact());
  EXPECT_DOUBLE_EQ(answer.sample().confidence(), 0.95);
  EXPECT_LE(answer.range().found(), answer.range().low());
  EXPECT_LE(answer.range().low(), answer.count());
  EXPECT_LE(answer.count(), answer.range().high());
  // The same salt and data version give the same answer.
  const v1::CountResponse again = Sampled(Request("graduate", 500'000, "s"));
  EXPECT_EQ(again.count(), answer.count());
  EXPECT_EQ(again.range().SerializeAsString(), answer.range().SerializeAsString());
}

// Of 200 salts, 250 graduates are outside of the 95 % range a few times, not often.
TEST_F(WholeSampleTest, TheRangeHoldsAsOftenAsItSays) {
  int holds = 0;
  for (int salt = 0; salt < 200; ++salt) {
    const v1::CountResponse answer = Sampled(Request("graduate", 200'000, std::to_string(salt)));
    holds += answer.range().low() <= 250 && 250 <= answer.range().high() ? 1 : 0;
  }
  EXPECT_GE(holds, 180);
  EXPECT_LT(holds, 200) << "a range that always holds is wider than it need be";
}

TEST_F(WholeSampleTest, ABreakdownHasARangeARow) {
  v1::BreakdownRequest request;
  request.mutable_selection()->set_expression("graduate");
  request.add_tags("city");
  request.mutable_sample()->set_millionths(400'000);
  v1::BreakdownResponse answer;
  grpc::ClientContext context;
  ASSERT_TRUE(insights_->Breakdown(&context, request, &answer).ok());
  EXPECT_FALSE(answer.info().exact());
  ASSERT_EQ(answer.tags_size(), 1);
  uint64_t found = answer.tags(0).missing().range().found();
  for (const v1::BreakdownRow& row : answer.tags(0).rows()) {
    EXPECT_LE(row.range().low(), row.count());
    EXPECT_LE(row.count(), row.range().high());
    found += row.range().found();
  }
  EXPECT_EQ(found, answer.range().found());
  EXPECT_EQ(answer.baseline_count(), kUsers);
}

TEST_F(WholeSampleTest, WhatIsNoSampleIsRefusedByName) {
  const auto invalid = grpc::StatusCode::INVALID_ARGUMENT;
  EXPECT_EQ(Refusal(Request("graduate", 0, "s"), invalid).field(), "sample.millionths");
  EXPECT_EQ(Refusal(Request("graduate", 1'000'000, "s"), invalid).field(), "sample.millionths");
  EXPECT_EQ(Refusal(Request("graduate", 1, std::string(129, 's')), invalid).field(), "sample.salt");
  Sampled(Request("graduate", 999'999, std::string(128, 's')));
  Sampled(Request("graduate", 1, "s"));
  for (const double confidence : {0.4999, 0.9991, -1.0}) {
    v1::CountRequest request = Request("graduate", 1'000, "s");
    request.mutable_sample()->set_confidence(confidence);
    EXPECT_EQ(Refusal(request, invalid).field(), "sample.confidence") << confidence;
  }
  EXPECT_EQ(Refusal(Request("graduate top 3 by views", 1'000, "s"), invalid).reason(),
            "LIMIT_WITH_SAMPLE");
}

}  // namespace
}  // namespace throng::service
