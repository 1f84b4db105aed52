#include "server/engine/statistics.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "query/executor.h"
#include "query/value_distributions.h"
#include "server/engine/bin_edges.h"
#include "server/engine/histogram_bins.h"
#include "server/engine/insights.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/visible_tag.h"

namespace throng::engine {
namespace {

using index::TagEntry;
using index::TagType;

// A tag that is asked for.
struct AskedTag {
  const TagEntry* entry = nullptr;
  const std::vector<query::Value>* edge_values = nullptr;  // of a histogram by given edges
  std::vector<int64_t> edges = {};

  TagType type() const { return entry->definition.type; }
  bool is_time() const { return type() == TagType::kDate || type() == TagType::kDateTime; }
};

absl::Status LimitAt(std::string_view field, std::string_view reason, std::string_view what,
                     uint64_t limit, uint64_t requested) {
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kInvalidArgument, reason, what, limit, requested),
      field);
}

absl::Status CheckPercentiles(const std::vector<uint32_t>& percentiles) {
  if (percentiles.size() > kStatisticsPercentilesMax) {
    return LimitAt("percentiles", "TOO_MANY_PERCENTILES", "the number of percentiles",
                   kStatisticsPercentilesMax, percentiles.size());
  }
  for (size_t i = 0; i < percentiles.size(); ++i) {
    if (percentiles[i] <= kHundredPercent) continue;
    const std::string field = fmt::format("percentiles[{}]", i);
    return index::InvalidArgument("VALUE_OUT_OF_RANGE", field,
                                  fmt::format("{} is not 0 to 100", field));
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const StatisticsRequest& request) {
  if (request.tags.empty()) {
    return index::InvalidArgument("NO_TAGS", "tags", "statistics need at least one tag");
  }
  if (request.tags.size() > kStatisticsTagsMax) {
    return LimitAt("tags", "TOO_MANY_TAGS", "the number of tags", kStatisticsTagsMax,
                   request.tags.size());
  }
  THRONG_RETURN_IF_ERROR(CheckPercentiles(request.percentiles));
  if (request.bins != 0 &&
      (request.bins < kStatisticsBinsMin || request.bins > kStatisticsBinsMax)) {
    return index::MakeError(absl::StatusCode::kInvalidArgument,
                            fmt::format("bins is {}; it must be {} to {}, or 0 for none",
                                        request.bins, kStatisticsBinsMin, kStatisticsBinsMax),
                            {.reason = "VALUE_OUT_OF_RANGE",
                             .field = "bins",
                             .limit = kStatisticsBinsMax,
                             .requested = request.bins});
  }
  for (size_t i = 0; i < request.edges.size(); ++i) {
    const std::string field = fmt::format("edges[{}].edges", i);
    if (request.edges[i].edges.empty()) {
      return index::InvalidArgument("NO_EDGES", field, fmt::format("{} has no edges", field));
    }
    if (request.edges[i].edges.size() > kStatisticsEdgesMax) {
      return LimitAt(field, "TOO_MANY_EDGES", "the number of edges", kStatisticsEdgesMax,
                     request.edges[i].edges.size());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<AskedTag>> FindTags(const index::CatalogueView& view,
                                               const std::vector<std::string>& names) {
  THRONG_ASSIGN_OR_RETURN(const std::vector<const TagEntry*> entries, FindVisibleTags(view, names));
  std::vector<AskedTag> tags;
  for (size_t i = 0; i < names.size(); ++i) {
    const TagEntry* entry = entries[i];
    if (!index::IsNumeric(entry->definition.type)) {
      return index::InvalidArgument(
          "NO_NUMBERS", fmt::format("tags[{}]", i),
          fmt::format("tag \"{}\" is of type {}: only INTEGER, DECIMAL, DATE and DATETIME have "
                      "statistics",
                      names[i], index::TagTypeName(entry->definition.type)));
    }
    tags.push_back({.entry = entry});
  }
  return tags;
}

absl::Status BindAllEdges(const StatisticsRequest& request, const query::TimeContext& time,
                          std::vector<AskedTag>* tags) {
  for (size_t i = 0; i < request.edges.size(); ++i) {
    const auto name = std::find(request.tags.begin(), request.tags.end(), request.edges[i].tag);
    const std::string field = fmt::format("edges[{}].tag", i);
    if (name == request.tags.end()) {
      return index::InvalidArgument("NOT_ASKED_FOR", field,
                                    fmt::format("{} is none of the tags asked for", field));
    }
    AskedTag& tag = (*tags)[static_cast<size_t>(name - request.tags.begin())];
    if (tag.edge_values != nullptr) {
      return index::InvalidArgument("DUPLICATE_TAG", field,
                                    fmt::format("tag \"{}\" has edges already", *name));
    }
    tag.edge_values = &request.edges[i].edges;
    THRONG_ASSIGN_OR_RETURN(tag.edges, BindEdges(*tag.edge_values, tag.entry->definition, time,
                                                 fmt::format("edges[{}].edges", i)));
  }
  return absl::OkStatus();
}

// What is asked of numbers or of times only needs such a tag.
absl::Status CheckApplicable(const StatisticsRequest& request, const std::vector<AskedTag>& tags) {
  const auto is_time = [](const AskedTag& tag) { return tag.is_time(); };
  if (request.bins > 0 && std::all_of(tags.begin(), tags.end(), is_time)) {
    return index::MakeError(absl::StatusCode::kInvalidArgument,
                            "bins are of INTEGER and DECIMAL tags, and none is asked for",
                            {.reason = "NOT_APPLICABLE",
                             .field = "bins",
                             .expected = "a period of days, weeks or months, or edges"});
  }
  if (request.period.has_value() && std::none_of(tags.begin(), tags.end(), is_time)) {
    return index::MakeError(
        absl::StatusCode::kInvalidArgument,
        "a period is of DATE and DATETIME tags, and none is asked for",
        {.reason = "NOT_APPLICABLE", .field = "period", .expected = "a number of bins, or edges"});
  }
  return absl::OkStatus();
}

absl::Status MakeBins(const AskedTag& tag, const StatisticsRequest& request,
                      const absl::TimeZone& zone, NumberStatistics* statistics) {
  const query::TagStatistics& figures = statistics->figures;
  statistics->has_histogram =
      tag.edge_values != nullptr || (tag.is_time() ? request.period.has_value() : request.bins > 0);
  if (!statistics->has_histogram) return absl::OkStatus();
  if (tag.edge_values != nullptr) {
    statistics->histogram = EdgeBins(tag.edges);
  } else if (!figures.min.has_value()) {
    return absl::OkStatus();
  } else if (!tag.is_time()) {
    statistics->histogram = EvenBins(*figures.min, *figures.max, request.bins);
  } else {
    absl::StatusOr<std::vector<HistogramBin>> bins =
        PeriodBins(tag.type(), *figures.min, *figures.max, *request.period, zone);
    if (!bins.ok()) return index::WithField(bins.status(), "period");
    statistics->histogram = *std::move(bins);
  }
  return absl::OkStatus();
}

absl::Status CheckAllBins(const std::vector<NumberStatistics>& tags) {
  uint64_t bins = 0;
  for (const NumberStatistics& tag : tags) bins += tag.histogram.size();
  if (bins <= kStatisticsAllBinsMax) return absl::OkStatus();
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_BINS",
                           "the number of bins of all tags", kStatisticsAllBinsMax, bins),
      "tags");
}

// The rank of a percentile among `users`, 1 or more: percent / 100 of them, rounded up.
uint64_t RankOf(uint32_t percent, uint64_t users) {
  // Less than 2^27 times less than 2^32.
  const uint64_t product = uint64_t{percent} * users;
  return std::max<uint64_t>((product + kHundredPercent - 1) / kHundredPercent, 1);
}

query::DistributionQuestions QuestionsOf(const NumberStatistics& tag,
                                         std::vector<uint32_t> percentiles) {
  query::DistributionQuestions questions;
  if (tag.figures.with_value > 0) {
    std::sort(percentiles.begin(), percentiles.end());
    for (uint32_t percent : percentiles) {
      questions.ranks.push_back(RankOf(percent, tag.figures.with_value));
    }
  }
  for (size_t i = 0; i + 1 < tag.histogram.size(); ++i) {
    questions.limits.push_back(*tag.histogram[i].upper);
  }
  return questions;
}

void TakeAnswers(const query::DistributionAnswers& answers,
                 const std::vector<uint32_t>& percentiles, NumberStatistics* tag) {
  std::vector<size_t> order(percentiles.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return percentiles[a] < percentiles[b]; });
  for (uint32_t percent : percentiles) tag->percentiles.push_back({.percent = percent});
  for (size_t i = 0; i < answers.values.size(); ++i) {
    tag->percentiles[order[i]].value = answers.values[i];
  }
  uint64_t before = 0;
  for (size_t i = 0; i < tag->histogram.size(); ++i) {
    const bool is_last = i + 1 == tag->histogram.size();
    const uint64_t below = is_last ? tag->figures.with_value : answers.below[i];
    tag->histogram[i].count = below - before;
    before = below;
  }
}

NumberStatistics StartOf(const AskedTag& tag, query::TagStatistics figures) {
  NumberStatistics statistics{.type = tag.type(), .scale = tag.entry->definition.scale};
  if (tag.is_time() && figures.with_value > 0) {
    constexpr int64_t kDayUs = 86'400'000'000;
    const absl::int128 unit = tag.type() == TagType::kDate ? kDayUs : 1;
    // Rounded towards 1970: 128 bits hold the sum of times of 2^32 users.
    statistics.average_us =
        static_cast<int64_t>(figures.total * unit / absl::int128(figures.with_value));
  }
  statistics.figures = std::move(figures);
  return statistics;
}

bool NeedsOrder(const StatisticsRequest& request) {
  return !request.percentiles.empty() || request.bins > 0 || request.period.has_value() ||
         !request.edges.empty();
}

// Sums and extremes alone are read faster than the order of the numbers.
absl::StatusOr<std::vector<NumberStatistics>> AddUp(const ResolvedSelection& bound,
                                                    const std::vector<AskedTag>& tags,
                                                    const std::vector<uint32_t>& ids) {
  query::StatisticsCollector collector(*bound.snapshot, ids);
  THRONG_RETURN_IF_ERROR(query::Execute(bound.plan, *bound.snapshot, bound.universe->parallel(),
                                        bound.check, collector));
  std::vector<query::TagStatistics> figures = collector.Finish();
  std::vector<NumberStatistics> result;
  for (size_t i = 0; i < tags.size(); ++i) {
    result.push_back(StartOf(tags[i], std::move(figures[i])));
  }
  return result;
}

absl::StatusOr<std::vector<NumberStatistics>> Spread(const ResolvedSelection& bound,
                                                     const std::vector<AskedTag>& tags,
                                                     const std::vector<uint32_t>& ids,
                                                     const StatisticsRequest& request) {
  query::ValueDistributions spread(bound.plan, *bound.snapshot, bound.universe->parallel(),
                                   bound.check, ids);
  THRONG_RETURN_IF_ERROR(spread.Count());
  std::vector<NumberStatistics> result;
  for (size_t i = 0; i < tags.size(); ++i) {
    result.push_back(StartOf(tags[i], spread.figures()[i]));
    THRONG_RETURN_IF_ERROR(MakeBins(tags[i], request, bound.time.zone, &result.back()));
  }
  THRONG_RETURN_IF_ERROR(CheckAllBins(result));
  std::vector<query::DistributionQuestions> questions;
  for (const NumberStatistics& tag : result) {
    questions.push_back(QuestionsOf(tag, request.percentiles));
  }
  THRONG_ASSIGN_OR_RETURN(const std::vector<query::DistributionAnswers> answers,
                          spread.Answer(questions));
  for (size_t i = 0; i < tags.size(); ++i) {
    TakeAnswers(answers[i], request.percentiles, &result[i]);
  }
  return result;
}

}  // namespace

absl::StatusOr<StatisticsResult> Insights::Statistics(const CallContext& context,
                                                      const Selection& selection,
                                                      const StatisticsRequest& request) {
  THRONG_RETURN_IF_ERROR(CheckLimits(request));
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, selection));
  const index::CatalogueView view(bound.snapshot->catalogue(), context.visibility);
  THRONG_ASSIGN_OR_RETURN(std::vector<AskedTag> tags, FindTags(view, request.tags));
  THRONG_RETURN_IF_ERROR(BindAllEdges(request, bound.time, &tags));
  THRONG_RETURN_IF_ERROR(CheckApplicable(request, tags));
  std::vector<uint32_t> ids;
  for (const AskedTag& tag : tags) ids.push_back(tag.entry->definition.id);
  StatisticsResult result;
  THRONG_ASSIGN_OR_RETURN(result.tags, NeedsOrder(request) ? Spread(bound, tags, ids, request)
                                                           : AddUp(bound, tags, ids));
  result.count = result.tags[0].figures.users;
  result.info = bound.Info();
  return result;
}

}  // namespace throng::engine
