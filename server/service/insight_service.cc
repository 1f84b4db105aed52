#include "server/service/insight_service.h"

#include "index/error.h"
#include "server/service/convert_compare.h"
#include "server/service/convert_cross_tab.h"
#include "server/service/convert_curve.h"
#include "server/service/convert_overlap.h"
#include "server/service/convert_result.h"
#include "server/service/convert_sample.h"
#include "server/service/convert_selection.h"
#include "server/service/convert_statistics.h"

namespace throng::service {
namespace {

constexpr uint32_t kTopDefault = 1'000;

// The request without its selection. Errors: kInvalidArgument: top_k over the most there can be, a
// baseline of another population or that is not understood.
absl::StatusOr<engine::BreakdownRequest> ToBreakdown(const v1::BreakdownRequest& proto,
                                                     const engine::Selection& selection,
                                                     const ServiceLimits& limits) {
  engine::BreakdownRequest request;
  request.tags.assign(proto.tags().begin(), proto.tags().end());
  request.top_k = proto.top_k() == 0 ? kTopDefault : proto.top_k();
  if (request.top_k > engine::kBreakdownRowsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "VALUE_OUT_OF_RANGE", "top_k",
                             engine::kBreakdownRowsMax, request.top_k),
        "top_k");
  }
  if (proto.has_sample()) request.sample = ToSample(proto.sample());
  if (!proto.has_baseline()) return request;
  THRONG_ASSIGN_OR_RETURN(request.baseline,
                          ToBaseline(proto.baseline(), selection.population, limits));
  THRONG_ASSIGN_OR_RETURN(request.baseline_exclude,
                          ToExclude(proto.baseline(), FieldPath("baseline")));
  return request;
}

absl::Status HandleBreakdown(const CallScope& scope, const v1::BreakdownRequest& request,
                             v1::BreakdownResponse* response) {
  const FieldPath field("selection");
  THRONG_ASSIGN_OR_RETURN(const engine::Selection selection,
                          ToSelection(request.selection(), scope.limits, field));
  THRONG_ASSIGN_OR_RETURN(const engine::BreakdownRequest breakdown,
                          ToBreakdown(request, selection, scope.limits));
  const absl::StatusOr<engine::BreakdownResult> result =
      scope.engine->insights().Breakdown(scope.caller, selection, breakdown);
  if (!result.ok()) return AtSelection(result.status(), request.selection(), field);
  BreakdownToProto(*result, response);
  return absl::OkStatus();
}

absl::Status HandleCurve(const CallScope& scope, const v1::CurveRequest& request,
                         v1::CurveResponse* response) {
  const FieldPath field("selection");
  THRONG_ASSIGN_OR_RETURN(const engine::Selection selection,
                          ToSelection(request.selection(), scope.limits, field));
  THRONG_ASSIGN_OR_RETURN(const engine::CurveRequest curve, ToCurve(request));
  const absl::StatusOr<engine::CurveResult> result =
      scope.engine->insights().Curve(scope.caller, selection, curve);
  if (!result.ok()) return AtSelection(result.status(), request.selection(), field);
  CurveToProto(*result, response);
  return absl::OkStatus();
}

absl::Status HandleCrossTab(const CallScope& scope, const v1::CrossTabRequest& request,
                            v1::CrossTabResponse* response) {
  const FieldPath field("selection");
  THRONG_ASSIGN_OR_RETURN(const engine::Selection selection,
                          ToSelection(request.selection(), scope.limits, field));
  THRONG_ASSIGN_OR_RETURN(const engine::CrossTabRequest cross_tab, ToCrossTab(request));
  const absl::StatusOr<engine::CrossTabResult> result =
      scope.engine->insights().CrossTab(scope.caller, selection, cross_tab);
  if (!result.ok()) return AtSelection(result.status(), request.selection(), field);
  CrossTabToProto(*result, response);
  return absl::OkStatus();
}

absl::Status HandleOverlap(const CallScope& scope, const v1::OverlapRequest& request,
                           v1::OverlapResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const engine::OverlapRequest overlap, ToOverlap(request, scope.limits));
  const absl::StatusOr<engine::OverlapResult> result =
      scope.engine->insights().Overlap(scope.caller, overlap);
  if (!result.ok()) return AtOverlap(result.status());
  OverlapToProto(*result, response);
  return absl::OkStatus();
}

absl::Status HandleCompare(const CallScope& scope, const v1::CompareRequest& request,
                           v1::CompareResponse* response) {
  const FieldPath field("selection");
  THRONG_ASSIGN_OR_RETURN(const engine::Selection selection,
                          ToSelection(request.selection(), scope.limits, field));
  THRONG_ASSIGN_OR_RETURN(const engine::CompareRequest compare,
                          ToCompare(request, selection, scope.limits));
  const absl::StatusOr<engine::CompareResult> result =
      scope.engine->insights().Compare(scope.caller, selection, compare);
  if (!result.ok()) return AtSelection(result.status(), request.selection(), field);
  CompareToProto(*result, compare.confidence, response);
  return absl::OkStatus();
}

absl::Status HandleStatistics(const CallScope& scope, const v1::StatisticsRequest& request,
                              v1::StatisticsResponse* response) {
  const FieldPath field("selection");
  THRONG_ASSIGN_OR_RETURN(const engine::Selection selection,
                          ToSelection(request.selection(), scope.limits, field));
  THRONG_ASSIGN_OR_RETURN(const engine::StatisticsRequest statistics, ToStatistics(request));
  const absl::StatusOr<engine::StatisticsResult> result =
      scope.engine->insights().Statistics(scope.caller, selection, statistics);
  if (!result.ok()) return AtSelection(result.status(), request.selection(), field);
  StatisticsToProto(*result, response);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* InsightService::Breakdown(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleBreakdown);
}
grpc::ServerUnaryReactor* InsightService::Curve(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleCurve);
}

grpc::ServerUnaryReactor* InsightService::CrossTab(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleCrossTab);
}

grpc::ServerUnaryReactor* InsightService::Overlap(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleOverlap);
}

grpc::ServerUnaryReactor* InsightService::Compare(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleCompare);
}

grpc::ServerUnaryReactor* InsightService::Statistics(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleStatistics);
}

}  // namespace throng::service
