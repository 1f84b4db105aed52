// A client stream on gRPC's callback API, served by a thread that reads as if it blocked and gives
// one answer at the end.
//
//   return UploadCall::Start(context, response, pool, idle_max, [](UploadCall& call, auto* answer)
//   {
//     return call.Read();       // waits for the next message; error: the call is over
//   });
//
// Lifetime as of the streams in stream_call.h.
#ifndef THRONG_SERVER_SERVICE_UPLOAD_CALL_H_
#define THRONG_SERVER_SERVICE_UPLOAD_CALL_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/engine/call_context.h"
#include "server/service/stream_call.h"
#include "server/service/worker_pool.h"

namespace throng::service {

// One message is read ahead. Thread-safe in the sense of gRPC; Read and caller() are the stream
// thread's.
class UploadCall final : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  // Fills in the answer, which is sent when it returns OK.
  using Work = std::function<absl::Status(UploadCall&, grpc::ByteBuffer* response)>;

  static grpc::ServerReadReactor<grpc::ByteBuffer>* Start(grpc::CallbackServerContext* context,
                                                          grpc::ByteBuffer* response,
                                                          const StreamPlace& place, Work work,
                                                          const OnRefused& refused);
  // Answers `status` at once.
  static grpc::ServerReadReactor<grpc::ByteBuffer>* Refuse(grpc::CallbackServerContext* context,
                                                           const ServiceLimits& limits,
                                                           const absl::Status& status);

  const engine::CallContext& caller() const { return caller_.caller(); }
  // The next message; empty when there will be none, which means that the client closed its side OR
  // that the connection broke: gRPC does not tell them apart here. A protocol that must know needs
  // a last message. Errors: kCancelled, kDeadlineExceeded.
  absl::StatusOr<std::optional<grpc::ByteBuffer>> Read();

 private:
  UploadCall(grpc::CallbackServerContext* context, grpc::ByteBuffer* response,
             const ServiceLimits& limits, Work work);

  void BeginRead();
  template <typename Call>
  friend Call* RunIn(const StreamPlace& place, const OnRefused& refused, Call* call);

  // `accepted`: whether it is to be done at all.
  void Run(const absl::Status& accepted);
  void OnReadDone(bool ok) override { read_.Complete(ok); }
  void OnCancel() override { cancelled_.store(true); }
  void OnDone() override { delete this; }

  grpc::ByteBuffer* const response_;
  std::atomic<bool> cancelled_{false};
  const StreamCaller caller_;
  const Work work_;
  grpc::ByteBuffer next_;  // in gRPC's hands while a read is pending
  PendingOperation read_;
  bool ended_ = false;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_UPLOAD_CALL_H_
