// Intervals of samples: known values, what they can never say, and that what one is asked with how
// sure it is to be holds. tests/query/sampled_execution_test.cc has the coverage.
#include "query/sample_interval.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace throng::query {
namespace {

SampleFrame UserFrame(uint64_t users, uint64_t looked_at) {
  return {.by_chunks = false, .users = users, .looked_at = looked_at, .chunk_count = 1};
}

// `read` of `chunks`, each of `users_each` users.
SampleFrame ChunkFrame(uint32_t chunks, uint32_t read, uint64_t users_each) {
  SampleFrame frame{.by_chunks = true,
                    .users = chunks * users_each,
                    .looked_at = read * users_each,
                    .chunk_count = chunks,
                    .squares = read * users_each * users_each,
                    .largest = users_each};
  for (uint32_t c = 0; c < read; ++c) frame.chunks.push_back(c);
  return frame;
}

SampleInterval OfFound(uint64_t found, const SampleFrame& frame, double confidence = 0.95) {
  return SampleIntervals(frame, confidence).Of({.found = found});
}

TEST(SampleIntervalTest, OfUsersIsWilsons) {
  // 10 of 100: 0.05523 and 0.17437 (R: prop.test(10, 100, correct = FALSE)).
  const SampleInterval i = OfFound(10, UserFrame(1'000'000'000, 100));
  EXPECT_EQ(i.estimate, 100'000'000);
  EXPECT_NEAR(static_cast<double>(i.low), 55.23e6, 0.02e6);
  EXPECT_NEAR(static_cast<double>(i.high), 174.37e6, 0.02e6);
  // At 99 %: 0.04590 and 0.20376... by the formula with z = 2.57583.
  const double z = 2.575829;
  const double middle = (0.1 + z * z / 200) / (1 + z * z / 100);
  const double half = z / (1 + z * z / 100) * std::sqrt(0.09 / 100 + z * z / 40'000);
  const SampleInterval wider = OfFound(10, UserFrame(1'000'000'000, 100), 0.99);
  EXPECT_NEAR(static_cast<double>(wider.low), (middle - half) * 1e9, 1e4);
  EXPECT_NEAR(static_cast<double>(wider.high), (middle + half) * 1e9, 1e4);
}

TEST(SampleIntervalTest, OfUsersIsNarrowerWhereMostWereLookedAt) {
  const SampleInterval few = OfFound(1'000, UserFrame(1'000'000, 10'000));
  const SampleInterval most = OfFound(90'000, UserFrame(1'000'000, 900'000));
  EXPECT_EQ(few.estimate, most.estimate);
  EXPECT_LT(most.high - most.low, (few.high - few.low) / 10);
}

TEST(SampleIntervalTest, OfChunksIsByHowTheyDiffer) {
  // 40 and 60 in turn: s^2 = 3,000 / 29, t = 2.04523 of 29 degrees, 1,000 x 1,000 x 0.97 / 30.
  const SampleFrame frame = ChunkFrame(1'000, 30, 100);
  SampleTally tally;
  for (int c = 0; c < 30; ++c) tally.AddChunk(c % 2 == 0 ? 40 : 60, 100);
  const SampleInterval i = SampleIntervals(frame, 0.95).Of(tally);
  EXPECT_EQ(i.estimate, 50'000);
  const double half = 2.04523 * std::sqrt(1e6 * 0.97 * 3'000 / 29 / 30);
  EXPECT_NEAR(static_cast<double>(i.low), 50'000 - half, 2);
  EXPECT_NEAR(static_cast<double>(i.high), 50'000 + half, 2);
  // All alike: nothing tells them apart.
  SampleTally alike;
  for (int c = 0; c < 30; ++c) alike.AddChunk(50, 100);
  const SampleInterval sure = SampleIntervals(frame, 0.95).Of(alike);
  EXPECT_LE(sure.high - sure.low, 2);
}

TEST(SampleIntervalTest, FewChunksWithSomebodySayLittleOfTheRest) {
  const SampleFrame frame = ChunkFrame(300, 30, 100);
  // P(none of 30 read | K of 300 have somebody), as a product.
  const auto none_read = [](uint32_t k) {
    double p = 1;
    for (int i = 0; i < 30; ++i) p *= static_cast<double>(300 - k - i) / (300 - i);
    return p;
  };
  uint32_t most = 0;
  while (none_read(most + 1) >= 0.025) ++most;
  const SampleInterval none = SampleIntervals(frame, 0.95).Of({});
  EXPECT_EQ(none.estimate, 0);
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, most * 100);
  // The other way round: everybody was found.
  SampleTally all;
  for (int c = 0; c < 30; ++c) all.AddChunk(100, 100);
  const SampleInterval whole = SampleIntervals(frame, 0.95).Of(all);
  EXPECT_EQ(whole.estimate, 30'000);
  EXPECT_EQ(whole.high, 30'000);
  EXPECT_EQ(whole.low, 30'000 - most * 100);
  // One chunk with 3: as many chunks as there can be with 3.
  SampleTally one;
  one.AddChunk(3, 100);
  const SampleInterval rare = SampleIntervals(frame, 0.95).Of(one);
  EXPECT_EQ(rare.low, 3);
  EXPECT_GT(rare.high, most * 3);
  EXPECT_LT(rare.high, 300u * 3);
}

TEST(SampleIntervalTest, NeverContradictsWhatWasSeen) {
  for (const uint64_t looked_at : {1u, 2u, 50u, 99u}) {
    for (uint64_t found = 0; found <= looked_at; ++found) {
      for (const double confidence : {0.5, 0.95, 0.999}) {
        const SampleInterval i = OfFound(found, UserFrame(100, looked_at), confidence);
        EXPECT_GE(i.low, found);
        EXPECT_LE(i.low, i.estimate);
        EXPECT_LE(i.estimate, i.high);
        EXPECT_LE(i.high, 100 - (looked_at - found));
      }
    }
  }
}

TEST(SampleIntervalTest, OfNobodyNothingIsKnownAndOfEverybodyAll) {
  const SampleInterval nobody = OfFound(0, UserFrame(100, 0));
  EXPECT_EQ(nobody.estimate, 0);
  EXPECT_EQ(nobody.low, 0);
  EXPECT_EQ(nobody.high, 100);
  for (const SampleFrame& frame : {UserFrame(100, 100), UserFrame(0, 0)}) {
    const uint64_t found = frame.users / 3;
    const SampleInterval all = OfFound(found, frame);
    EXPECT_EQ(all.estimate, found);
    EXPECT_EQ(all.low, found);
    EXPECT_EQ(all.high, found);
  }
  SampleTally tally;
  for (int c = 0; c < 40; ++c) tally.AddChunk(static_cast<uint64_t>(c), 100);
  const SampleInterval chunks = SampleIntervals(ChunkFrame(40, 40, 100), 0.95).Of(tally);
  EXPECT_EQ(chunks.low, tally.found);
  EXPECT_EQ(chunks.high, tally.found);
}

TEST(SampleIntervalTest, EstimatesOfLargePopulationsDoNotOverflow) {
  const SampleFrame frame = UserFrame(4'000'000'000, 3'999'999'999);
  EXPECT_EQ(SampleIntervals(frame, 0.95).EstimateOf(3'999'999'999), 4'000'000'000);
}

}  // namespace
}  // namespace throng::query
