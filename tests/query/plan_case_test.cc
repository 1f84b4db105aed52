// The cases of fuzz/plan_fuzzer from random bytes, a bounded number of them in every test run.
#include "tests/testing/plan_case.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "tests/testing/seed.h"

namespace throng::testing {
namespace {

std::vector<uint8_t> BytesOf(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint8_t> bytes(random() % 600);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

TEST(PlanCaseRandomTest, EveryFormOfBlockSelectsWhomANaiveEvaluationDoes) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < TestRounds(100); ++round) {
    const uint64_t seed = random();
    ASSERT_EQ(CheckPlanCase(BytesOf(seed)), "") << "round " << round << ", its seed " << seed;
  }
}

// Under sanitizers too, where random tests have few rounds.
TEST(PlanCaseTest, TheFirstSeeds) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    ASSERT_EQ(CheckPlanCase(BytesOf(seed)), "") << "seed " << seed;
  }
}

TEST(PlanCaseTest, NoBytesAreACase) { EXPECT_EQ(CheckPlanCase({}), ""); }

}  // namespace
}  // namespace throng::testing
