// What a handler works with, and how it is run.
//
//   absl::Status HandleCount(const CallScope& scope, const v1::CountRequest& request,
//                            v1::CountResponse* response) {
//     return scope.engine->selections().Count(scope.caller, ...);
//   }
#ifndef THRONG_SERVER_SERVICE_CALL_SCOPE_H_
#define THRONG_SERVER_SERVICE_CALL_SCOPE_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/arena.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "index/error.h"
#include "server/engine/call_context.h"
#include "server/engine/engine.h"
#include "server/service/access_rules.h"
#include "server/service/admission.h"
#include "server/service/ended_calls.h"
#include "server/service/guarded_call.h"
#include "server/service/message_codec.h"
#include "server/service/service_limits.h"
#include "server/service/unary_call.h"

namespace throng::service {

// A view, valid during the call; thread-compatible.
struct CallScope {
  engine::Engine* engine;  // never null in throngd; whatever the gate was opened with
  const engine::CallContext& caller;
  const ServiceLimits& limits;
  const Admitted& who;  // let in by Admission: nothing reaches a handler past it
};

// What a call came in with.
struct Entered {
  engine::Engine* engine;
  Admitted who;
};

// Logs what a site engineer has to look at: kInternal, kDataLoss and kUnknown. Returns `status`.
// Thread-safe.
absl::Status LogFailure(std::string_view call, std::string_view call_id, absl::Status status);

template <typename Request, typename Response>
using Handler = absl::Status (*)(const CallScope&, const Request&, Response*);

// Has `work(scope, guarded)` make the call of `who`, which opens `guarded`, and notes its end.
// `ended`: told of it; null for a stream, whose time is mostly its client's.
template <typename Request, typename Work>
absl::Status RunCall(const Admission& admission, const ServiceLimits& limits,
                     engine::Engine* engine, Admitted who, const engine::CallContext& caller,
                     const Work& work, EndedCalls* ended = nullptr) {
  static const AccessRule& rule = RuleOf(*Request::descriptor());
  GuardedCall guarded(admission, rule, std::move(who), caller,
                      ended != nullptr && ended->has_slow());
  absl::Status status = work(CallScope{engine, guarded.caller(), limits, guarded.who()}, guarded);
  status = guarded.Close(std::move(status));
  if (ended != nullptr) ended->Note(engine, guarded.Ended(status));
  return LogFailure(Request::descriptor()->full_name(), caller.call_id, std::move(status));
}

// Whether `response` has the answer of `quick`, which is called here and now.
template <typename Request, typename Response>
bool AnswerNow(const Admission& admission, const ServiceLimits& limits, Entered& entered,
               engine::CallContext& caller, const grpc::ByteBuffer& request,
               grpc::ByteBuffer* response,
               bool (*quick)(const CallScope&, const Request&, Response*)) {
  static const AccessRule& rule = RuleOf(*Request::descriptor());
  const bool is_noted = admission.audit() != nullptr && rule.noted != Noted::kRefused;
  if (is_noted && rule.noted == Noted::kBefore) return false;
  bool answered = false;
  const absl::Status status = RunGuarded([&]() -> absl::Status {
    google::protobuf::Arena arena;
    auto* message = google::protobuf::Arena::CreateMessage<Request>(&arena);
    auto* answer = google::protobuf::Arena::CreateMessage<Response>(&arena);
    THRONG_RETURN_IF_ERROR(ParseMessage(request, limits.quick_request_bytes_max, message));
    if (is_noted) {
      GuardedCall guarded(admission, rule, entered.who, caller);
      guarded.Leave();  // until there is an answer
      THRONG_RETURN_IF_ERROR(guarded.Open(*message));
      if (guarded.who().minimum_count > 0) return absl::OkStatus();
      const CallScope scope{entered.engine, guarded.caller(), limits, guarded.who()};
      if (!quick(scope, *message, answer)) return absl::OkStatus();
      guarded.Answered(*answer);
      THRONG_RETURN_IF_ERROR(SerializeMessage(*answer, response));
      answered = true;
      return guarded.Close(absl::OkStatus());
    }
    Admitted& who = entered.who;
    THRONG_RETURN_IF_ERROR(admission.Authorize(rule, *message, &who, &caller));
    if (who.minimum_count > 0) return absl::OkStatus();  // what is withheld is so elsewhere
    answered = quick({entered.engine, caller, limits, who}, *message, answer);
    return answered ? SerializeMessage(*answer, response) : absl::OkStatus();
  });
  return status.ok() && answered;
}

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CALL_SCOPE_H_
