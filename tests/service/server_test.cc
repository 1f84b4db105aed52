// The server's own life, without an engine: addresses, health, refusals while loading.
#include "server/service/server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "server/service/listen_address.h"
#include "tests/e2e/raw_connection.h"
#include "tests/service/health_check.h"
#include "tests/service/status_matchers.h"
#include "throng/v1/population.grpc.pb.h"

namespace throng::service {
namespace {

std::shared_ptr<grpc::Channel> ChannelTo(const Server& server) {
  return grpc::CreateChannel(fmt::format("127.0.0.1:{}", server.port()),
                             grpc::InsecureChannelCredentials());
}

grpc::Status ListPopulations(const Server& server) {
  grpc::ClientContext context;
  v1::ListPopulationsResponse response;
  return v1::PopulationService::NewStub(ChannelTo(server))
      ->ListPopulations(&context, {}, &response);
}

TEST(ServerAddressTest, Shapes) {
  for (const std::string address :
       {"127.0.0.1:7400", "localhost:0", "[::1]:65535", "example.org:1"}) {
    EXPECT_TRUE(CheckAddress(address).ok()) << address;
  }
  for (const std::string address : {"", ":", "127.0.0.1", "127.0.0.1:", ":7400", "host:65536",
                                    "host:-1", "host:7x", "::1:7400", "[]:1", "1,127.0.0.1:2"}) {
    EXPECT_FALSE(CheckAddress(address).ok()) << address;
  }
}

TEST(ServerAddressTest, Loopback) {
  for (const std::string address : {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const std::string address : {"0.0.0.0:1", "[::]:1", "192.168.0.1:1", "example.org:1",
                                    "127.0.0.1.example.org:1", "nonsense"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

TEST(ServerTest, SaysHowFarLoadingIs) {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start("127.0.0.1:0", ServiceLimits());
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->gate().ReportLoading(42, 100);
  const grpc::Status status = ListPopulations(**server);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "loading, 42 %");
  EXPECT_EQ(DetailOf(status).reason(), "LOADING");
}

TEST(ServerTest, HealthFollowsTheGate) {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start("127.0.0.1:0", ServiceLimits());
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Health(ChannelTo(**server), ""), kNotServing);
  EXPECT_EQ(Health(ChannelTo(**server), "throng.v1.UserService"), kNotServing);
  (*server)->Serve(nullptr);
  EXPECT_EQ(Health(ChannelTo(**server), ""), kServing);
  EXPECT_EQ(Health(ChannelTo(**server), "throng.v1.UserService"), kServing);
}

TEST(ServerTest, ReflectionNamesTheServices) {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start("127.0.0.1:0", ServiceLimits());
  ASSERT_TRUE(server.ok()) << server.status();
  std::string response;
  // ServerReflectionRequest {list_services: ""}
  const grpc::Status status = CallWithBytes(
      ChannelTo(**server), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      std::string("\x3a\x00", 2), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  for (const char* name :
       {"throng.v1.AdminService", "throng.v1.PopulationService", "throng.v1.TagService",
        "throng.v1.UserService", "throng.v1.SelectionService", "throng.v1.InsightService",
        "throng.v1.MembershipService", "throng.v1.CrowdService", "throng.v1.SplitService",
        "grpc.channelz.v1.Channelz"}) {
    EXPECT_NE(response.find(name), std::string::npos) << name;
  }
}

// Who is gone without a word, or is there and answers nothing, as far as anybody can see.
TEST(ServerTest, AConnectionThatAnswersNoPingIsClosed) {
  ServiceLimits limits;
  limits.keepalive_interval = std::chrono::seconds(1);
  limits.keepalive_timeout = std::chrono::seconds(1);
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start("127.0.0.1:0", limits);
  ASSERT_TRUE(server.ok()) << server.status();
  e2e::RawConnection silent(fmt::format("127.0.0.1:{}", (*server)->port()));
  ASSERT_TRUE(silent.Send(e2e::Http2Beginning()));
  EXPECT_TRUE(silent.IsClosed(std::chrono::seconds(30)));
}

TEST(ServerTest, SaysThatAPortIsTaken) {
  absl::StatusOr<std::unique_ptr<Server>> first = Server::Start("127.0.0.1:0", ServiceLimits());
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string address = fmt::format("127.0.0.1:{}", (*first)->port());
  const absl::Status taken = Server::Start(address, ServiceLimits()).status();
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(taken.message(), fmt::format("cannot listen on {}: Address already in use", address));
}

}  // namespace
}  // namespace throng::service
