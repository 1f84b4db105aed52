// Allocations against giving each user to the first crowd that has him.
#include "query/allocation_collector.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>
#include <vector>

#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

AllocationCounts Allocate(PlanWorld& world, const std::vector<LogicalPlan>& asked) {
  std::vector<PhysicalPlan> plans;
  for (const LogicalPlan& plan : asked) {
    plans.push_back(MakePhysicalPlan(Normalize(plan, world.catalogue()), world.snapshot()));
  }
  AllocationCollector collector(plans.size());
  EXPECT_TRUE(ExecuteJointly(plans, world.snapshot(), world.parallel(), {}, collector).ok());
  return collector.Finish();
}

AllocationCounts Expected(const PlanWorld& world, const std::vector<LogicalPlan>& asked) {
  const size_t n = asked.size();
  AllocationCounts counts{.gross = std::vector<uint64_t>(n),
                          .kept = std::vector<uint64_t>(n),
                          .losses = std::vector<uint64_t>(n * n)};
  std::map<uint32_t, size_t> owners;
  for (size_t i = 0; i < n; ++i) {
    for (uint32_t user : world.Matching(asked[i])) {
      ++counts.gross[i];
      const size_t owner = owners.emplace(user, i).first->second;
      ++(owner == i ? counts.kept[i] : counts.losses[i * n + owner]);
    }
  }
  return counts;
}

TEST(AllocationCollectorRandomTest, CountsWhatANaiveLoopDoes) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 150'000);
  for (int round = 0; round < testing::TestRounds(10); ++round) {
    const size_t crowds = round == 0 ? 1 : round == 1 ? 64 : 2 + random() % 12;
    std::vector<LogicalPlan> plans;
    while (plans.size() < crowds) plans.push_back(world.RandomPlan(random, 2));
    for (LogicalPlan& plan : plans) {
      if (round % 3 != 2 && random() % 3 != 0) continue;
      const auto from = static_cast<uint32_t>(random() % 4'000);
      plan = {LogicalAnd{{plan, {HashBuckets{3, "few", from, from + 3'000}}}}};
    }
    const AllocationCounts found = Allocate(world, plans);
    const AllocationCounts expected = Expected(world, plans);
    ASSERT_EQ(found.gross, expected.gross) << "round " << round;
    ASSERT_EQ(found.kept, expected.kept) << "round " << round;
    ASSERT_EQ(found.losses, expected.losses) << "round " << round;
  }
}

TEST(AllocationCollectorTest, WhatIsKeptAndLostAddsUp) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 70'000);
  const AllocationCounts counts =
      Allocate(world, {PlanOf("c1"), PlanOf("all"), PlanOf("g"), PlanOf("none")});
  for (size_t i = 0; i < 4; ++i) {
    uint64_t sum = counts.kept[i];
    for (size_t j = 0; j < 4; ++j) sum += counts.lost(i, j);
    EXPECT_EQ(sum, counts.gross[i]) << i;
  }
  EXPECT_EQ(std::accumulate(counts.kept.begin(), counts.kept.end(), uint64_t{0}), 70'000u);
  EXPECT_EQ(counts.lost(1, 0), counts.kept[0]);
  EXPECT_EQ(counts.kept[2], 0u);
}

}  // namespace
}  // namespace throng::query
