#include "index/ordinal_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/index/random_sets.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

TEST(OrdinalSetRandomTest, TakesOrdinalsInAnyOrderWithRepeats) {
  std::mt19937_64 random(testing::TestSeed());
  for (uint64_t size : {0ULL, 1ULL, 2047ULL, 2048ULL, 200'000ULL}) {
    OrdinalSet::Builder builder;
    std::set<uint32_t> model;
    for (uint64_t i = 0; i < size; ++i) {
      const auto ordinal = static_cast<uint32_t>(random() % 300'000);
      builder.Add(ordinal);
      if (i % 3 == 0) builder.Add(ordinal);
      model.insert(ordinal);
    }
    const auto set = builder.Build();
    EXPECT_EQ(set->cardinality(), model.size());
    std::set<uint32_t> members;
    for (uint32_t chunk = 0; chunk < set->chunk_count(); ++chunk) {
      for (uint32_t offset : Members(set->chunk(chunk))) members.insert(chunk << 16 | offset);
    }
    EXPECT_EQ(members, model);
    for (uint32_t ordinal = 0; ordinal < 300'100; ordinal += 97) {
      ASSERT_EQ(set->Contains(ordinal), model.contains(ordinal));
    }
  }
}

TEST(OrdinalSetTest, IsEmptyBeyondItsLastChunk) {
  OrdinalSet::Builder builder;
  builder.Add(5);
  const auto set = builder.Build();
  EXPECT_TRUE(set->chunk(1).empty());
  EXPECT_TRUE(set->chunk(1'000'000).empty());
}

}  // namespace
}  // namespace throng::index
