#include "server/service/convert_batch.h"

#include <string_view>
#include <utility>
#include <vector>

#include "index/error.h"
#include "server/service/convert_time.h"
#include "server/service/field_path.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

template <typename Number>
std::span<const Number> Span(const google::protobuf::RepeatedField<Number>& field) {
  return {field.data(), static_cast<size_t>(field.size())};
}

template <typename Texts>
std::vector<std::string_view> Views(const Texts& texts) {
  return {texts.begin(), texts.end()};
}

std::optional<engine::LoadMode> ToMode(v1::LoadMode mode) {
  switch (mode) {
    case v1::LOAD_MODE_UPSERT:
      return engine::LoadMode::kUpsert;
    case v1::LOAD_MODE_REPLACE:
      return engine::LoadMode::kReplace;
    default:
      return std::nullopt;
  }
}

absl::StatusOr<engine::TagColumn> ToColumn(const v1::TagColumn& proto, const FieldPath& field) {
  engine::TagColumn column{
      .tag = proto.tag(), .leave_mask = proto.leave_mask(), .clear_mask = proto.clear_mask()};
  switch (proto.values_case()) {
    case v1::TagColumn::kCategories:
      column.values = engine::CodedView{.values = Views(proto.categories().values()),
                                        .codes = Span(proto.categories().codes())};
      return column;
    case v1::TagColumn::kLabels:
      column.values = engine::LabelsView{.values = Views(proto.labels().values()),
                                         .codes = Span(proto.labels().codes()),
                                         .ends = Span(proto.labels().ends())};
      return column;
    case v1::TagColumn::kIntegers:
      column.values = engine::IntegersView{.values = Span(proto.integers().values())};
      return column;
    case v1::TagColumn::kFlags:
      column.values = engine::FlagsView{.bits = proto.flags()};
      return column;
    case v1::TagColumn::VALUES_NOT_SET:
      break;
  }
  return RequiredField(FieldPath(field, "values"));
}

}  // namespace

absl::StatusOr<engine::LoadHeader> ToLoadHeader(const v1::LoadHeader& proto) {
  const FieldPath field("header");
  engine::LoadHeader header;
  THRONG_ASSIGN_OR_RETURN(header.population,
                          ParsePopulationNameOrDefault(proto.population(), "header.population"));
  const std::optional<engine::LoadMode> mode = ToMode(proto.mode());
  if (!mode.has_value()) return UnspecifiedEnum(FieldPath(field, "mode"));
  header.mode = *mode;
  const std::optional<engine::UnknownIds> unknown_ids = ToUnknownIds(proto.unknown_ids());
  if (!unknown_ids.has_value()) return UnspecifiedEnum(FieldPath(field, "unknown_ids"));
  header.unknown_ids = *unknown_ids;
  header.tags.assign(proto.tags().begin(), proto.tags().end());
  if (proto.load_id().size() > engine::kRequestIdBytesMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "LOAD_ID_TOO_LONG",
                             "the load id in bytes", engine::kRequestIdBytesMax,
                             proto.load_id().size()),
        "header.load_id");
  }
  header.load_id = proto.load_id();
  header.errors_max = proto.max_errors();
  header.confirms_coverage_fall = proto.confirm_coverage_fall();
  header.id_type = proto.id_type();
  return header;
}

absl::StatusOr<engine::ColumnBatch> ToColumnBatch(const v1::ColumnBatch& proto) {
  const FieldPath field("batch");
  engine::ColumnBatch batch;
  batch.number = proto.batch_number();
  switch (proto.ids().kind_case()) {
    case v1::IdColumn::kNumbers:
      batch.ids = Span(proto.ids().numbers().values());
      break;
    case v1::IdColumn::kTexts:
      batch.ids = engine::TextsView{.data = proto.ids().texts().data(),
                                    .ends = Span(proto.ids().texts().ends())};
      break;
    case v1::IdColumn::KIND_NOT_SET:
      return RequiredField(FieldPath(field, "ids.kind"));
  }
  const FieldPath columns(field, "columns");
  batch.columns.reserve(static_cast<size_t>(proto.columns_size()));
  for (int i = 0; i < proto.columns_size(); ++i) {
    THRONG_ASSIGN_OR_RETURN(engine::TagColumn column, ToColumn(proto.columns(i), columns.At(i)));
    batch.columns.push_back(std::move(column));
  }
  return batch;
}

std::optional<engine::UnknownIds> ToUnknownIds(v1::UnknownIds proto) {
  switch (proto) {
    case v1::UNKNOWN_IDS_CREATE:
      return engine::UnknownIds::kCreate;
    case v1::UNKNOWN_IDS_SKIP:
      return engine::UnknownIds::kSkip;
    case v1::UNKNOWN_IDS_ERROR:
      return engine::UnknownIds::kError;
    default:
      return std::nullopt;
  }
}

void ProgressToProto(const engine::LoadProgress& progress, v1::LoadProgress* proto) {
  proto->set_batch_number(progress.batch_number);
  proto->set_data_version(progress.data_version);
  proto->set_rows(progress.rows);
  for (const engine::RowError& error : progress.errors) {
    v1::RowError* added = proto->add_errors();
    added->set_batch_number(error.batch_number);
    added->set_row(error.row);
    added->set_tag(error.tag);
    added->set_reason(error.reason);
    added->set_message(error.message);
  }
}

void SummaryToProto(const engine::LoadSummary& summary, v1::LoadSummary* proto) {
  proto->set_data_version(summary.data_version);
  proto->set_rows(summary.rows);
  proto->set_rows_refused(summary.rows_refused);
  proto->set_rows_skipped(summary.rows_skipped);
  proto->set_users_created(summary.users_created);
  proto->set_batches_repeated(summary.batches_repeated);
  DurationToProto(summary.server_time, proto->mutable_server_time());
}

}  // namespace throng::service
