// Intervals and probabilities: published values, and that chance is taken for more than chance no
// more often than stated.
#include "server/engine/share_difference.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

TEST(ShareDifferenceTest, StandardDeviationsAreThoseOfTables) {
  EXPECT_NEAR(StandardDeviations(0.5), 0.674490, 1e-6);
  EXPECT_NEAR(StandardDeviations(0.95), 1.959964, 1e-6);
  EXPECT_NEAR(StandardDeviations(0.9999), 3.890592, 1e-6);
}

TEST(ShareDifferenceTest, ChiSquareTailsAreThoseOfTables) {
  EXPECT_NEAR(ChiSquareTail(3.841459, 1), 0.05, 1e-6);
  EXPECT_NEAR(ChiSquareTail(18.307, 10), 0.05, 5e-4);
  EXPECT_NEAR(ChiSquareTail(135.807, 100), 0.01, 5e-4);
  EXPECT_EQ(ChiSquareTail(0, 5), 1);
}

// The worked examples of Newcombe's paper (1998, method 10).
TEST(ShareDifferenceTest, IntervalsAreNewcombes) {
  const double z = StandardDeviations(0.95);
  const ShareDifference a = ShareComparison({.users = 70, .baseline_users = 80}, z).Compare(56, 48);
  EXPECT_NEAR(a.difference, 0.2, 1e-12);
  EXPECT_NEAR(a.low, 0.0524, 1e-4);
  EXPECT_NEAR(a.high, 0.3339, 1e-4);
  const ShareDifference b = ShareComparison({.users = 10, .baseline_users = 10}, z).Compare(9, 3);
  EXPECT_NEAR(b.low, 0.1705, 1e-4);
  EXPECT_NEAR(b.high, 0.8090, 1e-4);
  const ShareDifference c = ShareComparison({.users = 56, .baseline_users = 29}, z).Compare(5, 0);
  EXPECT_NEAR(c.low, -0.0381, 1e-4);
  EXPECT_NEAR(c.high, 0.1926, 1e-4);
}

TEST(ShareDifferenceTest, ChiSquareIsPearsons) {
  // 20 of 50 against 30 of 50: chi-square of the table without correction is 4.
  const ShareComparison shares({.users = 50, .baseline_users = 50}, 1.96);
  EXPECT_NEAR(shares.ChiSquare(20, 30) + shares.ChiSquare(30, 20), 4, 1e-9);
}

TEST(ShareDifferenceTest, WithoutUsersNothingDiffers) {
  const ShareComparison shares({.users = 0, .baseline_users = 10}, 1.96);
  EXPECT_EQ(shares.Compare(0, 5).least(), 0);
  EXPECT_EQ(shares.ChanceDeviation(0, 5), 0);
  EXPECT_EQ(shares.ChiSquare(0, 5), 0);
}

// Draws crowds of the same people, some users in both, and asks how often an interval of 95 % does
// not hold 0: in 5 % of cases, give or take.
TEST(ShareDifferenceTest, ChanceIsRarelyTakenForMore) {
  std::mt19937_64 random(testing::TestSeed());
  const double z = StandardDeviations(0.95);
  int beyond = 0;
  constexpr int kRounds = 2'000;
  std::vector<uint32_t> people(1'000);
  std::iota(people.begin(), people.end(), 0u);  // the first 300 have the value
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t users = 100 + random() % 200;
    const uint64_t baseline_users = users + random() % 300;
    const uint64_t common = random() % users;
    std::shuffle(people.begin(), people.end(), random);
    uint64_t count = 0;
    uint64_t baseline_count = 0;
    for (uint64_t i = 0; i < users + baseline_users - common; ++i) {
      const bool has_value = people[i] < 300;
      count += has_value && i < users ? 1 : 0;
      baseline_count += has_value && i >= users - common ? 1 : 0;
    }
    const ShareComparison shares(
        {.users = users, .baseline_users = baseline_users, .common = common}, z);
    beyond += shares.Compare(count, baseline_count).least() > 0 ? 1 : 0;
  }
  EXPECT_LT(beyond, kRounds * 8 / 100);
  EXPECT_GT(beyond, kRounds * 2 / 100);
}

}  // namespace
}  // namespace throng::engine
