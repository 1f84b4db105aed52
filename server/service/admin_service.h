// AdminService of the API: each call is convert, engine, convert.
//
//   AdminService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_ADMIN_SERVICE_H_
#define THRONG_SERVER_SERVICE_ADMIN_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/admin.grpc.pb.h"

namespace throng::service {

using AdminServiceOfBytes = v1::AdminService::WithRawCallbackMethod_GetStats<
    v1::AdminService::WithRawCallbackMethod_CreateBackup<
        v1::AdminService::WithRawCallbackMethod_ListBackups<v1::AdminService::Service>>>;

// Thread-safe.
class AdminService final : public AdminServiceOfBytes {
 public:
  explicit AdminService(Calls& calls) : calls_(calls) {}

  grpc::ServerUnaryReactor* GetStats(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CreateBackup(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListBackups(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_ADMIN_SERVICE_H_
