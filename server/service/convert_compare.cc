#include "server/service/convert_compare.h"

#include "index/error.h"
#include "server/service/convert_selection.h"
#include "server/service/convert_value.h"

namespace throng::service {
namespace {

void RowToProto(const engine::ComparedTag& tag, const engine::ComparedRow& row,
                v1::ComparedRow* proto) {
  if (!row.is_missing && !index::IsNumeric(tag.type)) {
    TextToProto(tag.type, row.value, proto->mutable_value());
  }
  if (row.lower.has_value()) {
    NumberToProto(tag.type, tag.scale, *row.lower, proto->mutable_lower());
  }
  if (row.upper.has_value()) {
    NumberToProto(tag.type, tag.scale, *row.upper, proto->mutable_upper());
  }
  proto->set_count(row.count);
  proto->set_share(row.share);
  proto->set_baseline_count(row.baseline_count);
  proto->set_baseline_share(row.baseline_share);
  proto->set_difference(row.difference.difference);
  proto->set_difference_low(row.difference.low);
  proto->set_difference_high(row.difference.high);
  if (row.tgi.has_value()) proto->set_tgi(*row.tgi);
}

}  // namespace

void ComparedTagToProto(const engine::ComparedTag& tag, v1::ComparedTag* proto) {
  proto->set_tag(tag.tag);
  proto->set_difference(tag.difference);
  proto->set_by_chance(tag.by_chance);
  proto->set_p_value(tag.p_value);
  for (const engine::ComparedRow& row : tag.rows) RowToProto(tag, row, proto->add_rows());
  RowToProto(tag, tag.missing, proto->mutable_missing());
  proto->set_rows_left_out(tag.rows_left_out);
}

absl::StatusOr<engine::CompareRequest> ToCompare(const v1::CompareRequest& proto,
                                                 const engine::Selection& selection,
                                                 const ServiceLimits& limits) {
  engine::CompareRequest request;
  request.tags.assign(proto.tags().begin(), proto.tags().end());
  if (proto.rows() != 0) request.rows_max = proto.rows();
  if (proto.has_features()) request.features_max = proto.features();
  if (proto.bins() != 0) request.bins = proto.bins();
  if (proto.confidence() != 0) request.confidence = proto.confidence();
  if (proto.has_baseline()) {
    THRONG_ASSIGN_OR_RETURN(request.baseline,
                            ToBaseline(proto.baseline(), selection.population, limits));
    THRONG_ASSIGN_OR_RETURN(request.baseline_exclude,
                            ToExclude(proto.baseline(), FieldPath("baseline")));
  }
  return request;
}

void CompareToProto(const engine::CompareResult& result, double confidence,
                    v1::CompareResponse* proto) {
  proto->set_count(result.count);
  proto->set_baseline_count(result.baseline_count);
  proto->set_common_count(result.common);
  for (const engine::ComparedFeature& feature : result.features) {
    const engine::ComparedTag& tag = result.tags[feature.tag];
    v1::ComparedFeature* added = proto->add_features();
    added->set_tag(tag.tag);
    RowToProto(tag, feature.row, added->mutable_row());
    added->set_missing(feature.row.is_missing);
  }
  for (const engine::ComparedTag& tag : result.tags) ComparedTagToProto(tag, proto->add_tags());
  if (result.baseline_expression.size() <= kCanonicalEchoBytesMax) {
    proto->set_baseline_expression(result.baseline_expression);
  }
  proto->set_confidence(confidence);
  InfoToProto(result.info, proto->mutable_info());
}

}  // namespace throng::service
