// Statistics of known answers through the engine, and what is refused.
#include "server/engine/statistics.h"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/insights.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr uint32_t kPercent = 1'000'000;

class StatisticsTest : public ::testing::Test {
 protected:
  StatisticsTest() { FillRental(&world_); }

  absl::StatusOr<StatisticsResult> Ask(const std::string& expression,
                                       const StatisticsRequest& request,
                                       const std::string& zone = "") {
    return world_.engine().insights().Statistics(world_.context(),
                                                 {.what = expression, .time_zone = zone}, request);
  }
  NumberStatistics Of(const StatisticsRequest& request, const std::string& zone = "") {
    return Must(Ask("all()", request, zone)).tags[0];
  }
  index::ErrorDetail ExpectError(const StatisticsRequest& request, std::string_view reason,
                                 std::string_view field,
                                 absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    const absl::Status status = Ask("all()", request).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
    return index::GetErrorDetail(status).value_or(index::ErrorDetail());
  }

  EngineWorld world_;
};

// "views: 3 of 4, sum 8, 0 to 5, average 2.7"
std::string Print(const NumberStatistics& tag) {
  const query::TagStatistics& figures = tag.figures;
  if (!figures.min) return fmt::format("{}: {} of {}", figures.tag, 0, figures.users);
  const absl::StatusOr<int64_t> sum = figures.Sum();
  return fmt::format("{}: {} of {}, sum {}, {} to {}, average {:.1f}", figures.tag,
                     figures.with_value, figures.users, sum.ok() ? fmt::format("{}", *sum) : "?",
                     *figures.min, *figures.max, *figures.Average());
}

std::string Print(const std::optional<int64_t>& number) {
  return number.has_value() ? fmt::format("{}", *number) : "";
}

// "-7 0 5"
std::string Percentiles(const NumberStatistics& tag) {
  std::string text;
  for (const Percentile& percentile : tag.percentiles) {
    text += fmt::format("{}{}", text.empty() ? "" : " ", Print(percentile.value));
  }
  return text;
}

// "0..5:2 5..:1"
std::string Histogram(const NumberStatistics& tag) {
  std::string text;
  for (const HistogramBin& bin : tag.histogram) {
    text += fmt::format(
        "{}{}:{}", text.empty() ? "" : " ",
        bin.label.empty() ? fmt::format("{}..{}", Print(bin.lower), Print(bin.upper)) : bin.label,
        bin.count);
  }
  return text;
}

TEST_F(StatisticsTest, SumsOfKnownAnswers) {
  // With and without what needs the order of the numbers.
  for (const std::vector<uint32_t>& percentiles : {std::vector<uint32_t>{}, {50 * kPercent}}) {
    const auto ask = [&](const std::string& expression, const std::vector<std::string>& tags) {
      return Must(Ask(expression, {.tags = tags, .percentiles = percentiles}));
    };
    const StatisticsResult all = ask("all()", {"views", "score", "birthday"});
    EXPECT_EQ(all.count, 6u);
    ASSERT_EQ(all.tags.size(), 3u);
    EXPECT_EQ(Print(all.tags[0]), "views: 4 of 6, sum 1, -7 to 5, average 0.2");
    EXPECT_FALSE(all.tags[0].average_us.has_value());
    EXPECT_FALSE(all.tags[0].has_histogram);
    EXPECT_EQ(Print(all.tags[1]), "score: 3 of 6, sum 1075, -50 to 1000, average 358.3");
    EXPECT_EQ(all.tags[1].type, index::TagType::kDecimal);
    EXPECT_EQ(all.tags[1].scale, 2);
    // 1999-12-31, 2000-02-29 and 2024-03-15 in days since 1970.
    EXPECT_EQ(Print(all.tags[2]), "birthday: 3 of 6, sum 41769, 10956 to 19797, average 13923.0");
    EXPECT_EQ(all.tags[2].average_us, 13'923 * int64_t{86'400'000'000});
    EXPECT_EQ(Print(ask("is_graduate", {"views"}).tags[0]),
              "views: 2 of 3, sum 8, 3 to 5, average 4.0");
    EXPECT_EQ(Print(ask("city = 'Wuhan'", {"seen"}).tags[0]), "seen: 0 of 1");
    EXPECT_EQ(ask("none()", {"views"}).count, 0u);
    // 09:59 and 23:30 of the day before.
    const NumberStatistics seen = ask("all()", {"seen"}).tags[0];
    EXPECT_EQ(*seen.figures.max - *seen.figures.min, int64_t{629} * 60'000'000);
    EXPECT_EQ(*seen.average_us - *seen.figures.min, int64_t{629} * 30'000'000);
  }
}

