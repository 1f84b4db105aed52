// What turns a handler into a call: convert, engine, convert on a worker thread, with messages
// parsed and written there.
//
//   absl::Status HandleCount(const CallScope& scope, const v1::CountRequest& request,
//                            v1::CountResponse* response);
//
//   grpc::ServerUnaryReactor* SelectionService::Count(grpc::CallbackServerContext* context,
//       const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
//     return calls_.Unary(context, request, response, &HandleCount);
//   }
#ifndef THRONG_SERVER_SERVICE_CALLS_H_
#define THRONG_SERVER_SERVICE_CALLS_H_

#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/service/engine_gate.h"
#include "server/service/message_codec.h"
#include "server/service/service_limits.h"
#include "server/service/stream_call.h"
#include "server/service/unary_call.h"
#include "server/service/upload_call.h"
#include "server/service/worker_pool.h"

namespace throng::service {

// What a handler works with. A view, valid during the call; thread-compatible.
struct CallScope {
  engine::Engine* engine;  // never null in throngd; whatever the gate was opened with
  const engine::CallContext& caller;
  const ServiceLimits& limits;
};

// The messages of a server stream. A view of the call.
template <typename Response>
class WriteStream {
 public:
  explicit WriteStream(ExportCall& call) : call_(call) {}
  // Errors: kCancelled, kDeadlineExceeded: nobody listens any more.
  absl::Status Write(const Response& response) {
    grpc::ByteBuffer bytes;
    const absl::Status status = SerializeMessage(response, &bytes);
    return status.ok() ? call_.Write(std::move(bytes)) : status;
  }

 private:
  ExportCall& call_;
};

// The messages of a stream both ways. A view of the call.
template <typename Request, typename Response>
class ReadWriteStream {
 public:
  ReadWriteStream(LoadCall& call, uint64_t bytes_max) : call_(call), bytes_max_(bytes_max) {}
  // False when no more comes; see LoadCall::Read for what that does not say.
  absl::StatusOr<bool> Read(Request* request) {
    absl::StatusOr<std::optional<grpc::ByteBuffer>> bytes = call_.Read();
    if (!bytes.ok()) return bytes.status();
    if (!bytes->has_value()) return false;
    const absl::Status parsed = ParseMessage(**bytes, bytes_max_, request);
    if (!parsed.ok()) return parsed;
    return true;
  }
  absl::Status Write(const Response& response) {
    grpc::ByteBuffer bytes;
    const absl::Status status = SerializeMessage(response, &bytes);
    return status.ok() ? call_.Write(std::move(bytes)) : status;
  }

 private:
  LoadCall& call_;
  const uint64_t bytes_max_;
};

// Logs what a site engineer has to look at: kInternal, kDataLoss and kUnknown. Returns `status`.
absl::Status LogFailure(std::string_view call, absl::Status status);

// The pools and the engine that the calls of all services share. Must outlive every call: the gRPC
// server is shut down first. Thread-safe.
class Calls {
 public:
  explicit Calls(const ServiceLimits& limits);

  EngineGate& gate() { return gate_; }
  const ServiceLimits& limits() const { return limits_; }

  // A call about what users are selected or written: up to request_bytes_max.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  absl::Status (*handler)(const CallScope&, const Request&,
                                                          Response*)) {
    return Unary(context, request, response, handler, limits_.request_bytes_max);
  }
  // A call about a resource: up to resource_request_bytes_max.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Resource(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     absl::Status (*handler)(const CallScope&, const Request&,
                                                             Response*)) {
    return Unary(context, request, response, handler, limits_.resource_request_bytes_max);
  }

  template <typename Request, typename Response>
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ServerStream(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      absl::Status (*handler)(const CallScope&, const Request&, WriteStream<Response>&)) {
    return ExportCall::Start(
        context, export_pool_, limits_.stream_idle_max,
        [this, request, handler](ExportCall& call) -> absl::Status {
          const absl::StatusOr<engine::Engine*> engine = gate_.Enter();
          if (!engine.ok()) return engine.status();
          Request message;
          absl::Status status = ParseMessage(*request, limits_.request_bytes_max, &message);
          if (!status.ok()) return status;
          WriteStream<Response> stream(call);
          return LogFailure(Request::descriptor()->full_name(),
                            handler({*engine, call.caller(), limits_}, message, stream));
        });
  }

  // Beside loads: load_streams_max of both.
  template <typename Request, typename Response>
  grpc::ServerReadReactor<grpc::ByteBuffer>* ClientStream(
      grpc::CallbackServerContext* context, grpc::ByteBuffer* response,
      absl::Status (*handler)(const CallScope&, ReadStream<Request>&, Response*)) {
    return UploadCall::Start(
        context, response, load_pool_, limits_.stream_idle_max,
        [this, handler](UploadCall& call, grpc::ByteBuffer* bytes) -> absl::Status {
          const absl::StatusOr<engine::Engine*> engine = gate_.Enter();
          if (!engine.ok()) return engine.status();
          ReadStream<Request> stream(call, limits_.request_bytes_max);
          Response answer;
          absl::Status status = handler({*engine, call.caller(), limits_}, stream, &answer);
          if (status.ok()) status = SerializeMessage(answer, bytes);
          return LogFailure(Request::descriptor()->full_name(), std::move(status));
        });
  }

  template <typename Request, typename Response>
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* BothWays(
      grpc::CallbackServerContext* context,
      absl::Status (*handler)(const CallScope&, ReadWriteStream<Request, Response>&)) {
    return LoadCall::Start(context, load_pool_, limits_.stream_idle_max,
                           [this, handler](LoadCall& call) -> absl::Status {
                             const absl::StatusOr<engine::Engine*> engine = gate_.Enter();
                             if (!engine.ok()) return engine.status();
                             ReadWriteStream<Request, Response> stream(call,
                                                                       limits_.request_bytes_max);
                             return LogFailure(Request::descriptor()->full_name(),
                                               handler({*engine, call.caller(), limits_}, stream));
                           });
  }

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  absl::Status (*handler)(const CallScope&, const Request&,
                                                          Response*),
                                  uint64_t bytes_max) {
    // Checked before the queue: while the server loads, health checks of many clients come.
    const absl::StatusOr<engine::Engine*> engine = gate_.Enter();
    if (!engine.ok()) return UnaryCall::Refuse(context, engine.status());
    return UnaryCall::Start(context, call_pool_,
                            [this, request, response, handler, bytes_max,
                             engine = *engine](const engine::CallContext& caller) -> absl::Status {
                              Request message;
                              absl::Status status = ParseMessage(*request, bytes_max, &message);
                              if (!status.ok()) return status;
                              Response answer;
                              status = handler({engine, caller, limits_}, message, &answer);
                              if (status.ok()) status = SerializeMessage(answer, response);
                              return LogFailure(Request::descriptor()->full_name(),
                                                std::move(status));
                            });
  }

  const ServiceLimits limits_;
  EngineGate gate_;
  WorkerPool call_pool_;
  WorkerPool export_pool_;
  WorkerPool load_pool_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CALLS_H_
