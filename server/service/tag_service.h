// TagService of the API: each call is convert, engine, convert.
//
//   TagService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_TAG_SERVICE_H_
#define THRONG_SERVER_SERVICE_TAG_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/tag.grpc.pb.h"

namespace throng::service {

using TagServiceOfBytes = v1::TagService::WithRawCallbackMethod_CreateTag<
    v1::TagService::WithRawCallbackMethod_GetTag<v1::TagService::WithRawCallbackMethod_ListTags<
        v1::TagService::WithRawCallbackMethod_UpdateTag<
            v1::TagService::WithRawCallbackMethod_ListTagValues<v1::TagService::Service>>>>>;

// Thread-safe.
class TagService final : public TagServiceOfBytes {
 public:
  explicit TagService(Calls& calls) : calls_(calls) {}

  grpc::ServerUnaryReactor* CreateTag(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetTag(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListTags(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* UpdateTag(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListTagValues(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_TAG_SERVICE_H_
