#include "server/service/convert_crowd.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/convert_expression.h"
#include "server/service/convert_selection.h"
#include "server/service/convert_time.h"
#include "server/service/field_path.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

constexpr uint32_t kKeepLastDefault = 10;

const FieldPath& CrowdPath() {
  static const FieldPath path("crowd");
  return path;
}

absl::StatusOr<index::CrowdKind> ToKind(v1::CrowdKind kind) {
  switch (kind) {
    case v1::CROWD_KIND_RULE:
      return index::CrowdKind::kRule;
    case v1::CROWD_KIND_UPLOAD:
      return index::CrowdKind::kUpload;
    case v1::CROWD_KIND_SPLIT:
      return index::InvalidArgument("NOT_SPLIT", "crowd.kind",
                                    "the arms of a split are made by splitting a crowd");
    default:
      break;
  }
  return UnspecifiedEnum(FieldPath(CrowdPath(), "kind"));
}

v1::CrowdKind KindToProto(index::CrowdKind kind) {
  switch (kind) {
    case index::CrowdKind::kRule:
      return v1::CROWD_KIND_RULE;
    case index::CrowdKind::kUpload:
      return v1::CROWD_KIND_UPLOAD;
    case index::CrowdKind::kSplit:
      return v1::CROWD_KIND_SPLIT;
  }
  return v1::CROWD_KIND_UNSPECIFIED;
}

v1::CrowdState StateToProto(engine::CrowdState state) {
  switch (state) {
    case engine::CrowdState::kNew:
      return v1::CROWD_STATE_NEW;
    case engine::CrowdState::kReady:
      return v1::CROWD_STATE_READY;
    case engine::CrowdState::kFrozen:
      return v1::CROWD_STATE_FROZEN;
    case engine::CrowdState::kDeleted:
      return v1::CROWD_STATE_DELETED;
  }
  return v1::CROWD_STATE_UNSPECIFIED;
}

absl::StatusOr<engine::CrowdRule> ToRule(const v1::Crowd& crowd, const ServiceLimits& limits) {
  switch (crowd.rule_case()) {
    case v1::Crowd::kExpression:
      THRONG_RETURN_IF_ERROR(
          CheckExpressionText(crowd.expression(), limits, FieldPath(CrowdPath(), "expression")));
      return crowd.expression();
    case v1::Crowd::kTree: {
      THRONG_ASSIGN_OR_RETURN(query::Expression tree,
                              ToExpression(crowd.tree(), {}, FieldPath(CrowdPath(), "tree")));
      return engine::CrowdRule(std::move(tree));
    }
    case v1::Crowd::RULE_NOT_SET:
      break;
  }
  return RequiredField(FieldPath(CrowdPath(), "rule"));
}

absl::StatusOr<std::optional<int64_t>> ToReference(const v1::Crowd& crowd) {
  if (!crowd.has_reference_time()) return std::nullopt;
  THRONG_ASSIGN_OR_RETURN(
      const int64_t time,
      ToUnixMicros(crowd.reference_time(), Finer::kCut, FieldPath(CrowdPath(), "reference_time")));
  return time;
}

uint32_t ToKeepLast(uint32_t requested) { return requested == 0 ? kKeepLastDefault : requested; }

