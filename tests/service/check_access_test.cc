// Checks of membership by callers with different rights: what is answered on gRPC's threads asks
// who calls like every other call.
#include <memory>
#include <string>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "tests/service/guarded_fixture.h"
#include "throng/v1/crowd.pb.h"
#include "throng/v1/membership.grpc.pb.h"

namespace throng::service {
namespace {

using grpc::StatusCode;

// With an audit log, and without one: then checks are answered on gRPC's threads.
class CheckAccessTest : public GuardedServerTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    Allow("low", {{"default", "operator", 4}});
    Allow("high", {{"default", "operator", 5}});
    Allow("viewer", {{"default", "viewer", 9}});
    if (!GetParam()) audit_path_.clear();
    Start();
    Make("rich", "income > 50");
    Make("half", "city = 'a'");
  }

  void Make(const std::string& name, const std::string& rule) {
    const engine::CallContext context = engine::CallContext::Internal();
    ASSERT_TRUE(engine_->crowds().Create(context, {.name = name, .rule = rule}, {}).ok());
    ASSERT_TRUE(engine_->crowds().Refresh(context, {.names = {name}}, {}).ok());
  }
  static v1::CheckRequest CheckOf(const std::string& crowd) {
    v1::CheckRequest request;
    request.mutable_user()->set_id("60");
    request.add_crowds()->set_crowd(crowd);
    return request;
  }
  static v1::StreamChecksRequest StreamOf(const std::string& crowd) {
    v1::StreamChecksRequest request;
    request.mutable_setup()->add_crowds()->set_crowd(crowd);
    request.add_checks()->set_id("60");
    return request;
  }
};

INSTANTIATE_TEST_SUITE_P(Audited, CheckAccessTest, ::testing::Bool());

TEST_P(CheckAccessTest, TakesTheRight) {
  v1::CheckResponse response;
  EXPECT_EQ(Call("", "MembershipService/Check", CheckOf("half")).error_code(),
            StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Call("viewer", "MembershipService/Check", CheckOf("half")).error_code(),
            StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Call("low", "MembershipService/Check", CheckOf("half"), &response).error_code(),
            StatusCode::OK);
  ASSERT_EQ(response.states_size(), 1);
  EXPECT_EQ(Call("viewer", "MembershipService/StreamChecks", StreamOf("half")).error_code(),
            StatusCode::PERMISSION_DENIED);
  v1::StreamChecksResponse answers;
  EXPECT_EQ(Call("low", "MembershipService/StreamChecks", StreamOf("half"), &answers).error_code(),
            StatusCode::OK);
  v1::CheckRequest elsewhere = CheckOf("half");
  elsewhere.set_population("populations/other");
  EXPECT_EQ(Call("low", "MembershipService/Check", elsewhere).error_code(),
            StatusCode::PERMISSION_DENIED);
}

TEST_P(CheckAccessTest, ACrowdAboveTheLevelIsNotThere) {
  for (const std::string method : {"MembershipService/Check", "MembershipService/StreamChecks"}) {
    const auto ask = [&](const std::string& name, const std::string& crowd) {
      return method.ends_with("/Check") ? Call(name, method, CheckOf(crowd))
                                        : Call(name, method, StreamOf(crowd));
    };
    EXPECT_EQ(ask("high", "rich").error_code(), StatusCode::OK) << method;
    const grpc::Status unseen = ask("low", "rich");
    EXPECT_EQ(unseen.error_code(), StatusCode::NOT_FOUND) << method;
    EXPECT_EQ(ReasonOf(unseen), "UNKNOWN_CROWD") << method;
    EXPECT_EQ(ask("low", "half").error_code(), StatusCode::OK) << method;
  }
}

TEST_P(CheckAccessTest, AStreamEndsWithItsToken) {
  const auto stub = v1::MembershipService::NewStub(channel_);
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + TokenOf("low"));
  const auto stream = stub->StreamChecks(&context);
  ASSERT_TRUE(stream->Write(StreamOf("half")));
  v1::StreamChecksResponse response;
  ASSERT_TRUE(stream->Read(&response));
  access_text_.clear();
  WriteAccess();
  ASSERT_TRUE(access_->Reload().ok());
  // Silent ones, too: nothing is written.
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::UNAUTHENTICATED);
}

// What is said anew is judged by the grants of now; what was said before goes on.
TEST_P(CheckAccessTest, ANewSetupTakesTheRightOfNow) {
  const auto stub = v1::MembershipService::NewStub(channel_);
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + TokenOf("low"));
  const auto stream = stub->StreamChecks(&context);
  ASSERT_TRUE(stream->Write(StreamOf("half")));
  v1::StreamChecksResponse response;
  ASSERT_TRUE(stream->Read(&response));
  access_text_.clear();
  Allow("low", {{"default", "viewer", 4}});
  WriteAccess();
  ASSERT_TRUE(access_->Reload().ok());
  v1::StreamChecksRequest more;
  more.add_checks()->set_id("61");
  ASSERT_TRUE(stream->Write(more));
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_TRUE(stream->Write(StreamOf("half")));
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(status), "NO_RIGHT");
}

}  // namespace
}  // namespace throng::service
