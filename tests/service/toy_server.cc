#include "tests/service/toy_server.h"

#include "fmt/format.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace throng::service {
namespace {

ToyServer* the_server = nullptr;

absl::Status Count(const CallScope& scope, const v1::CountRequest& request,
                   v1::CountResponse* response) {
  return the_server->on_count(scope, request, response);
}
absl::Status Export(const CallScope& scope, const v1::ExportMembersRequest&,
                    ToyExportStream& stream) {
  return the_server->on_export(scope, stream);
}
absl::Status Load(const CallScope& scope, ToyLoadStream& stream) {
  return the_server->on_load(scope, stream);
}

}  // namespace

class ToyServer::Selections final : public SelectionServiceOfBytes {
 public:
  explicit Selections(Calls& calls) : calls_(calls) {}
  grpc::ServerUnaryReactor* Count(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override {
    return calls_.Unary(context, request, response, &service::Count);
  }
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ExportMembers(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override {
    return calls_.ServerStream(context, request, &service::Export);
  }

 private:
  Calls& calls_;
};

class ToyServer::Users final : public UserServiceOfBytes {
 public:
  explicit Users(Calls& calls) : calls_(calls) {}
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Load(
      grpc::CallbackServerContext* context) override {
    return calls_.BothWays(context, &service::Load);
  }

 private:
  Calls& calls_;
};

ToyServer::ToyServer(const ServiceLimits& limits)
    : calls_(limits),
      selection_service_(std::make_unique<Selections>(calls_)),
      user_service_(std::make_unique<Users>(calls_)) {
  the_server = this;
  calls_.gate().Open(nullptr);
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(limits.message_bytes_max);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(selection_service_.get());
  builder.RegisterService(user_service_.get());
  grpc_ = builder.BuildAndStart();
  selections_ = v1::SelectionService::NewStub(NewChannel());
  users_ = v1::UserService::NewStub(NewChannel());
}

ToyServer::~ToyServer() {
  Shutdown(std::chrono::milliseconds(0));
  the_server = nullptr;
}

std::shared_ptr<grpc::Channel> ToyServer::NewChannel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", port_),
                                   grpc::InsecureChannelCredentials(), arguments);
}

void ToyServer::Shutdown(std::chrono::milliseconds drain) {
  grpc_->Shutdown(std::chrono::system_clock::now() + drain);
  grpc_->Wait();
}

}  // namespace throng::service
