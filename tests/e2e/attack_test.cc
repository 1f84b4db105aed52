// What a hostile or broken client may do at the socket: the server goes on answering the others,
// and its memory and descriptors stay bounded.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "tests/e2e/raw_connection.h"
#include "tests/e2e/run_command.h"
#include "tests/e2e/server_process.h"
#include "tests/testing/certificates.h"
#include "tests/testing/temporary_directory.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint64_t kMebi = uint64_t{1} << 20;

// A variable of the environment that goes with the test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_); }

 private:
  const char* const name_;
};

class AttackTest : public ::testing::Test {
 protected:
  void Start(const std::vector<std::string>& flags = {}) {
    server_.emplace(directory_.File("data"), flags);
  }
  // With an access file, and somebody else who has a token.
  void StartWithAccess() {
    const CommandResult made =
        RunServer({"token", "create", "other", "--role", "viewer", "--population", "default",
                   "--access-file", directory_.File("access.toml")});
    ASSERT_EQ(made.exit_code, 0) << made;
    token_.emplace("THRONG_TOKEN", made.output.substr(0, made.output.find('\n')));
    Start({"--access-file", directory_.File("access.toml")});
  }
  // Whether somebody else still gets an answer.
  void ExpectServes() { EXPECT_EQ(server_->client().Count("all()"), 0); }
  std::string address() const { return server_->address(); }

