#include "index/chunk_ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <random>
#include <set>

#include "tests/index/random_sets.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

using Set = std::set<uint32_t>;

Set Both(const Set& a, const Set& b) {
  Set out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(out, out.end()));
  return out;
}
Set Any(const Set& a, const Set& b) {
  Set out(a);
  out.insert(b.begin(), b.end());
  return out;
}
Set Minus(const Set& a, const Set& b) {
  Set out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(out, out.end()));
  return out;
}

void ExpectSame(const ChunkSet& set, const Set& members, const char* what, int round) {
  ASSERT_EQ(set.cardinality, members.size()) << what << ", round " << round;
  ASSERT_EQ(Members(set), members) << what << ", round " << round;
}

TEST(ChunkOpsRandomTest, AgreeWithSetsInEveryForm) {
  std::mt19937_64 random(testing::TestSeed());
  auto scratch = std::make_unique<ChunkScratch>();
  auto words = std::make_unique<ChunkWords>();
  for (int round = 0; round < testing::TestRounds(150); ++round) {
    const Set a = RandomSet(random, kChunkSize);
    const Set b = RandomSet(random, kChunkSize);
    const BlockRef block_a = BlockOf(a);
    const BlockRef block_b = BlockOf(b);
    const ChunkSet x = View(block_a);
    const ChunkSet y = View(block_b);
    ExpectSame(x, a, "block", round);
    ExpectSame(Intersect(x, y, *scratch), Both(a, b), "intersect", round);
    ExpectSame(Unite(x, y, *scratch), Any(a, b), "unite", round);
    ExpectSame(Subtract(x, y, *scratch), Minus(a, b), "subtract", round);
    ASSERT_EQ(IntersectCardinality(x, y), Both(a, b).size()) << round;
    CopyTo(x, words->words);
    IntersectInto(y, words->words);
    ExpectSame(ViewOf(words->words), Both(a, b), "intersect into", round);
    CopyTo(x, words->words);
    UniteInto(y, words->words);
    ExpectSame(ViewOf(words->words), Any(a, b), "unite into", round);
    CopyTo(x, words->words);
    SubtractFrom(y, words->words);
    ExpectSame(ViewOf(words->words), Minus(a, b), "subtract from", round);
  }
}

TEST(ChunkOpsRandomTest, ContainsTellsEveryMember) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    const Set members = RandomSet(random, kChunkSize);
    const BlockRef block = BlockOf(members);
    for (int i = 0; i < 2000; ++i) {
      const auto v = static_cast<uint32_t>(random() % kChunkSize);
      ASSERT_EQ(Contains(View(block), v), members.contains(v)) << v << ", round " << round;
    }
  }
}

TEST(ChunkOpsTest, CountRangeCountsBothEnds) {
  auto words = std::make_unique<ChunkWords>();
  for (uint32_t v : {0u, 63u, 64u, 127u, 128u, 65535u}) {
    words->words[v >> 6] |= uint64_t{1} << (v & 63);
  }
  EXPECT_EQ(CountRange(words->words, 0, 65535), 6u);
  EXPECT_EQ(CountRange(words->words, 0, 0), 1u);
  EXPECT_EQ(CountRange(words->words, 1, 62), 0u);
  EXPECT_EQ(CountRange(words->words, 63, 64), 2u);
  EXPECT_EQ(CountRange(words->words, 63, 128), 4u);
  EXPECT_EQ(CountRange(words->words, 65535, 65535), 1u);
}

TEST(BlockTest, TakesTheCheapestForm) {
  EXPECT_FALSE(BlockOf({}));
  EXPECT_EQ(BlockOf({5})->kind(), SetKind::kArray);
  Set every_third;
  for (uint32_t v = 0; every_third.size() < kBlockArrayMax; v += 3) every_third.insert(v);
  EXPECT_EQ(BlockOf(every_third)->kind(), SetKind::kArray);
  every_third.insert(65'000);
  EXPECT_EQ(BlockOf(every_third)->kind(), SetKind::kBitset);
  Set run;
  for (uint32_t v = 100; v < 40'000; ++v) run.insert(v);
  EXPECT_EQ(BlockOf(run)->kind(), SetKind::kRuns);
  Set all;
  for (uint32_t v = 0; v < kChunkSize; ++v) all.insert(v);
  EXPECT_EQ(BlockOf(all)->kind(), SetKind::kFull);
  all.erase(7);
  EXPECT_EQ(BlockOf(all)->kind(), SetKind::kRuns);
}

}  // namespace
}  // namespace throng::index
