#include "server/service/convert_identity.h"

#include <optional>
#include <string>
#include <utility>

#include "index/error.h"
#include "server/service/convert_batch.h"
#include "server/service/convert_user.h"
#include "server/service/field_path.h"
#include "server/service/request_fingerprint.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

std::optional<index::IdNormalizer> ToNormalizer(int proto) {
  switch (proto) {
    case v1::ID_NORMALIZER_TRIM:
      return index::IdNormalizer::kTrim;
    case v1::ID_NORMALIZER_LOWERCASE_HEX:
      return index::IdNormalizer::kLowercaseHex;
    case v1::ID_NORMALIZER_PHONE_DIGITS:
      return index::IdNormalizer::kPhoneDigits;
    case v1::ID_NORMALIZER_LOWERCASE:
      return index::IdNormalizer::kLowercase;
    default:
      return std::nullopt;
  }
}

v1::IdNormalizer NormalizerToProto(index::IdNormalizer normalizer) {
  switch (normalizer) {
    case index::IdNormalizer::kTrim:
      return v1::ID_NORMALIZER_TRIM;
    case index::IdNormalizer::kLowercaseHex:
      return v1::ID_NORMALIZER_LOWERCASE_HEX;
    case index::IdNormalizer::kPhoneDigits:
      return v1::ID_NORMALIZER_PHONE_DIGITS;
    case index::IdNormalizer::kLowercase:
      return v1::ID_NORMALIZER_LOWERCASE;
  }
  return v1::ID_NORMALIZER_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<index::IdTypeDefinition> ToIdType(const v1::CreateIdTypeRequest& proto) {
  index::IdTypeDefinition type{.name = proto.id_type_id(),
                               .display_name = proto.id_type().display_name()};
  const FieldPath parent("id_type");
  const FieldPath normalizers(parent, "normalizers");
  for (int i = 0; i < proto.id_type().normalizers_size(); ++i) {
    const auto normalizer = ToNormalizer(proto.id_type().normalizers(i));
    if (!normalizer.has_value()) return UnspecifiedEnum(normalizers.At(i));
    type.normalizers.push_back(*normalizer);
  }
  return type;
}

void IdTypeToProto(std::string_view population, const engine::IdTypeInfo& info, v1::IdType* proto) {
  proto->set_name(FormatIdTypeName(population, info.definition.name));
  proto->set_display_name(info.definition.display_name);
  for (const index::IdNormalizer normalizer : info.definition.normalizers) {
    proto->add_normalizers(NormalizerToProto(normalizer));
  }
  proto->set_primary(info.is_primary);
  proto->set_id_count(info.id_count);
}

absl::StatusOr<engine::LinkRequest> ToLinkRequest(const v1::LinkIdsRequest& proto) {
  engine::LinkRequest request;
  THRONG_ASSIGN_OR_RETURN(request.population,
                          ParsePopulationNameOrDefault(proto.population(), "population"));
  const std::optional<engine::UnknownIds> unknown_ids = ToUnknownIds(proto.unknown_ids());
  if (!unknown_ids.has_value()) return UnspecifiedEnum(FieldPath("unknown_ids"));
  request.unknown_ids = *unknown_ids;
  THRONG_RETURN_IF_ERROR(CheckRequestId(proto.request_id()));
  for (const v1::LinkIdsEntry& entry : proto.entries()) {
    engine::LinkedUser user{.id = entry.id(), .ids = {}};
    for (const v1::TypedId& id : entry.ids()) {
      user.ids.push_back({.id_type = id.id_type(), .id = id.id()});
    }
    request.users.push_back(std::move(user));
  }
  request.request_id = proto.request_id();
  if (!request.request_id.empty()) {
    request.payload_hash = RequestFingerprint(proto, {"request_id"});
  }
  request.validate_only = proto.validate_only();
  return request;
}

absl::StatusOr<engine::ResolveRequest> ToResolveRequest(const v1::ResolveIdsRequest& proto) {
  engine::ResolveRequest request;
  THRONG_ASSIGN_OR_RETURN(request.population,
                          ParsePopulationNameOrDefault(proto.population(), "population"));
  request.from_type = proto.from_type();
  request.ids.assign(proto.ids().begin(), proto.ids().end());
  request.to_type = proto.to_type();
  request.read_version = proto.read_version();
  return request;
}

absl::StatusOr<engine::EraseRequest> ToEraseRequest(const v1::EraseUsersRequest& proto) {
  engine::EraseRequest request;
  THRONG_ASSIGN_OR_RETURN(request.population,
                          ParsePopulationNameOrDefault(proto.population(), "population"));
  THRONG_RETURN_IF_ERROR(CheckRequestId(proto.request_id()));
  for (const v1::TypedId& id : proto.users()) {
    request.users.push_back({.id_type = id.id_type(), .id = id.id()});
  }
  request.request_id = proto.request_id();
  if (!request.request_id.empty()) {
    // It is kept for a day. 16 bits tell a clash well enough; all of it would tell a phone number.
    request.payload_hash = RequestFingerprint(proto, {"request_id"}) & 0xFFFF;
  }
  request.validate_only = proto.validate_only();
  return request;
}

void LinkedToProto(const engine::LinkResult& result, v1::LinkIdsResponse* proto) {
  proto->set_data_version(result.data_version);
  proto->set_users_created(result.users_created);
  proto->set_users_skipped(result.users_skipped);
  proto->set_ids_linked(result.ids_linked);
  proto->set_ids_known(result.ids_known);
}

void ResolvedToProto(engine::ResolveResult result, v1::ResolveIdsResponse* proto) {
  proto->set_data_version(result.data_version);
  for (engine::ResolvedId& resolved : result.results) {
    v1::ResolvedId* added = proto->add_results();
    added->set_found(resolved.found);
    for (std::string& id : resolved.ids) added->add_ids(std::move(id));
  }
}

void ErasedToProto(const engine::EraseResult& result, v1::EraseUsersResponse* proto) {
  proto->set_data_version(result.data_version);
  proto->set_users_erased(result.users_erased);
  for (const engine::ErasedUser& user : result.users) {
    v1::ErasedUser* added = proto->add_users();
    added->set_found(user.found);
    added->set_tags_cleared(user.tags_cleared);
    added->set_ids_removed(user.ids_removed);
  }
}

}  // namespace throng::service
