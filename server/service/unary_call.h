// One unary call on gRPC's callback API, computed on a worker thread.
//
//   return UnaryCall::Start(context, pool, [request, response](const engine::CallContext& caller) {
//     return Answer(caller, *request, response);   // on a worker; `caller` says when to give up
//   });
//
// Lifetime: the reactor deletes itself in OnDone, which gRPC calls once, behind Finish and behind
// every other reaction. The worker's last touch is Finish; the request, the response and the
// context live until OnDone as well.
#ifndef THRONG_SERVER_SERVICE_UNARY_CALL_H_
#define THRONG_SERVER_SERVICE_UNARY_CALL_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/engine/call_context.h"
#include "server/service/worker_pool.h"

namespace throng::service {

// Runs `work` and turns an exception into a status: kResourceExhausted (OUT_OF_MEMORY), kInternal.
absl::Status RunGuarded(const std::function<absl::Status()>& work);

// The caller of `context`, whom Admission has not let in yet, with its id and deadline; not yet
// cancellable. For a GuardedCall, which makes of it what the engine may be given.
engine::CallContext UnadmittedContext(const grpc::CallbackServerContext& context);

// Thread-safe in the sense of gRPC: reactions come from any thread.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  using Work = std::function<absl::Status(const engine::CallContext&)>;

  // Answers RESOURCE_EXHAUSTED if the pool takes no more of `owner`, at once or later, of which
  // `refused` is told, else `work`'s status; what `work` wrote is sent when that is OK.
  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, WorkerPool& pool,
                                         std::string_view owner, Work work, OnRefused refused);
  // Answers `status` at once.
  static grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context,
                                          const absl::Status& status);

 private:
  UnaryCall(const engine::CallContext& caller, Work work, OnRefused refused);

  // `accepted`: whether it is to be done after all.
  void Run(const absl::Status& accepted);
  void OnCancel() override { cancelled_.store(true); }
  void OnDone() override { delete this; }

  engine::CallContext caller_;
  const Work work_;
  const OnRefused refused_;
  const std::chrono::steady_clock::time_point submitted_ = std::chrono::steady_clock::now();
  std::atomic<bool> cancelled_{false};
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_UNARY_CALL_H_
