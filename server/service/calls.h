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

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "index/error.h"
#include "server/service/access_rules.h"
#include "server/service/call_entry.h"
#include "server/service/call_id.h"
#include "server/service/call_pools.h"
#include "server/service/call_scope.h"
#include "server/service/ended_calls.h"
#include "server/service/guarded_call.h"
#include "server/service/load_metrics.h"
#include "server/service/message_codec.h"
#include "server/service/message_streams.h"
#include "server/service/minimum_count.h"
#include "server/service/stream_call.h"
#include "server/service/unary_call.h"
#include "server/service/upload_call.h"
#include "server/service/worker_pool.h"

namespace throng::service {

// The pools and the engine that the calls of all services share. Must outlive every call: the gRPC
// server is shut down first. Thread-safe.
class Calls : public CallEntry {
 public:
  explicit Calls(const ServiceLimits& limits, const Guards& guards = {});

  // A call about what users are selected or written: up to request_bytes_max.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  Handler<Request, Response> handler) {
    return Unary(context, request, response, handler, limits().request_bytes_max);
  }
  // A call about a resource: up to resource_request_bytes_max.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Resource(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     Handler<Request, Response> handler) {
    return Unary(context, request, response, handler, limits().resource_request_bytes_max);
  }

  // A call of up to request_bytes_max that mostly is a few look-ups in memory. A small request is
  // answered on gRPC's thread if `quick` can (docs/decisions/0006): it must take microseconds,
  // never wait, and return false for whatever is more, errors too, which then go the way of Unary.
  // So does every call that the audit log must have before it is done (AccessRule::noted).
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Quick(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  bool (*quick)(const CallScope&, const Request&, Response*),
                                  Handler<Request, Response> handler) {
    absl::StatusOr<Entered> entered = Enter(*context);
    if (entered.ok() && request->Length() <= limits().quick_request_bytes_max) {
      engine::CallContext caller = UnadmittedContext(*context);
      if (AnswerNow(admission(), limits(), *entered, caller, *request, response, quick)) {
        ReturnCallId(caller.call_id, context);
        grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
      }
    }
    return Start(context, std::move(entered), request, response, handler,
                 limits().request_bytes_max);
  }

  // For streams that are not served by a thread: where their larger work goes.
  WorkerPool& PoolOf(CallKind kind) { return pools_.Of(kind); }
  LoadMetrics& metrics() { return metrics_; }

  // From now on: bounds of queues and of callers, and what is slow.
  void SetLimits(const ServiceLimits& limits);

  template <typename Request, typename Response>
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ServerStream(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      absl::Status (*handler)(const CallScope&, const Request&, WriteStream<Response>&)) {
    absl::StatusOr<Entered> entered = Enter(*context);
    if (!entered.ok()) return ExportCall::Refuse(context, limits(), entered.status());
    const auto [owner, refused] = ShareOf<Request>(entered->who);
    return ExportCall::Start(
        context, {pools_.exports(), owner, limits()},
        [=, this, entered = *std::move(entered)](ExportCall& call) mutable {
          const auto work = [&](const CallScope& scope, GuardedCall& guarded) -> absl::Status {
            Request message;
            THRONG_RETURN_IF_ERROR(ParseMessage(*request, limits().request_bytes_max, &message));
            THRONG_RETURN_IF_ERROR(guarded.Open(message));
            WriteStream<Response> stream(call, guarded);
            THRONG_RETURN_IF_ERROR(handler(scope, message, stream));
            return call.Flush();  // what is noted of the call's end includes its last frame
          };
          return RunStream<Request>(std::move(entered), call.caller(), work);
        },
        refused);
  }

  // Beside loads: load_streams_max of both.
  template <typename Request, typename Response>
  grpc::ServerReadReactor<grpc::ByteBuffer>* ClientStream(
      grpc::CallbackServerContext* context, grpc::ByteBuffer* response,
      absl::Status (*handler)(const CallScope&, ReadStream<Request>&, Response*)) {
    absl::StatusOr<Entered> entered = Enter(*context);
    if (!entered.ok()) return UploadCall::Refuse(context, limits(), entered.status());
    const auto [owner, refused] = ShareOf<Request>(entered->who);
    return UploadCall::Start(
        context, response, {pools_.loads(), owner, limits()},
        [=, this, entered = *std::move(entered)](UploadCall& call,
                                                 grpc::ByteBuffer* bytes) mutable {
          const auto work = [&](const CallScope& scope, GuardedCall& guarded) -> absl::Status {
            ReadStream<Request> stream(call, guarded, limits().request_bytes_max);
            Response answer;
            THRONG_RETURN_IF_ERROR(handler(scope, stream, &answer));
            guarded.Answered(answer);
            return SerializeMessage(answer, bytes);
          };
          return RunStream<Request>(std::move(entered), call.caller(), work);
        },
        refused);
  }

  template <typename Request, typename Response>
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* BothWays(
      grpc::CallbackServerContext* context,
      absl::Status (*handler)(const CallScope&, ReadWriteStream<Request, Response>&)) {
    absl::StatusOr<Entered> entered = Enter(*context);
    if (!entered.ok()) return LoadCall::Refuse(context, limits(), entered.status());
    const auto [owner, refused] = ShareOf<Request>(entered->who);
    return LoadCall::Start(
        context, {pools_.loads(), owner, limits()},
        [=, this, entered = *std::move(entered)](LoadCall& call) mutable {
          const auto work = [&](const CallScope& scope, GuardedCall& guarded) {
            ReadWriteStream<Request, Response> stream(call, guarded, limits().request_bytes_max);
            return handler(scope, stream);
          };
          return RunStream<Request>(std::move(entered), call.caller(), work);
        },
        refused);
  }

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  Handler<Request, Response> handler, uint64_t bytes_max) {
    return Start(context, Enter(*context), request, response, handler, bytes_max);
  }

  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context,
                                  absl::StatusOr<Entered> entered, const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response, Handler<Request, Response> handler,
                                  uint64_t bytes_max) {
    if (!entered.ok()) return UnaryCall::Refuse(context, entered.status());
    static const CallKind kind = KindOf(RuleOf(*Request::descriptor()));
    const auto [owner, refused] = ShareOf<Request>(entered->who);
    return UnaryCall::Start(
        context, pools_.Of(kind), owner,
        [=, this, entered = *std::move(entered)](const engine::CallContext& caller) mutable {
          const auto work = [&](const CallScope& scope, GuardedCall& guarded) -> absl::Status {
            Request message;
            THRONG_RETURN_IF_ERROR(ParseMessage(*request, bytes_max, &message));
            THRONG_RETURN_IF_ERROR(guarded.Open(message));
            Response answer;
            THRONG_RETURN_IF_ERROR(WithholdFromError(scope, handler(scope, message, &answer)));
            guarded.Answered(answer);  // the log has what the caller is not told
            THRONG_RETURN_IF_ERROR(WithholdSmall(scope, guarded.method(), message, &answer));
            return SerializeMessage(answer, response);
          };
          return RunCall<Request>(admission(), limits(), entered.engine, std::move(entered.who),
                                  caller, work, &ended_calls_);
        },
        refused);
  }

  LoadMetrics metrics_;  // outlives the pools
  EndedCalls ended_calls_;
  CallPools pools_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CALLS_H_
