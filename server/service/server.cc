#include "server/service/server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "grpcpp/ext/channelz_service_plugin.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "index/error.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

struct Address {
  std::string host;
  std::string port;
};

absl::StatusOr<Address> SplitAddress(const std::string& address) {
  const absl::Status bad = absl::InvalidArgumentError(
      fmt::format("\"{}\" is not HOST:PORT, e.g. 127.0.0.1:7400 or [::1]:7400", address));
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return bad;
  Address parts{address.substr(0, colon), address.substr(colon + 1)};
  int port = -1;
  const char* end = parts.port.data() + parts.port.size();
  const auto parsed = std::from_chars(parts.port.data(), end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end || port < 0 || port > 65'535) return bad;
  const bool bracketed = parts.host.front() == '[' && parts.host.back() == ']';
  if (bracketed) parts.host = parts.host.substr(1, parts.host.size() - 2);
  if (parts.host.empty() || (!bracketed && parts.host.find(':') != std::string::npos)) return bad;
  return parts;
}

// Why nothing can listen on `address`: gRPC says only that it cannot.
std::string WhyNot(const std::string& address) {
  const absl::StatusOr<Address> parts = SplitAddress(address);
  if (!parts.ok()) return std::string(parts.status().message());
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(parts->host.c_str(), parts->port.c_str(), &hints, &found);
  if (error != 0) return gai_strerror(error);
  std::string why = "unknown reason";
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 1) != 0) {
    why = std::strerror(errno);
  }
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  return why;
}

int Milliseconds(std::chrono::milliseconds duration) { return static_cast<int>(duration.count()); }

void Configure(const ServiceLimits& limits, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(limits.message_bytes_max);
  builder->SetResourceQuota(grpc::ResourceQuota("throngd").Resize(limits.buffer_bytes_max));
  // Two servers on one port would each get half of the calls.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 1);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.connection_streams_max);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(limits.keepalive_interval));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                              Milliseconds(limits.keepalive_timeout));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              Milliseconds(limits.client_ping_interval_min));
}

constexpr const char* kServices[] = {"throng.v1.AdminService",     "throng.v1.PopulationService",
                                     "throng.v1.TagService",       "throng.v1.UserService",
                                     "throng.v1.SelectionService", "throng.v1.InsightService"};
constexpr const char* kWritingService = "throng.v1.UserService";

}  // namespace

absl::Status CheckAddress(const std::string& address) { return SplitAddress(address).status(); }

bool IsLoopback(const std::string& address) {
  const absl::StatusOr<Address> parts = SplitAddress(address);
  if (!parts.ok()) return false;
  if (parts->host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, parts->host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, parts->host.c_str(), &v6) == 1 &&
         std::memcmp(&v6, &in6addr_loopback, sizeof(v6)) == 0;
}

Server::Server(const ServiceLimits& limits)
    : calls_(limits),
      admin_(calls_),
      populations_(calls_),
      tags_(calls_),
      users_(calls_),
      selections_(calls_),
      insights_(calls_) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const std::string& address,
                                                      const ServiceLimits& limits) {
  THRONG_RETURN_IF_ERROR(CheckAddress(address));
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::channelz::experimental::InitChannelzService();
  std::unique_ptr<Server> server(new Server(limits));
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &server->port_);
  if (!server->Build(builder, limits) || server->port_ == 0) {
    return absl::UnavailableError(fmt::format("cannot listen on {}: {}", address, WhyNot(address)));
  }
  return server;
}

absl::StatusOr<std::unique_ptr<Server>> Server::StartInProcess(const ServiceLimits& limits) {
  std::unique_ptr<Server> server(new Server(limits));
  grpc::ServerBuilder builder;
  if (!server->Build(builder, limits)) {
    return absl::UnavailableError("the server of this process cannot be started");
  }
  return server;
}

bool Server::Build(grpc::ServerBuilder& builder, const ServiceLimits& limits) {
  grpc::EnableDefaultHealthCheckService(true);
  Configure(limits, &builder);
  builder.RegisterService(&admin_);
  builder.RegisterService(&populations_);
  builder.RegisterService(&tags_);
  builder.RegisterService(&users_);
  builder.RegisterService(&selections_);
  builder.RegisterService(&insights_);
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr) return false;
  grpc::HealthCheckServiceInterface* health = grpc_->GetHealthCheckService();
  health->SetServingStatus(false);
  for (const char* name : kServices) health->SetServingStatus(name, false);
  return true;
}

std::shared_ptr<grpc::Channel> Server::InProcessChannel(const grpc::ChannelArguments& arguments) {
  return grpc_->InProcessChannel(arguments);
}

Server::~Server() {
  if (grpc_ != nullptr) Shutdown(std::chrono::milliseconds(0));
}

void Server::Serve(engine::Engine* engine) {
  gate().Open(engine);
  grpc_->GetHealthCheckService()->SetServingStatus(true);
  if (engine != nullptr) FollowWriteState(engine);
}

void Server::FollowWriteState(engine::Engine* engine) {
  grpc::HealthCheckServiceInterface* health = grpc_->GetHealthCheckService();
  auto was_writable = std::make_shared<bool>(true);
  engine->administration().WatchWriteState([=](const storage::WriteState& state) {
    const bool is_writable = state.error.ok();
    health->SetServingStatus(kWritingService, is_writable);
    if (*was_writable == is_writable) return;
    *was_writable = is_writable;
    if (is_writable) {
      spdlog::info("event=writable attempts={}", state.resume_attempts);
    } else {
      const absl::string_view message = state.error.message();
      spdlog::error("event=read_only code={} message=\"{}\"",
                    absl::StatusCodeToString(state.error.code()),
                    std::string_view(message.data(), message.size()));
    }
  });
  followed_.store(engine);
}

void Server::Shutdown(std::chrono::milliseconds drain) {
  gate().Close();
  if (engine::Engine* engine = followed_.exchange(nullptr); engine != nullptr) {
    engine->administration().WatchWriteState(nullptr);
  }
  grpc_->GetHealthCheckService()->SetServingStatus(false);
  grpc_->Shutdown(std::chrono::system_clock::now() + drain);
  grpc_->Wait();
}

}  // namespace throng::service
