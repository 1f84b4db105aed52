// A server of the real adaptors with handlers of the test's own, on a free port: what happens to
// calls, whatever an engine would do.
//
//   ToyServer server(limits);
//   server.on_count = [](const CallScope& scope, v1::CountResponse* response) { ... };
//   v1::CountResponse response;
//   server.selections().Count(&context, request, &response);
//
// The handlers are process-wide: one ToyServer at a time. Thread-compatible; handlers run on the
// server's threads.
#ifndef THRONG_TESTS_SERVICE_TOY_SERVER_H_
#define THRONG_TESTS_SERVICE_TOY_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/channel.h"
#include "grpcpp/server.h"
#include "server/service/calls.h"
#include "server/service/selection_service.h"
#include "server/service/user_service.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::service {

using ToyExportStream = WriteStream<v1::ExportMembersResponse>;
using ToyLoadStream = ReadWriteStream<v1::LoadRequest, v1::LoadResponse>;

class ToyServer {
 public:
  explicit ToyServer(const ServiceLimits& limits);
  ~ToyServer();

  v1::SelectionService::Stub& selections() { return *selections_; }
  v1::UserService::Stub& users() { return *users_; }
  Calls& calls() { return calls_; }
  int port() const { return port_; }
  // A connection of its own.
  std::shared_ptr<grpc::Channel> NewChannel() const;
  // Ends the server; calls under way have `drain`.
  void Shutdown(std::chrono::milliseconds drain);

  // Set before the first call.
  std::function<absl::Status(const CallScope&, const v1::CountRequest&, v1::CountResponse*)>
      on_count;
  std::function<absl::Status(const CallScope&, ToyExportStream&)> on_export;
  std::function<absl::Status(const CallScope&, ToyLoadStream&)> on_load;

 private:
  class Selections;
  class Users;

  Calls calls_;
  std::unique_ptr<Selections> selection_service_;
  std::unique_ptr<Users> user_service_;
  std::unique_ptr<grpc::Server> grpc_;
  int port_ = 0;
  std::unique_ptr<v1::SelectionService::Stub> selections_;
  std::unique_ptr<v1::UserService::Stub> users_;
};

}  // namespace throng::service

#endif  // THRONG_TESTS_SERVICE_TOY_SERVER_H_
