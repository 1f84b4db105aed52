#include "server/service/convert_user.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "index/error.h"
#include "server/service/convert_batch.h"
#include "server/service/convert_tag.h"
#include "server/service/convert_value.h"
#include "server/service/field_path.h"
#include "server/service/request_fingerprint.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

absl::StatusOr<engine::UserTagChange> ToChange(const v1::TagChange& proto, const FieldPath& field) {
  engine::UserTagChange change{.tag = proto.tag(), .change = engine::ClearValue{}};
  switch (proto.change_case()) {
    case v1::TagChange::kSet: {
      THRONG_ASSIGN_OR_RETURN(query::Value value, ToValue(proto.set(), FieldPath(field, "set")));
      change.change = engine::SetValue{std::move(value)};
      return change;
    }
    case v1::TagChange::kClear:
      return change;
    case v1::TagChange::kLabels:
      change.change = engine::ChangeLabels{
          .add = {proto.labels().add().begin(), proto.labels().add().end()},
          .remove = {proto.labels().remove().begin(), proto.labels().remove().end()}};
      return change;
    case v1::TagChange::CHANGE_NOT_SET:
      break;
  }
  return RequiredField(FieldPath(field, "change"));
}

absl::StatusOr<engine::UserChange> ToUser(const v1::UserChange& proto, const FieldPath& field) {
  engine::UserChange user{.id = proto.id(), .changes = {}, .id_type = proto.id_type()};
  user.changes.reserve(static_cast<size_t>(proto.changes_size()));
  const FieldPath changes(field, "changes");
  for (int i = 0; i < proto.changes_size(); ++i) {
    THRONG_ASSIGN_OR_RETURN(engine::UserTagChange change,
                            ToChange(proto.changes(i), changes.At(i)));
    user.changes.push_back(std::move(change));
  }
  return user;
}

// Writes each kind of a portrait's values.
struct PortraitValueWriter {
  const engine::PortraitEntry& entry;
  v1::PortraitEntry* proto;

  void operator()(bool flag) const { proto->add_values()->set_flag(flag); }
  void operator()(const std::vector<std::string>& texts) const {
    for (const std::string& text : texts) proto->add_values()->set_text(text);
  }
  void operator()(int64_t number) const {
    NumberToProto(entry.type, entry.scale, number, proto->add_values());
  }
};

}  // namespace

absl::Status CheckRequestId(std::string_view request_id) {
  if (request_id.size() <= engine::kRequestIdBytesMax) return absl::OkStatus();
  return index::WithField(index::LimitExceeded(absl::StatusCode::kInvalidArgument,
                                               "REQUEST_ID_TOO_LONG", "the request id in bytes",
                                               engine::kRequestIdBytesMax, request_id.size()),
                          "request_id");
}

absl::StatusOr<engine::WriteUsersRequest> ToWriteUsers(const v1::WriteUsersRequest& proto) {
  engine::WriteUsersRequest request;
  THRONG_ASSIGN_OR_RETURN(request.population,
                          ParsePopulationNameOrDefault(proto.population(), "population"));
  const std::optional<engine::UnknownIds> unknown_ids = ToUnknownIds(proto.unknown_ids());
  if (!unknown_ids.has_value()) return UnspecifiedEnum(FieldPath("unknown_ids"));
  request.unknown_ids = *unknown_ids;
  THRONG_RETURN_IF_ERROR(CheckRequestId(proto.request_id()));
  if (proto.users_size() > static_cast<int>(engine::kWriteUsersMax)) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_USERS",
                             "the number of users", engine::kWriteUsersMax,
                             static_cast<uint64_t>(proto.users_size())),
        "users");
  }
  const FieldPath users("users");
  request.users.reserve(static_cast<size_t>(proto.users_size()));
  for (int i = 0; i < proto.users_size(); ++i) {
    THRONG_ASSIGN_OR_RETURN(engine::UserChange user, ToUser(proto.users(i), users.At(i)));
    request.users.push_back(std::move(user));
  }
  request.request_id = proto.request_id();
  if (!request.request_id.empty()) {
    request.payload_hash = RequestFingerprint(proto, {"request_id"});
  }
  request.validate_only = proto.validate_only();
  return request;
}

void PortraitToProto(const engine::Portrait& portrait, v1::Portrait* proto) {
  proto->set_id(portrait.id);
  proto->set_data_version(portrait.data_version);
  for (const engine::LinkedId& id : portrait.ids) {
    v1::TypedId* added = proto->add_ids();
    added->set_id_type(id.id_type);
    added->set_id(id.id);
  }
  for (const engine::PortraitEntry& entry : portrait.entries) {
    v1::PortraitEntry* added = proto->add_entries();
    added->set_tag(entry.tag);
    added->set_type(TagTypeToProto(entry.type));
    added->set_display_name(entry.display_name);
    std::visit(PortraitValueWriter{entry, added}, entry.value);
  }
}

}  // namespace throng::service
