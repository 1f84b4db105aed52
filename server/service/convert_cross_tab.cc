#include "server/service/convert_cross_tab.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "index/error.h"
#include "server/service/convert_selection.h"
#include "server/service/convert_value.h"
#include "server/service/field_path.h"

namespace throng::service {
namespace {

absl::StatusOr<engine::CrossTabAxisRequest> ToAxis(const v1::CrossTabAxisRequest& proto,
                                                   const FieldPath& field) {
  engine::CrossTabAxisRequest axis{.tag = proto.tag()};
  if (proto.top() != 0) axis.top = proto.top();
  const FieldPath edges(field, "edges");
  for (int i = 0; i < proto.edges_size(); ++i) {
    THRONG_ASSIGN_OR_RETURN(query::Value edge, ToValue(proto.edges(i), edges.At(i)));
    axis.edges.push_back(std::move(edge));
  }
  return axis;
}

double Share(uint64_t count, uint64_t of) {
  return of == 0 ? 0 : static_cast<double>(count) / static_cast<double>(of);
}

void CountToProto(const engine::CrossTabEntry& entry, uint64_t users, v1::CrossTabEntry* proto) {
  proto->set_count(entry.count);
  proto->set_share(Share(entry.count, users));
}

void AxisToProto(const engine::CrossTabAxis& axis, uint64_t users, v1::CrossTabAxis* proto) {
  proto->set_tag(axis.tag);
  for (const engine::CrossTabEntry& entry : axis.entries) {
    v1::CrossTabEntry* added = proto->add_entries();
    if (!index::IsNumeric(axis.type)) {
      TextToProto(axis.type, entry.value, added->mutable_value());
    }
    if (entry.lower.has_value()) {
      NumberToProto(axis.type, axis.scale, *entry.lower, added->mutable_lower());
    }
    if (entry.upper.has_value()) {
      NumberToProto(axis.type, axis.scale, *entry.upper, added->mutable_upper());
    }
    CountToProto(entry, users, added);
  }
  CountToProto(axis.others, users, proto->mutable_others());
  proto->set_others_values(axis.others_values);
  CountToProto(axis.missing, users, proto->mutable_missing());
}

}  // namespace

absl::StatusOr<engine::CrossTabRequest> ToCrossTab(const v1::CrossTabRequest& proto) {
  engine::CrossTabRequest request;
  THRONG_ASSIGN_OR_RETURN(request.rows, ToAxis(proto.rows(), FieldPath("rows")));
  THRONG_ASSIGN_OR_RETURN(request.columns, ToAxis(proto.columns(), FieldPath("columns")));
  return request;
}

void CrossTabToProto(const engine::CrossTabResult& result, v1::CrossTabResponse* proto) {
  proto->set_count(result.count);
  AxisToProto(result.rows, result.count, proto->mutable_rows());
  AxisToProto(result.columns, result.count, proto->mutable_columns());
  for (size_t row = 0; row < result.rows.size(); ++row) {
    v1::CrossTabRow* cells = proto->add_cells();
    for (size_t column = 0; column < result.columns.size(); ++column) {
      const uint64_t count = result.cell(row, column);
      cells->add_counts(count);
      cells->add_row_shares(Share(count, result.rows.at(row).count));
      cells->add_column_shares(Share(count, result.columns.at(column).count));
      cells->add_total_shares(Share(count, result.count));
    }
  }
  InfoToProto(result.info, proto->mutable_info());
}

}  // namespace throng::service