// Takes the field at `path`; false if there is no such field to update.
absl::StatusOr<bool> TakeField(std::string_view path, const v1::Crowd& crowd,
                               const ServiceLimits& limits, engine::UpdateCrowd* update) {
  if (path == "expression" || path == "tree") {
    THRONG_ASSIGN_OR_RETURN(update->rule, ToRule(crowd, limits));
  } else if (path == "time_zone") {
    update->time_zone = crowd.time_zone();
  } else if (path == "reference_time") {
    THRONG_ASSIGN_OR_RETURN(const std::optional<int64_t> reference, ToReference(crowd));
    update->reference_us = reference;
  } else if (path == "display_name") {
    update->display_name = crowd.display_name();
  } else if (path == "description") {
    update->description = crowd.description();
  } else if (path == "owner") {
    update->owner = crowd.owner();
  } else if (path == "folder") {
    update->folder = crowd.folder();
  } else if (path == "labels") {
    update->labels.emplace(crowd.labels().begin(), crowd.labels().end());
  } else if (path == "keep_last") {
    update->keep_last = ToKeepLast(crowd.keep_last());
  } else if (path == "online") {
    update->online = crowd.online();
  } else if (path == "byte_budget") {
    update->byte_budget = crowd.byte_budget();
  } else {
    return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<engine::CreateCrowd> ToCreateCrowd(const v1::CreateCrowdRequest& request,
                                                  const ServiceLimits& limits) {
  if (request.crowd_id().empty()) return RequiredField(FieldPath("crowd_id"));
  if (!request.has_crowd()) return RequiredField(CrowdPath());
  const v1::Crowd& crowd = request.crowd();
  engine::CreateCrowd create;
  create.name = request.crowd_id();
  THRONG_ASSIGN_OR_RETURN(create.kind, ToKind(crowd.kind()));
  if (create.kind == index::CrowdKind::kRule) {
    THRONG_ASSIGN_OR_RETURN(create.rule, ToRule(crowd, limits));
  }
  THRONG_ASSIGN_OR_RETURN(create.reference_us, ToReference(crowd));
  create.time_zone = crowd.time_zone();
  create.display_name = crowd.display_name();
  create.description = crowd.description();
  create.owner = crowd.owner();
  create.folder = crowd.folder();
  create.labels = {crowd.labels().begin(), crowd.labels().end()};
  create.keep_last = ToKeepLast(crowd.keep_last());
  create.online = crowd.online();
  create.byte_budget = crowd.byte_budget();
  return create;
}

absl::StatusOr<engine::UpdateCrowd> ToUpdateCrowd(const v1::UpdateCrowdRequest& request,
                                                  const ServiceLimits& limits) {
  if (!request.has_crowd()) return RequiredField(CrowdPath());
  const FieldPath mask("update_mask");
  engine::UpdateCrowd update;
  update.etag = request.crowd().etag();
  if (!request.new_crowd_id().empty()) update.new_name = request.new_crowd_id();
  if (request.update_mask().paths().empty() && !update.new_name.has_value()) {
    return RequiredField(mask);
  }
  const FieldPath paths(mask, "paths");
  for (int i = 0; i < request.update_mask().paths_size(); ++i) {
    const std::string& path = request.update_mask().paths(i);
    THRONG_ASSIGN_OR_RETURN(const bool taken, TakeField(path, request.crowd(), limits, &update));
    if (taken) continue;
    return index::MakeError(
        absl::StatusCode::kInvalidArgument, fmt::format("\"{}\" cannot be updated", path),
        {.reason = "BAD_FIELD_MASK",
         .field = paths.At(i).ToString(),
         .expected = "expression, tree, time_zone, reference_time, display_name, description, "
                     "owner, folder, labels, keep_last, online or byte_budget"});
  }
  return update;
}

int64_t ToKeptTime(const google::protobuf::Duration* time) {
  if (time == nullptr) return engine::kCrowdKeptUs;
  constexpr int64_t kSecondsMax = engine::kCrowdKeptUsMax / 1'000'000;
  // The engine says what is wrong with a longer or a negative one.
  if (time->seconds() > kSecondsMax) return engine::kCrowdKeptUsMax + 1;
  if (time->seconds() < 0 || time->nanos() < 0) return -1;
  return time->seconds() * 1'000'000 + time->nanos() / 1'000;
}

void CrowdToProto(std::string_view population, const engine::CrowdInfo& info, v1::Crowd* proto) {
  const index::CrowdDefinition& definition = info.definition;
  proto->set_name(FormatCrowdName(population, definition.name));
  proto->set_kind(KindToProto(definition.kind));
  proto->set_state(StateToProto(info.state));
  if (!definition.rule.empty()) proto->set_expression(definition.rule);
  proto->set_time_zone(definition.time_zone);
  if (definition.reference_us.has_value()) {
    UnixMicrosToProto(*definition.reference_us, proto->mutable_reference_time());
  }
  proto->set_display_name(definition.display_name);
  proto->set_description(definition.description);
  proto->set_owner(definition.owner);
  proto->set_folder(definition.folder);
  for (const auto& [key, value] : definition.labels) (*proto->mutable_labels())[key] = value;
  proto->set_keep_last(definition.keep_last);
  proto->set_online(definition.online);
  proto->set_byte_budget(definition.byte_budget);
  proto->set_etag(info.etag);
  UnixMicrosToProto(definition.create_us, proto->mutable_create_time());
  UnixMicrosToProto(definition.update_us, proto->mutable_update_time());
  if (definition.deleted()) {
    UnixMicrosToProto(definition.delete_us, proto->mutable_delete_time());
    UnixMicrosToProto(definition.expire_us, proto->mutable_expire_time());
  }
  if (info.newest.has_value()) {
    CrowdVersionToProto(population, definition.name, *info.newest, proto->mutable_newest_version());
  }
  proto->set_version_count(info.version_count);
  for (const std::string& name : info.references) proto->add_references(name);
  for (const std::string& name : info.used_by) proto->add_used_by(name);
  for (const query::Warning& warning : info.warnings) {
    WarningToProto(warning, proto->add_warnings());
  }
  proto->set_data_version(info.data_version);
}

void CrowdVersionToProto(std::string_view population, std::string_view crowd,
                         const engine::CrowdVersionInfo& info, v1::CrowdVersion* proto) {
  const index::CrowdVersion& version = info.version;
  proto->set_name(FormatCrowdVersionName(population, crowd, version.number));
  proto->set_version(version.number);
  proto->set_computed_count(version.computed_count);
  proto->set_current_count(info.current_count);
  proto->set_data_version(version.data_version);
  UnixMicrosToProto(version.reference_us, proto->mutable_reference_time());
  UnixMicrosToProto(version.create_us, proto->mutable_create_time());
  proto->set_previous_version(version.previous);
  proto->set_added(version.added);
  proto->set_removed(version.removed);
  DurationToProto(std::chrono::microseconds(version.duration_us), proto->mutable_duration());
  proto->set_pinned(version.pinned);
}

}  // namespace throng::service
