// SplitService of the API: each call is convert, engine, convert.
//
//   SplitService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_SPLIT_SERVICE_H_
#define THRONG_SERVER_SERVICE_SPLIT_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/split.grpc.pb.h"

namespace throng::service {

using SplitServiceOfBytes = v1::SplitService::WithRawCallbackMethod_CreateSplit<
    v1::SplitService::WithRawCallbackMethod_GetSplit<
        v1::SplitService::WithRawCallbackMethod_ListSplits<
            v1::SplitService::WithRawCallbackMethod_AwardSplit<
                v1::SplitService::WithRawCallbackMethod_DeleteSplit<
                    v1::SplitService::WithRawCallbackMethod_GetSplitBalance<
                        v1::SplitService::WithRawCallbackMethod_AllocateCrowds<
                            v1::SplitService::Service>>>>>>>;

// Thread-safe.
class SplitService final : public SplitServiceOfBytes {
 public:
  explicit SplitService(Calls& calls) : calls_(calls) {}

  grpc::ServerUnaryReactor* CreateSplit(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetSplit(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListSplits(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* AwardSplit(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteSplit(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetSplitBalance(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* AllocateCrowds(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_SPLIT_SERVICE_H_
