// MembershipService of the API: each call is convert, engine, convert.
//
//   MembershipService service(calls);   // calls outlives the gRPC server
//   builder.RegisterService(&service);
#ifndef THRONG_SERVER_SERVICE_MEMBERSHIP_SERVICE_H_
#define THRONG_SERVER_SERVICE_MEMBERSHIP_SERVICE_H_

#include "server/service/calls.h"
#include "server/service/check_stream.h"
#include "throng/v1/membership.grpc.pb.h"

namespace throng::service {

using MembershipServiceOfBytes = v1::MembershipService::WithRawCallbackMethod_Check<
    v1::MembershipService::WithRawCallbackMethod_BatchCheck<
        v1::MembershipService::WithRawCallbackMethod_StreamChecks<
            v1::MembershipService::WithRawCallbackMethod_WhyMember<
                v1::MembershipService::Service>>>>;

// Thread-safe.
class MembershipService final : public MembershipServiceOfBytes {
 public:
  explicit MembershipService(Calls& calls) : calls_(calls), streams_(calls.limits()) {}

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* BatchCheck(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamChecks(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* WhyMember(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;

  // The server shuts down: streams of checks end, those that are silent too.
  void EndStreams() { streams_.End(); }

 private:
  Calls& calls_;
  CheckStreams streams_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_MEMBERSHIP_SERVICE_H_
