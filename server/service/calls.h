// What turns a handler (call_scope.h) into a call: convert, engine, convert on a worker thread,
// with messages parsed and written there.
//
//   grpc::ServerUnaryReactor* SelectionService::Count(grpc::CallbackServerContext* context,
//       const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
//     return calls_.Unary(context, request, response, &HandleCount);
//   }
#ifndef THRONG_SERVER_SERVICE_CALLS_H_
#define THRONG_SERVER_SERVICE_CALLS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/arena.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "index/error.h"
#include "server/service/access_rules.h"
#include "server/service/admission.h"
#include "server/service/call_scope.h"
#include "server/service/guarded_call.h"
#include "server/service/message_codec.h"
#include "server/service/message_streams.h"
#include "server/service/stream_call.h"
#include "server/service/unary_call.h"
#include "server/service/upload_call.h"
#include "server/service/worker_pool.h"

namespace throng::service {

// The pools and the engine that the calls of all services share. Must outlive every call: the gRPC
// server is shut down first. Thread-safe.
class Calls {
 public:
  explicit Calls(const ServiceLimits& limits, const Guards& guards = {});

  EngineGate& gate() { return gate_; }
  const Admission& admission() const { return admission_; }
  const ServiceLimits& limits() const { return limits_; }

  // A call about what users are selected or written: up to request_bytes_max.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  Handler<Request, Response> handler) {
    return Unary(context, request, response, handler, limits_.request_bytes_max);
  }
  // A call about a resource: up to resource_request_bytes_max.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Resource(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     Handler<Request, Response> handler) {
    return Unary(context, request, response, handler, limits_.resource_request_bytes_max);
  }

  // A call of up to request_bytes_max that mostly is a few look-ups in memory. A small request is
  // answered on gRPC's thread if `quick` can (docs/decisions/0006): it must take microseconds,
  // never wait, and return false for whatever is more, errors too, which then go the way of Unary.
  // So does every call while there is an audit log, which is written to before a call ends.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Quick(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  QuickHandler<Request, Response> quick,
                                  Handler<Request, Response> handler) {
    if (admission_.audit() == nullptr && request->Length() <= limits_.quick_request_bytes_max &&
        AnswerNow(*context, *request, response, quick)) {
      grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
      reactor->Finish(grpc::Status::OK);
      return reactor;
    }
    return Unary(context, request, response, handler, limits_.request_bytes_max);
  }

  // Where larger work goes of streams that are not served by a thread.
  WorkerPool& call_pool() { return call_pool_; }

  template <typename Request, typename Response>
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ServerStream(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      absl::Status (*handler)(const CallScope&, const Request&, WriteStream<Response>&)) {
    return ExportCall::Start(
        context, export_pool_, limits_.stream_idle_max,
        [this, context, request, handler](ExportCall& call) {
          return Guarded<Request>(
              *context, call, [&](const auto& scope, auto& guarded) -> absl::Status {
                Request message;
                THRONG_RETURN_IF_ERROR(ParseMessage(*request, limits_.request_bytes_max, &message));
                THRONG_RETURN_IF_ERROR(guarded.Open(message));
                WriteStream<Response> stream(call, guarded);
                return handler(scope, message, stream);
              });
        });
  }

  // Beside loads: load_streams_max of both.
  template <typename Request, typename Response>
  grpc::ServerReadReactor<grpc::ByteBuffer>* ClientStream(
      grpc::CallbackServerContext* context, grpc::ByteBuffer* response,
      absl::Status (*handler)(const CallScope&, ReadStream<Request>&, Response*)) {
    return UploadCall::Start(
        context, response, load_pool_, limits_.stream_idle_max,
        [this, context, handler](UploadCall& call, grpc::ByteBuffer* bytes) {
          return Guarded<Request>(
              *context, call, [&](const auto& scope, auto& guarded) -> absl::Status {
                ReadStream<Request> stream(call, guarded, limits_.request_bytes_max);
                Response answer;
                THRONG_RETURN_IF_ERROR(handler(scope, stream, &answer));
                guarded.Answered(answer);
                return SerializeMessage(answer, bytes);
              });
        });
  }

  template <typename Request, typename Response>
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* BothWays(
      grpc::CallbackServerContext* context,
      absl::Status (*handler)(const CallScope&, ReadWriteStream<Request, Response>&)) {
    return LoadCall::Start(
        context, load_pool_, limits_.stream_idle_max, [this, context, handler](LoadCall& call) {
          return Guarded<Request>(*context, call, [&](const auto& scope, auto& guarded) {
            ReadWriteStream<Request, Response> stream(call, guarded, limits_.request_bytes_max);
            return handler(scope, stream);
          });
        });
  }

 private:
  // What every stream begins and ends with.
  template <typename Request, typename Call, typename Handle>
  absl::Status Guarded(const grpc::CallbackServerContext& context, const Call& call,
                       const Handle& handle) {
    THRONG_ASSIGN_OR_RETURN(engine::Engine* const engine, gate_.Enter());
    THRONG_ASSIGN_OR_RETURN(Admitted who, admission_.Authenticate(context));
    GuardedCall guarded(admission_, RuleOf(*Request::descriptor()), std::move(who), call.caller());
    const CallScope scope{engine, guarded.caller(), limits_, guarded.who()};
    return LogFailure(Request::descriptor()->full_name(), guarded.Close(handle(scope, guarded)));
  }

  // Whether `response` has the answer.
  template <typename Request, typename Response>
  bool AnswerNow(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& request,
                 grpc::ByteBuffer* response, QuickHandler<Request, Response> quick) {
    bool answered = false;
    const absl::Status status = RunGuarded([&]() -> absl::Status {
      THRONG_ASSIGN_OR_RETURN(engine::Engine* const engine, gate_.Enter());
      THRONG_ASSIGN_OR_RETURN(const Admitted who, admission_.Authenticate(context));
      google::protobuf::Arena arena;
      auto* message = google::protobuf::Arena::CreateMessage<Request>(&arena);
      auto* answer = google::protobuf::Arena::CreateMessage<Response>(&arena);
      THRONG_RETURN_IF_ERROR(ParseMessage(request, limits_.quick_request_bytes_max, message));
      static const AccessRule& rule = RuleOf(*Request::descriptor());
      engine::CallContext caller = UnadmittedContext(context);
      THRONG_RETURN_IF_ERROR(admission_.Authorize(rule, *message, who, &caller));
      answered = quick({engine, caller, limits_, who}, *message, answer);
      return answered ? SerializeMessage(*answer, response) : absl::OkStatus();
    });
    return status.ok() && answered;
  }

  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  Handler<Request, Response> handler, uint64_t bytes_max) {
    // Checked before the queue: while the server loads, health checks of many clients come, and who
    // is not known shall not take a thread.
    const absl::StatusOr<engine::Engine*> engine = gate_.Enter();
    if (!engine.ok()) return UnaryCall::Refuse(context, engine.status());
    absl::StatusOr<Admitted> who = admission_.Authenticate(*context);
    if (!who.ok()) return UnaryCall::Refuse(context, who.status());
    return UnaryCall::Start(
        context, call_pool_,
        [this, request, response, handler, bytes_max, engine = *engine,
         who = *std::move(who)](const engine::CallContext& caller) -> absl::Status {
          Request message;
          THRONG_RETURN_IF_ERROR(ParseMessage(*request, bytes_max, &message));
          static const AccessRule& rule = RuleOf(*Request::descriptor());
          GuardedCall guarded(admission_, rule, who, caller);
          absl::Status status = guarded.Open(message);
          Response answer;
          if (status.ok()) {
            status = handler({engine, guarded.caller(), limits_, guarded.who()}, message, &answer);
          }
          if (status.ok()) guarded.Answered(answer);
          if (status.ok()) status = SerializeMessage(answer, response);
          return LogFailure(Request::descriptor()->full_name(), guarded.Close(std::move(status)));
        });
  }

  const ServiceLimits limits_;
  const Admission admission_;
  EngineGate gate_;
  WorkerPool call_pool_;
  WorkerPool export_pool_;
  WorkerPool load_pool_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CALLS_H_
