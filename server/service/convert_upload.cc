#include "server/service/convert_upload.h"

#include <optional>
#include <span>
#include <string>

#include "index/error.h"
#include "index/id_fault.h"
#include "server/service/convert_crowd.h"
#include "server/service/convert_time.h"
#include "server/service/field_path.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

std::optional<engine::UploadMode> ToMode(v1::UploadMode mode) {
  switch (mode) {
    case v1::UPLOAD_MODE_REPLACE:
      return engine::UploadMode::kReplace;
    case v1::UPLOAD_MODE_ADD:
      return engine::UploadMode::kAdd;
    case v1::UPLOAD_MODE_REMOVE:
      return engine::UploadMode::kRemove;
    default:
      return std::nullopt;
  }
}

v1::UploadMode ModeToProto(engine::UploadMode mode) {
  switch (mode) {
    case engine::UploadMode::kReplace:
      return v1::UPLOAD_MODE_REPLACE;
    case engine::UploadMode::kAdd:
      return v1::UPLOAD_MODE_ADD;
    case engine::UploadMode::kRemove:
      return v1::UPLOAD_MODE_REMOVE;
    case engine::UploadMode::kRefresh:
      return v1::UPLOAD_MODE_REFRESH;
  }
  return v1::UPLOAD_MODE_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<engine::UploadRequest> ToUploadRequest(const v1::UploadHeader& header) {
  const FieldPath field("header");
  THRONG_ASSIGN_OR_RETURN(const CrowdName name, ParseCrowdName(header.crowd(), "header.crowd"));
  const std::optional<engine::UploadMode> mode = ToMode(header.mode());
  if (!mode.has_value()) return UnspecifiedEnum(FieldPath(field, "mode"));
  engine::UploadRequest request{.population = name.population,
                                .crowd = name.crowd,
                                .id_type = header.id_type(),
                                .mode = *mode,
                                .keep_unknown = header.keep_unknown(),
                                .etag = header.etag()};
  if (!header.has_create()) return request;
  const v1::Crowd& crowd = header.create();
  engine::CreateCrowd& create = request.create.emplace();
  create.display_name = crowd.display_name();
  create.description = crowd.description();
  create.owner = crowd.owner();
  create.folder = crowd.folder();
  create.labels = {crowd.labels().begin(), crowd.labels().end()};
  if (crowd.keep_last() != 0) create.keep_last = crowd.keep_last();
  create.online = crowd.online();
  create.byte_budget = crowd.byte_budget();
  return request;
}

absl::StatusOr<engine::UploadIds> ToUploadIds(const v1::IdColumn& ids) {
  switch (ids.kind_case()) {
    case v1::IdColumn::kNumbers: {
      const auto& values = ids.numbers().values();
      return engine::UploadIds(
          std::span<const uint64_t>(values.data(), static_cast<size_t>(values.size())));
    }
    case v1::IdColumn::kTexts: {
      const auto& ends = ids.texts().ends();
      return engine::UploadIds(engine::TextsView{
          .data = ids.texts().data(), .ends = {ends.data(), static_cast<size_t>(ends.size())}});
    }
    case v1::IdColumn::KIND_NOT_SET:
      break;
  }
  return RequiredField(FieldPath("ids.kind"));
}

void UploadToProto(std::string_view population, const engine::UploadInfo& info, v1::Upload* proto) {
  const storage::UploadRecord& record = info.record;
  proto->set_crowd(FormatCrowdName(population, info.crowd));
  if (info.version.version.number != 0) {
    proto->set_name(FormatUploadName(population, info.crowd, info.version.version.number));
    CrowdVersionToProto(population, info.crowd, info.version, proto->mutable_version());
  }
  proto->set_mode(ModeToProto(record.mode));
  proto->set_id_type(record.id_type);
  proto->set_keep_unknown(record.keeps_unknown);
  proto->set_received(record.received);
  proto->set_matched(record.matched);
  proto->set_duplicate(record.duplicate);
  proto->set_unknown(record.unknown);
  proto->set_invalid(record.invalid);
  proto->set_kept(info.kept);
  proto->set_unknown_listed(info.unknown_listed);
  proto->set_invalid_listed(info.invalid_listed);
  for (const storage::RefusedId& sample : info.samples) {
    RefusedToProto(sample, proto->add_samples());
  }
  UnixMicrosToProto(record.start_us, proto->mutable_start_time());
  proto->set_read_version(info.version.version.data_version);
  proto->set_data_version(info.data_version);
}

void RefusedToProto(const storage::RefusedId& refused, v1::RefusedId* proto) {
  proto->set_position(refused.position);
  proto->set_reason(std::string(index::IdFaultName(refused.fault)));
  proto->set_text(refused.text);
}

}  // namespace throng::service
