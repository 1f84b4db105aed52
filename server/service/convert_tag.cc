#include "server/service/convert_tag.h"

#include <optional>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/convert_time.h"
#include "server/service/field_path.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

const FieldPath& TagPath() {
  static const FieldPath path("tag");
  return path;
}

std::optional<index::TagType> ToType(v1::TagType type) {
  switch (type) {
    case v1::TAG_TYPE_FLAG:
      return index::TagType::kFlag;
    case v1::TAG_TYPE_CATEGORY:
      return index::TagType::kCategory;
    case v1::TAG_TYPE_LABELS:
      return index::TagType::kLabels;
    case v1::TAG_TYPE_INTEGER:
      return index::TagType::kInteger;
    case v1::TAG_TYPE_DECIMAL:
      return index::TagType::kDecimal;
    case v1::TAG_TYPE_DATE:
      return index::TagType::kDate;
    case v1::TAG_TYPE_DATE_TIME:
      return index::TagType::kDateTime;
    default:
      return std::nullopt;
  }
}

std::optional<index::TagState> ToState(v1::TagState state) {
  switch (state) {
    case v1::TAG_STATE_DRAFT:
      return index::TagState::kDraft;
    case v1::TAG_STATE_ONLINE:
      return index::TagState::kOnline;
    case v1::TAG_STATE_OFFLINE:
      return index::TagState::kOffline;
    default:
      return std::nullopt;
  }
}

v1::TagState StateToProto(index::TagState state) {
  switch (state) {
    case index::TagState::kDraft:
      return v1::TAG_STATE_DRAFT;
    case index::TagState::kOnline:
      return v1::TAG_STATE_ONLINE;
    case index::TagState::kOffline:
      return v1::TAG_STATE_OFFLINE;
  }
  return v1::TAG_STATE_UNSPECIFIED;
}

absl::StatusOr<uint32_t> ToValuesMax(uint32_t requested) {
  if (requested == 0) return index::kTagValuesMax;
  if (requested <= index::kTagValuesMax) return requested;
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kInvalidArgument, "VALUE_OUT_OF_RANGE",
                           "tag.max_values", index::kTagValuesMax, requested),
      "tag.max_values");
}

absl::StatusOr<uint32_t> ToFreshness(const v1::Tag& tag) {
  const google::protobuf::Duration& freshness = tag.freshness();
  if (freshness.nanos() == 0 && freshness.seconds() >= 0 &&
      freshness.seconds() <= int64_t{index::kFreshnessSecondsMax}) {
    return static_cast<uint32_t>(freshness.seconds());
  }
  return index::InvalidArgument(
      "VALUE_OUT_OF_RANGE", "tag.freshness",
      fmt::format("tag.freshness must be whole seconds, 0 to {}", index::kFreshnessSecondsMax));
}

// Takes the field at `path` of `tag` into `update`; false if there is no such field to update.
absl::StatusOr<bool> TakeField(std::string_view path, const v1::Tag& tag,
                               engine::TagUpdate* update) {
  if (path == "display_name") {
    update->display_name = tag.display_name();
  } else if (path == "path") {
    update->path = tag.path();
  } else if (path == "description") {
    update->description = tag.description();
  } else if (path == "owner") {
    update->owner = tag.owner();
  } else if (path == "sensitivity") {
    update->sensitivity = tag.sensitivity();
  } else if (path == "state") {
    update->state = ToState(tag.state());
    if (!update->state.has_value()) return UnspecifiedEnum(FieldPath(TagPath(), "state"));
  } else if (path == "max_values") {
    THRONG_ASSIGN_OR_RETURN(update->values_max, ToValuesMax(tag.max_values()));
  } else if (path == "freshness") {
    THRONG_ASSIGN_OR_RETURN(update->freshness_s, ToFreshness(tag));
  } else {
    return false;
  }
  return true;
}

}  // namespace

void PopulationToProto(const engine::PopulationInfo& info, v1::Population* proto) {
  proto->set_name(FormatPopulationName(info.name));
  proto->set_display_name(info.display_name);
  proto->set_primary_id_type(info.primary_id_type);
  proto->set_user_count(info.user_count);
  proto->set_data_version(info.data_version);
  proto->set_tag_count(info.tag_count);
}

