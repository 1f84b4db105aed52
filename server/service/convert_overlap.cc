#include "server/service/convert_overlap.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/convert_selection.h"
#include "server/service/field_path.h"
#include "server/service/status_mapping.h"

namespace throng::service {
namespace {

double Share(uint64_t count, uint64_t of) {
  return of == 0 ? 0 : static_cast<double>(count) / static_cast<double>(of);
}

absl::Status Differs(const char* reason, const FieldPath& field, const char* name) {
  const std::string path = FieldPath(field, name).ToString();
  return index::InvalidArgument(
      reason, path, fmt::format("{} is not that of the first selection: leave it empty", path));
}

// Whether a selection says the same as the first of what all share, or nothing.
absl::Status CheckFrame(const engine::Selection& first, const v1::Selection& proto,
                        const engine::Selection& selection, const FieldPath& field) {
  if (!proto.population().empty() && selection.population != first.population) {
    return Differs("OTHER_POPULATION", field, "population");
  }
  if (!proto.time_zone().empty() && selection.time_zone != first.time_zone) {
    return Differs("OTHER_TIME_ZONE", field, "time_zone");
  }
  if (proto.has_reference_time() && selection.reference_us != first.reference_us) {
    return Differs("OTHER_REFERENCE_TIME", field, "reference_time");
  }
  if (proto.read_version() != 0 && selection.read_version != first.read_version) {
    return Differs("OTHER_READ_VERSION", field, "read_version");
  }
  return absl::OkStatus();
}

void SelectionToProto(const engine::OverlapSelection& selection, v1::OverlapSelection* proto) {
  proto->set_name(selection.name);
  proto->set_count(selection.count);
  proto->set_unique(selection.unique);
  proto->set_unique_share(Share(selection.unique, selection.count));
  if (selection.canonical_expression.size() <= kOverlapEchoBytesMax) {
    proto->set_canonical_expression(selection.canonical_expression);
  }
  for (const query::Warning& warning : selection.warnings) {
    WarningToProto(warning, proto->add_warnings());
  }
}

}  // namespace

absl::StatusOr<engine::OverlapRequest> ToOverlap(const v1::OverlapRequest& proto,
                                                 const ServiceLimits& limits) {
  THRONG_ASSIGN_OR_RETURN(engine::OverlapRequest request,
                          ToJointSelections(proto.selections(), limits));
  if (proto.top() != 0) request.top = proto.top();
  return request;
}

absl::StatusOr<engine::OverlapRequest> ToJointSelections(
    const google::protobuf::RepeatedPtrField<v1::NamedSelection>& selections,
    const ServiceLimits& limits) {
  engine::OverlapRequest request;
  if (static_cast<size_t>(selections.size()) > engine::kOverlapSelectionsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_SELECTIONS",
                             "the number of selections", engine::kOverlapSelectionsMax,
                             static_cast<uint64_t>(selections.size())),
        "selections");
  }
  engine::Selection first;
  const FieldPath all("selections");
  for (int i = 0; i < selections.size(); ++i) {
    const v1::Selection& each = selections.at(i).selection();
    const FieldPath named = all.At(i);
    const FieldPath field(named, "selection");
    THRONG_ASSIGN_OR_RETURN(engine::Selection selection, ToSelection(each, limits, field));
    if (i == 0) first = selection;
    THRONG_RETURN_IF_ERROR(CheckFrame(first, each, selection, field));
    request.selections.push_back({.name = selections.at(i).name(),
                                  .what = std::move(selection.what),
                                  .exclude = std::move(selection.exclude)});
  }
  request.population = first.population;
  request.time_zone = first.time_zone;
  request.reference_us = first.reference_us;
  request.read_version = first.read_version;
  return request;
}

absl::Status AtOverlap(const absl::Status& status) {
  absl::Status moved = MoveField(status, "population", "selections[0].selection.population");
  for (const char* field : {"selection.time_zone", "selection.read_version"}) {
    moved = MoveField(moved, field, fmt::format("selections[0].{}", field));
  }
  return moved;
}

void OverlapToProto(const engine::OverlapResult& result, v1::OverlapResponse* proto) {
  const size_t n = result.selections.size();
  for (size_t a = 0; a < n; ++a) {
    SelectionToProto(result.selections[a], proto->add_selections());
    v1::OverlapRow* row = proto->add_pairs();
    for (size_t b = 0; b < n; ++b) {
      row->add_counts(result.pair(a, b));
      row->add_jaccard(result.Jaccard(a, b));
    }
  }
  proto->set_union_count(result.union_count);
  for (const engine::ExclusiveUsers& exclusive : result.intersections) {
    v1::ExclusiveIntersection* added = proto->add_intersections();
    for (uint32_t selection : exclusive.selections) added->add_selections(selection);
    added->set_count(exclusive.count);
    added->set_share(Share(exclusive.count, result.union_count));
  }
  proto->set_intersections_left_out(result.intersections_left_out);
  proto->set_users_left_out(result.users_left_out);
  if (!result.intersections_status.ok()) {
    proto->mutable_intersections_error()->ParseFromString(
        ToGrpcStatus(result.intersections_status).error_details());
  }
  InfoToProto(result.info, proto->mutable_info());
}

}  // namespace throng::service
