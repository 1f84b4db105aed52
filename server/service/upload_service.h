// UploadService of the API: each call is convert, engine, convert.
//
//   UploadService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_UPLOAD_SERVICE_H_
#define THRONG_SERVER_SERVICE_UPLOAD_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/upload.grpc.pb.h"

namespace throng::service {

using UploadServiceOfBytes = v1::UploadService::WithRawCallbackMethod_UploadIds<
    v1::UploadService::WithRawCallbackMethod_GetUpload<
        v1::UploadService::WithRawCallbackMethod_ListUploads<
            v1::UploadService::WithRawCallbackMethod_ListUnmatched<v1::UploadService::Service>>>>;

// Thread-safe.
class UploadService final : public UploadServiceOfBytes {
 public:
  explicit UploadService(Calls& calls) : calls_(calls) {}

  grpc::ServerReadReactor<grpc::ByteBuffer>* UploadIds(grpc::CallbackServerContext* context,
                                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetUpload(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListUploads(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ListUnmatched(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_UPLOAD_SERVICE_H_
