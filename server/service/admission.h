// Lets calls in: finds out who calls, and whether the caller may.
//
//   absl::StatusOr<Admitted> who = admission.Authenticate(*context);    // of every call
//   absl::Status may = admission.Authorize(rule, request, &*who, &caller);
//   // `caller` now has the principal's name, and sees the tags that it may
//
// Without an access file everybody is let in and sees everything.
#ifndef THRONG_SERVER_SERVICE_ADMISSION_H_
#define THRONG_SERVER_SERVICE_ADMISSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "server/access/access_control.h"
#include "server/access/audit_log.h"
#include "server/engine/call_context.h"
#include "server/service/access_rules.h"

namespace throng::service {

// What guards the calls of a server. Null: not done. What is set must outlive the server.
struct Guards {
  const access::AccessControl* access = nullptr;
  access::AuditLog* audit = nullptr;
};

// Who calls. A value; thread-compatible.
struct Admitted {
  std::shared_ptr<const access::AccessList> list;  // holds `principal`
  const access::Principal* principal = nullptr;    // null: there is no access file
  uint64_t generation = 0;                         // of `list`
  std::string peer;                                // the other end, for the audit log
  uint64_t minimum_count = 0;                      // fewer users are not told; set by Authorize

  // Whether the caller may know that the population exists.
  bool Knows(std::string_view population) const {
    return principal == nullptr || principal->Knows(population);
  }
  // Whether the caller has the right there.
  bool May(access::Right right, std::string_view population) const {
    return principal == nullptr || principal->ExtentFor(right, population).has_value();
  }
};

// Thread-safe.
class Admission {
 public:
  explicit Admission(const Guards& guards) : guards_(guards) {}

  // The principal of the bearer token in `authorization`, else of the client certificate. Takes no
  // lock. Errors: kUnauthenticated (NO_CREDENTIALS, BAD_TOKEN, TOKEN_EXPIRED, TOKEN_REVOKED,
  // UNKNOWN_SUBJECT).
  absl::StatusOr<Admitted> Authenticate(const grpc::CallbackServerContext& context) const;

  // Whether the rule lets `who` do what `request` asks; then `caller` is told who and what is
  // visible and countable. What all allow counts where several populations are named. Errors:
  // kPermissionDenied (NO_RIGHT, naming the right and the population, whether that exists or not;
  // MINIMUM_COUNT); kInvalidArgument (BAD_RESOURCE_NAME). `populations`: given those that the
  // request names, also where it fails; null: nobody asks.
  absl::Status Authorize(const AccessRule& rule, const google::protobuf::Message& request,
                         Admitted* who, engine::CallContext* caller,
                         std::vector<std::string>* populations = nullptr) const;

  // Whether a caller who was let in before still is: for streams, which last. Errors: as
  // Authenticate.
  absl::Status Recheck(const Admitted& who) const;

  // The same caller with what the access file grants now, for what a stream names anew. Errors: as
  // Recheck.
  absl::StatusOr<Admitted> Renew(const Admitted& who) const;

  access::AuditLog* audit() const { return guards_.audit; }

 private:
  const Guards guards_;
};

// The populations that the request names, by their last part; "default" where it leaves one out.
// Errors: kInvalidArgument (BAD_RESOURCE_NAME).
absl::StatusOr<std::vector<std::string>> PopulationsOf(const AccessRule& rule,
                                                       const google::protobuf::Message& request);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_ADMISSION_H_
