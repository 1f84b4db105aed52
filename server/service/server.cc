#include "server/service/server.h"

#include <utility>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/ext/channelz_service_plugin.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "index/error.h"
#include "server/access/log_text.h"
#include "server/service/listen_address.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

int Milliseconds(std::chrono::milliseconds duration) { return static_cast<int>(duration.count()); }

void Configure(const ServiceLimits& limits, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(limits.message_bytes_max);
  // gRPC unpacks a whole message before it looks how long it is: a few MiB may become gigabytes.
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder->SetResourceQuota(grpc::ResourceQuota("throngd").Resize(limits.buffer_bytes_max));
  builder->AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 1);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.connection_streams_max);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                              Milliseconds(limits.handshake_max));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(limits.keepalive_interval));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                              Milliseconds(limits.keepalive_timeout));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              Milliseconds(limits.client_ping_interval_min));
}

constexpr const char* kServices[] = {
    "throng.v1.AdminService",      "throng.v1.PopulationService", "throng.v1.TagService",
    "throng.v1.UserService",       "throng.v1.SelectionService",  "throng.v1.InsightService",
    "throng.v1.MembershipService", "throng.v1.CrowdService",      "throng.v1.SplitService",
    "throng.v1.PackageService",    "throng.v1.UploadService"};
constexpr const char* kWritingService = "throng.v1.UserService";

}  // namespace

std::span<const char* const> ServiceNames() { return kServices; }

Server::Server(const ServiceLimits& limits, const Guards& guards)
    : calls_(limits, guards),
      admin_(calls_),
      populations_(calls_),
      tags_(calls_),
      users_(calls_),
      selections_(calls_),
      insights_(calls_),
      memberships_(calls_),
      crowds_(calls_),
      splits_(calls_),
      packages_(calls_),
      uploads_(calls_) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const std::string& address,
                                                      const ServiceLimits& limits,
                                                      CallMetrics* call_metrics,
                                                      const Protection& protection) {
  THRONG_RETURN_IF_ERROR(CheckAddress(address));
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  if (protection.guards.access == nullptr) grpc::channelz::experimental::InitChannelzService();
  std::unique_ptr<Server> server(new Server(limits, protection.guards));
  grpc::ServerBuilder builder;
  if (call_metrics != nullptr) {
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
    creators.push_back(call_metrics->NewInterceptorFactory());
    builder.experimental().SetInterceptorCreators(std::move(creators));
  }
  const auto credentials = protection.credentials == nullptr ? grpc::InsecureServerCredentials()
                                                             : protection.credentials;
  THRONG_ASSIGN_OR_RETURN(server->listener_, ConnectionListener::Listen(
                                                 address,
                                                 {.all = limits.connections_max,
                                                  .of_address = limits.connections_per_address_max},
                                                 server->calls_.metrics()));
  auto acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  if (!server->Build(builder, limits)) {
    return absl::UnavailableError(fmt::format("the server of {} cannot be started", address));
  }
  server->listener_->Start(std::move(acceptor));
  return server;
}

absl::StatusOr<std::unique_ptr<Server>> Server::StartInProcess(const ServiceLimits& limits) {
  std::unique_ptr<Server> server(new Server(limits, Guards()));
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
  builder.RegisterService(&memberships_);
  builder.RegisterService(&crowds_);
  builder.RegisterService(&splits_);
  builder.RegisterService(&packages_);
  builder.RegisterService(&uploads_);
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
      spdlog::error("event=read_only code={} message={}",
                    absl::StatusCodeToString(state.error.code()),
                    access::QuotedMessage(state.error));
    }
  });
  followed_.store(engine);
}

void Server::Refuse() {
  if (engine::Engine* engine = followed_.exchange(nullptr); engine != nullptr) {
    engine->administration().WatchWriteState(nullptr);
  }
  // Before calls are refused: who asks for health shall send them elsewhere.
  grpc_->GetHealthCheckService()->SetServingStatus(false);
  gate().Close();
  memberships_.EndStreams();
  if (listener_ != nullptr) listener_->Stop();
}

void Server::Shutdown(std::chrono::milliseconds drain) {
  Refuse();
  grpc_->Shutdown(std::chrono::system_clock::now() + drain);
  grpc_->Wait();
}

}  // namespace throng::service
