#include "tests/testing/seed.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace throng::testing {

uint64_t TestSeed() {
  const char* given = std::getenv("THRONG_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20'260'101;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

int TestRounds(int rounds) {
  const char* given = std::getenv("THRONG_TEST_ROUNDS");
  if (given != nullptr) return std::atoi(given);
#ifdef THRONG_SANITIZED
  return std::max(2, rounds / 40);  // sanitizers look at every step, and each is slower
#else
  return rounds;
#endif
}

}  // namespace throng::testing
