// Crowds, their versions, and splits of them.
#include <cstdint>
#include <vector>

#include "server/service/withheld_answers.h"
#include "server/service/withhold.h"

namespace throng::service {
namespace {

// How many there were and are, and how many came: any two say how many were erased, or stayed.
void WithholdFromVersion(uint64_t minimum, v1::CrowdVersion* version) {
  Apart apart(minimum);
  if (!apart.Show(version->current_count())) Withhold(version, {"current_count"});
  if (!apart.Show(version->computed_count())) Withhold(version, {"computed_count"});
  if (!apart.Show(version->added())) Withhold(version, {"added"});
  if (version->removed() < minimum) Withhold(version, {"removed"});
}

void WithholdVersion(v1::CrowdVersion* version) {
  Withhold(version, {"current_count", "computed_count", "added", "removed"});
}

}  // namespace

void WithholdFrom(const CallScope& scope, v1::CrowdVersion* version) {
  WithholdFromVersion(scope.who.minimum_count, version);
}

void WithholdFrom(const CallScope& scope, v1::Crowd* crowd) {
  if (crowd->has_newest_version()) WithholdFrom(scope, crowd->mutable_newest_version());
  WithholdFromWarnings(crowd->mutable_warnings());
}

// Any of the crowds may lie within another, or within several together.
void WithholdFrom(const CallScope& scope, v1::ListCrowdsResponse* response) {
  const bool is_one = response->crowds_size() == 1;
  for (v1::Crowd& crowd : *response->mutable_crowds()) {
    WithholdFrom(scope, &crowd);
    if (!is_one && crowd.has_newest_version()) WithholdVersion(crowd.mutable_newest_version());
  }
}

// Who came and who went follows from the numbers of two versions and one of these.
void WithholdFrom(const CallScope& scope, v1::ListCrowdVersionsResponse* response) {
  if (response->versions_size() == 1) WithholdFrom(scope, response->mutable_versions(0));
  if (response->versions_size() < 2) return;
  Apart apart(scope.who.minimum_count);
  for (v1::CrowdVersion& version : *response->mutable_versions()) {
    Withhold(&version, {"computed_count", "added", "removed"});
    if (!apart.Show(version.current_count())) Withhold(&version, {"current_count"});
  }
}

void WithholdFrom(const CallScope& scope, v1::RefreshedCrowd* refreshed) {
  WithholdFrom(scope, refreshed->mutable_version());
}

// As in a list.
void WithholdFrom(const CallScope& scope, v1::BatchRefreshCrowdsResponse* response) {
  const bool is_one = response->crowds_size() == 1;
  for (v1::RefreshedCrowd& crowd : *response->mutable_crowds()) {
    WithholdFrom(scope, &crowd);
    if (!is_one) WithholdVersion(crowd.mutable_version());
  }
}

absl::Status WithholdFrom(const CallScope& scope, const v1::DiffCrowdVersionsRequest&,
                          v1::DiffCrowdVersionsResponse* response) {
  if (response->added() < scope.who.minimum_count) Withhold(response, {"added"});
  if (response->removed() < scope.who.minimum_count) Withhold(response, {"removed"});
  return absl::OkStatus();
}

void WithholdFrom(const CallScope& scope, v1::Split* split) {
  for (v1::SplitArm& arm : *split->mutable_arms()) {
    if (arm.has_newest_version()) WithholdFrom(scope, arm.mutable_newest_version());
  }
}

// The arms of several splits of one crowd add up to the same sum.
void WithholdFrom(const CallScope& scope, v1::ListSplitsResponse* response) {
  const bool is_one = response->splits_size() == 1;
  for (v1::Split& split : *response->mutable_splits()) {
    WithholdFrom(scope, &split);
    if (is_one) continue;
    for (v1::SplitArm& arm : *split.mutable_arms()) {
      if (arm.has_newest_version()) WithholdVersion(arm.mutable_newest_version());
    }
  }
}

// The arms and the rest add up to the source; what chance would do is reckoned from all sizes.
absl::Status WithholdFrom(const CallScope& scope, const v1::GetSplitBalanceRequest&,
                          v1::SplitBalance* balance) {
  constexpr double kEverybody = 1 - 1e-7;  // shares are millionths
  std::vector<uint64_t> cells;
  double promised = 0;
  for (const v1::ArmBalance& arm : balance->arms()) {
    cells.push_back(arm.count());
    promised += arm.expected_share();
  }
  const bool has_rest = promised < kEverybody;
  if (has_rest) cells.push_back(balance->rest_count());
  const std::vector<bool> withheld = WithheldCells(cells, scope.who.minimum_count);
  for (int i = 0; i < balance->arms_size(); ++i) {
    if (!withheld[static_cast<size_t>(i)]) continue;
    Withhold(balance->mutable_arms(i), {"count", "share", "deviations", "p_value"});
  }
  if (has_rest && withheld.back()) Withhold(balance, {"rest_count"});
  if (balance->source_count() < scope.who.minimum_count) Withhold(balance, {"source_count"});
  for (const bool is_withheld : withheld) {
    if (!is_withheld) continue;
    Withhold(balance, {"p_value"});
    break;
  }
  return absl::OkStatus();
}

}  // namespace throng::service
