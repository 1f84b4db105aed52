// PackageService of the API: each call is convert, engine, convert.
//
//   PackageService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_PACKAGE_SERVICE_H_
#define THRONG_SERVER_SERVICE_PACKAGE_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/package.grpc.pb.h"

namespace throng::service {

using PackageServiceOfBytes = v1::PackageService::WithRawCallbackMethod_ExportPackage<
    v1::PackageService::WithRawCallbackMethod_CreatePackage<
        v1::PackageService::WithRawCallbackMethod_GetPackage<
            v1::PackageService::WithRawCallbackMethod_ListPackages<
                v1::PackageService::WithRawCallbackMethod_CancelPackage<
                    v1::PackageService::WithRawCallbackMethod_DeletePackage<
                        v1::PackageService::Service>>>>>>;

// Thread-safe.
class PackageService final : public PackageServiceOfBytes {
 public:
  explicit PackageService(Calls& calls) : calls_(calls) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* ExportPackage(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* CreatePackage(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetPackage(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListPackages(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CancelPackage(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeletePackage(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_PACKAGE_SERVICE_H_
