#include "server/service/upload_call.h"

#include <string>
#include <utility>

#include "server/service/status_mapping.h"
#include "server/service/unary_call.h"

namespace throng::service {

UploadCall::UploadCall(grpc::CallbackServerContext* context, grpc::ByteBuffer* response,
                       const ServiceLimits& limits, Work work)
    : response_(response),
      caller_(context, limits, StreamCaller::Holds::kSnapshot, cancelled_),
      work_(std::move(work)) {}

grpc::ServerReadReactor<grpc::ByteBuffer>* UploadCall::Start(grpc::CallbackServerContext* context,
                                                             grpc::ByteBuffer* response,
                                                             const StreamPlace& place, Work work,
                                                             const OnRefused& refused) {
  return RunIn(place, refused, new UploadCall(context, response, place.limits, std::move(work)));
}

grpc::ServerReadReactor<grpc::ByteBuffer>* UploadCall::Refuse(grpc::CallbackServerContext* context,
                                                              const ServiceLimits& limits,
                                                              const absl::Status& status) {
  auto* call = new UploadCall(context, nullptr, limits, nullptr);
  call->Finish(ToGrpcStatus(status));
  return call;
}

void UploadCall::BeginRead() {
  read_.Begin();
  StartRead(&next_);
}

void UploadCall::Run(const absl::Status& accepted) {
  if (accepted.ok()) BeginRead();
  absl::Status status = accepted;
  status.Update(caller().Check());
  if (status.ok()) status = RunGuarded([this] { return work_(*this, response_); });
  Finish(ToGrpcStatus(caller_.Outcome(status)));  // ends a read that is pending
}

absl::StatusOr<std::optional<grpc::ByteBuffer>> UploadCall::Read() {
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

}  // namespace throng::service
