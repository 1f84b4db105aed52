#include "server/service/convert_curve.h"

#include "index/error.h"
#include "server/service/convert_selection.h"
#include "server/service/convert_value.h"

namespace throng::service {
namespace {

constexpr uint32_t kPointsDefault = 1'000;

void PointToProto(const engine::CurveResult& result, const engine::CurvePoint& point,
                  v1::CurvePoint* proto) {
  NumberToProto(result.type, result.scale, point.threshold, proto->mutable_threshold());
  proto->set_count(point.count);
}

}  // namespace

absl::StatusOr<engine::CurveRequest> ToCurve(const v1::CurveRequest& proto) {
  engine::CurveRequest request{.condition = proto.condition(), .tag = proto.tag()};
  switch (proto.bound()) {
    case v1::CURVE_BOUND_UNSPECIFIED:
      break;
    case v1::CURVE_BOUND_LOWER:
      request.bound = engine::CurveBound::kLower;
      break;
    case v1::CURVE_BOUND_UPPER:
      request.bound = engine::CurveBound::kUpper;
      break;
    default:  // an enum of the wire may be any number
      return index::InvalidArgument("UNSPECIFIED", "bound", "there is no such bound");
  }
  request.points_max = proto.points() == 0 ? kPointsDefault : proto.points();
  if (proto.has_reach()) request.reach = proto.reach();
  return request;
}

void CurveToProto(const engine::CurveResult& result, v1::CurveResponse* proto) {
  proto->set_count(result.count);
  proto->set_condition(result.condition);
  proto->set_condition_text(result.condition_text);
  proto->set_line(static_cast<uint32_t>(result.span.line));
  proto->set_column(static_cast<uint32_t>(result.span.column));
  proto->set_length(static_cast<uint32_t>(result.span.length));
  proto->set_tag(result.tag);
  proto->set_operator_(result.operator_text);
  if (result.threshold.has_value()) {
    NumberToProto(result.type, result.scale, *result.threshold, proto->mutable_threshold());
  }
  for (const engine::CurvePoint& point : result.points) {
    PointToProto(result, point, proto->add_points());
  }
  proto->set_every_value(result.every_value);
  if (result.reached.has_value()) PointToProto(result, *result.reached, proto->mutable_reached());
  if (result.nearest.has_value()) PointToProto(result, *result.nearest, proto->mutable_nearest());
  InfoToProto(result.info, proto->mutable_info());
}

}  // namespace throng::service
