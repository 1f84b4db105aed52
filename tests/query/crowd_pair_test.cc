// Two crowds over tags of every type against asking each user, over several chunks, with deltas,
// and edges that split both crowds evenly.
#include "query/crowd_pair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

constexpr uint32_t kUsers = 150'000;

class CrowdPairTest : public ::testing::Test {
 protected:
  CrowdPairTest() : random_(testing::TestSeed()), world_(random_, kUsers) {}

  CrowdPair Select(const LogicalPlan& crowd, const LogicalPlan& baseline) {
    const auto plan = [&](const LogicalPlan& logical) {
      return MakePhysicalPlan(Normalize(logical, world_.catalogue()), world_.snapshot());
    };
    return *SelectPair(plan(crowd), plan(baseline), world_.snapshot(), world_.parallel(), {});
  }
  PairCounts Count(const CrowdPair& pair, const std::vector<PairTag>& tags) {
    return *CountPair(pair, tags, world_.snapshot(), world_.parallel(), {});
  }
  uint64_t Both(const std::set<uint32_t>& users, const LogicalPlan& plan) const {
    const std::set<uint32_t> matching = world_.Matching(plan);
    return static_cast<uint64_t>(std::count_if(
        users.begin(), users.end(), [&](uint32_t user) { return matching.count(user) > 0; }));
  }

  std::mt19937_64 random_;
  PlanWorld world_;
};

TEST_F(CrowdPairTest, CountsAsAskingEachUser) {
  const std::vector<int64_t> edges = {-2, 0, 7, 19};
  for (const auto& [crowd, baseline] : {std::pair{"c0|1", "g"},
                                        {"all", "not(c2)"},
                                        {"and(g, i0, c1, v3..4)", "none"},
                                        {"v3..9", "all"},
                                        {"and(g, i0, c1, v3..4)", "and(g, i1, c2, v5..6)"}}) {
    SCOPED_TRACE(crowd);
    const CrowdPair pair = Select(PlanOf(crowd), PlanOf(baseline));
    const std::set<uint32_t> in_crowd = world_.Matching(PlanOf(crowd));
    const std::set<uint32_t> in_baseline = world_.Matching(PlanOf(baseline));
    ASSERT_EQ(pair.crowd->cardinality(), in_crowd.size());
    ASSERT_EQ(pair.baseline->cardinality(), in_baseline.size());
    const PairCounts counts =
        Count(pair, {{.tag = kViews, .edges = edges}, {.tag = kCity}, {.tag = kViews}});
    EXPECT_EQ(counts.common, Both(in_crowd, PlanOf(baseline)));
    for (size_t i = 0; i <= edges.size(); ++i) {
      Interval bin;
      if (i > 0) bin.low = edges[i - 1];
      if (i < edges.size()) bin.high = edges[i] - 1;
      const LogicalPlan in_bin{NumericRanges{kViews, {bin}}};
      EXPECT_EQ(counts.crowd[0].counts[i], Both(in_crowd, in_bin)) << i;
      EXPECT_EQ(counts.baseline[0].counts[i], Both(in_baseline, in_bin)) << i;
    }
    for (uint32_t code = 0; code < 6; ++code) {
      const LogicalPlan has{TagValues{kCity, {code}}};
      EXPECT_EQ(counts.crowd[1].counts[code], Both(in_crowd, has)) << code;
      EXPECT_EQ(counts.baseline[1].counts[code], Both(in_baseline, has)) << code;
    }
    const LogicalPlan has_views{TagExists{kViews}};
    EXPECT_EQ(counts.crowd[2].counts, std::vector<uint64_t>{Both(in_crowd, has_views)});
    EXPECT_EQ(counts.crowd[0].with_value, Both(in_crowd, has_views));
    EXPECT_EQ(counts.baseline[0].with_value, Both(in_baseline, has_views));
  }
}

TEST_F(CrowdPairTest, WhatIsStoredAboutEverybodyIsWhatCountingGives) {
  CrowdPair pair = Select(PlanOf("c0|1"), PlanOf("all"));
  const std::vector<PairTag> tags = {
      {.tag = kCity}, {.tag = kInterests}, {.tag = kGraduate}, {.tag = kViews, .edges = {3}}};
  const PairCounts counted = Count(pair, tags);
  pair.is_everybody = true;
  const PairCounts stored = Count(pair, tags);
  EXPECT_EQ(stored.common, counted.common);
  for (size_t i = 0; i < tags.size(); ++i) {
    EXPECT_EQ(stored.baseline[i].counts, counted.baseline[i].counts) << i;
    EXPECT_EQ(stored.baseline[i].with_value, counted.baseline[i].with_value) << i;
  }
}

TEST_F(CrowdPairTest, EdgesSplitBothCrowdsAboutEvenly) {
  const CrowdPair pair = Select(PlanOf("all"), PlanOf("all"));
  const std::vector<int64_t> edges = QuantileEdges(pair, kViews, 5, world_.snapshot());
  ASSERT_EQ(edges.size(), 4u);  // of 26 numbers that are about equally frequent
  EXPECT_EQ(QuantileEdges(pair, kViews, 5, world_.snapshot()), edges);
  const PairCounts counts = Count(pair, {{.tag = kViews, .edges = edges}});
  for (uint64_t users : counts.crowd[0].counts) {
    EXPECT_GT(users, counts.crowd[0].with_value / 8);
    EXPECT_LT(users, counts.crowd[0].with_value / 3);
  }
  // One bin a number, where there are so few.
  EXPECT_EQ(QuantileEdges(Select(PlanOf("v3..5"), PlanOf("v4..5")), kViews, 50, world_.snapshot()),
            (std::vector<int64_t>{4, 5}));
  // Few users have another number than most: that is still told apart.
  const CrowdPair skewed = Select(PlanOf("v3..3"), PlanOf("or(v3..3, and(c0, i0, v4..5))"));
  EXPECT_EQ(QuantileEdges(skewed, kViews, 3, world_.snapshot()), (std::vector<int64_t>{4, 5}));
  EXPECT_TRUE(
      QuantileEdges(Select(PlanOf("none"), PlanOf("none")), kViews, 5, world_.snapshot()).empty());
}

}  // namespace
}  // namespace throng::query
