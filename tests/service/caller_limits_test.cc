// What one caller may have at the same time, and that others have theirs besides.
#include <cstdint>
#include <memory>
#include <string>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "tests/service/guarded_fixture.h"
#include "tests/service/status_matchers.h"
#include "throng/v1/membership.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::service {
namespace {

class CallerLimitsTest : public GuardedServerTest {
 protected:
  static void Authorize(const std::string& name, grpc::ClientContext* context) {
    context->AddMetadata("authorization", "Bearer " + TokenOf(name));
  }
  static void ExpectTooMany(const grpc::Status& status, uint64_t limit) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(DetailOf(status).reason(), "TOO_MANY_CALLS_OF_CALLER") << status.error_message();
    EXPECT_EQ(DetailOf(status).limit(), limit);
  }
};

// A load that waits for its client.
class OpenLoad {
 public:
  OpenLoad(v1::UserService::Stub& stub, const std::string& token) {
    context_.AddMetadata("authorization", "Bearer " + token);
    stream_ = stub.Load(&context_);
    v1::LoadRequest request;
    v1::LoadHeader* header = request.mutable_header();
    header->set_mode(v1::LOAD_MODE_UPSERT);
    header->add_tags("city");
    stream_->Write(request);
  }
  grpc::Status Close() {
    stream_->WritesDone();
    v1::LoadResponse response;
    while (stream_->Read(&response)) continue;
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::LoadRequest, v1::LoadResponse>> stream_;
};

TEST_F(CallerLimitsTest, LoadsOfOneCaller) {
  limits_.caller_streams_max = 2;
  Allow("crm", {{"default", "loader", 9}});
  Allow("push", {{"default", "loader", 9}});
  Start();
  const auto stub = v1::UserService::NewStub(channel_);
  {
    OpenLoad first(*stub, TokenOf("crm"));
    OpenLoad second(*stub, TokenOf("crm"));
    // In the order in which one connection has sent them.
    OpenLoad third(*stub, TokenOf("crm"));
    ExpectTooMany(third.Close(), 2);
    OpenLoad of_another(*stub, TokenOf("push"));
    const grpc::Status other = of_another.Close();
    EXPECT_NE(DetailOf(other).reason(), "TOO_MANY_CALLS_OF_CALLER");
    EXPECT_NE(DetailOf(first.Close()).reason(), "TOO_MANY_CALLS_OF_CALLER");
    EXPECT_NE(DetailOf(second.Close()).reason(), "TOO_MANY_CALLS_OF_CALLER");
  }
  OpenLoad again(*stub, TokenOf("crm"));
  EXPECT_NE(DetailOf(again.Close()).reason(), "TOO_MANY_CALLS_OF_CALLER");
}

TEST_F(CallerLimitsTest, StreamsOfChecksOfOneCaller) {
  limits_.caller_check_streams_max = 1;
  Allow("site", {{"default", "operator", 9}});
  Allow("app", {{"default", "operator", 9}});
  Start();
  const auto stub = v1::MembershipService::NewStub(channel_);
  grpc::ClientContext first;
  Authorize("site", &first);
  const auto held = stub->StreamChecks(&first);
  v1::StreamChecksResponse response;
  grpc::ClientContext second;
  Authorize("site", &second);
  const auto refused = stub->StreamChecks(&second);
  EXPECT_FALSE(refused->Read(&response));
  ExpectTooMany(refused->Finish(), 1);
  grpc::ClientContext other;
  Authorize("app", &other);
  const auto taken = stub->StreamChecks(&other);
  taken->WritesDone();
  EXPECT_NE(DetailOf(taken->Finish()).reason(), "TOO_MANY_CALLS_OF_CALLER");
  held->WritesDone();
  EXPECT_NE(DetailOf(held->Finish()).reason(), "TOO_MANY_CALLS_OF_CALLER");
}

}  // namespace
}  // namespace throng::service
