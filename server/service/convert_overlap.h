// Overlaps of the API and of the engine.
//
//   absl::StatusOr<engine::OverlapRequest> request = ToOverlap(proto, limits);
//   OverlapToProto(*result, response);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_OVERLAP_H_
#define THRONG_SERVER_SERVICE_CONVERT_OVERLAP_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/overlap.h"
#include "server/service/service_limits.h"
#include "throng/v1/overlap.pb.h"

namespace throng::service {

// Errors: kInvalidArgument: as ToSelection, at "selections[i].selection"; OTHER_POPULATION,
// OTHER_TIME_ZONE, OTHER_REFERENCE_TIME, OTHER_READ_VERSION where a selection says otherwise than
// the first; TOO_MANY_SELECTIONS.
absl::StatusOr<engine::OverlapRequest> ToOverlap(const v1::OverlapRequest& proto,
                                                 const ServiceLimits& limits);
// The same of `selections` alone.
absl::StatusOr<engine::OverlapRequest> ToJointSelections(
    const google::protobuf::RepeatedPtrField<v1::NamedSelection>& selections,
    const ServiceLimits& limits);

// The engine's error, about the request's fields.
absl::Status AtOverlap(const absl::Status& status);

void OverlapToProto(const engine::OverlapResult& result, v1::OverlapResponse* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_OVERLAP_H_
