// PopulationService of the API: each call is convert, engine, convert.
//
//   PopulationService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_POPULATION_SERVICE_H_
#define THRONG_SERVER_SERVICE_POPULATION_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/population.grpc.pb.h"

namespace throng::service {

using PopulationServiceOfBytes = v1::PopulationService::WithRawCallbackMethod_CreatePopulation<
    v1::PopulationService::WithRawCallbackMethod_GetPopulation<
        v1::PopulationService::WithRawCallbackMethod_ListPopulations<
            v1::PopulationService::WithRawCallbackMethod_CreateIdType<
                v1::PopulationService::WithRawCallbackMethod_ListIdTypes<
                    v1::PopulationService::Service>>>>>;

// Thread-safe.
class PopulationService final : public PopulationServiceOfBytes {
 public:
  explicit PopulationService(Calls& calls) : calls_(calls) {}

  grpc::ServerUnaryReactor* CreatePopulation(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetPopulation(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListPopulations(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CreateIdType(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListIdTypes(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_POPULATION_SERVICE_H_
