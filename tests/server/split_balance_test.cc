// Balance reports: sizes and shares counted by hand, what is said of arms that are even, and of a
// split that is not.
#include "server/engine/split_balance.h"

#include <cmath>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/splits.h"
#include "tests/server/crowd_world.h"

namespace throng::engine {
namespace {

constexpr uint32_t kUsers = 4'000;

// Besides FillRental's, kUsers users without tags.
class SplitBalanceTest : public CrowdTest {
 protected:
  SplitBalanceTest() {
    world_.CreateTag({.name = "plan", .type = index::TagType::kCategory});
    world_.CreateTag({.name = "paid", .type = index::TagType::kDecimal, .scale = 2});
    world_.LoadNumbers(10'000, kUsers);
    world_.Create("base", "not exists(city) and not is_graduate");
    world_.Refresh({"base"});
  }

  absl::StatusOr<SplitBalance> Try(const BalanceRequest& request) {
    return crowds().splits().Balance(context(), request);
  }
  SplitBalance Measure(const BalanceRequest& request) { return Must(Try(request)); }
};

TEST_F(SplitBalanceTest, SizesAreCountedAndTested) {
  Must(crowds().splits().Create(context(),
                                {.name = "race",
                                 .source = "base",
                                 .salt = "spring",
                                 .share = 400'000,
                                 .arms = {{"A", 3}, {"B", 1}},
                                 .holdout_weight = 4},
                                {}));
  const SplitBalance balance = Measure({.split = "race"});
  EXPECT_EQ(balance.source, "base");
  EXPECT_EQ(balance.source_count, world_.Count("crowd('base')"));
  ASSERT_EQ(balance.arms.size(), 3u);
  const double expected[] = {0.15, 0.05, 0.2};
  uint64_t in_arms = 0;
  double chi_square = 0;
  const auto n = static_cast<double>(balance.source_count);
  for (size_t i = 0; i < 3; ++i) {
    const ArmBalance& arm = balance.arms[i];
    EXPECT_EQ(arm.count, world_.Count(fmt::format("crowd('{}', live)", arm.crowd)));
    EXPECT_DOUBLE_EQ(arm.expected_share, expected[i]);
    EXPECT_DOUBLE_EQ(arm.share, static_cast<double>(arm.count) / n);
    const double away = static_cast<double>(arm.count) - n * expected[i];
    EXPECT_NEAR(arm.deviations, away / std::sqrt(n * expected[i] * (1 - expected[i])), 1e-9);
    EXPECT_GT(arm.p_value, 0.0001) << "the hash is fair";
    in_arms += arm.count;
    chi_square += away * away / (n * expected[i]);
  }
  EXPECT_EQ(balance.rest_count, balance.source_count - in_arms);
  const double rest = static_cast<double>(balance.rest_count) - n * 0.6;
  chi_square += rest * rest / (n * 0.6);
  // Three degrees of freedom.
  const double p = std::erfc(std::sqrt(chi_square / 2)) +
                   std::sqrt(2 * chi_square / std::acos(-1.0)) * std::exp(-chi_square / 2);
  EXPECT_NEAR(balance.p_value, p, 0.01);
  EXPECT_EQ(balance.info.crowds.size(), 1u) << "all on one version of the source";
}

TEST_F(SplitBalanceTest, TagsAreComparedWithTheWholeSource) {
  for (int i = 0; i < 600; ++i) {
    world_.Write(fmt::format("{}", 10'000 + i),
                 {{"plan", Text(i % 3 == 0 ? "a" : "b")}, {"paid", Decimal(i, 0)}});
  }
  world_.Create("some", "exists(plan)");
  world_.Refresh({"some"});
  Must(crowds().splits().Create(
      context(), {.name = "s", .source = "some", .salt = "spring", .arms = {{"A"}, {"B"}}}, {}));
  const SplitBalance balance = Measure({.split = "s", .tags = {"paid", "plan", "is_graduate"}});
  ASSERT_EQ(balance.arms.size(), 2u);
  double mean_of_all = 0;
  for (const ArmBalance& arm : balance.arms) {
    ASSERT_EQ(arm.tags.size(), 3u);
    EXPECT_EQ(arm.tags[0].tag, "paid");
    EXPECT_EQ(arm.tags[1].tag, "plan");
    ASSERT_EQ(arm.means.size(), 3u);
    EXPECT_NEAR(*arm.means[0].source_mean, 299.5, 1e-9) << "in the tag's unit";
    mean_of_all += *arm.means[0].mean * static_cast<double>(arm.count) / 600;
    EXPECT_FALSE(arm.means[1].mean.has_value());
    uint64_t in_rows = arm.tags[1].missing.count;
    for (const ComparedRow& row : arm.tags[1].rows) {
      EXPECT_EQ(row.count, world_.Count(fmt::format("crowd('{}', live) and plan = '{}'", arm.crowd,
                                                    row.value)));
      EXPECT_EQ(row.baseline_count, row.value == "a" ? 200u : 400u);
      EXPECT_LE(row.difference.low, 0.0);
      EXPECT_GE(row.difference.high, 0.0) << "a fair draw";
      in_rows += row.count;
    }
    EXPECT_EQ(in_rows, arm.count);
    EXPECT_GT(arm.tags[1].p_value, 0.001);
  }
  EXPECT_NEAR(mean_of_all, 299.5, 1e-6);
}

TEST_F(SplitBalanceTest, AnUnfairSplitIsSeen) {
  Must(crowds().splits().Create(
      context(), {.name = "s", .source = "base", .salt = "spring", .arms = {{"A"}, {"B"}}}, {}));
  // A source that has, by its rule, hardly anybody of the second half of the buckets.
  world_.Create("skewed", "crowd('base') and bucket('spring', 0, 600000)");
  world_.Refresh({"skewed"});
  Must(crowds().splits().Create(
      context(), {.name = "bad", .source = "skewed", .salt = "spring", .arms = {{"A"}, {"B"}}},
      {}));
  EXPECT_GT(Measure({.split = "s"}).p_value, 0.001);
  const SplitBalance bad = Measure({.split = "bad"});
  EXPECT_LT(bad.p_value, 1e-6);
  EXPECT_GT(bad.arms[0].deviations, 5);
  EXPECT_LT(bad.arms[1].p_value, 1e-6);
}

TEST_F(SplitBalanceTest, SmallAndEmptySources) {
  world_.Create("nobody", "none()");
  world_.Create("few", "ids('u1', 'u2', 'u3')");
  world_.Refresh({"nobody", "few"});
  for (const char* source : {"nobody", "few"}) {
    Must(crowds().splits().Create(context(),
                                  {.name = source, .source = source, .arms = {{"A"}, {"B"}}}, {}));
    const SplitBalance balance = Measure({.split = source, .tags = {"city", "views"}});
    EXPECT_EQ(balance.p_value, 1);
    EXPECT_EQ(balance.arms[0].count + balance.arms[1].count, balance.source_count);
  }
}

// A part that is expected to be small is tested with its neighbour, not left out; two parts of
// which one is small speak for themselves.
TEST_F(SplitBalanceTest, SmallPartsAreNotLeftOut) {
  // A tenth of the users, and ten times as many of them in the holdout as its buckets promise.
  world_.Create("skewed",
                "crowd('base') and (bucket('s', 990000, 1000000) or bucket('s', 0, "
                "90000))");
  world_.Refresh({"skewed"});
  Must(crowds().splits().Create(
      context(),
      {.name = "held", .source = "skewed", .salt = "s", .arms = {{"A", 99}}, .holdout_weight = 1},
      {}));
  const SplitBalance held = Measure({.split = "held"});
  ASSERT_EQ(held.arms.size(), 2u);
  EXPECT_LT(held.source_count, 500u) << "less than 5 are expected in the holdout";
  EXPECT_GT(held.arms[1].count, 15u);
  EXPECT_LT(held.p_value, 1e-6);
  Must(crowds().splits().Create(context(),
                                {.name = "three",
                                 .source = "skewed",
                                 .salt = "s",
                                 .arms = {{"A", 500}, {"B", 490}},
                                 .holdout_weight = 10},
                                {}));
  EXPECT_LT(Measure({.split = "three"}).p_value, 1e-6);
}

TEST_F(SplitBalanceTest, WhatIsRefused) {
  world_.Create("raw", "all()");
  Must(crowds().splits().Create(context(), {.name = "raw", .source = "raw", .arms = {{"A"}, {"B"}}},
                                {}));
  ExpectError(Try({.split = "raw"}).status(), absl::StatusCode::kFailedPrecondition,
              "CROWD_NOT_REFRESHED", "name");
  Must(crowds().splits().Create(context(), {.name = "s", .source = "base", .arms = {{"A"}, {"B"}}},
                                {}));
  ExpectError(Try({.split = "s", .tags = {"citi"}}).status(), absl::StatusCode::kInvalidArgument,
              "UNKNOWN_TAG", "tags[0]");
  const std::vector<std::string> most(kBalanceTagsMax + 1, "city");
  ExpectError(Try({.split = "s", .tags = most}).status(), absl::StatusCode::kInvalidArgument,
              "TOO_MANY_TAGS", "tags");
  ExpectError(Try({.split = "s", .tags = {"city"}, .confidence = 2}).status(),
              absl::StatusCode::kInvalidArgument, "VALUE_OUT_OF_RANGE", "confidence");
  ExpectError(crowds()
                  .splits()
                  .Balance(EngineWorld::Seeing(6), {.split = "s", .tags = {"income"}})
                  .status(),
              absl::StatusCode::kInvalidArgument, "UNKNOWN_TAG", "tags[0]");
  Must(crowds().splits().Delete(context(), "default", "s", kCrowdKeptUs, {}));
  ExpectError(Try({.split = "s"}).status(), absl::StatusCode::kFailedPrecondition, "SPLIT_DELETED",
              "name");
}

}  // namespace
}  // namespace throng::engine
