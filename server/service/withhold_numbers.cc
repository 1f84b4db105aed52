// Single numbers, and those that lie within each other.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "index/error.h"
#include "server/service/resource_name.h"
#include "server/service/withheld_answers.h"
#include "server/service/withhold.h"

namespace throng::service {
namespace {

// Whether nobody is an answer about few: not where there is nobody to begin with.
bool IsEmptyPopulation(const CallScope& scope, const std::string& name) {
  const absl::StatusOr<std::string> population = ParsePopulationNameOrDefault(name, "");
  if (!population.ok()) return false;
  const absl::StatusOr<engine::PopulationInfo> info =
      scope.engine->populations().Get(scope.caller, *population);
  return info.ok() && info->user_count == 0;
}

// gross = reachable + losses: if one of these is small, the sum is not said. The overlap of the
// first exclusion is its loss; those of later ones say how exclusions lie over each other.
void WithholdFromExclusions(uint64_t minimum, v1::ExclusionReport* report) {
  bool any = report->reachable() < minimum;
  for (int i = 0; i < report->losses_size(); ++i) {
    v1::ExclusionLoss* loss = report->mutable_losses(i);
    const bool is_small = loss->loss() < minimum;
    any = any || is_small;
    if (is_small || i > 0) Withhold(loss, {"overlap"});
    if (is_small) Withhold(loss, {"loss"});
  }
  if (report->reachable() < minimum) Withhold(report, {"reachable"});
  if (any) Withhold(report, {"gross"});
}

// Warnings that say the same whatever users have. All others count, or say whether one user has a
// value or an id: UNKNOWN_VALUE and UNKNOWN_IDS by being there or not, and so ALWAYS_EMPTY,
// ALWAYS_EVERYBODY and REDUNDANT_OR, which rest on which values and ids are known.
constexpr std::string_view kUncounted[] = {"INEXACT_LITERAL", "TOP_ASCENDING",
                                           "TAG_OFFLINE",     "TAG_STALE",
                                           "LIMIT_LEFT_OUT",  "MARGINALS_LEFT_OUT"};

// The steps lie within each other, and so may the count of a limit. What conditions have by
// themselves is not shown: with the crowd of an `and` or `or` it says how they overlap.
void WithholdFromConditions(uint64_t minimum, v1::ExplainResponse* response) {
  Apart apart(minimum);
  const uint64_t count = response->count();
  const bool shows_count = apart.Show(count);
  if (!shows_count) Withhold(response, {"count"});
  const int steps = response->waterfall_size();
  for (int i = steps - 1; i >= 0; --i) {
    v1::WaterfallStep* step = response->mutable_waterfall(i);
    const bool is_count = i == steps - 1 && step->left() == count && shows_count;
    if (!is_count && !apart.Show(step->left())) Withhold(step, {"left"});
  }
  for (v1::ConditionCount& condition : *response->mutable_conditions()) {
    Withhold(&condition, {"count", "without", "changed"});
  }
}

// The point of the nearest count to `reach`, and of the least that is so large; null: none.
std::pair<const v1::CurvePoint*, const v1::CurvePoint*> FindReach(const v1::CurveResponse& curve,
                                                                  uint64_t reach) {
  const v1::CurvePoint* nearest = nullptr;
  const v1::CurvePoint* reached = nullptr;
  const auto distance = [&](const v1::CurvePoint& point) {
    return std::max(point.count(), reach) - std::min(point.count(), reach);
  };
  for (const v1::CurvePoint& point : curve.points()) {
    const bool is_nearer = nearest == nullptr || distance(point) < distance(*nearest) ||
                           (distance(point) == distance(*nearest) && point.count() > reach);
    if (is_nearer) nearest = &point;
    if (point.count() < reach) continue;
    if (reached == nullptr || point.count() < reached->count()) reached = &point;
  }
  return {nearest, reached};
}

}  // namespace

absl::StatusOr<index::TagType> TypeOfTag(const CallScope& scope, const std::string& population,
                                         const std::string& tag) {
  THRONG_ASSIGN_OR_RETURN(const std::string name,
                          ParsePopulationNameOrDefault(population, "selection.population"));
  THRONG_ASSIGN_OR_RETURN(const engine::TagInfo info,
                          scope.engine->tags().Get(scope.caller, name, tag));
  return info.definition.type;
}

void WithholdFromWarnings(google::protobuf::RepeatedPtrField<v1::Warning>* warnings) {
  for (int i = warnings->size() - 1; i >= 0; --i) {
    const auto* found =
        std::find(std::begin(kUncounted), std::end(kUncounted), warnings->Get(i).reason());
    if (found == std::end(kUncounted)) warnings->DeleteSubrange(i, 1);
  }
}

absl::Status WithholdFrom(const CallScope& scope, const v1::CountRequest& request,
                          v1::CountResponse* response) {
  const uint64_t minimum = scope.who.minimum_count;
  const bool is_small =
      response->count() < minimum &&
      (response->count() > 0 || !IsEmptyPopulation(scope, request.selection().population()));
  if (is_small) Withhold(response, {"count"});
  if (response->has_exclusions()) {
    WithholdFromExclusions(minimum, response->mutable_exclusions());
  }
  return absl::OkStatus();
}

absl::Status WithholdFrom(const CallScope& scope, const v1::ExplainRequest&,
                          v1::ExplainResponse* response) {
  WithholdFromConditions(scope.who.minimum_count, response);
  // What each operator gave, how long it took, and forms that were chosen by numbers of users.
  Withhold(response, {"nodes", "stages"});
  return absl::OkStatus();
}

// A threshold is somebody's value: as with percentiles, enough users lie on both sides of those
// that are shown, and between any two. On both sides: users whom the threshold decides of, as other
// operands of an `or` are in the count at every threshold.
absl::Status WithholdFrom(const CallScope& scope, const v1::CurveRequest& request,
                          v1::CurveResponse* response) {
  const uint64_t minimum = scope.who.minimum_count;
  Apart apart(minimum);
  if (!apart.Show(response->count())) Withhold(response, {"count"});
  Withhold(response, {"threshold"});
  uint64_t most = 0;
  uint64_t least = std::numeric_limits<uint64_t>::max();
  for (const v1::CurvePoint& point : response->points()) {
    most = std::max(most, point.count());
    least = std::min(least, point.count());
  }
  google::protobuf::RepeatedPtrField<v1::CurvePoint> all;
  all.Swap(response->mutable_points());
  response->set_every_value(false);
  for (v1::CurvePoint& point : all) {
    if (IsClose(most, point.count(), minimum) || IsClose(point.count(), least, minimum)) continue;
    if (!apart.Show(point.count())) continue;
    response->add_points()->Swap(&point);
  }
  response->clear_reached();
  response->clear_nearest();
  if (!request.has_reach()) return absl::OkStatus();
  const auto [nearest, reached] = FindReach(*response, request.reach());
  if (nearest != nullptr) *response->mutable_nearest() = *nearest;
  if (reached != nullptr) *response->mutable_reached() = *reached;
  return absl::OkStatus();
}

// Values of few users are not even named. They are the last ones of the whole list, so that no page
// follows; a token would say how many users the last value has.
absl::Status WithholdFrom(const CallScope& scope, const v1::ListTagValuesRequest&,
                          v1::ListTagValuesResponse* response) {
  const uint64_t minimum = scope.who.minimum_count;
  auto* values = response->mutable_values();
  const int before = values->size();
  while (!values->empty() && values->rbegin()->user_count() < minimum) values->RemoveLast();
  if (values->size() < before) response->clear_next_page_token();
  if (response->missing() < minimum) Withhold(response, {"missing"});
  return absl::OkStatus();
}

void WithholdFrom(const CallScope& scope, v1::Population* population) {
  const uint64_t count = population->user_count();
  if (count > 0 && count < scope.who.minimum_count) Withhold(population, {"user_count"});
}

void WithholdFrom(const CallScope& scope, v1::ListPopulationsResponse* response) {
  for (v1::Population& population : *response->mutable_populations()) {
    WithholdFrom(scope, &population);
  }
}

void WithholdFrom(const CallScope& scope, v1::IdType* id_type) {
  if (id_type->id_count() < scope.who.minimum_count) Withhold(id_type, {"id_count"});
}

// How many lack an id is the difference to the primary ids.
void WithholdFrom(const CallScope& scope, v1::ListIdTypesResponse* response) {
  Apart apart(scope.who.minimum_count);
  for (const bool is_primary : {true, false}) {
    for (v1::IdType& id_type : *response->mutable_id_types()) {
      if (id_type.primary() != is_primary || apart.Show(id_type.id_count())) continue;
      Withhold(&id_type, {"id_count"});
    }
  }
}

void WithholdFrom(const CallScope& scope, v1::Tag* tag) {
  if (tag->user_count() < scope.who.minimum_count) Withhold(tag, {"user_count"});
}

void WithholdFrom(const CallScope& scope, v1::ListTagsResponse* response) {
  for (v1::Tag& tag : *response->mutable_tags()) WithholdFrom(scope, &tag);
}

}  // namespace throng::service
