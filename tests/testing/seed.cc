#include "tests/testing/seed.h"

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
  return given != nullptr ? std::atoi(given) : rounds;
}

}  // namespace throng::testing
