// SIGTERM while writers write: no write that was acknowledged is lost, health says so first, and
// the end comes in time.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "tests/e2e/server_process.h"
#include "tests/service/health_check.h"
#include "tests/testing/temporary_directory.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::e2e {
namespace {

constexpr int kWriters = 8;
constexpr int kWritesMin = 20;  // of each writer before the signal
constexpr std::chrono::seconds kLimit{60};

std::string UserId(int writer, int number) { return fmt::format("w{}_{}", writer, number); }

// Writes one user a call, as fast as it is answered, until a call fails or it is told to stop.
class Writer {
 public:
  Writer(std::shared_ptr<grpc::Channel> channel, int number)
      : number_(number), thread_([this, channel = std::move(channel)] { Run(channel); }) {}

  int acknowledged() const { return acknowledged_; }
  // The status of the call that failed; OK when none did.
  grpc::Status Join() {
    thread_.join();
    return failure_;
  }
  void Stop() { is_stopped_ = true; }

 private:
  void Run(const std::shared_ptr<grpc::Channel>& channel) {
    const auto stub = v1::UserService::NewStub(channel);
    while (!is_stopped_) {
      v1::WriteUsersRequest request;
      request.set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
      request.add_users()->set_id(UserId(number_, acknowledged_));
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kLimit);
      v1::WriteUsersResponse response;
      failure_ = stub->WriteUsers(&context, request, &response);
      if (!failure_.ok()) return;
      ++acknowledged_;
    }
  }

  const int number_;
  std::atomic<bool> is_stopped_{false};
  std::atomic<int> acknowledged_{0};
  grpc::Status failure_;
  std::thread thread_;  // last: it uses the rest
};

// A channel of its own: gRPC shares connections between channels that look the same.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

TEST(DrainTest, NoAcknowledgedWriteIsLostWhenTheServerIsAskedToStop) {
  const testing::TemporaryDirectory directory;
  const std::string data = directory.File("data");
  std::vector<int> acknowledged;
  {
    ServerProcess server(data, {"--drain-seconds", "30"});
    std::vector<std::unique_ptr<Writer>> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.push_back(std::make_unique<Writer>(NewChannel(server.address()), i));
    }
    const auto end = std::chrono::steady_clock::now() + kLimit;
    const auto all_write = [&] {
      return std::all_of(writers.begin(), writers.end(),
                         [](const auto& writer) { return writer->acknowledged() >= kWritesMin; });
    };
    while (!all_write() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ASSERT_TRUE(all_write()) << server.process().error_output();
    server.process().Signal(SIGTERM);
    // Writers that never stop do not hold it up: what is new is refused, what runs ends.
    EXPECT_TRUE(server.process().Wait(kLimit)) << server.process().error_output();
    EXPECT_EQ(server.process().exit_code(), 0) << server.process().error_output();
    for (const auto& writer : writers) {
      writer->Stop();
      const grpc::Status failure = writer->Join();
      // Refused, not broken off in the middle: nobody has to ask whether a write was done.
      EXPECT_EQ(failure.error_code(), grpc::StatusCode::UNAVAILABLE) << failure.error_message();
      acknowledged.push_back(writer->acknowledged());
    }
    EXPECT_THAT(server.process().error_output(), ::testing::HasSubstr("event=stopped"));
  }
  ServerProcess again(data);
  const Throng throng = again.client();
  for (int i = 0; i < kWriters; ++i) {
    const int count = acknowledged[static_cast<size_t>(i)];
    for (const int number : {0, count / 2, count - 1}) {
      EXPECT_EQ(throng.Run({"portrait", UserId(i, number)}).exit_code, 0) << UserId(i, number);
    }
  }
  int64_t least = 0;
  for (const int count : acknowledged) least += count;
  const int64_t users = throng.Count("all()");
  EXPECT_GE(users, least);
  EXPECT_LE(users, least + kWriters);  // whose answers did not arrive
}

// Follows the health of the server as load balancers do.
class HealthWatch {
 public:
  explicit HealthWatch(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {
    context_.set_deadline(std::chrono::system_clock::now() + kLimit);
    call_ = stub_.PrepareCall(&context_, "/grpc.health.v1.Health/Watch", &queue_);
    call_->StartCall(nullptr);
    Await();
    const grpc::Slice everything;  // the empty request: the server as a whole
    call_->WriteLast(grpc::ByteBuffer(&everything, 1), {}, nullptr);
    Await();
  }

  // The next answer's bytes; empty: there is none any more.
  std::string Next() {
    grpc::ByteBuffer bytes;
    call_->Read(&bytes, nullptr);
    if (!Await()) return "";
    grpc::Slice slice;
    EXPECT_TRUE(bytes.DumpToSingleSlice(&slice).ok());
    return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
  }

 private:
  bool Await() {
    void* tag = nullptr;
    bool is_ok = false;
    return queue_.Next(&tag, &is_ok) && is_ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

TEST(DrainTest, HealthSaysSoAndACallThatDoesNotEndIsCut) {
  const testing::TemporaryDirectory directory;
  ServerProcess server(directory.File("data"), {"--drain-seconds", "2"});
  const auto channel = NewChannel(server.address());
  HealthWatch health(channel);
  ASSERT_EQ(health.Next(), service::kServing);
  const auto stub = v1::UserService::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kLimit);
  const auto load = stub->Load(&context);
  v1::LoadRequest request;
  request.mutable_header()->set_mode(v1::LOAD_MODE_UPSERT);
  request.mutable_header()->set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  ASSERT_TRUE(load->Write(request));
  request.mutable_batch()->set_batch_number(1);
  request.mutable_batch()->mutable_ids()->mutable_numbers()->add_values(17);
  ASSERT_TRUE(load->Write(request));
  v1::LoadResponse response;
  ASSERT_TRUE(load->Read(&response)) << "the load has not begun";
  server.process().Signal(SIGTERM);
  EXPECT_EQ(health.Next(), service::kNotServing);
  EXPECT_TRUE(server.process().Wait(kLimit)) << "it waits for a call that does not end";
  EXPECT_EQ(server.process().exit_code(), 0) << server.process().error_output();
  while (load->Read(&response)) {
  }
  EXPECT_FALSE(load->Finish().ok());
}

}  // namespace
}  // namespace throng::e2e
