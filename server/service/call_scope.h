// What a handler of a call is given, and the forms of handlers.
//
//   absl::Status HandleCount(const CallScope& scope, const v1::CountRequest& request,
//                            v1::CountResponse* response);
#ifndef THRONG_SERVER_SERVICE_CALL_SCOPE_H_
#define THRONG_SERVER_SERVICE_CALL_SCOPE_H_

#include <string_view>

#include "absl/status/status.h"
#include "server/service/admission.h"
#include "server/service/engine_gate.h"
#include "server/service/service_limits.h"

namespace throng::service {

// What a handler works with. A view, valid during the call; thread-compatible.
struct CallScope {
  engine::Engine* engine;  // never null in throngd; whatever the gate was opened with
  const engine::CallContext& caller;
  const ServiceLimits& limits;
  const Admitted& who;  // let in by Admission: nothing reaches a handler past it
};

// Logs what a site engineer has to look at: kInternal, kDataLoss and kUnknown. Returns `status`.
absl::Status LogFailure(std::string_view call, absl::Status status);

// Of a call of one answer.
template <typename Request, typename Response>
using Handler = absl::Status (*)(const CallScope&, const Request&, Response*);
// False: it takes more than a look-up.
template <typename Request, typename Response>
using QuickHandler = bool (*)(const CallScope&, const Request&, Response*);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CALL_SCOPE_H_
