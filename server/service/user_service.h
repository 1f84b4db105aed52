// UserService of the API: each call is convert, engine, convert.
//
//   UserService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_USER_SERVICE_H_
#define THRONG_SERVER_SERVICE_USER_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::service {

using UserServiceOfBytes =
    v1::UserService::WithRawCallbackMethod_Load<v1::UserService::WithRawCallbackMethod_WriteUsers<
        v1::UserService::WithRawCallbackMethod_GetPortrait<
            v1::UserService::WithRawCallbackMethod_LinkIds<
                v1::UserService::WithRawCallbackMethod_ResolveIds<
                    v1::UserService::WithRawCallbackMethod_EraseUsers<
                        v1::UserService::Service>>>>>>;

// Thread-safe.
class UserService final : public UserServiceOfBytes {
 public:
  explicit UserService(Calls& calls) : calls_(calls) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Load(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* WriteUsers(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetPortrait(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* LinkIds(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ResolveIds(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* EraseUsers(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_USER_SERVICE_H_
