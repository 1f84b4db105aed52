#include "server/service/upload_call.h"

#include <utility>

#include "fmt/format.h"
#include "server/service/status_mapping.h"
#include "server/service/unary_call.h"

namespace throng::service {

UploadCall::UploadCall(grpc::CallbackServerContext* context, grpc::ByteBuffer* response,
                       std::chrono::seconds idle_max, Work work)
    : response_(response),
      idle_max_(idle_max),
      caller_(UnadmittedContext(*context)),
      work_(std::move(work)) {
  caller_.cancelled = [this] { return cancelled_.load(std::memory_order_relaxed); };
}

grpc::ServerReadReactor<grpc::ByteBuffer>* UploadCall::Start(grpc::CallbackServerContext* context,
                                                             grpc::ByteBuffer* response,
                                                             WorkerPool& pool,
                                                             std::chrono::seconds idle_max,
                                                             Work work, const OnRefused& refused) {
  auto* call = new UploadCall(context, response, idle_max, std::move(work));
  const absl::Status accepted = pool.Submit([call] { call->Run(); });
  if (!accepted.ok()) {
    refused(accepted);
    call->Finish(ToGrpcStatus(accepted));
  }
  return call;
}

void UploadCall::BeginRead() {
  read_.Begin();
  StartRead(&next_);
}

void UploadCall::Run() {
  BeginRead();
  absl::Status status = caller_.Check();
  if (status.ok()) status = RunGuarded([this] { return work_(*this, response_); });
  Finish(ToGrpcStatus(status));  // ends a read that is pending
}

absl::StatusOr<std::optional<grpc::ByteBuffer>> UploadCall::Read() {
  if (ended_) return std::nullopt;
  const std::optional<bool> ok = read_.Wait(idle_max_);
  if (const absl::Status status = caller_.Check(); !status.ok()) return status;
  if (!ok.has_value()) {
    return absl::DeadlineExceededError(
        fmt::format("the client has sent nothing for {} s", idle_max_.count()));
  }
  if (!*ok) {
    ended_ = true;
    return std::nullopt;
  }
  grpc::ByteBuffer bytes;
  bytes.Swap(&next_);
  BeginRead();
  return std::make_optional(std::move(bytes));
}

}  // namespace throng::service
