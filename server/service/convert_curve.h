// Curves as the engine takes and gives them, and as the API does.
//
//   absl::StatusOr<engine::CurveRequest> request = ToCurve(proto);
//   CurveToProto(*result, response);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_CURVE_H_
#define THRONG_SERVER_SERVICE_CONVERT_CURVE_H_

#include "absl/status/statusor.h"
#include "server/engine/curve.h"
#include "throng/v1/curve.pb.h"

namespace throng::service {

// All but the selection. Errors: kInvalidArgument (UNSPECIFIED at "bound": no bound there is).
absl::StatusOr<engine::CurveRequest> ToCurve(const v1::CurveRequest& proto);

void CurveToProto(const engine::CurveResult& result, v1::CurveResponse* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_CURVE_H_
