#include "tests/soak/soak_sample.h"

#include <unistd.h>

#include "gtest/gtest.h"

namespace throng::soak {
namespace {

constexpr uint64_t kFoldLogBytes = 1000;

// 30 minutes, every 15 s, of a server that takes the same all the time.
std::vector<Sample> FlatSamples() {
  std::vector<Sample> samples;
  for (int i = 1; i <= 120; ++i) {
    samples.push_back({.seconds = i * 15.0,
                       .resident_bytes = 100 << 20,
                       .descriptors = 50,
                       .threads = 20,
                       .directory_bytes = 1000,
                       .log_bytes = 500,
                       .leased_versions = 30});
  }
  return samples;
}

// What CompareThirds() finds grown when `change` has been made to samples of the last third.
std::vector<std::string> Grown(void (*change)(Sample*)) {
  std::vector<Sample> samples = FlatSamples();
  for (size_t i = 80; i < samples.size(); ++i) change(&samples[i]);
  std::vector<std::string> names;
  for (const Trend& trend : CompareThirds(samples, kFoldLogBytes)) {
    if (!trend.is_flat()) names.push_back(trend.name);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(SoakSampleTest, WhatStaysTheSameIsFlat) {
  EXPECT_EQ(Grown([](Sample*) {}), Names());
  EXPECT_EQ(CompareThirds(FlatSamples(), kFoldLogBytes).size(), 6u);
}

TEST(SoakSampleTest, EachMeasureMayGrowByItsToleranceAndNoMore) {
  EXPECT_EQ(Grown([](Sample* s) { s->resident_bytes = 121 << 20; }), Names());
  EXPECT_EQ(Grown([](Sample* s) { s->resident_bytes = 122 << 20; }), Names{"resident memory MiB"});
  EXPECT_EQ(Grown([](Sample* s) { s->descriptors = 58; }), Names());
  EXPECT_EQ(Grown([](Sample* s) { s->descriptors = 59; }), Names{"file descriptors"});
  EXPECT_EQ(Grown([](Sample* s) { s->threads = 22; }), Names());
  EXPECT_EQ(Grown([](Sample* s) { s->threads = 23; }), Names{"threads"});
  EXPECT_EQ(Grown([](Sample* s) { s->leased_versions = 38; }), Names());
  EXPECT_EQ(Grown([](Sample* s) { s->leased_versions = 39; }), Names{"leased versions"});
  EXPECT_EQ(Grown([](Sample* s) { s->directory_bytes = 1250 + (16 << 20); }), Names());
  EXPECT_EQ(Grown([](Sample* s) { s->directory_bytes = 1251 + (16 << 20); }),
            Names{"directory MiB"});
  EXPECT_EQ(Grown([](Sample* s) { s->log_bytes = 2000; }), Names());
  EXPECT_EQ(Grown([](Sample* s) { s->log_bytes = 2001; }), Names{"log MiB"});
}

TEST(SoakSampleTest, GrowthDuringTheWarmUpIsNone) {
  std::vector<Sample> samples = FlatSamples();
  for (size_t i = 0; i < 39; ++i) samples[i].resident_bytes = i;
  for (const Trend& trend : CompareThirds(samples, kFoldLogBytes)) {
    EXPECT_TRUE(trend.is_flat()) << trend.ToString();
  }
}

TEST(SoakSampleTest, ShortRunsAreNotCompared) {
  EXPECT_TRUE(AreTooFew({}));
  std::vector<Sample> samples = FlatSamples();
  EXPECT_FALSE(AreTooFew(samples));
  samples.resize(24);
  EXPECT_FALSE(AreTooFew(samples));
  samples.resize(23);
  EXPECT_TRUE(AreTooFew(samples));
}

TEST(SoakSampleTest, ReadsAProcess) {
  Sample sample;
  ASSERT_TRUE(ReadProcess(getpid(), &sample).ok());
  EXPECT_GT(sample.resident_bytes, 100'000u);
  EXPECT_GT(sample.descriptors, 2u);
  EXPECT_EQ(sample.threads, 1u);
  EXPECT_FALSE(ReadProcess(-1, &sample).ok());
}

}  // namespace
}  // namespace throng::soak
