// Changes of single users as the engine takes them, and portraits as the API gives them.
//
//   absl::StatusOr<engine::WriteUsersRequest> write = ToWriteUsers(request);
//   PortraitToProto(portrait, response);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_USER_H_
#define THRONG_SERVER_SERVICE_CONVERT_USER_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/portraits.h"
#include "server/engine/write_batch.h"
#include "throng/v1/user.pb.h"

namespace throng::service {

// kInvalidArgument (REQUEST_ID_TOO_LONG) at "request_id" beyond engine::kRequestIdBytesMax.
absl::Status CheckRequestId(std::string_view request_id);

// With the fingerprint that tells a retry from a clash. Errors: kInvalidArgument: BAD_RESOURCE_NAME
// (population), UNSPECIFIED (unknown_ids), REQUIRED ("users[i].changes[j].change", "...set.kind"),
// REQUEST_ID_TOO_LONG; kResourceExhausted (TOO_MANY_USERS).
absl::StatusOr<engine::WriteUsersRequest> ToWriteUsers(const v1::WriteUsersRequest& proto);

void PortraitToProto(const engine::Portrait& portrait, v1::Portrait* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_USER_H_
