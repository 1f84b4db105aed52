// The seed of a randomized test: THRONG_TEST_SEED, or a fixed one, printed so that a failure can
// be replayed.
//
//   std::mt19937_64 random(TestSeed());
//   for (int round = 0; round < TestRounds(200); ++round) {...}
#ifndef THRONG_TESTS_TESTING_SEED_H_
#define THRONG_TESTS_TESTING_SEED_H_

#include <cstdint>

namespace throng::testing {

// Prints "seed N" once for each call. Thread-safe.
uint64_t TestSeed();

// THRONG_TEST_ROUNDS, or `rounds`; under a sanitizer a fortieth of them.
int TestRounds(int rounds);

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_SEED_H_
