#include "server/service/stream_call.h"

#include <utility>

#include "fmt/format.h"
#include "server/service/status_mapping.h"
#include "server/service/unary_call.h"

namespace throng::service {
namespace {

absl::Status Gone(const engine::CallContext& caller) {
  const absl::Status status = caller.Check();
  return status.ok() ? absl::CancelledError("the connection to the client broke") : status;
}

absl::Status Idle(std::string_view what, std::chrono::seconds idle_max) {
  return absl::DeadlineExceededError(
      fmt::format("the client has {} nothing for {} s", what, idle_max.count()));
}

// Waits for a write that was started. A client that reads nothing is cut off: gRPC has no other way
// to end a write.
absl::Status AwaitWrite(PendingOperation& write, grpc::CallbackServerContext& context,
                        std::chrono::seconds idle_max, const engine::CallContext& caller) {
  const std::optional<bool> ok = write.Wait(idle_max);
  if (ok.has_value()) return *ok ? absl::OkStatus() : Gone(caller);
  context.TryCancel();
  write.Wait();
  return Idle("read", idle_max);
}

}  // namespace

void PendingOperation::Begin() {
  index::MutexLock lock(mutex_);
  pending_ = true;
}

void PendingOperation::Complete(bool ok) {
  index::MutexLock lock(mutex_);
  pending_ = false;
  ok_ = ok;
  changed_.NotifyAll();
}

std::optional<bool> PendingOperation::Wait(std::chrono::steady_clock::duration most) {
  const auto until = std::chrono::steady_clock::now() + most;
  index::MutexLock lock(mutex_);
  while (pending_) {
    if (!changed_.WaitUntil(mutex_, until) && pending_) return std::nullopt;
  }
  return ok_;
}

bool PendingOperation::Wait() {
  index::MutexLock lock(mutex_);
  while (pending_) changed_.Wait(mutex_);
  return ok_;
}

ExportCall::ExportCall(grpc::CallbackServerContext* context, std::chrono::seconds idle_max,
                       Work work)
    : context_(context),
      idle_max_(idle_max),
      caller_(UnadmittedContext(*context)),
      work_(std::move(work)) {
  caller_.cancelled = [this] { return cancelled_.load(std::memory_order_relaxed); };
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* ExportCall::Start(grpc::CallbackServerContext* context,
                                                              WorkerPool& pool,
                                                              std::chrono::seconds idle_max,
                                                              Work work, const OnRefused& refused) {
  auto* call = new ExportCall(context, idle_max, std::move(work));
  const absl::Status accepted = pool.Submit([call] { call->Run(); });
  if (!accepted.ok()) {
    refused(accepted);
    call->Finish(ToGrpcStatus(accepted));
  }
  return call;
}

void ExportCall::Run() {
  absl::Status status = caller_.Check();
  if (status.ok()) status = RunGuarded([this] { return work_(*this); });
  Finish(ToGrpcStatus(status));
}

absl::Status ExportCall::Write(grpc::ByteBuffer bytes) {
  if (const absl::Status status = caller_.Check(); !status.ok()) return status;
  written_.Swap(&bytes);
  write_.Begin();
  StartWrite(&written_);
  return AwaitWrite(write_, *context_, idle_max_, caller_);
}

LoadCall::LoadCall(grpc::CallbackServerContext* context, std::chrono::seconds idle_max, Work work)
    : context_(context),
      idle_max_(idle_max),
      caller_(UnadmittedContext(*context)),
      work_(std::move(work)) {
  caller_.cancelled = [this] { return cancelled_.load(std::memory_order_relaxed); };
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* LoadCall::Start(
    grpc::CallbackServerContext* context, WorkerPool& pool, std::chrono::seconds idle_max,
    Work work, const OnRefused& refused) {
  auto* call = new LoadCall(context, idle_max, std::move(work));
  const absl::Status accepted = pool.Submit([call] { call->Run(); });
  if (!accepted.ok()) {
    refused(accepted);
    call->Finish(ToGrpcStatus(accepted));
  }
  return call;
}

void LoadCall::BeginRead() {
  read_.Begin();
  StartRead(&next_);
}

void LoadCall::Run() {
  BeginRead();
  absl::Status status = caller_.Check();
  if (status.ok()) status = RunGuarded([this] { return work_(*this); });
  Finish(ToGrpcStatus(status));  // ends a read that is pending
}

absl::StatusOr<std::optional<grpc::ByteBuffer>> LoadCall::Read() {
  if (ended_) return std::nullopt;
  const std::optional<bool> ok = read_.Wait(idle_max_);
  if (const absl::Status status = caller_.Check(); !status.ok()) return status;
  if (!ok.has_value()) return Idle("sent", idle_max_);
  if (!*ok) {
    ended_ = true;
    return std::nullopt;
  }
  grpc::ByteBuffer bytes;
  bytes.Swap(&next_);
  BeginRead();
  return std::make_optional(std::move(bytes));
}

absl::Status LoadCall::Write(grpc::ByteBuffer bytes) {
  if (const absl::Status status = caller_.Check(); !status.ok()) return status;
  written_.Swap(&bytes);
  write_.Begin();
  StartWrite(&written_);
  return AwaitWrite(write_, *context_, idle_max_, caller_);
}

}  // namespace throng::service
