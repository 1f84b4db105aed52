// Check, BatchCheck and StreamChecks end to end: the real engine behind the real services.
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"

namespace throng::service {
namespace {

constexpr int kLimit = 10'000;

using Stream = grpc::ClientReaderWriter<v1::StreamChecksRequest, v1::StreamChecksResponse>;

class WholeCheckTest : public WholeServerTest {
 protected:
  // Every third user is of Beijing, but every tenth has no city; every fourth is a graduate.
  void SetUp() override {
    WholeServerTest::SetUp();
    Create("beijing", "city = 'Beijing'");
    Create("graduates", "graduate");
    Refresh("beijing");
    Refresh("graduates");
    Create("later", "all()");
  }
  void Create(const std::string& name, const std::string& rule) {
    const auto created =
        engine_->crowds().Create(engine::CallContext(), {.name = name, .rule = rule}, {});
    ASSERT_TRUE(created.ok()) << created.status();
  }
  void Refresh(const std::string& name) {
    const auto refreshed = engine_->crowds().Refresh(engine::CallContext(), {.names = {name}}, {});
    ASSERT_TRUE(refreshed.ok()) << refreshed.status();
  }

  grpc::Status Check(const v1::CheckRequest& request, v1::CheckResponse* response) {
    grpc::ClientContext context;
    return memberships_->Check(&context, request, response);
  }
  grpc::Status CheckBatch(const v1::BatchCheckRequest& request, v1::BatchCheckResponse* response) {
    grpc::ClientContext context;
    return memberships_->BatchCheck(&context, request, response);
  }
  static void Expect(const grpc::Status& status, grpc::StatusCode code, const std::string& reason,
                     const std::string& field) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(DetailOf(status).reason(), reason) << status.error_message();
    EXPECT_EQ(DetailOf(status).field(), field) << status.error_message();
  }
  static v1::StreamChecksRequest Setup(const std::vector<std::string>& crowds) {
    v1::StreamChecksRequest request;
    for (const std::string& crowd : crowds) request.mutable_setup()->add_crowds()->set_crowd(crowd);
    return request;
  }
  static void Add(uint64_t id, v1::StreamChecksRequest* request) {
    v1::StreamCheck* check = request->add_checks();
    check->set_sequence(id + 100);
    check->set_id(fmt::format("{}", id));
  }
  static v1::MemberState State(bool member) {
    return member ? v1::MEMBER_STATE_MEMBER : v1::MEMBER_STATE_NOT_MEMBER;
  }
  static v1::MemberState OfBeijing(uint64_t id) { return State(id % 3 == 0 && id % 10 != 0); }
};

TEST_F(WholeCheckTest, OneUserInCrowds) {
  v1::CheckRequest request;
  request.set_population("populations/default");
  request.mutable_user()->set_id("12");
  for (const char* crowd : {"beijing", "graduates"}) request.add_crowds()->set_crowd(crowd);
  v1::CheckResponse response;
  ASSERT_TRUE(Check(request, &response).ok());
  ASSERT_EQ(response.states_size(), 2);
  EXPECT_EQ(response.states(0), v1::MEMBER_STATE_MEMBER);
  EXPECT_EQ(response.states(1), v1::MEMBER_STATE_MEMBER);
  ASSERT_EQ(response.versions_size(), 2);
  EXPECT_EQ(response.versions(1).version(), 1u);
  EXPECT_GT(response.versions(1).compute_time().seconds(), 1'600'000'000);
  EXPECT_LT(response.versions(1).data_version(), response.data_version());
  request.mutable_user()->set_id("13");
  ASSERT_TRUE(Check(request, &response).ok());
  EXPECT_EQ(response.states(0), v1::MEMBER_STATE_NOT_MEMBER);
  request.mutable_user()->set_id("nobody");
  ASSERT_TRUE(Check(request, &response).ok());
  EXPECT_EQ(response.states(0), v1::MEMBER_STATE_UNKNOWN_USER);
  request.add_crowds()->set_crowd("later");
  request.set_skip_missing(true);
  ASSERT_TRUE(Check(request, &response).ok());
  EXPECT_EQ(response.states(2), v1::MEMBER_STATE_NO_VERSION);
  EXPECT_EQ(response.versions(2).version(), 0u);
}

TEST_F(WholeCheckTest, ErrorsSayWhere) {
  v1::CheckRequest request;
  request.mutable_user()->set_id("12");
  v1::CheckResponse response;
  Expect(Check(request, &response), grpc::StatusCode::INVALID_ARGUMENT, "REQUIRED", "crowds");
  request.add_crowds()->set_crowd("beijing");
  v1::CrowdRef* crowd = request.add_crowds();
  Expect(Check(request, &response), grpc::StatusCode::INVALID_ARGUMENT, "REQUIRED",
         "crowds[1].crowd");
  crowd->set_crowd("beijin");
  Expect(Check(request, &response), grpc::StatusCode::NOT_FOUND, "UNKNOWN_CROWD",
         "crowds[1].crowd");
  crowd->set_crowd("later");
  Expect(Check(request, &response), grpc::StatusCode::FAILED_PRECONDITION, "CROWD_NOT_REFRESHED",
         "crowds[1].crowd");
  crowd->set_live(true);
  Expect(Check(request, &response), grpc::StatusCode::INVALID_ARGUMENT, "LIVE_CROWD",
         "crowds[1].live");
  crowd->set_crowd("beijing");
  crowd->set_version(0);
  Expect(Check(request, &response), grpc::StatusCode::INVALID_ARGUMENT, "VALUE_OUT_OF_RANGE",
         "crowds[1].version");
  crowd->set_version(7);
  Expect(Check(request, &response), grpc::StatusCode::FAILED_PRECONDITION, "CROWD_VERSION_GONE",
         "crowds[1].version");
  crowd->set_version(1);
  EXPECT_TRUE(Check(request, &response).ok());
  request.set_read_version(99'999);
  Expect(Check(request, &response), grpc::StatusCode::FAILED_PRECONDITION, "VERSION_GONE",
         "read_version");
  request.set_population("default");
  Expect(Check(request, &response), grpc::StatusCode::INVALID_ARGUMENT, "BAD_RESOURCE_NAME",
         "population");
  request.set_population("populations/none");
  Expect(Check(request, &response), grpc::StatusCode::NOT_FOUND, "UNKNOWN_POPULATION",
         "population");
}

TEST_F(WholeCheckTest, TenThousandCrowdsAndNoMore) {
  v1::CheckRequest request;
  request.mutable_user()->set_id("12");
  for (int i = 0; i < kLimit; ++i) request.add_crowds()->set_crowd("beijing");
  v1::CheckResponse response;
  ASSERT_TRUE(Check(request, &response).ok());
  EXPECT_EQ(response.states_size(), kLimit);
  EXPECT_EQ(response.states(kLimit - 1), v1::MEMBER_STATE_MEMBER);
  request.add_crowds()->set_crowd("beijing");
  const grpc::Status status = Check(request, &response);
  Expect(status, grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_CROWDS", "crowds");
  EXPECT_EQ(DetailOf(status).limit(), static_cast<uint64_t>(kLimit));
}

TEST_F(WholeCheckTest, TenThousandUsersAndNoMore) {
  v1::BatchCheckRequest request;
  v1::BatchCheckResponse response;
  Expect(CheckBatch(request, &response), grpc::StatusCode::INVALID_ARGUMENT, "REQUIRED",
         "crowd.crowd");
  request.mutable_crowd()->set_crowd("beijing");
  for (int i = 0; i < kLimit; ++i) request.add_ids(fmt::format("{}", i));
  request.set_ids(5, "");
  ASSERT_TRUE(CheckBatch(request, &response).ok());
  ASSERT_EQ(response.states_size(), kLimit);
  EXPECT_EQ(response.states(12), v1::MEMBER_STATE_MEMBER);
  EXPECT_EQ(response.states(13), v1::MEMBER_STATE_NOT_MEMBER);
  EXPECT_EQ(response.states(5), v1::MEMBER_STATE_INVALID_ID);
  EXPECT_EQ(response.members(), Count("city = 'Beijing'").count());
  EXPECT_EQ(response.unknown_users(), kLimit - kUsers);
  EXPECT_EQ(response.invalid_ids(), 1u);
  EXPECT_EQ(response.version().version(), 1u);
  request.add_ids("1");
  Expect(CheckBatch(request, &response), grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_IDS",
         "ids");
  request.clear_ids();
  request.add_numbers(12);
  ASSERT_TRUE(CheckBatch(request, &response).ok());
  EXPECT_EQ(response.states(0), v1::MEMBER_STATE_MEMBER);
}

TEST_F(WholeCheckTest, AStreamAnswersInOrderUntilItIsClosed) {
  grpc::ClientContext context;
  const std::unique_ptr<Stream> stream = memberships_->StreamChecks(&context);
  v1::StreamChecksRequest request = Setup({"beijing", "graduates"});
  for (uint64_t id = 0; id < 3; ++id) Add(id, &request);  // the setup holds for its own message
  ASSERT_TRUE(stream->Write(request));
  for (uint64_t id = 3; id < kUsers + 5; ++id) {
    request.Clear();
    Add(id, &request);
    ASSERT_TRUE(stream->Write(request));
  }
  stream->WritesDone();
  v1::StreamChecksResponse response;
  uint64_t next = 0;
  bool first = true;
  while (stream->Read(&response)) {
    EXPECT_EQ(response.versions_size(), first ? 2 : 0);
    EXPECT_GT(response.data_version(), 0u);
    first = false;
    for (const v1::StreamAnswer& answer : response.answers()) {
      EXPECT_EQ(answer.sequence(), next + 100);
      ASSERT_EQ(answer.states_size(), 2);
      const bool is_user = next < kUsers;
      EXPECT_EQ(answer.states(0), is_user ? OfBeijing(next) : v1::MEMBER_STATE_UNKNOWN_USER);
      EXPECT_EQ(answer.states(1), is_user ? State(next % 4 == 0) : v1::MEMBER_STATE_UNKNOWN_USER);
      ++next;
    }
  }
  EXPECT_EQ(next, kUsers + 5);
  const grpc::Status status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(WholeCheckTest, AStreamFollowsNewVersionsAndNewSetups) {
  grpc::ClientContext context;
  const std::unique_ptr<Stream> stream = memberships_->StreamChecks(&context);
  v1::StreamChecksResponse response;
  const auto ask = [&](const v1::StreamChecksRequest& request) {
    EXPECT_TRUE(stream->Write(request));
    EXPECT_TRUE(stream->Read(&response));
  };
  ask(Setup({"beijing"}));
  EXPECT_EQ(response.answers_size(), 0);
  ASSERT_EQ(response.versions_size(), 1);
  v1::StreamChecksRequest request;
  Add(3, &request);
  ask(request);
  EXPECT_EQ(response.versions_size(), 0);
  Refresh("beijing");
  ask(request);
  ASSERT_EQ(response.versions_size(), 1);
  EXPECT_EQ(response.versions(0).version(), 2u);
  request = Setup({"graduates", "beijing"});
  Add(4, &request);
  ask(request);
  EXPECT_EQ(response.versions_size(), 2);
  ASSERT_EQ(response.answers_size(), 1);
  EXPECT_EQ(response.answers(0).states(0), v1::MEMBER_STATE_MEMBER);
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(WholeCheckTest, AnErrorComesBehindTheAnswersBeforeIt) {
  v1::StreamChecksRequest many;
  for (int i = 0; i < kLimit; ++i) Add(12, &many);
  v1::StreamChecksRequest too_many = many;
  Add(12, &too_many);
  v1::StreamChecksRequest versioned = Setup({"beijing"});
  versioned.mutable_setup()->mutable_crowds(0)->set_version(1);
  struct Case {
    v1::StreamChecksRequest request;
    grpc::StatusCode code;
    std::string reason;
    std::string field;
  };
  const Case cases[] = {
      {too_many, grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_IDS", "checks"},
      {Setup({"graduates", "beijin"}), grpc::StatusCode::NOT_FOUND, "UNKNOWN_CROWD",
       "setup.crowds[1].crowd"},
      {Setup({"later"}), grpc::StatusCode::FAILED_PRECONDITION, "CROWD_NOT_REFRESHED",
       "setup.crowds[0].crowd"},
      {versioned, grpc::StatusCode::INVALID_ARGUMENT, "VERSION_IN_STREAM",
       "setup.crowds[0].version"},
  };
  for (const Case& one : cases) {
    grpc::ClientContext context;
    const std::unique_ptr<Stream> stream = memberships_->StreamChecks(&context);
    EXPECT_TRUE(stream->Write(Setup({"beijing"})));
    EXPECT_TRUE(stream->Write(many));
    EXPECT_TRUE(stream->Write(one.request));
    v1::StreamChecksResponse response;
    int answers = 0;
    while (stream->Read(&response)) answers += response.answers_size();
    EXPECT_EQ(answers, kLimit) << one.reason;
    Expect(stream->Finish(), one.code, one.reason, one.field);
  }
  grpc::ClientContext context;
  const std::unique_ptr<Stream> stream = memberships_->StreamChecks(&context);
  EXPECT_TRUE(stream->Write(many));
  Expect(stream->Finish(), grpc::StatusCode::INVALID_ARGUMENT, "REQUIRED", "setup");
}

TEST_F(WholeCheckTest, AStreamEndsWithItsCallAndWithTheServer) {
  v1::StreamChecksResponse response;
  {
    grpc::ClientContext context;
    const std::unique_ptr<Stream> stream = memberships_->StreamChecks(&context);
    ASSERT_TRUE(stream->Write(Setup({"beijing"})));
    ASSERT_TRUE(stream->Read(&response));
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
    const std::unique_ptr<Stream> stream = memberships_->StreamChecks(&context);
    stream->Write(Setup({"beijing"}));
    while (stream->Read(&response)) {
    }
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  grpc::ClientContext context;
  const std::unique_ptr<Stream> silent = memberships_->StreamChecks(&context);
  ASSERT_TRUE(silent->Write(Setup({"beijing"})));
  ASSERT_TRUE(silent->Read(&response));
  server_->Shutdown(std::chrono::hours(1));  // does not wait for it
  EXPECT_FALSE(silent->Read(&response));
  Expect(silent->Finish(), grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN", "");
}

TEST_F(WholeCheckTest, ThereAreOnlySoManyStreams) {
  ServiceLimits limits;
  limits.check_streams_max = 1;
  const auto server = Server::Start("127.0.0.1:0", limits);
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Serve(engine_.get());
  const auto stub = v1::MembershipService::NewStub(grpc::CreateChannel(
      fmt::format("127.0.0.1:{}", (*server)->port()), grpc::InsecureChannelCredentials()));
  v1::StreamChecksResponse response;
  grpc::ClientContext context;
  const std::unique_ptr<Stream> stream = stub->StreamChecks(&context);
  ASSERT_TRUE(stream->Write(Setup({"beijing"})));
  ASSERT_TRUE(stream->Read(&response));
  grpc::ClientContext other_context;
  const std::unique_ptr<Stream> other = stub->StreamChecks(&other_context);
  Expect(other->Finish(), grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_CALLS", "");
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(WholeCheckTest, AStreamThatStandsStillIsEnded) {
  ServiceLimits limits;
  limits.check_setup_max = std::chrono::seconds(1);
  const auto server = Server::Start("127.0.0.1:0", limits);
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Serve(engine_.get());
  const auto stub = v1::MembershipService::NewStub(grpc::CreateChannel(
      fmt::format("127.0.0.1:{}", (*server)->port()), grpc::InsecureChannelCredentials()));
  v1::StreamChecksResponse response;
  grpc::ClientContext context;
  const std::unique_ptr<Stream> silent = stub->StreamChecks(&context);
  EXPECT_FALSE(silent->Read(&response));
  Expect(silent->Finish(), grpc::StatusCode::DEADLINE_EXCEEDED, "NO_SETUP", "setup");
}

// Writes until a write is not taken any more: while nobody reads, the server stops reading. Then
// all is read, and nothing is missing.
// What a client wrote that read nothing until the server took no more, and what came when it read.
struct Unread {
  bool stalled = false;
  int written = 0;
  int answers = 0;
  int versions = 0;
  grpc::Status status;
};

// Writes `first`, then `next` again and again, at most `most` in all; then reads everything.
Unread WriteWithoutReading(v1::MembershipService::Stub& stub, const v1::StreamChecksRequest& first,
                           const v1::StreamChecksRequest& next, int most) {
  Unread unread;
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  enum : intptr_t { kStarted = 1, kWritten, kRead, kFinished };
  const auto tag = [](intptr_t number) { return reinterpret_cast<void*>(number); };
  void* done = nullptr;
  bool ok = false;
  const auto stream = stub.AsyncStreamChecks(&context, &queue, tag(kStarted));
  EXPECT_TRUE(queue.Next(&done, &ok) && ok);
  while (!unread.stalled && unread.written < most) {
    stream->Write(unread.written == 0 ? first : next, tag(kWritten));
    ++unread.written;
    const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(2);
    unread.stalled = queue.AsyncNext(&done, &ok, deadline) == grpc::CompletionQueue::TIMEOUT;
    EXPECT_TRUE(unread.stalled || ok);
  }
  // The write that stalled ends when the client reads.
  if (!unread.stalled) stream->WritesDone(tag(kWritten));
  bool closed = !unread.stalled;
  bool reading = true;
  v1::StreamChecksResponse response;
  stream->Read(&response, tag(kRead));
  while (reading && queue.Next(&done, &ok)) {
    if (done == tag(kWritten) && !closed) {
      stream->WritesDone(tag(kWritten));
      closed = true;
    }
    if (done != tag(kRead)) continue;
    reading = ok;
    if (!ok) continue;
    unread.answers += response.answers_size();
    unread.versions += response.versions_size();
    stream->Read(&response, tag(kRead));
  }
  stream->Finish(&unread.status, tag(kFinished));
  while (queue.Next(&done, &ok) && done != tag(kFinished)) {
  }
  return unread;
}

// The messages together are more than a connection buffers, with room for what the server holds.
TEST_F(WholeCheckTest, AClientThatDoesNotReadIsNotReadFrom) {
  constexpr int kMost = 60;
  constexpr int kChecks = 1'000;
  v1::StreamChecksRequest next;
  for (uint64_t sequence = 0; sequence < kChecks; ++sequence) {
    v1::StreamCheck* check = next.add_checks();
    check->set_sequence(sequence);
    check->set_id(std::string(900, 'x'));  // nobody's, but long
  }
  const Unread unread = WriteWithoutReading(
      *memberships_, Setup(std::vector<std::string>(1'000, "beijing")), next, kMost);
  EXPECT_TRUE(unread.stalled) << "the server has read " << unread.written << " messages";
  EXPECT_EQ(unread.answers, (unread.written - 1) * kChecks);
  EXPECT_TRUE(unread.status.ok()) << unread.status.error_message();
}

TEST_F(WholeCheckTest, ASetupAfterTheOtherIsNotReadEither) {
  constexpr int kMost = 2'000;
  const v1::StreamChecksRequest setup = Setup(std::vector<std::string>(1'000, "beijing"));
  const Unread unread = WriteWithoutReading(*memberships_, setup, setup, kMost);
  EXPECT_TRUE(unread.stalled) << "the server has read " << unread.written << " messages";
  EXPECT_EQ(unread.versions, unread.written * 1'000);
  EXPECT_TRUE(unread.status.ok()) << unread.status.error_message();
}

}  // namespace
}  // namespace throng::service
