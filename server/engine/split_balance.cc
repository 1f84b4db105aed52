#include "server/engine/split_balance.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "server/engine/error_field.h"
#include "server/engine/insights.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/selections.h"
#include "server/engine/share_difference.h"
#include "server/engine/splits.h"

namespace throng::engine {
namespace {

// Expected counts below this make chi-square say too much.
constexpr double kExpectedMin = 5;

double Part(uint64_t buckets) {
  return static_cast<double>(buckets) / static_cast<double>(index::kBuckets);
}

// A crowd on the data version and time of the answer.
Selection Of(const query::CrowdRef& crowd, const BalanceRequest& request, const ResultInfo& frame) {
  return {.population = request.population,
          .what = query::Expression{crowd},
          .reference_us = frame.reference_us,
          .read_version = frame.data_version};
}

// What is wrong with a crowd of the split is no matter of an expression that somebody wrote.
absl::Status AtSplit(const absl::Status& status) {
  return FieldOfError(status).starts_with("selection") ? AtField(status, "name") : status;
}

void MeasureSize(uint64_t source_count, ArmBalance* arm) {
  const auto users = static_cast<double>(source_count);
  const double expected = arm->expected_share;
  if (source_count == 0) return;
  arm->share = static_cast<double>(arm->count) / users;
  const double deviation = std::sqrt(users * expected * (1 - expected));
  if (deviation == 0) return;
  arm->deviations = (static_cast<double>(arm->count) - users * expected) / deviation;
  arm->p_value = ChiSquareTail(arm->deviations * arm->deviations, 1);
}

// A part of the source, as it is and as it should be.
struct Cell {
  double count = 0;
  double expected = 0;
};

// The arms and the rest; neighbours that are expected to be small are put together.
std::vector<Cell> CellsOf(const SplitBalance& balance, double rest_share) {
  const auto users = static_cast<double>(balance.source_count);
  std::vector<Cell> parts{{static_cast<double>(balance.rest_count), users * rest_share}};
  for (const ArmBalance& arm : balance.arms) {
    parts.push_back({static_cast<double>(arm.count), users * arm.expected_share});
  }
  std::vector<Cell> cells;
  Cell open;
  for (const Cell& part : parts) {
    open.count += part.count;
    open.expected += part.expected;
    if (open.expected < kExpectedMin) continue;
    cells.push_back(std::exchange(open, {}));
  }
  if (cells.empty()) return {open};
  cells.back().count += open.count;
  cells.back().expected += open.expected;
  return cells;
}

// Pearson's test of all sizes at once. Where nothing is left to compare, because all but one part
// are small, the arm that deviates most speaks for all (Bonferroni).
double TestSizes(const SplitBalance& balance, double rest_share) {
  const std::vector<Cell> cells = CellsOf(balance, rest_share);
  if (cells.size() < 2) {
    double least = 1;
    for (const ArmBalance& arm : balance.arms) least = std::min(least, arm.p_value);
    return std::min(1.0, least * static_cast<double>(balance.arms.size()));
  }
  double chi_square = 0;
  for (const Cell& cell : cells) {
    const double away = cell.count - cell.expected;
    chi_square += away * away / cell.expected;
  }
  return ChiSquareTail(chi_square, static_cast<double>(cells.size() - 1));
}

// Means of the tags that have one, by the tag's place.
class MeanReader {
 public:
  MeanReader(Insights& insights, const CallContext& context)
      : insights_(insights), context_(context) {}

  absl::StatusOr<std::vector<std::optional<double>>> Read(const Selection& crowd,
                                                          const std::vector<ComparedTag>& tags) {
    std::vector<std::optional<double>> means(tags.size());
    StatisticsRequest request;
    std::vector<size_t> places;
    for (size_t i = 0; i < tags.size(); ++i) {
      const bool has_mean =
          tags[i].type == index::TagType::kInteger || tags[i].type == index::TagType::kDecimal;
      if (!has_mean) continue;
      request.tags.push_back(tags[i].tag);
      places.push_back(i);
    }
    if (places.empty()) return means;
    THRONG_ASSIGN_OR_RETURN(const StatisticsResult result,
                            insights_.Statistics(context_, crowd, request));
    for (size_t i = 0; i < places.size(); ++i) {
      const NumberStatistics& tag = result.tags[i];
      if (const std::optional<double> average = tag.figures.Average()) {
        means[places[i]] = *average / std::pow(10, tag.scale);
      }
    }
    return means;
  }

