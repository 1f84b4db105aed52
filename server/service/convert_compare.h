// Comparisons as the engine takes and gives them, and as the API does.
//
//   absl::StatusOr<engine::CompareRequest> request = ToCompare(proto, selection, limits);
//   CompareToProto(*result, request->confidence, response);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_COMPARE_H_
#define THRONG_SERVER_SERVICE_CONVERT_COMPARE_H_

#include "absl/status/statusor.h"
#include "server/engine/compare.h"
#include "server/service/service_limits.h"
#include "throng/v1/compare.pb.h"

namespace throng::service {

// All but the selection. Errors: those of ToBaseline.
absl::StatusOr<engine::CompareRequest> ToCompare(const v1::CompareRequest& proto,
                                                 const engine::Selection& selection,
                                                 const ServiceLimits& limits);

void ComparedTagToProto(const engine::ComparedTag& tag, v1::ComparedTag* proto);
void CompareToProto(const engine::CompareResult& result, double confidence,
                    v1::CompareResponse* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_COMPARE_H_
