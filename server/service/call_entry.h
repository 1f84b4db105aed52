// How calls come in: whether the server serves, who calls, and what a refusal leaves behind.
//
//   absl::StatusOr<Entered> entered = entry.Enter(*context);
//   if (!entered.ok()) return UnaryCall::Refuse(context, entered.status());
//   const auto [owner, refused] = entry.ShareOf<v1::CountRequest>(entered->who);
#ifndef THRONG_SERVER_SERVICE_CALL_ENTRY_H_
#define THRONG_SERVER_SERVICE_CALL_ENTRY_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "index/error.h"
#include "server/service/access_rules.h"
#include "server/service/admission.h"
#include "server/service/call_scope.h"
#include "server/service/engine_gate.h"
#include "server/service/guarded_call.h"
#include "server/service/service_limits.h"
#include "server/service/worker_pool.h"

namespace throng::service {

// Must outlive every call. Thread-safe.
class CallEntry {
 public:
  CallEntry(const ServiceLimits& limits, const Guards& guards)
      : limits_(limits), admission_(guards) {}

  EngineGate& gate() { return gate_; }
  const ServiceLimits& limits() const { return limits_; }
  const Admission& admission() const { return admission_; }

  // Checked before the queue: while the server loads, health checks of many clients come, and who
  // is not known shall not take a thread. Errors: the gate's, and those of
  // Admission::Authenticate.
  absl::StatusOr<Entered> Enter(const grpc::CallbackServerContext& context) {
    THRONG_ASSIGN_OR_RETURN(engine::Engine* const engine, gate_.Enter());
    THRONG_ASSIGN_OR_RETURN(Admitted who, admission_.Authenticate(context));
    return Entered{engine, std::move(who)};
  }

  // Whose share of the threads a call counts against. A view of the list that `who` keeps.
  static std::string_view OwnerOf(const Admitted& who) {
    return who.principal == nullptr ? std::string_view() : who.principal->name;
  }

  // What a pool is told of a call: whose it is, and what is done where it is refused, which the
  // audit log has, too.
  struct Share {
    std::string owner;
    OnRefused refused;
  };
  template <typename Request>
  Share ShareOf(const Admitted& who) const {
    Share share{.owner = std::string(OwnerOf(who))};
    share.refused = [](std::string_view, const absl::Status&) {};
    if (admission_.audit() == nullptr) return share;
    share.refused = [this, who](std::string_view call_id, const absl::Status& status) {
      NoteRefusal(admission_, RuleOf(*Request::descriptor()), who, call_id, status);
    };
    return share;
  }

  // As RunCall, of a stream.
  template <typename Request, typename Work>
  absl::Status RunStream(Entered entered, const engine::CallContext& caller,
                         const Work& work) const {
    return RunCall<Request>(admission_, limits_, entered.engine, std::move(entered.who), caller,
                            work);
  }

 private:
  const ServiceLimits limits_;
  const Admission admission_;
  EngineGate gate_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CALL_ENTRY_H_
