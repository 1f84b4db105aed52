// CrowdService of the API: each call is convert, engine, convert.
//
//   CrowdService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_CROWD_SERVICE_H_
#define THRONG_SERVER_SERVICE_CROWD_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/crowd.grpc.pb.h"

namespace throng::service {

using CrowdServiceOfBytes = v1::CrowdService::WithRawCallbackMethod_CreateCrowd<
    v1::CrowdService::WithRawCallbackMethod_GetCrowd<
        v1::CrowdService::WithRawCallbackMethod_ListCrowds<
            v1::CrowdService::WithRawCallbackMethod_UpdateCrowd<
                v1::CrowdService::WithRawCallbackMethod_DeleteCrowd<
                    v1::CrowdService::WithRawCallbackMethod_UndeleteCrowd<
                        v1::CrowdService::WithRawCallbackMethod_RefreshCrowd<
                            v1::CrowdService::WithRawCallbackMethod_BatchRefreshCrowds<
                                v1::CrowdService::WithRawCallbackMethod_FreezeCrowd<
                                    v1::CrowdService::WithRawCallbackMethod_ListCrowdVersions<
                                        v1::CrowdService::WithRawCallbackMethod_DiffCrowdVersions<
                                            v1::CrowdService::WithRawCallbackMethod_PinCrowdVersion<
                                                v1::CrowdService::Service>>>>>>>>>>>>;

// Thread-safe.
class CrowdService final : public CrowdServiceOfBytes {
 public:
  explicit CrowdService(Calls& calls) : calls_(calls) {}

  grpc::ServerUnaryReactor* CreateCrowd(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetCrowd(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListCrowds(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* UpdateCrowd(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteCrowd(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* UndeleteCrowd(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RefreshCrowd(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* BatchRefreshCrowds(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* FreezeCrowd(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListCrowdVersions(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DiffCrowdVersions(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* PinCrowdVersion(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CROWD_SERVICE_H_