  // Of the server's status in /proc, e.g. "VmHWM": the most memory that it has had.
  uint64_t StatusBytes(const std::string& name) {
    std::ifstream file(fmt::format("/proc/{}/status", server_->process().pid()));
    std::string word;
    while (file >> word) {
      uint64_t kilobytes = 0;
      if (word == name + ":" && file >> kilobytes) return kilobytes << 10;
    }
    return 0;
  }
  // That the server has open.
  size_t Descriptors() {
    const std::string open = fmt::format("/proc/{}/fd", server_->process().pid());
    const std::filesystem::directory_iterator files(open);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
  std::unique_ptr<v1::SelectionService::Stub> NewStub() const {
    return v1::SelectionService::NewStub(
        grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  }

  const testing::TemporaryDirectory directory_;
  std::optional<Variable> token_;
  std::optional<ServerProcess> server_;
};

TEST_F(AttackTest, SilentAndSlowBeginningsAreEnded) {
  Start();
  const std::string beginning = Http2Beginning();
  std::vector<RawConnection> silent;
  std::vector<RawConnection> slow;
  for (int i = 0; i < 100; ++i) {
    silent.emplace_back(address());
    slow.emplace_back(address());
  }
  // A byte at a time, and never the settings.
  for (size_t at = 0; at + 9 < beginning.size(); ++at) {
    for (RawConnection& connection : slow) connection.Send(beginning.substr(at, 1));
    std::this_thread::sleep_for(milliseconds(20));
  }
  ExpectServes();
  for (RawConnection& connection : silent) EXPECT_TRUE(connection.IsClosed(seconds(60)));
  for (RawConnection& connection : slow) EXPECT_TRUE(connection.IsClosed(seconds(60)));
  ExpectServes();
}

TEST_F(AttackTest, NonsenseIsEndedAtOnce) {
  Start();
  RawConnection http(address());
  EXPECT_TRUE(http.Send("GET / HTTP/1.1\r\nHost: throng\r\n\r\n"));
  EXPECT_TRUE(http.IsClosed(seconds(9)));  // before the time of a handshake
  RawConnection noise(address());
  noise.Send(std::string(1'000, '\xff'));
  EXPECT_TRUE(noise.IsClosed(seconds(9)));
  ExpectServes();
}

TEST_F(AttackTest, OneConnectionTooManyIsClosedAndRoomIsGivenAgain) {
  Start({"--connections-max", "20"});
  std::vector<RawConnection> held;
  for (int i = 0; i < 20; ++i) {
    held.emplace_back(address());
    ASSERT_TRUE(held.back().Send(Http2Beginning()));
  }
  for (RawConnection& connection : held) EXPECT_FALSE(connection.IsClosed(milliseconds(20)));
  EXPECT_TRUE(RawConnection(address()).IsClosed(seconds(9)));
  EXPECT_NE(server_->client().Run({"ping"}).exit_code, 0);
  held.clear();
  EXPECT_EQ(server_->client().Run({"ping", "--wait", "60s"}).exit_code, 0);
  ExpectServes();
}

// As many as the limit of descriptors of this process allows.
TEST_F(AttackTest, TenThousandConnections) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  const size_t wanted = std::min<size_t>(9'990, limit.rlim_cur - 200);
  Start();
  std::vector<RawConnection> held;
  held.reserve(wanted);
  for (size_t i = 0; i < wanted; ++i) {
    held.emplace_back(address());
    ASSERT_TRUE(held.back().ok()) << i;
    ASSERT_TRUE(held.back().Send(Http2Beginning())) << i;
  }
  ExpectServes();
  const uint64_t bytes = StatusBytes("VmHWM");
  fmt::print("{} connections, {} MiB at most\n", wanted, bytes / kMebi);
  EXPECT_LT(bytes, 2048 * kMebi);
  held.clear();
  ExpectServes();
}

TEST_F(AttackTest, ACompressionBombIsRefusedWithoutUnpackingIt) {
  Start();
  const uint64_t before = StatusBytes("VmHWM");
  const auto stub = NewStub();
  v1::CountRequest request;
  request.mutable_selection()->set_expression(std::string(512 * kMebi, ' '));
  for (const grpc_compression_algorithm algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    v1::CountResponse response;
    const grpc::Status status = stub->Count(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << status.error_message();
  }
  EXPECT_LT(StatusBytes("VmHWM"), before + 256 * kMebi);
  ExpectServes();
}

TEST_F(AttackTest, AMessageThatIsTooLargeIsRefused) {
  Start();
  const auto stub = NewStub();
  v1::CountRequest request;
  request.mutable_selection()->set_expression(std::string(69 * kMebi, ' '));
  grpc::ClientContext context;
  v1::CountResponse response;
  const grpc::Status status = stub->Count(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  ExpectServes();
}

// A tree of so many levels, each of which is two nested messages.
TEST_F(AttackTest, ATreeThatIsTooDeepIsRefused) {
  Start();
  const auto stub = NewStub();
  for (const int levels : {65, 90, 10'000}) {
    v1::CountRequest request;
    v1::Expression* node = request.mutable_selection()->mutable_tree();
    for (int i = 1; i < levels; ++i) {
      node = node->mutable_negation()->mutable_operand();
    }
    node->mutable_all_users();
    grpc::ClientContext context;
    v1::CountResponse response;
    const grpc::Status status = stub->Count(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << levels << ": " << status.error_message();
  }
  ExpectServes();
}

// Who calls is asked when a call's message is there: until then 40 calls of somebody without a
// token wait for the rest of 60 MiB each, of which they sent little.
TEST_F(AttackTest, MessagesThatNeverEndKeepNobodyWaiting) {
  StartWithAccess();
  const uint64_t before = StatusBytes("VmHWM");
  RawConnection stranger(address());
  ASSERT_TRUE(stranger.Send(Http2Beginning()));
  for (uint32_t stream = 1; stream < 80; stream += 2) {
    const std::string beginning = GrpcPrefix(60 * kMebi) + std::string(1'000, 'x');
    ASSERT_TRUE(stranger.Send(Http2Call(stream, "SelectionService/Count")));
    ASSERT_TRUE(stranger.Send(Http2Data(stream, beginning)));
  }
  ExpectServes();
  // They are still there, and one more that ends is answered: with an error.
  EXPECT_FALSE(stranger.IsClosed(milliseconds(500)));
  ASSERT_TRUE(stranger.Send(Http2Call(81, "SelectionService/Count")));
  ASSERT_TRUE(stranger.Send(Http2Data(81, GrpcPrefix(0), /*ends=*/true)));
  const std::string answer = stranger.Receive(
      seconds(60), [](std::string_view received) { return HasFrame(received, kHttp2Headers, 81); });
  EXPECT_TRUE(HasFrame(answer, kHttp2Headers, 81));
  EXPECT_FALSE(HasFrame(answer, kHttp2Data, 81));
  for (uint32_t stream = 1; stream < 80; stream += 2) {
    EXPECT_FALSE(HasFrame(answer, kHttp2Headers, stream)) << stream;
  }
  EXPECT_LT(StatusBytes("VmHWM"), before + 256 * kMebi);
  stranger.Reset();
  ExpectServes();
}

TEST_F(AttackTest, AMessageThatComesByteByByteIsAnswered) {
  Start();
  v1::CountRequest request;
  request.mutable_selection()->set_expression("all()");
  const std::string text = request.SerializeAsString();
  const std::string message = GrpcPrefix(static_cast<uint32_t>(text.size())) + text;
  RawConnection slow(address());
  ASSERT_TRUE(slow.Send(Http2Beginning() + Http2Call(1, "SelectionService/Count")));
  for (size_t at = 0; at < message.size(); ++at) {
    ASSERT_TRUE(slow.Send(Http2Data(1, message.substr(at, 1), at + 1 == message.size())));
    std::this_thread::sleep_for(milliseconds(50));
    if (at == message.size() / 2) ExpectServes();
  }
  const auto is_answered = [](std::string_view received) {
    return HasFrame(received, kHttp2Data, 1);
  };
  EXPECT_TRUE(is_answered(slow.Receive(seconds(60), is_answered)));
}

// Some have said nothing, some have begun.
TEST_F(AttackTest, SilentHandshakesOfTlsAreEnded) {
  testing::Certificates made(directory_.path());
  const testing::CertificateFiles files = made.Issue("server", "/CN=db1");
  const Variable ca("THRONG_TLS_CA", made.ca());
  Start({"--tls-cert", files.certificate, "--tls-key", files.key});
  std::vector<RawConnection> held;
  for (int i = 0; i < 100; ++i) {
    held.emplace_back(address());
    // What a ClientHello of 512 bytes begins with.
    const std::string begun = i % 2 == 0 ? "" : std::string("\x16\x03\x01\x02\x00\x01", 6);
    ASSERT_TRUE(held.back().Send(begun));
  }
  ExpectServes();
  for (RawConnection& connection : held) EXPECT_TRUE(connection.IsClosed(seconds(60)));
  ExpectServes();
}

// The server keeps nothing of those who vanish in the middle of a call.
TEST_F(AttackTest, ConnectionsThatBreakLeaveNothing) {
  Start();
  ExpectServes();
  const size_t before = Descriptors();
  std::vector<RawConnection> held;
  for (int i = 0; i < 200; ++i) {
    held.emplace_back(address());
    ASSERT_TRUE(held.back().Send(Http2Beginning() + Http2Call(1, "SelectionService/Count") +
                                 Http2Data(1, GrpcPrefix(1'000))));
  }
  ExpectServes();
  EXPECT_GE(Descriptors(), before + held.size());
  for (RawConnection& connection : held) connection.Reset();
  const auto end = std::chrono::steady_clock::now() + seconds(60);
  while (Descriptors() > before + 20 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(50));
  }
  EXPECT_LE(Descriptors(), before + 20);  // what gRPC opens for itself
  ExpectServes();
}

// A load that says nothing and never ends.
TEST_F(AttackTest, StreamsThatNeverEndAreEnded) {
  Start({"--stream-idle-seconds-max", "1"});
  const auto stub =
      v1::UserService::NewStub(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->Load(&context);
  v1::LoadResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  ExpectServes();
}

}  // namespace
}  // namespace throng::e2e
