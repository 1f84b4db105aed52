#include "server/service/membership_service.h"

#include <string>
#include <vector>

#include "index/error.h"
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

grpc::ServerUnaryReactor* MembershipService::WhyMember(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleWhyMember);
}

}  // namespace throng::service
