// MembershipService of the API: each call is convert, engine, convert.
//
//   MembershipService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_MEMBERSHIP_SERVICE_H_
#define THRONG_SERVER_SERVICE_MEMBERSHIP_SERVICE_H_

#include "server/service/calls.h"
#include "throng/v1/membership.grpc.pb.h"

namespace throng::service {

using MembershipServiceOfBytes =
    v1::MembershipService::WithRawCallbackMethod_WhyMember<v1::MembershipService::Service>;

// Thread-safe.
class MembershipService final : public MembershipServiceOfBytes {
 public:
  explicit MembershipService(Calls& calls) : calls_(calls) {}

  grpc::ServerUnaryReactor* WhyMember(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;

 private:
  Calls& calls_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_MEMBERSHIP_SERVICE_H_