// Views are -7, 0, 3 and 5.
TEST_F(StatisticsTest, PercentilesAreOfTheNearestRank) {
  const auto at = [&](const std::vector<uint32_t>& percentiles) {
    return Percentiles(Of({.tags = {"views"}, .percentiles = percentiles}));
  };
  EXPECT_EQ(at({0, 1, 25 * kPercent, 25 * kPercent + 1, 50 * kPercent, 75 * kPercent,
                75 * kPercent + 1, 100 * kPercent}),
            "-7 -7 -7 0 0 3 5 5");
  EXPECT_EQ(at({100 * kPercent, 50 * kPercent, 50 * kPercent, 0}), "5 0 0 -7");
  const NumberStatistics nobody =
      Must(Ask("city = 'Wuhan'", {.tags = {"seen"}, .percentiles = {0, kHundredPercent}})).tags[0];
  ASSERT_EQ(nobody.percentiles.size(), 2u);
  EXPECT_EQ(Percentiles(nobody), "");
}

TEST_F(StatisticsTest, RanksAreExactWhereFloatingPointsAreNot) {
  world_.CreateTag({.name = "place", .type = index::TagType::kInteger});
  for (int i = 1; i <= 1'000; ++i) {
    world_.Write(fmt::format("p{}", i), {{"place", Whole(i)}});
  }
  EXPECT_EQ(Percentiles(Of({.tags = {"place"},
                            .percentiles = {99'900'000, 99'900'001, 70 * kPercent, 29 * kPercent,
                                            57'999'999, 100'000, 1}})),
            "999 1000 700 290 580 1 1");
}

TEST_F(StatisticsTest, HistogramsOfNumbers) {
  EXPECT_EQ(Histogram(Of({.tags = {"views"}, .bins = 4})), "-10..-5:1 -5..0:0 0..5:3");
  EXPECT_EQ(Histogram(Of({.tags = {"score"}, .bins = 3})), "-500..0:1 0..500:1 500..1000:1");
  EXPECT_EQ(Histogram(Of({.tags = {"views"}, .edges = {{"views", {Whole(0), Whole(5)}}}})),
            "..0:1 0..5:2 5..:1");
  // Edges win over bins, and are as the tag's values are.
  EXPECT_EQ(Histogram(Of({.tags = {"score"}, .bins = 9, .edges = {{"score", {Decimal(125, 2)}}}})),
            "..125:1 125..:2");
  EXPECT_EQ(
      Histogram(Of({.tags = {"seen"}, .edges = {{"seen", {Date(2024, 3, 15)}}}}, "Asia/Shanghai")),
      fmt::format("..{}:0 {}..:2", 1'710'432'000'000'000, 1'710'432'000'000'000));
  const auto wuhan = [&](const StatisticsRequest& request) {
    return Must(Ask("city = 'Wuhan' and not exists(birthday)", request)).tags[0];
  };
  const NumberStatistics nobody = wuhan({.tags = {"birthday"}, .period = Period::kDay});
  EXPECT_TRUE(nobody.has_histogram);
  EXPECT_EQ(Histogram(nobody), "");
  EXPECT_EQ(Histogram(wuhan({.tags = {"birthday"}, .edges = {{"birthday", {Date(2000, 1, 1)}}}})),
            "..10957:0 10957..:0");
}

TEST_F(StatisticsTest, HistogramsOfTimesAreByThePeriodsOfTheZone) {
  const auto seen = [&](Period period, const std::string& zone) {
    return Histogram(Of({.tags = {"seen"}, .period = period}, zone));
  };
  EXPECT_EQ(seen(Period::kDay, "UTC"), "2024-03-14:1 2024-03-15:1");
  EXPECT_EQ(seen(Period::kDay, "Asia/Shanghai"), "2024-03-15:2");
  EXPECT_EQ(seen(Period::kDay, "Pacific/Pago_Pago"), "2024-03-14:2");
  EXPECT_EQ(seen(Period::kWeek, "UTC"), "2024-W11:2");
  const auto born = [&](Period period) {
    return Of({.tags = {"birthday"}, .period = period}).histogram;
  };
  // From 1999-12-31 to 2024-03-15.
  EXPECT_EQ(born(Period::kDay).size(), 19'797u - 10'956 + 1);
  EXPECT_EQ(born(Period::kMonth).size(), 24u * 12 + 4);
  EXPECT_EQ(born(Period::kMonth)[0].label, "1999-12");
  EXPECT_EQ(born(Period::kMonth)[2].count, 1u);
  // Each tag gets what it can have.
  const StatisticsResult both =
      Must(Ask("all()", {.tags = {"views", "seen"}, .bins = 2, .period = Period::kMonth}));
  EXPECT_EQ(Histogram(both.tags[0]), "-10..0:1 0..10:3");
  EXPECT_EQ(Histogram(both.tags[1]), "2024-03:2");
}

TEST_F(StatisticsTest, TheEndsOf64BitsBehave) {
  world_.CreateTag({.name = "big", .type = index::TagType::kInteger});
  world_.Write("u1", {{"big", Whole(kMax)}});
  EXPECT_EQ(*Of({.tags = {"big"}}).figures.Sum(), kMax);
  world_.Write("u2", {{"big", Whole(1)}});
  for (const uint32_t bins : {0u, 4u}) {
    const NumberStatistics tag = Of({.tags = {"big"}, .bins = bins});
    EXPECT_EQ(tag.figures.Sum().status().code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ(ReasonOf(tag.figures.Sum().status()), "SUM_OUT_OF_RANGE");
    EXPECT_EQ(tag.figures.max, kMax);
  }
  world_.Write("u3", {{"big", Whole(kMin)}});
  world_.Write("u4", {{"big", Whole(kMax)}});
  const NumberStatistics tag =
      Of({.tags = {"big"}, .percentiles = {0, 50 * kPercent, kHundredPercent}, .bins = 4});
  EXPECT_EQ(Percentiles(tag), fmt::format("{} 1 {}", kMin, kMax));
  EXPECT_EQ(Histogram(tag),
            "..-5000000000000000000:1 -5000000000000000000..0:0 0..5000000000000000000:1 "
            "5000000000000000000..:2");
}

TEST_F(StatisticsTest, WhatIsRefused) {
  const auto tags = [](std::vector<std::string> names) {
    return StatisticsRequest{.tags = std::move(names)};
  };
  ExpectError(tags({}), "NO_TAGS", "tags");
  ExpectError(tags(std::vector<std::string>(kStatisticsTagsMax + 1, "views")), "TOO_MANY_TAGS",
              "tags");
  ExpectError(tags(std::vector<std::string>(kStatisticsTagsMax, "views")), "DUPLICATE_TAG",
              "tags[1]");
  ExpectError(tags({"views", "city"}), "NO_NUMBERS", "tags[1]");
  ExpectError(tags({"is_graduate"}), "NO_NUMBERS", "tags[0]");
  ExpectError(tags({"vews"}), "UNKNOWN_TAG", "tags[0]");
  ExpectError({.tags = {"views"}, .percentiles = {0, kHundredPercent + 1}}, "VALUE_OUT_OF_RANGE",
              "percentiles[1]");
  ExpectError({.tags = {"birthday", "seen"}, .bins = 5}, "NOT_APPLICABLE", "bins");
  ExpectError({.tags = {"views"}, .period = Period::kDay}, "NOT_APPLICABLE", "period");
  ExpectError({.tags = {"views"}, .edges = {{"score", {Whole(1)}}}}, "NOT_ASKED_FOR",
              "edges[0].tag");
  ExpectError({.tags = {"views"}, .edges = {{"views", {Whole(1)}}, {"views", {Whole(1)}}}},
              "DUPLICATE_TAG", "edges[1].tag");
  ExpectError({.tags = {"views"}, .edges = {{"views", {}}}}, "NO_EDGES", "edges[0].edges");
  ExpectError({.tags = {"views"}, .edges = {{"views", {Whole(2), Whole(2)}}}}, "NOT_ASCENDING",
              "edges[0].edges[1]");
  ExpectError({.tags = {"views"}, .edges = {{"views", {Text("x")}}}}, "WRONG_VALUE_TYPE",
              "edges[0].edges[0]");
  ExpectError({.tags = {"seen"}, .edges = {{"seen", {Text("2024-13-01")}}}}, "BAD_DATE",
              "edges[0].edges[0]");
}

TEST_F(StatisticsTest, ListsEndAtTheirLimits) {
  std::vector<uint32_t> percentiles(kStatisticsPercentilesMax, 50 * kPercent);
  EXPECT_EQ(Of({.tags = {"views"}, .percentiles = percentiles}).percentiles.size(),
            kStatisticsPercentilesMax);
  percentiles.push_back(0);
  ExpectError({.tags = {"views"}, .percentiles = percentiles}, "TOO_MANY_PERCENTILES",
              "percentiles");
  for (const uint32_t bins : {kStatisticsBinsMin, kStatisticsBinsMax}) {
    EXPECT_TRUE(Ask("all()", {.tags = {"views"}, .bins = bins}).ok());
  }
  ExpectError({.tags = {"views"}, .bins = kStatisticsBinsMin - 1}, "VALUE_OUT_OF_RANGE", "bins");
  ExpectError({.tags = {"views"}, .bins = kStatisticsBinsMax + 1}, "VALUE_OUT_OF_RANGE", "bins");
  TagEdges views{.tag = "views"};
  for (uint32_t i = 0; i < kStatisticsEdgesMax; ++i) views.edges.push_back(Whole(i));
  EXPECT_EQ(Of({.tags = {"views"}, .edges = {views}}).histogram.size(), kStatisticsEdgesMax + 1);
  views.edges.push_back(Whole(kStatisticsEdgesMax));
  ExpectError({.tags = {"views"}, .edges = {views}}, "TOO_MANY_EDGES", "edges[0].edges");
}

TEST_F(StatisticsTest, PeriodsAndBinsOfAllTagsEndAtTheirLimits) {
  world_.CreateTag({.name = "day0", .type = index::TagType::kDate});
  world_.Write("u1", {{"day0", Date(1970, 1, 1)}});
  world_.Write("u2", {{"day0", Date(1997, 5, 18)}});
  EXPECT_EQ(Of({.tags = {"day0"}, .period = Period::kDay}).histogram.size(), kStatisticsPeriodsMax);
  world_.Write("u2", {{"day0", Date(1997, 5, 19)}});
  const index::ErrorDetail detail =
      ExpectError({.tags = {"day0"}, .period = Period::kDay}, "TOO_MANY_PERIODS", "period",
                  absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(detail.limit, kStatisticsPeriodsMax);
  EXPECT_EQ(detail.requested, kStatisticsPeriodsMax + 1u);
  EXPECT_NE(detail.expected, "");
  EXPECT_TRUE(Ask("all()", {.tags = {"day0"}, .period = Period::kWeek}).ok());
  // Five tags of 10,000 days are as many as there may be.
  world_.Write("u2", {{"day0", Date(1997, 5, 18)}});
  StatisticsRequest request{.tags = {"day0"}, .period = Period::kDay};
  for (int i = 1; i < 5; ++i) {
    request.tags.push_back(fmt::format("day{}", i));
    world_.CreateTag({.name = request.tags.back(), .type = index::TagType::kDate});
    world_.Write("u1", {{request.tags.back(), Date(1970, 1, 1)}});
    world_.Write("u2", {{request.tags.back(), Date(1997, 5, 18)}});
  }
  EXPECT_TRUE(Ask("all()", request).ok());
  request.tags.push_back("seen");
  ExpectError(request, "TOO_MANY_BINS", "tags", absl::StatusCode::kResourceExhausted);
}

TEST_F(StatisticsTest, ATagBeyondTheCallersLevelDoesNotExist) {
  world_.CreateTag({.name = "salary", .type = index::TagType::kInteger, .sensitivity = 7});
  world_.Write("u1", {{"salary", Whole(9)}});
  const auto ask = [&](int level, const StatisticsRequest& request) {
    return world_.engine().insights().Statistics(EngineWorld::Seeing(level), {.what = "all()"},
                                                 request);
  };
  EXPECT_EQ(*ask(7, {.tags = {"salary"}})->tags[0].figures.Sum(), 9);
  const absl::Status unseen = ask(6, {.tags = {"salry"}}).status();
  EXPECT_EQ(ReasonOf(unseen), "UNKNOWN_TAG");
  EXPECT_EQ(index::GetErrorDetail(unseen)->suggestion, "");
  EXPECT_EQ(ReasonOf(ask(6, {.tags = {"salary"}}).status()), "UNKNOWN_TAG");
  // Of edges, too, it is as if there were none.
  const auto with_edges = [&](const std::string& tag) {
    return ask(6, {.tags = {"views"}, .edges = {{tag, {Whole(1)}}}}).status();
  };
  EXPECT_EQ(with_edges("salary"), with_edges("nothing"));
}

TEST_F(StatisticsTest, EndsWhenCancelledAndReadsOneVersion) {
  CallContext context = CallContext::Internal();
  context.cancelled = [] { return true; };
  const StatisticsRequest request{.tags = {"views"}, .bins = 4};
  EXPECT_EQ(
      world_.engine().insights().Statistics(context, {.what = "all()"}, request).status().code(),
      absl::StatusCode::kCancelled);
  const StatisticsResult before = Must(Ask("all()", request));
  EXPECT_EQ(before.info.canonical_expression, "all()");
  world_.Write("u6", {{"views", Whole(100)}});
  const StatisticsResult again = Must(world_.engine().insights().Statistics(
      world_.context(), {.what = "all()", .read_version = before.info.data_version}, request));
  EXPECT_EQ(Histogram(again.tags[0]), Histogram(before.tags[0]));
  EXPECT_EQ(again.info.data_version, before.info.data_version);
}

}  // namespace
}  // namespace throng::engine
