#include "server/service/convert_membership.h"

#include <string>
#include <utility>

#include "index/error.h"
#include "server/service/convert_time.h"
#include "server/service/field_path.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

absl::Status CheckCrowd(const v1::CrowdRef& proto, const FieldPath& field) {
  if (proto.crowd().empty()) return RequiredField(FieldPath(field, "crowd"));
  if (proto.live()) {
    return index::InvalidArgument(
        "LIVE_CROWD", FieldPath(field, "live").ToString(),
        "a rule as it selects now is computed, not looked up: refresh the crowd, or ask WhyMember");
  }
  if (proto.which_case() == v1::CrowdRef::kVersion && proto.version() == 0) {
    return index::InvalidArgument("VALUE_OUT_OF_RANGE", FieldPath(field, "version").ToString(),
                                  "versions are numbered from 1; leave it out for the newest");
  }
  return absl::OkStatus();
}

// Whose requests have no population are about the default one.
absl::StatusOr<std::string_view> ToPopulation(const std::string& name, std::string_view field) {
  if (name.empty()) return kDefaultPopulation;
  THRONG_RETURN_IF_ERROR(ParsePopulationName(name, field).status());
  return std::string_view(name).substr(name.find('/') + 1);
}

}  // namespace

absl::StatusOr<engine::CheckRequest> ToCheckRequest(const v1::CheckRequest& proto,
                                                    std::vector<engine::CrowdVersionRef>* crowds) {
  engine::CheckRequest request;
  THRONG_ASSIGN_OR_RETURN(request.population, ToPopulation(proto.population(), "population"));
  request.id_type = proto.user().id_type();
  request.id = proto.user().id();
  const FieldPath field("crowds");
  crowds->reserve(static_cast<size_t>(proto.crowds_size()));
  for (int i = 0; i < proto.crowds_size(); ++i) {
    const v1::CrowdRef& crowd = proto.crowds(i);
    THRONG_RETURN_IF_ERROR(CheckCrowd(crowd, field.At(i)));
    crowds->push_back({crowd.crowd(), crowd.version()});
  }
  request.crowds = *crowds;
  request.skip_missing = proto.skip_missing();
  request.read_version = proto.read_version();
  return request;
}

absl::StatusOr<engine::BatchCheckRequest> ToBatchCheckRequest(const v1::BatchCheckRequest& proto,
                                                              std::vector<std::string_view>* ids) {
  engine::BatchCheckRequest request;
  THRONG_ASSIGN_OR_RETURN(request.population, ToPopulation(proto.population(), "population"));
  THRONG_RETURN_IF_ERROR(CheckCrowd(proto.crowd(), FieldPath("crowd")));
  request.id_type = proto.id_type();
  request.crowd = {proto.crowd().crowd(), proto.crowd().version()};
  ids->assign(proto.ids().begin(), proto.ids().end());
  request.ids = *ids;
  request.numbers = {proto.numbers().data(), static_cast<size_t>(proto.numbers_size())};
  request.read_version = proto.read_version();
  return request;
}

absl::StatusOr<engine::SessionSetup> ToSessionSetup(const v1::CheckSetup& proto) {
  engine::SessionSetup setup{.id_type = proto.id_type(), .skip_missing = proto.skip_missing()};
  THRONG_ASSIGN_OR_RETURN(setup.population,
                          ParsePopulationNameOrDefault(proto.population(), "setup.population"));
  const FieldPath parent("setup");
  const FieldPath field(parent, "crowds");
  for (int i = 0; i < proto.crowds_size(); ++i) {
    const v1::CrowdRef& crowd = proto.crowds(i);
    THRONG_RETURN_IF_ERROR(CheckCrowd(crowd, field.At(i)));
    if (crowd.version() != 0) {
      const FieldPath element = field.At(i);
      return index::InvalidArgument("VERSION_IN_STREAM", FieldPath(element, "version").ToString(),
                                    "a stream reads newest versions; Check reads others");
    }
    setup.crowds.push_back(crowd.crowd());
  }
  return setup;
}

void CheckedVersionToProto(const engine::CheckedVersion& version, v1::CheckedVersion* proto) {
  if (version.number == 0) return;
  proto->set_version(version.number);
  proto->set_data_version(version.data_version);
  UnixMicrosToProto(version.create_us, proto->mutable_compute_time());
}

void CheckedToProto(const engine::CheckResult& result, v1::CheckResponse* proto) {
  proto->mutable_states()->Reserve(static_cast<int>(result.states.size()));
  for (const engine::MemberState state : result.states) {
    proto->add_states(static_cast<v1::MemberState>(state));
  }
  for (const engine::CheckedVersion& version : result.versions) {
    CheckedVersionToProto(version, proto->add_versions());
  }
  proto->set_data_version(result.data_version);
}

void BatchCheckedToProto(const engine::BatchCheckResult& result, v1::BatchCheckResponse* proto) {
  proto->mutable_states()->Reserve(static_cast<int>(result.states.size()));
  for (const engine::MemberState state : result.states) {
    proto->add_states(static_cast<v1::MemberState>(state));
  }
  CheckedVersionToProto(result.version, proto->mutable_version());
  proto->set_data_version(result.data_version);
  proto->set_members(result.members);
  proto->set_unknown_users(result.unknown_users);
  proto->set_invalid_ids(result.invalid_ids);
}

}  // namespace throng::service
