// Exclusions against asking each user: overlaps, losses in order, and who is left.
#include "query/exclusion_collector.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

ExclusionCounts Exclude(PlanWorld& world, const std::vector<LogicalPlan>& asked) {
  std::vector<PhysicalPlan> plans;
  for (const LogicalPlan& plan : asked) {
    plans.push_back(MakePhysicalPlan(Normalize(plan, world.catalogue()), world.snapshot()));
  }
  ExclusionCollector collector(plans.size() - 1);
  EXPECT_TRUE(ExecuteJointly(plans, world.snapshot(), world.parallel(), {}, collector).ok());
  return collector.Finish();
}

ExclusionCounts Expected(const PlanWorld& world, const std::vector<LogicalPlan>& asked) {
  const std::set<uint32_t> crowd = world.Matching(asked[0]);
  std::set<uint32_t> left = crowd;
  ExclusionCounts counts{.gross = crowd.size()};
  for (size_t i = 1; i < asked.size(); ++i) {
    uint64_t overlap = 0;
    uint64_t loss = 0;
    for (uint32_t user : world.Matching(asked[i])) {
      overlap += crowd.contains(user) ? 1 : 0;
      loss += left.erase(user);
    }
    counts.overlaps.push_back(overlap);
    counts.losses.push_back(loss);
  }
  counts.reachable = left.size();
  return counts;
}

TEST(ExclusionCollectorRandomTest, CountsWhatAskingEachUserDoes) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 150'000);
  for (int round = 0; round < testing::TestRounds(12); ++round) {
    const size_t exclusions = round == 0 ? 0 : round == 1 ? 64 : random() % 12;
    std::vector<LogicalPlan> plans;
    while (plans.size() <= exclusions) plans.push_back(world.RandomPlan(random, 2));
    // Some crowds and exclusions of few users: these are arrays.
    for (LogicalPlan& plan : plans) {
      if (random() % 3 != 0) continue;
      const auto from = static_cast<uint32_t>(random() % 4'000);
      plan = {LogicalAnd{{plan, {HashBuckets{3, "few", from, from + 3'000}}}}};
    }
    const ExclusionCounts found = Exclude(world, plans);
    const ExclusionCounts expected = Expected(world, plans);
    ASSERT_EQ(found.gross, expected.gross) << "round " << round;
    ASSERT_EQ(found.reachable, expected.reachable) << "round " << round;
    ASSERT_EQ(found.overlaps, expected.overlaps) << "round " << round;
    ASSERT_EQ(found.losses, expected.losses) << "round " << round;
  }
}

// An exclusion that takes nobody who is left must not disturb what is left in a scratch.
TEST(ExclusionCollectorTest, ExclusionsThatTakeNobodyAnyMore) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 150'000);
  const std::vector<LogicalPlan> plans = {PlanOf("all"), PlanOf("c0|1"), PlanOf("c1"),
                                          PlanOf("c0"),  PlanOf("g"),    PlanOf("none"),
                                          PlanOf("g"),   PlanOf("i0")};
  const ExclusionCounts found = Exclude(world, plans);
  const ExclusionCounts expected = Expected(world, plans);
  EXPECT_EQ(found.losses, expected.losses);
  EXPECT_EQ(found.losses[1], 0u);
  EXPECT_GT(found.overlaps[1], 0u);
  EXPECT_EQ(found.reachable, expected.reachable);
}

}  // namespace
}  // namespace throng::query
