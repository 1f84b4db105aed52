// The gRPC server: all services, health, reflection and channelz on one address.
//
//   absl::StatusOr<std::unique_ptr<Server>> server = Server::Start("127.0.0.1:0", ServiceLimits());
//   (*server)->port();            // listening; health is NOT_SERVING, calls answer UNAVAILABLE
//   (*server)->Serve(engine);     // health is SERVING
//   (*server)->Shutdown(std::chrono::seconds(10));
#ifndef THRONG_SERVER_SERVICE_SERVER_H_
#define THRONG_SERVER_SERVICE_SERVER_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/channel_arguments.h"
#include "server/service/admin_service.h"
#include "server/service/call_metrics.h"
#include "server/service/calls.h"
#include "server/service/connection_listener.h"
#include "server/service/crowd_service.h"
#include "server/service/insight_service.h"
#include "server/service/membership_service.h"
#include "server/service/package_service.h"
#include "server/service/population_service.h"
#include "server/service/selection_service.h"
#include "server/service/split_service.h"
#include "server/service/tag_service.h"
#include "server/service/upload_service.h"
#include "server/service/user_service.h"

namespace throng::service {

// Of all services, e.g. "throng.v1.AdminService".
std::span<const char* const> ServiceNames();

// Who may call, and how what they say is kept from others. A value; thread-compatible.
struct Protection {
  Guards guards;
  std::shared_ptr<grpc::ServerCredentials> credentials;  // null: plaintext
};

// Thread-safe.
class Server {
 public:
  // `address`: HOST:PORT as CheckAddress accepts it; port 0 takes a free one.
  // `call_metrics` sees every call and must outlive the server; null: none does. With an access
  // file there is no channelz, which would tell everybody who calls.
  // Errors: kUnavailable naming the address and why, e.g. that it is in use.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const std::string& address,
                                                       const ServiceLimits& limits,
                                                       CallMetrics* call_metrics = nullptr,
                                                       const Protection& protection = {});
  // One that nobody else can reach: it listens nowhere, and its port is 0.
  static absl::StatusOr<std::unique_ptr<Server>> StartInProcess(const ServiceLimits& limits);
  // As Shutdown with no time, if that was not called.
  ~Server();

  int port() const { return listener_ == nullptr ? 0 : listener_->port(); }
  // A channel that stays in the process. The server must outlive its calls.
  std::shared_ptr<grpc::Channel> InProcessChannel(const grpc::ChannelArguments& arguments);
  EngineGate& gate() { return calls_.gate(); }
  const LoadMetrics& load_metrics() { return calls_.metrics(); }
  // Bounds of queues and of callers, and what is slow, from now on; other limits stay as they are.
  void SetLimits(const ServiceLimits& limits) { calls_.SetLimits(limits); }

  // Lets calls in. `engine` must outlive Shutdown. From now on the health of
  // "throng.v1.UserService" follows the engine's write state; that of "" does not, as reads go on.
  void Serve(engine::Engine* engine);
  // Health becomes NOT_SERVING, and new calls answer UNAVAILABLE. Clients that call one after the
  // other are told so if Shutdown comes a little later; it breaks off what comes at that moment.
  void Refuse();
  // The same, and calls under way have `drain` to end before they are cancelled. Returns when no
  // call is left.
  void Shutdown(std::chrono::milliseconds drain);

 private:
  Server(const ServiceLimits& limits, const Guards& guards);

  // Starts what `builder` has beside the services. False if it cannot.
  bool Build(grpc::ServerBuilder& builder, const ServiceLimits& limits);

  // Health of the calls that write: NOT_SERVING while the store is read-only.
  void FollowWriteState(engine::Engine* engine);

  Calls calls_;  // outlives the services and grpc_
  AdminService admin_;
  PopulationService populations_;
  TagService tags_;
  UserService users_;
  SelectionService selections_;
  InsightService insights_;
  MembershipService memberships_;
  CrowdService crowds_;
  SplitService splits_;
  PackageService packages_;
  UploadService uploads_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<ConnectionListener> listener_;  // of one in the process: null
  std::atomic<engine::Engine*> followed_{nullptr};
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_SERVER_H_
