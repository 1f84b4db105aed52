// The one place between handlers and callers with a minimum: what each answer loses.
//
//   absl::Status status = handler(scope, request, &response);
//   if (status.ok()) status = WithholdSmall(scope, rule.method, request, &response);
//
// Callers without a minimum get answers as they are. The table of what is done to which call is in
// minimum_rules.cc; docs/security.md says it to users.
#ifndef THRONG_SERVER_SERVICE_MINIMUM_COUNT_H_
#define THRONG_SERVER_SERVICE_MINIMUM_COUNT_H_

#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "server/service/call_scope.h"

namespace throng::service {

// REQUIRES: CheckMinimumAllows the request, which Admission::Authorize asks. Errors:
// kPermissionDenied (MINIMUM_COUNT): this answer cannot be given. Thread-safe.
absl::Status WithholdSmall(const CallScope& scope, std::string_view method,
                           const google::protobuf::Message& request,
                           google::protobuf::Message* response);

// A failure of a handler without what it says of users' values. Thread-safe.
absl::Status WithholdFromError(const CallScope& scope, absl::Status status);

// Whether a call whose row says that numbers are withheld has a function that does it.
bool HasWithholding(std::string_view method);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_MINIMUM_COUNT_H_