 private:
  Insights& insights_;
  const CallContext& context_;
};

// The tags of a comparison in the order asked for.
std::vector<ComparedTag> Ordered(std::vector<ComparedTag> tags,
                                 const std::vector<std::string>& names) {
  std::vector<ComparedTag> ordered;
  for (const std::string& name : names) {
    const auto found = std::find_if(tags.begin(), tags.end(),
                                    [&](const ComparedTag& tag) { return tag.tag == name; });
    ordered.push_back(std::move(*found));
  }
  return ordered;
}

absl::Status CheckRequest(const BalanceRequest& request) {
  if (request.tags.size() <= kBalanceTagsMax) return absl::OkStatus();
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_TAGS",
                           "the number of tags", kBalanceTagsMax, request.tags.size()),
      "tags");
}

}  // namespace

absl::StatusOr<SplitBalance> MeasureBalance(Universes& universes, const CallContext& context,
                                            const SplitInfo& split, const BalanceRequest& request) {
  THRONG_RETURN_IF_ERROR(CheckRequest(request));
  if (split.source.empty()) {
    return index::MakeError(absl::StatusCode::kFailedPrecondition,
                            "the crowd that was split is gone: there is nothing to compare with",
                            {.reason = "CROWD_DELETED", .field = "name"});
  }
  Selections selections(universes);
  Insights insights(universes);
  MeanReader means(insights, context);
  const query::CrowdRef source{.name = split.source};
  const absl::StatusOr<CountResult> whole = selections.Count(
      context, {.population = request.population, .what = query::Expression{source}});
  if (!whole.ok()) return AtSplit(whole.status());
  SplitBalance balance{.source = split.source, .source_count = whole->count, .info = whole->info};
  const CompareRequest compare{.baseline = query::Expression{source},
                               .tags = request.tags,
                               .rows_max = request.rows_max,
                               .features_max = 0,
                               .confidence = request.confidence};
  std::vector<std::optional<double>> source_means;
  uint64_t in_arms = 0;
  for (const SplitArm& each : split.arms) {
    ArmBalance& arm = balance.arms.emplace_back();
    arm.arm = each.arm;
    arm.crowd = each.crowd.definition.name;
    arm.expected_share = Part(each.arm.buckets());
    const Selection crowd = Of({.name = arm.crowd, .live = true}, request, whole->info);
    const absl::StatusOr<CountResult> count = selections.Count(context, crowd);
    if (!count.ok()) return AtSplit(count.status());
    arm.count = count->count;
    in_arms += arm.count;
    AddCrowds(count->info.crowds, &balance.info);
    MeasureSize(balance.source_count, &arm);
    if (request.tags.empty()) continue;
    THRONG_ASSIGN_OR_RETURN(CompareResult result, insights.Compare(context, crowd, compare));
    arm.tags = Ordered(std::move(result.tags), request.tags);
    if (source_means.empty()) {
      THRONG_ASSIGN_OR_RETURN(source_means, means.Read(Of(source, request, whole->info), arm.tags));
    }
    THRONG_ASSIGN_OR_RETURN(const auto arm_means, means.Read(crowd, arm.tags));
    for (size_t i = 0; i < arm.tags.size(); ++i) {
      arm.means.push_back({.mean = arm_means[i], .source_mean = source_means[i]});
    }
  }
  balance.rest_count = balance.source_count - std::min(balance.source_count, in_arms);
  balance.p_value = TestSizes(balance, Part(split.rest()));
  return balance;
}

}  // namespace throng::engine
