// Checks of membership, of the API and of the engine.
//
//   std::vector<engine::CrowdVersionRef> crowds;
//   absl::StatusOr<engine::CheckRequest> check = ToCheckRequest(request, &crowds);
//   CheckedToProto(*engine.memberships().Check(caller, *check), response);
//
// Requests of the engine are views of the messages. Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_MEMBERSHIP_H_
#define THRONG_SERVER_SERVICE_CONVERT_MEMBERSHIP_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/engine/crowd_membership.h"
#include "throng/v1/membership.pb.h"

namespace throng::service {

// `crowds` gets the crowds and must live as long as the result. Errors: kInvalidArgument
// (BAD_RESOURCE_NAME at "population"; REQUIRED, VALUE_OUT_OF_RANGE, LIVE_CROWD at "crowds[i]...").
absl::StatusOr<engine::CheckRequest> ToCheckRequest(const v1::CheckRequest& proto,
                                                    std::vector<engine::CrowdVersionRef>* crowds);
// `ids` gets the ids. Errors: as above, of "crowd".
absl::StatusOr<engine::BatchCheckRequest> ToBatchCheckRequest(const v1::BatchCheckRequest& proto,
                                                              std::vector<std::string_view>* ids);
// Errors: as above, of "setup.population" and "setup.crowds[i]..."; kInvalidArgument
// (VERSION_IN_STREAM at "setup.crowds[i].version").
absl::StatusOr<engine::SessionSetup> ToSessionSetup(const v1::CheckSetup& proto);

void CheckedToProto(const engine::CheckResult& result, v1::CheckResponse* proto);
void BatchCheckedToProto(const engine::BatchCheckResult& result, v1::BatchCheckResponse* proto);
void CheckedVersionToProto(const engine::CheckedVersion& version, v1::CheckedVersion* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_MEMBERSHIP_H_