absl::StatusOr<index::TagDefinition> ToDefinition(const v1::CreateTagRequest& request) {
  if (request.tag_id().empty()) return RequiredField(FieldPath("tag_id"));
  if (!request.has_tag()) return RequiredField(TagPath());
  const v1::Tag& tag = request.tag();
  if (!tag.name().empty() &&
      tag.name() != fmt::format("{}/tags/{}", request.parent(), request.tag_id())) {
    return index::InvalidArgument("BAD_RESOURCE_NAME", "tag.name",
                                  "tag.name is neither empty nor that of parent and tag_id");
  }
  index::TagDefinition definition;
  const std::optional<index::TagType> type = ToType(tag.type());
  if (!type.has_value()) return UnspecifiedEnum(FieldPath(TagPath(), "type"));
  const std::optional<index::TagState> state =
      tag.state() == v1::TAG_STATE_UNSPECIFIED ? index::TagState::kOnline : ToState(tag.state());
  if (!state.has_value()) return UnspecifiedEnum(FieldPath(TagPath(), "state"));
  definition.name = request.tag_id();
  definition.type = *type;
  definition.scale = tag.scale();
  definition.display_name = tag.display_name();
  definition.path = tag.path();
  definition.description = tag.description();
  definition.owner = tag.owner();
  definition.sensitivity = tag.sensitivity();
  definition.state = *state;
  THRONG_ASSIGN_OR_RETURN(definition.values_max, ToValuesMax(tag.max_values()));
  THRONG_ASSIGN_OR_RETURN(definition.freshness_s, ToFreshness(tag));
  return definition;
}

absl::StatusOr<engine::TagUpdate> ToUpdate(const v1::UpdateTagRequest& request) {
  if (!request.has_tag()) return RequiredField(TagPath());
  const FieldPath mask("update_mask");
  if (request.update_mask().paths().empty()) return RequiredField(mask);
  engine::TagUpdate update;
  const FieldPath paths(mask, "paths");
  for (int i = 0; i < request.update_mask().paths_size(); ++i) {
    const std::string& path = request.update_mask().paths(i);
    THRONG_ASSIGN_OR_RETURN(const bool taken, TakeField(path, request.tag(), &update));
    if (taken) continue;
    return index::MakeError(
        absl::StatusCode::kInvalidArgument, fmt::format("\"{}\" cannot be updated", path),
        {.reason = "BAD_FIELD_MASK",
         .field = paths.At(i).ToString(),
         .expected = "display_name, path, description, owner, sensitivity, state, max_values or "
                     "freshness"});
  }
  return update;
}

void TagToProto(std::string_view population, const engine::TagInfo& info, v1::Tag* proto) {
  const index::TagDefinition& definition = info.definition;
  proto->set_name(FormatTagName(population, definition.name));
  proto->set_type(TagTypeToProto(definition.type));
  proto->set_scale(definition.scale);
  proto->set_display_name(definition.display_name);
  proto->set_path(definition.path);
  proto->set_description(definition.description);
  proto->set_owner(definition.owner);
  proto->set_sensitivity(definition.sensitivity);
  proto->set_state(StateToProto(definition.state));
  proto->set_max_values(definition.values_max);
  proto->set_user_count(info.user_count);
  proto->set_value_count(info.value_count);
  if (definition.content_time_us != 0) {
    UnixMicrosToProto(definition.content_time_us, proto->mutable_content_time());
  }
  proto->set_data_version(info.data_version);
  if (definition.freshness_s > 0) proto->mutable_freshness()->set_seconds(definition.freshness_s);
}

v1::TagType TagTypeToProto(index::TagType type) {
  switch (type) {
    case index::TagType::kFlag:
      return v1::TAG_TYPE_FLAG;
    case index::TagType::kCategory:
      return v1::TAG_TYPE_CATEGORY;
    case index::TagType::kLabels:
      return v1::TAG_TYPE_LABELS;
    case index::TagType::kInteger:
      return v1::TAG_TYPE_INTEGER;
    case index::TagType::kDecimal:
      return v1::TAG_TYPE_DECIMAL;
    case index::TagType::kDate:
      return v1::TAG_TYPE_DATE;
    case index::TagType::kDateTime:
      return v1::TAG_TYPE_DATE_TIME;
  }
  return v1::TAG_TYPE_UNSPECIFIED;
}

}  // namespace throng::service
