#include "server/service/convert_selection.h"

#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/convert_expression.h"
#include "server/service/convert_time.h"
#include "server/service/resource_name.h"

namespace throng::service {
absl::Status CheckExpressionText(std::string_view text, const ServiceLimits& limits,
                                 const FieldPath& field) {
  if (text.size() <= limits.expression_text_bytes_max) return absl::OkStatus();
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kInvalidArgument, "EXPRESSION_TOO_LONG",
                           "the expression's text in bytes", limits.expression_text_bytes_max,
                           text.size()),
      field.ToString());
}

absl::StatusOr<std::variant<std::string, query::Expression>> ToWhat(const v1::Selection& proto,
                                                                    const ServiceLimits& limits,
                                                                    const FieldPath& field) {
  switch (proto.what_case()) {
    case v1::Selection::kExpression:
      THRONG_RETURN_IF_ERROR(
          CheckExpressionText(proto.expression(), limits, FieldPath(field, "expression")));
      return proto.expression();
    case v1::Selection::kTree: {
      THRONG_ASSIGN_OR_RETURN(query::Expression tree,
                              ToExpression(proto.tree(), {}, FieldPath(field, "tree")));
      return std::variant<std::string, query::Expression>(std::move(tree));
    }
    case v1::Selection::kCrowd: {
      THRONG_ASSIGN_OR_RETURN(query::CrowdRef crowd,
                              ToCrowdRef(proto.crowd(), FieldPath(field, "crowd")));
      return std::variant<std::string, query::Expression>(query::Expression{std::move(crowd)});
    }
    case v1::Selection::WHAT_NOT_SET:
      break;
  }
  return RequiredField(FieldPath(field, "what"));
}

absl::StatusOr<std::vector<query::CrowdRef>> ToExclude(const v1::Selection& proto,
                                                       const FieldPath& field) {
  const FieldPath exclude(field, "exclude");
  const auto size = static_cast<size_t>(proto.exclude_size());
  if (size > engine::kExclusionsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_EXCLUSIONS",
                             "the number of exclusions", engine::kExclusionsMax, size),
        exclude.ToString());
  }
  std::vector<query::CrowdRef> crowds;
  for (int i = 0; i < proto.exclude_size(); ++i) {
    THRONG_ASSIGN_OR_RETURN(query::CrowdRef crowd, ToCrowdRef(proto.exclude(i), exclude.At(i)));
    crowds.push_back(std::move(crowd));
  }
  return crowds;
}

absl::StatusOr<std::variant<std::string, query::Expression>> ToBaseline(
    const v1::Selection& proto, std::string_view population, const ServiceLimits& limits) {
  if (!proto.population().empty()) {
    THRONG_ASSIGN_OR_RETURN(const std::string other,
                            ParsePopulationName(proto.population(), "baseline.population"));
    if (other != population) {
      return index::InvalidArgument(
          "OTHER_POPULATION", "baseline.population",
          fmt::format("the baseline is of population \"{}\"; the selection of \"{}\"", other,
                      population));
    }
  }
  return ToWhat(proto, limits, FieldPath("baseline"));
}

absl::StatusOr<engine::Selection> ToSelection(const v1::Selection& proto,
                                              const ServiceLimits& limits, const FieldPath& field) {
  engine::Selection selection;
  THRONG_ASSIGN_OR_RETURN(
      selection.population,
      ParsePopulationNameOrDefault(proto.population(), FieldPath(field, "population").ToString()));
  THRONG_ASSIGN_OR_RETURN(selection.what, ToWhat(proto, limits, field));
  selection.is_crowd = proto.has_crowd();
  THRONG_ASSIGN_OR_RETURN(selection.exclude, ToExclude(proto, field));
  selection.time_zone = proto.time_zone();
  if (proto.has_reference_time()) {
    THRONG_ASSIGN_OR_RETURN(
        selection.reference_us,
        ToUnixMicros(proto.reference_time(), Finer::kCut, FieldPath(field, "reference_time")));
  }
  selection.read_version = proto.read_version();
  return selection;
}

absl::Status AtSelection(const absl::Status& status, const v1::Selection& proto,
                         const FieldPath& field) {
  const absl::Status moved =
      MoveField(status, "population", FieldPath(field, "population").ToString());
  if (moved.code() != absl::StatusCode::kInvalidArgument) return moved;
  const std::string_view what = proto.has_crowd()  ? "crowd"
                                : proto.has_tree() ? "tree"
                                                   : "expression";
  return index::WithField(moved, FieldPath(field, what).ToString());
}

void WarningToProto(const query::Warning& warning, v1::Warning* proto) {
  proto->set_reason(warning.reason);
  proto->set_message(warning.message);
  proto->set_line(static_cast<uint32_t>(warning.span.line));
  proto->set_column(static_cast<uint32_t>(warning.span.column));
  proto->set_length(static_cast<uint32_t>(warning.span.length));
}

void InfoToProto(const engine::ResultInfo& info, v1::ResultInfo* proto) {
  proto->set_data_version(info.data_version);
  UnixMicrosToProto(info.reference_us, proto->mutable_reference_time());
  proto->set_time_zone(info.time_zone);
  if (info.canonical_expression.size() <= kCanonicalEchoBytesMax) {
    proto->set_canonical_expression(info.canonical_expression);
  }
  DurationToProto(info.engine_time, proto->mutable_engine_time());
  for (const query::Warning& warning : info.warnings) {
    WarningToProto(warning, proto->add_warnings());
  }
  proto->set_exact(info.exact);
  for (const engine::CrowdVersionRead& read : info.crowds) {
    v1::CrowdVersionRead* crowd = proto->add_crowds();
    crowd->set_crowd(read.crowd);
    crowd->set_version(read.version);
    crowd->set_data_version(read.data_version);
    UnixMicrosToProto(read.create_us, crowd->mutable_compute_time());
  }
}

}  // namespace throng::service
