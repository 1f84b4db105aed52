#include "server/service/stream_call.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/call_id.h"
#include "server/service/status_mapping.h"
#include "server/service/unary_call.h"

namespace throng::service {
namespace {

// So long a client may still take what was sent when the stream's time is over, and be told so.
constexpr std::chrono::seconds kGrace{1};

// Waits for a write that was started. A client that reads nothing is cut off: gRPC has no other way
// to end a write.
absl::Status AwaitWrite(PendingOperation& write, grpc::CallbackServerContext& context,
                        const StreamCaller& caller) {
  const std::optional<bool> ok =
      write.Wait(std::max<std::chrono::steady_clock::duration>(caller.Patience(), kGrace));
  if (ok.has_value()) return *ok ? absl::OkStatus() : caller.Gone();
  context.TryCancel();
  write.Wait();
  return caller.GivenUp("read");
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

StreamCaller::StreamCaller(grpc::CallbackServerContext* context, const ServiceLimits& limits,
                           Holds holds, const std::atomic<bool>& cancelled)
    : idle_max_(limits.stream_idle_max),
      snapshot_max_(limits.snapshot_stream_max),
      caller_(UnadmittedContext(*context)) {
  ReturnCallId(caller_.call_id, context);
  caller_.cancelled = [&cancelled] { return cancelled.load(std::memory_order_relaxed); };
  const auto end = std::chrono::steady_clock::now() + snapshot_max_;
  if (holds == Holds::kNothing || caller_.deadline <= end) return;
  caller_.deadline = end;
  is_bounded_ = true;
}

std::chrono::steady_clock::duration StreamCaller::Patience() const {
  const auto left = caller_.deadline - std::chrono::steady_clock::now();
  return std::clamp<std::chrono::steady_clock::duration>(left, left.zero(), idle_max_);
}

absl::Status StreamCaller::GivenUp(std::string_view what) const {
  const absl::Status status = caller_.Check();
  if (absl::IsDeadlineExceeded(status)) return status;
  return absl::DeadlineExceededError(
      fmt::format("the client has {} nothing for {} s", what, idle_max_.count()));
}

absl::Status StreamCaller::Gone() const {
  const absl::Status status = caller_.Check();
  return status.ok() ? absl::CancelledError("the connection to the client broke") : status;
}

absl::Status StreamCaller::Outcome(absl::Status status) const {
  const bool is_over = std::chrono::steady_clock::now() >= caller_.deadline;
  if (!is_bounded_ || !is_over || !absl::IsDeadlineExceeded(status)) return status;
  return index::MakeError(
      absl::StatusCode::kDeadlineExceeded,
      fmt::format("the stream has taken {} s, the longest that it may", snapshot_max_.count()),
      {.reason = "STREAM_TOO_LONG", .limit = static_cast<uint64_t>(snapshot_max_.count())});
}

ExportCall::ExportCall(grpc::CallbackServerContext* context, const ServiceLimits& limits, Work work)
    : context_(context),
      caller_(context, limits, StreamCaller::Holds::kSnapshot, cancelled_),
      work_(std::move(work)) {}

grpc::ServerWriteReactor<grpc::ByteBuffer>* ExportCall::Start(grpc::CallbackServerContext* context,
                                                              const StreamPlace& place, Work work,
                                                              const OnRefused& refused) {
  return RunIn(place, refused, new ExportCall(context, place.limits, std::move(work)));
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* ExportCall::Refuse(grpc::CallbackServerContext* context,
                                                               const ServiceLimits& limits,
                                                               const absl::Status& status) {
  auto* call = new ExportCall(context, limits, nullptr);
  call->Finish(ToGrpcStatus(status));
  return call;
}

void ExportCall::Run(const absl::Status& accepted) {
  absl::Status status = accepted;
  status.Update(caller().Check());
  if (status.ok()) status = RunGuarded([this] { return work_(*this); });
  status.Update(Flush());
  Finish(ToGrpcStatus(caller_.Outcome(status)));
}

absl::Status ExportCall::Flush() {
  if (!std::exchange(is_writing_, false)) return absl::OkStatus();
  return AwaitWrite(write_, *context_, caller_);
}

absl::Status ExportCall::Write(grpc::ByteBuffer bytes) {
  if (const absl::Status status = caller().Check(); !status.ok()) return status;
  if (const absl::Status status = Flush(); !status.ok()) return status;
  written_.Swap(&bytes);
  write_.Begin();
  is_writing_ = true;
  StartWrite(&written_);
  return absl::OkStatus();
}

LoadCall::LoadCall(grpc::CallbackServerContext* context, const ServiceLimits& limits, Work work)
    : context_(context),
      caller_(context, limits, StreamCaller::Holds::kNothing, cancelled_),
      work_(std::move(work)) {}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* LoadCall::Start(
    grpc::CallbackServerContext* context, const StreamPlace& place, Work work,
    const OnRefused& refused) {
  return RunIn(place, refused, new LoadCall(context, place.limits, std::move(work)));
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* LoadCall::Refuse(
    grpc::CallbackServerContext* context, const ServiceLimits& limits, const absl::Status& status) {
  auto* call = new LoadCall(context, limits, nullptr);
  call->Finish(ToGrpcStatus(status));
  return call;
}

void LoadCall::BeginRead() {
  read_.Begin();
  StartRead(&next_);
}

void LoadCall::Run(const absl::Status& accepted) {
  if (accepted.ok()) BeginRead();
  absl::Status status = accepted;
  status.Update(caller().Check());
  if (status.ok()) status = RunGuarded([this] { return work_(*this); });
  Finish(ToGrpcStatus(status));  // ends a read that is pending
}

absl::StatusOr<std::optional<grpc::ByteBuffer>> LoadCall::Read() {
  if (ended_) return std::nullopt;
  const std::optional<bool> ok = read_.Wait(caller_.Patience());
  if (const absl::Status status = caller().Check(); !status.ok()) return status;
  if (!ok.has_value()) return caller_.GivenUp("sent");
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
  if (const absl::Status status = caller().Check(); !status.ok()) return status;
  written_.Swap(&bytes);
  write_.Begin();
  StartWrite(&written_);
  return AwaitWrite(write_, *context_, caller_);
}

}  // namespace throng::service
