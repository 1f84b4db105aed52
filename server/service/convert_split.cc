#include "server/service/convert_split.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/convert_compare.h"
#include "server/service/convert_crowd.h"
#include "server/service/convert_selection.h"
#include "server/service/field_path.h"
#include "server/service/resource_name.h"
#include "server/service/service_limits.h"

namespace throng::service {
namespace {

v1::SplitRole RoleToProto(engine::ArmRole role) {
  switch (role) {
    case engine::ArmRole::kArm:
      return v1::SPLIT_ROLE_ARM;
    case engine::ArmRole::kHoldout:
      return v1::SPLIT_ROLE_HOLDOUT;
  }
  return v1::SPLIT_ROLE_UNSPECIFIED;
}

void ArmToProto(std::string_view population, const engine::SplitArm& arm, v1::SplitArm* proto) {
  proto->set_name(arm.arm.arm);
  proto->set_weight(arm.arm.weight);
  proto->set_role(RoleToProto(arm.arm.role));
  for (const engine::BucketRange& range : arm.arm.ranges) {
    v1::BucketRange* added = proto->add_ranges();
    added->set_from(range.from);
    added->set_to(range.to);
  }
  v1::Crowd crowd;
  CrowdToProto(population, arm.crowd, &crowd);
  proto->set_crowd(crowd.name());
  proto->set_state(crowd.state());
  if (crowd.has_newest_version()) {
    *proto->mutable_newest_version() = std::move(*crowd.mutable_newest_version());
  }
}

}  // namespace

absl::StatusOr<engine::CreateSplit> ToCreateSplit(const v1::CreateSplitRequest& request) {
  engine::CreateSplit create;
  THRONG_ASSIGN_OR_RETURN(create.population, ParsePopulationName(request.parent(), "parent"));
  if (request.split_id().empty()) return RequiredField(FieldPath("split_id"));
  const FieldPath path("split");
  if (!request.has_split()) return RequiredField(path);
  const v1::Split& split = request.split();
  if (split.source().empty()) return RequiredField(FieldPath(path, "source"));
  create.name = request.split_id();
  create.source = split.source();
  create.salt = split.salt();
  if (split.share_millionths() != 0) create.share = split.share_millionths();
  for (const v1::SplitArm& arm : split.arms()) {
    create.arms.push_back({.name = arm.name(), .weight = arm.weight() == 0 ? 1 : arm.weight()});
  }
  create.holdout_weight = split.holdout_weight();
  create.owner = split.owner();
  create.folder = split.folder();
  create.online = split.online();
  return create;
}

absl::Status AtCreateSplit(const absl::Status& status) {
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  if (!detail.has_value()) return status;
  const std::string& field = detail->field;
  if (field == "population") return MoveField(status, field, "parent");
  if (field == "name") return MoveField(status, field, "split_id");
  if (field == "share") return MoveField(status, field, "split.share_millionths");
  const std::string_view crowd = "crowd.";
  if (field.starts_with(crowd)) {
    return MoveField(status, field, fmt::format("split.{}", field.substr(crowd.size())));
  }
  const bool is_of_split = field.starts_with("arms") || field == "source" || field == "salt" ||
                           field == "holdout_weight";
  return is_of_split ? MoveField(status, field, fmt::format("split.{}", field)) : status;
}

void SplitToProto(std::string_view population, const engine::SplitInfo& info, v1::Split* proto) {
  proto->set_name(FormatSplitName(population, info.name));
  proto->set_source(info.source);
  proto->set_salt(info.salt);
  proto->set_share_millionths(info.share);
  for (const engine::SplitArm& arm : info.arms) {
    ArmToProto(population, arm, proto->add_arms());
    if (arm.arm.role == engine::ArmRole::kHoldout) proto->set_holdout_weight(arm.arm.weight);
  }
  if (!info.arms.empty()) {
    const index::CrowdDefinition& first = info.arms.front().crowd.definition;
    proto->set_owner(first.owner);
    proto->set_folder(first.folder);
    proto->set_online(first.online);
  }
  proto->set_winner(info.winner);
  proto->set_rest_millionths(info.rest());
  proto->set_data_version(info.data_version);
}

void BalanceToProto(std::string_view population, const engine::SplitBalance& balance,
                    double confidence, v1::SplitBalance* proto) {
  proto->set_source(balance.source);
  proto->set_source_count(balance.source_count);
  proto->set_rest_count(balance.rest_count);
  proto->set_p_value(balance.p_value);
  for (const engine::ArmBalance& arm : balance.arms) {
    v1::ArmBalance* added = proto->add_arms();
    added->set_name(arm.arm.arm);
    added->set_role(RoleToProto(arm.arm.role));
    added->set_crowd(FormatCrowdName(population, arm.crowd));
    added->set_count(arm.count);
    added->set_share(arm.share);
    added->set_expected_share(arm.expected_share);
    added->set_deviations(arm.deviations);
    added->set_p_value(arm.p_value);
    for (size_t i = 0; i < arm.tags.size(); ++i) {
      v1::ArmTag* tag = added->add_tags();
      ComparedTagToProto(arm.tags[i], tag->mutable_comparison());
      if (arm.means[i].mean.has_value()) tag->set_mean(*arm.means[i].mean);
      if (arm.means[i].source_mean.has_value()) tag->set_source_mean(*arm.means[i].source_mean);
    }
  }
  proto->set_confidence(confidence);
  InfoToProto(balance.info, proto->mutable_info());
}

void AllocationToProto(const engine::AllocationResult& result, v1::AllocateCrowdsResponse* proto) {
  uint64_t all = 0;
  for (size_t i = 0; i < result.crowds.size(); ++i) {
    const engine::OverlapSelection& crowd = result.crowds[i];
    v1::AllocatedCrowd* added = proto->add_crowds();
    added->set_name(crowd.name);
    added->set_count(crowd.count);
    added->set_kept(result.counts.kept[i]);
    all += result.counts.kept[i];
    for (size_t j = 0; j < i; ++j) {
      if (result.counts.lost(i, j) == 0) continue;
      v1::LostUsers* lost = added->add_losses();
      lost->set_crowd(static_cast<uint32_t>(j));
      lost->set_name(result.crowds[j].name);
      lost->set_count(result.counts.lost(i, j));
    }
    if (crowd.canonical_expression.size() <= kOverlapEchoBytesMax) {
      added->set_canonical_expression(crowd.canonical_expression);
    }
    for (const query::Warning& warning : crowd.warnings) {
      WarningToProto(warning, added->add_warnings());
    }
  }
  proto->set_union_count(all);
  InfoToProto(result.info, proto->mutable_info());
}

}  // namespace throng::service
