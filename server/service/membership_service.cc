#include "server/service/membership_service.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/error.h"
#include "server/service/convert_membership.h"
#include "server/service/convert_selection.h"
#include "server/service/convert_why.h"

namespace throng::service {
namespace {

// Answers with what the engine says.
template <typename Reasons>
absl::Status Answer(const absl::StatusOr<Reasons>& reasons, const v1::Selection& selection,
                    v1::WhyMemberResponse* response) {
  if (!reasons.ok()) return AtSelection(reasons.status(), selection, FieldPath("selection"));
  ReasonsToProto(*reasons, response);
  return absl::OkStatus();
}

// The answer of a Check that takes microseconds.
bool CheckNow(const CallScope& scope, const v1::CheckRequest& request,
              v1::CheckResponse* response) {
  std::vector<engine::CrowdVersionRef> crowds;
  const absl::StatusOr<engine::CheckRequest> check = ToCheckRequest(request, &crowds);
  if (!check.ok()) return false;
  const std::optional<engine::CheckResult> result =
      scope.engine->memberships().CheckNow(scope.caller, *check);
  if (result.has_value()) CheckedToProto(*result, response);
  return result.has_value();
}

absl::Status HandleCheck(const CallScope& scope, const v1::CheckRequest& request,
                         v1::CheckResponse* response) {
  std::vector<engine::CrowdVersionRef> crowds;
  THRONG_ASSIGN_OR_RETURN(const engine::CheckRequest check, ToCheckRequest(request, &crowds));
  const absl::StatusOr<engine::CheckResult> result =
      scope.engine->memberships().Check(scope.caller, check);
  if (!result.ok()) return MoveField(result.status(), "selection.read_version", "read_version");
  CheckedToProto(*result, response);
  return absl::OkStatus();
}

absl::Status HandleBatchCheck(const CallScope& scope, const v1::BatchCheckRequest& request,
                              v1::BatchCheckResponse* response) {
  std::vector<std::string_view> ids;
  THRONG_ASSIGN_OR_RETURN(const engine::BatchCheckRequest check,
                          ToBatchCheckRequest(request, &ids));
  const absl::StatusOr<engine::BatchCheckResult> result =
      scope.engine->memberships().BatchCheck(scope.caller, check);
  if (!result.ok()) return MoveField(result.status(), "selection.read_version", "read_version");
  BatchCheckedToProto(*result, response);
  return absl::OkStatus();
}

absl::Status HandleWhyMember(const CallScope& scope, const v1::WhyMemberRequest& request,
                             v1::WhyMemberResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const engine::Selection selection,
                          ToSelection(request.selection(), scope.limits, FieldPath("selection")));
  engine::Memberships& memberships = scope.engine->memberships();
  switch (request.who_case()) {
    case v1::WhyMemberRequest::kUser:
      return Answer(
          memberships.Why(scope.caller, selection, {request.user().id_type(), request.user().id()}),
          request.selection(), response);
    case v1::WhyMemberRequest::kUsers: {
      const v1::WhyUsers& users = request.users();
      const std::vector<std::string> ids(users.ids().begin(), users.ids().end());
      return Answer(memberships.WhyAll(scope.caller, selection, users.id_type(), ids),
                    request.selection(), response);
    }
    case v1::WhyMemberRequest::WHO_NOT_SET:
      break;
  }
  return RequiredField(FieldPath("who"));
}

}  // namespace

grpc::ServerUnaryReactor* MembershipService::Check(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return calls_.Quick(context, request, response, &CheckNow, &HandleCheck);
}
grpc::ServerUnaryReactor* MembershipService::BatchCheck(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleBatchCheck);
}
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* MembershipService::StreamChecks(
    grpc::CallbackServerContext* context) {
  return CheckStream::Start(context, calls_, streams_);
}
grpc::ServerUnaryReactor* MembershipService::WhyMember(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleWhyMember);
}

}  // namespace throng::service
