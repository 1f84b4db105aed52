// Crowds of the API and of the engine.
//
//   absl::StatusOr<engine::CreateCrowd> create = ToCreateCrowd(request, scope.limits);
//   CrowdToProto(population, info, &proto);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_CROWD_H_
#define THRONG_SERVER_SERVICE_CONVERT_CROWD_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/duration.pb.h"
#include "server/engine/crowd_requests.h"
#include "server/service/service_limits.h"
#include "throng/v1/crowd.pb.h"

namespace throng::service {

// Errors: kInvalidArgument with the path: REQUIRED, UNSPECIFIED, BAD_RESOURCE_NAME, as
// ToExpression.
absl::StatusOr<engine::CreateCrowd> ToCreateCrowd(const v1::CreateCrowdRequest& request,
                                                  const ServiceLimits& limits);
// Without population and name. Errors: likewise; BAD_FIELD_MASK.
absl::StatusOr<engine::UpdateCrowd> ToUpdateCrowd(const v1::UpdateCrowdRequest& request,
                                                  const ServiceLimits& limits);

// How long what is deleted is kept, in microseconds; null: as long as usual. Of one that is out of
// range, another one that is.
int64_t ToKeptTime(const google::protobuf::Duration* time);

void CrowdToProto(std::string_view population, const engine::CrowdInfo& info, v1::Crowd* proto);
void CrowdVersionToProto(std::string_view population, std::string_view crowd,
                         const engine::CrowdVersionInfo& info, v1::CrowdVersion* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_CROWD_H_
