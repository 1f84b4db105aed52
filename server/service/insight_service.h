// InsightService of the API: each call is convert, engine, convert.
//
//   InsightService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_INSIGHT_SERVICE_H_
#define THRONG_SERVER_SERVICE_INSIGHT_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/insight.grpc.pb.h"

namespace throng::service {

using InsightServiceOfBytes = v1::InsightService::WithRawCallbackMethod_Breakdown<
    v1::InsightService::WithRawCallbackMethod_CrossTab<
        v1::InsightService::WithRawCallbackMethod_Overlap<
            v1::InsightService::WithRawCallbackMethod_Compare<
                v1::InsightService::WithRawCallbackMethod_Curve<
                    v1::InsightService::WithRawCallbackMethod_Statistics<
                        v1::InsightService::Service>>>>>>;

// Thread-safe.
class InsightService final : public InsightServiceOfBytes {
 public:
  explicit InsightService(Calls& calls) : calls_(calls) {}

  grpc::ServerUnaryReactor* Breakdown(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CrossTab(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Overlap(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Compare(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Curve(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Statistics(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_INSIGHT_SERVICE_H_
