#include "server/service/unary_call.h"

#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/call_id.h"
#include "server/service/status_mapping.h"

namespace throng::service {
namespace {

// A deadline further away is none: no arithmetic on it may overflow.
constexpr std::chrono::hours kDeadlineFar{24 * 365};

}  // namespace

absl::Status RunGuarded(const std::function<absl::Status()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return index::MakeError(absl::StatusCode::kResourceExhausted, "the server is out of memory",
                            {.reason = "OUT_OF_MEMORY"});
  } catch (const std::exception& error) {
    return absl::InternalError(fmt::format("internal error: {}", error.what()));
  }
}

engine::CallContext UnadmittedContext(const grpc::CallbackServerContext& context) {
  engine::CallContext caller;
  caller.call_id = CallIdOf(context);
  const auto left = context.deadline() - std::chrono::system_clock::now();
  if (left < kDeadlineFar) caller.deadline = std::chrono::steady_clock::now() + left;
  return caller;
}

UnaryCall::UnaryCall(const engine::CallContext& caller, Work work, OnRefused refused)
    : caller_(caller), work_(std::move(work)), refused_(std::move(refused)) {
  caller_.cancelled = [this] { return cancelled_.load(std::memory_order_relaxed); };
}

grpc::ServerUnaryReactor* UnaryCall::Start(grpc::CallbackServerContext* context, WorkerPool& pool,
                                           std::string_view owner, Work work, OnRefused refused) {
  auto* call = new UnaryCall(UnadmittedContext(*context), std::move(work), std::move(refused));
  ReturnCallId(call->caller_.call_id, context);
  pool.Run({.run = [call](const absl::Status& accepted) { call->Run(accepted); },
            .owner = std::string(owner),
            .deadline = call->caller_.deadline});
  return call;  // which may be finished already; gRPC keeps it until it has the pointer
}

grpc::ServerUnaryReactor* UnaryCall::Refuse(grpc::CallbackServerContext* context,
                                            const absl::Status& status) {
  ReturnCallId(CallIdOf(*context), context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

void UnaryCall::Run(const absl::Status& accepted) {
  caller_.queued = std::chrono::steady_clock::now() - submitted_;
  absl::Status status = caller_.Check();  // the caller may be gone while the call was queued
  status.Update(accepted);
  if (!accepted.ok()) refused_(caller_.call_id, accepted);
  if (status.ok()) status = RunGuarded([this] { return work_(caller_); });
  Finish(ToGrpcStatus(status));
}

}  // namespace throng::service
