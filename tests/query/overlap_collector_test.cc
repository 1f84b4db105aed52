// Overlaps against asking each user: pairs, unique users, the union and every exclusive
// intersection, and what is left where there are too many of these.
#include "query/overlap_collector.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

OverlapCounts Overlap(PlanWorld& world, const std::vector<LogicalPlan>& asked,
                      size_t combinations_max = kOverlapCombinationsMax) {
  std::vector<PhysicalPlan> plans;
  for (const LogicalPlan& plan : asked) {
    plans.push_back(MakePhysicalPlan(Normalize(plan, world.catalogue()), world.snapshot()));
  }
  OverlapCollector collector(plans.size(), combinations_max);
  EXPECT_TRUE(ExecuteJointly(plans, world.snapshot(), world.parallel(), {}, collector).ok());
  return collector.Finish();
}

// Users by mask.
std::map<uint64_t, uint64_t> MasksOf(const PlanWorld& world,
                                     const std::vector<LogicalPlan>& asked) {
  std::map<uint32_t, uint64_t> users;
  for (size_t i = 0; i < asked.size(); ++i) {
    for (uint32_t user : world.Matching(asked[i])) users[user] |= uint64_t{1} << i;
  }
  std::map<uint64_t, uint64_t> masks;
  for (const auto& [user, mask] : users) ++masks[mask];
  return masks;
}

void ExpectFigures(const OverlapCounts& counts, const std::map<uint64_t, uint64_t>& masks,
                   const std::string& what) {
  const size_t n = counts.selections;
  std::vector<uint64_t> pairs(n * n);
  std::vector<uint64_t> unique(n);
  uint64_t all = 0;
  for (const auto& [mask, users] : masks) {
    all += users;
    for (size_t a = 0; a < n; ++a) {
      if (mask == uint64_t{1} << a) unique[a] += users;
      for (size_t b = 0; b < n; ++b) {
        if ((mask >> a & 1) != 0 && (mask >> b & 1) != 0) pairs[a * n + b] += users;
      }
    }
  }
  ASSERT_EQ(counts.pairs, pairs) << what;
  ASSERT_EQ(counts.unique, unique) << what;
  ASSERT_EQ(counts.union_users, all) << what;
}

void ExpectIntersections(const OverlapCounts& counts, const std::map<uint64_t, uint64_t>& masks,
                         const std::string& what) {
  ASSERT_TRUE(counts.is_complete) << what;
  ASSERT_EQ(counts.intersections.size(), masks.size()) << what;
  uint64_t sum = 0;
  uint64_t before = ~uint64_t{0};
  for (const ExclusiveIntersection& each : counts.intersections) {
    const auto expected = masks.find(each.mask);
    ASSERT_TRUE(expected != masks.end()) << what << ", mask " << each.mask;
    ASSERT_EQ(each.users, expected->second) << what << ", mask " << each.mask;
    ASSERT_LE(each.users, before) << what;
    before = each.users;
    sum += each.users;
  }
  ASSERT_EQ(sum, counts.union_users) << what;
}

std::vector<LogicalPlan> RandomPlans(const PlanWorld& world, std::mt19937_64& random, size_t size) {
  std::vector<LogicalPlan> plans;
  while (plans.size() < size) plans.push_back(world.RandomPlan(random, 2));
  return plans;
}

TEST(OverlapCollectorRandomTest, CountsWhatAskingEachUserDoes) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 150'000);
  for (int round = 0; round < testing::TestRounds(8); ++round) {
    const size_t size = round == 0 ? 1 : round == 1 ? 64 : 1 + random() % 64;
    std::vector<LogicalPlan> plans = RandomPlans(world, random, size);
    // Some rounds of few users: they are counted member by member.
    if (round % 3 == 2) {
      for (LogicalPlan& plan : plans) {
        const auto from = static_cast<uint32_t>(random() % 4'000);
        plan = {LogicalAnd{{plan, {HashBuckets{3, "few", from, from + 3'000}}}}};
      }
    }
    const std::string what = fmt::format("round {}, {} plans", round, size);
    const std::map<uint64_t, uint64_t> masks = MasksOf(world, plans);
    const OverlapCounts counts = Overlap(world, plans);
    ExpectFigures(counts, masks, what);
    ExpectIntersections(counts, masks, what);
    if (HasFatalFailure()) return;
  }
}

TEST(OverlapCollectorTest, TooManyCombinationsCostTheIntersectionsAlone) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 150'000);
  for (const char* crowd : {"all", "and(c1, v3..4)"}) {
    std::vector<LogicalPlan> plans = {PlanOf("c0|1"),  PlanOf("i0"), PlanOf("i1|2"),
                                      PlanOf("v0..9"), PlanOf("g"),  PlanOf("ec"),
                                      PlanOf("v5..20")};
    for (LogicalPlan& plan : plans) plan = {LogicalAnd{{plan, PlanOf(crowd)}}};
    const std::map<uint64_t, uint64_t> masks = MasksOf(world, plans);
    size_t combinations = 0;  // of two or more
    for (const auto& [mask, users] : masks) combinations += std::has_single_bit(mask) ? 0 : 1;
    ASSERT_GT(combinations, 3u) << crowd;
    const OverlapCounts at_limit = Overlap(world, plans, combinations);
    ExpectFigures(at_limit, masks, "at the limit");
    ExpectIntersections(at_limit, masks, "at the limit");
    for (size_t less : {combinations - 1, size_t{3}, size_t{1}}) {
      const OverlapCounts beyond = Overlap(world, plans, less);
      EXPECT_FALSE(beyond.is_complete) << less;
      EXPECT_TRUE(beyond.intersections.empty()) << less;
      ExpectFigures(beyond, masks, fmt::format("{}, {} combinations at most", crowd, less));
    }
  }
}

// The diagonal is the counts, and each pair is who is in both.
TEST(OverlapCollectorTest, PairsAreCountsOfBoth) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 70'000);
  const std::vector<LogicalPlan> plans = {PlanOf("c1"), PlanOf("or(c1, g)"), PlanOf("none"),
                                          PlanOf("all")};
  const OverlapCounts counts = Overlap(world, plans);
  for (size_t a = 0; a < plans.size(); ++a) {
    for (size_t b = 0; b < plans.size(); ++b) {
      const LogicalPlan both{LogicalAnd{{plans[a], plans[b]}}};
      EXPECT_EQ(counts.pair(a, b), world.Executed(both).size()) << a << " " << b;
    }
  }
  EXPECT_EQ(counts.union_users, 70'000u);
  EXPECT_EQ(counts.unique, (std::vector<uint64_t>{0, 0, 0, 70'000 - counts.pair(1, 1)}));
}

}  // namespace
}  // namespace throng::query
