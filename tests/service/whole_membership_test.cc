// Why users are in or out, end to end: the real engine behind the real services.
#include <string>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"

namespace throng::service {
namespace {

class WholeMembershipTest : public WholeServerTest {
 protected:
  grpc::Status Ask(const v1::WhyMemberRequest& request, v1::WhyMemberResponse* response) {
    grpc::ClientContext context;
    return memberships_->WhyMember(&context, request, response);
  }
};

// User 8: every third is of Beijing, the others of Tianjin; rent 0.08; views 8; a graduate.
TEST_F(WholeMembershipTest, SaysWhyAUserIsOut) {
  v1::WhyMemberRequest request;
  request.mutable_selection()->set_expression(
      "city = 'Beijing' and rent < 1.00 and likes = 'a' and not graduate and born = '1970-01-09'");
  request.mutable_user()->set_id("8");
  v1::WhyMemberResponse response;
  const grpc::Status status = Ask(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_TRUE(response.has_user());
  const v1::UserReasons& user = response.user();
  EXPECT_EQ(user.id(), "8");
  EXPECT_FALSE(user.member());
  ASSERT_EQ(user.conditions_size(), 5);
  const auto value = [&](int c) { return user.conditions(c).value(); };
  EXPECT_FALSE(user.conditions(0).met());
  EXPECT_EQ(user.conditions(0).condition().number(), 1u);
  EXPECT_EQ(value(0).values(0).text(), "Tianjin");
  EXPECT_EQ(value(0).type(), v1::TAG_TYPE_CATEGORY);
  EXPECT_TRUE(user.conditions(1).met());
  EXPECT_EQ(user.conditions(1).condition().column(), 22u);
  EXPECT_EQ(value(1).values(0).decimal(), "0.08");
  EXPECT_EQ(value(2).labels(), 2u);
  ASSERT_EQ(value(2).values_size(), 2);
  EXPECT_EQ(value(2).values(1).text(), "b");
  EXPECT_TRUE(user.conditions(3).matches());
  EXPECT_FALSE(user.conditions(3).met());
  EXPECT_TRUE(user.conditions(3).condition().negated());
  EXPECT_TRUE(value(3).values(0).flag());
  EXPECT_EQ(value(4).values(0).date().day(), 9);
  EXPECT_EQ(user.flip().kind(), v1::FLIP_KIND_SMALLEST);
  ASSERT_EQ(user.flip().conditions_size(), 2);
  EXPECT_EQ(user.flip().conditions(0), 1u);
  EXPECT_EQ(user.flip().conditions(1), 4u);
  EXPECT_GT(response.info().data_version(), 0u);
}

TEST_F(WholeMembershipTest, CountsOverAList) {
  v1::WhyMemberRequest request;
  request.mutable_selection()->set_expression("graduate and city = 'Beijing'");
  for (uint64_t id = 0; id < kUsers + 5; ++id) {
    request.mutable_users()->add_ids(fmt::format("{}", id));
  }
  v1::WhyMemberResponse response;
  const grpc::Status status = Ask(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_TRUE(response.has_users());
  const uint64_t in = Count("graduate and city = 'Beijing'").count();
  EXPECT_EQ(response.users().in_count(), in);
  EXPECT_EQ(response.users().out_count(), kUsers - in);
  EXPECT_EQ(response.users().unknown_count(), 5u);
  ASSERT_EQ(response.users().conditions_size(), 2);
  EXPECT_EQ(response.users().conditions(0).missed(), 750u);
  EXPECT_EQ(response.users().conditions(0).decided(),
            Count("not graduate and city = 'Beijing'").count());
  EXPECT_EQ(response.users().conditions(1).condition().condition(), "city = 'Beijing'");
}

TEST_F(WholeMembershipTest, ErrorsSayWhere) {
  v1::WhyMemberRequest request;
  v1::WhyMemberResponse response;
  request.mutable_selection()->set_expression("all()");
  EXPECT_EQ(DetailOf(Ask(request, &response)).field(), "who");
  request.mutable_user()->set_id("nobody");
  grpc::Status status = Ask(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf(status).reason(), "UNKNOWN_USER");
  EXPECT_EQ(DetailOf(status).field(), "user.id");
  request.mutable_user()->clear_id();
  EXPECT_EQ(DetailOf(Ask(request, &response)).reason(), "EMPTY_ID");
  request.mutable_users();
  EXPECT_EQ(DetailOf(Ask(request, &response)).field(), "users.ids");
  for (int i = 0; i < 10'001; ++i) request.mutable_users()->add_ids("1");
  status = Ask(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf(status).limit(), 10'000u);
  request.mutable_selection()->set_expression("citty = 'x'");
  request.mutable_user()->set_id("8");
  EXPECT_EQ(DetailOf(Ask(request, &response)).field(), "selection.expression");
  request.mutable_selection()->set_population("populations/none");
  EXPECT_EQ(DetailOf(Ask(request, &response)).field(), "selection.population");
}

}  // namespace
}  // namespace throng::service
