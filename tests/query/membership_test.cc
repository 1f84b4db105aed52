// Whether one user is in a plan's crowd, against asking each user in the plainest way.
#include "query/membership.h"

#include <cstdint>
#include <random>
#include <set>

#include "gtest/gtest.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

TEST(MembershipRandomTest, IsWhatThePlansCrowdSays) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  uint64_t members = 0;
  for (const uint32_t users : {1u, 70'000u}) {
    PlanWorld world(random, users);
    for (int round = 0; round < testing::TestRounds(150); ++round) {
      const LogicalPlan plan = world.RandomPlan(random, static_cast<int>(random() % 4));
      const std::set<uint32_t> crowd = world.Matching(plan);
      for (int i = 0; i < 200; ++i) {
        const auto user = static_cast<uint32_t>(random() % users);
        ASSERT_EQ(IsMember(plan, world.snapshot(), user), crowd.count(user) == 1)
            << "seed " << seed << ", user " << user << ": " << ToString(plan, world.catalogue());
      }
      members += crowd.size();
    }
  }
  EXPECT_GT(members, 0u);
}

}  // namespace
}  // namespace throng::query
