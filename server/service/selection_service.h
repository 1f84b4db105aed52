// SelectionService of the API: each call is convert, engine, convert.
//
//   SelectionService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_SELECTION_SERVICE_H_
#define THRONG_SERVER_SERVICE_SELECTION_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::service {

using SelectionServiceOfBytes = v1::SelectionService::WithRawCallbackMethod_Count<
    v1::SelectionService::WithRawCallbackMethod_Explain<
        v1::SelectionService::WithRawCallbackMethod_ListMembers<
            v1::SelectionService::WithRawCallbackMethod_ExportMembers<
                v1::SelectionService::WithRawCallbackMethod_ParseExpression<
                    v1::SelectionService::WithRawCallbackMethod_FormatExpression<
                        v1::SelectionService::Service>>>>>>;

// Thread-safe.
class SelectionService final : public SelectionServiceOfBytes {
 public:
  explicit SelectionService(Calls& calls) : calls_(calls) {}

  grpc::ServerUnaryReactor* Count(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListMembers(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ExportMembers(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ParseExpression(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* FormatExpression(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_SELECTION_SERVICE_H_
