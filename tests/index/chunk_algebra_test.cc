#include "index/chunk_algebra.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <vector>

#include "index/scratch_pool.h"
#include "tests/index/random_sets.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

using Set = std::set<uint32_t>;

// Random sets as blocks, and what each form of them does not change.
struct Operands {
  std::vector<Set> sets;
  std::vector<BlockRef> blocks;
  std::vector<ChunkSet> views;

  Operands(std::mt19937_64& random, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      sets.push_back(RandomSet(random, kChunkSize));
      blocks.push_back(BlockOf(sets.back()));
      views.push_back(View(blocks.back()));
    }
  }
  bool InAll(uint32_t v) const {
    return std::all_of(sets.begin(), sets.end(), [=](const Set& set) { return set.contains(v); });
  }
  bool InAny(uint32_t v) const {
    return std::any_of(sets.begin(), sets.end(), [=](const Set& set) { return set.contains(v); });
  }
};

template <typename Test>
Set AllOf(Test test) {
  Set members;
  for (uint32_t v = 0; v < kChunkSize; ++v) {
    if (test(v)) members.insert(members.end(), v);
  }
  return members;
}

TEST(ChunkAlgebraRandomTest, AgreesWithSetsInEveryForm) {
  std::mt19937_64 random(testing::TestSeed());
  const ScratchRef out = TakeScratch();
  for (int round = 0; round < testing::TestRounds(120); ++round) {
    // Now and then more than one pass reads side by side.
    const uint64_t most = round % 10 == 0 ? 40 : 4;
    const Operands in(random, 1 + random() % most);
    const Operands minus(random, random() % most);
    const Set both = AllOf([&](uint32_t v) { return in.InAll(v) && !minus.InAny(v); });
    const ChunkSet intersection = IntersectAll(in.views, minus.views, *out);
    ASSERT_EQ(intersection.cardinality, both.size()) << "round " << round;
    ASSERT_EQ(Members(intersection), both) << "round " << round;
    ASSERT_EQ(IntersectAllCardinality(in.views, minus.views, *out), both.size()) << round;
    const Set any = AllOf([&](uint32_t v) { return in.InAny(v); });
    const ChunkSet united = UniteAll(in.views, *out);
    ASSERT_EQ(united.cardinality, any.size()) << "round " << round;
    ASSERT_EQ(Members(united), any) << "round " << round;
    ASSERT_EQ(UniteAllCardinality(in.views, *out), any.size()) << "round " << round;
  }
}

// A random bitset: what IsWords() wants.
Set RandomWords(std::mt19937_64& random) {
  Set members;
  for (uint32_t v = 0; v < kChunkSize; ++v) {
    if (random() % 4 == 0) members.insert(members.end(), v);
  }
  return members;
}

TEST(ChunkAlgebraRandomTest, TermsAreUnitedBesideSetsOfEveryForm) {
  std::mt19937_64 random(testing::TestSeed());
  const ScratchRef out = TakeScratch();
  const ScratchRef work = TakeScratch();
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    const Operands others(random, random() % 3);
    std::vector<Set> sets;
    std::vector<BlockRef> blocks;
    std::vector<ChunkSet> views;
    const uint64_t term_count = round % 8 == 7 ? 20 : random() % 4;  // 20: more than one pass takes
    for (uint64_t i = 0; i < 2 * term_count + 2; ++i) {
      sets.push_back(RandomWords(random));
      blocks.push_back(BlockOf(sets.back()));
      views.push_back(View(blocks.back()));
    }
    std::vector<ChunkTerm> terms;
    for (size_t i = 2; i < views.size(); i += 2) {
      terms.push_back({std::span(&views[i], 1), std::span(&views[i + 1], 1)});
      ASSERT_TRUE(IsWords(terms.back()));
    }
    const bool restricted = round % 2 == 0;
    const ChunkTerm common =
        restricted ? ChunkTerm{std::span(&views[0], 1), std::span(&views[1], 1)} : ChunkTerm{};
    const Set expected = AllOf([&](uint32_t v) {
      bool any = others.InAny(v);
      for (size_t i = 2; i < sets.size(); i += 2) {
        any |= sets[i].contains(v) && !sets[i + 1].contains(v);
      }
      return any && (!restricted || (sets[0].contains(v) && !sets[1].contains(v)));
    });
    const ChunkSet united = UniteTerms(terms, others.views, common, *work, *out);
    ASSERT_EQ(united.cardinality, expected.size()) << "round " << round;
    ASSERT_EQ(Members(united), expected) << "round " << round;
    ASSERT_EQ(UniteTermsCardinality(terms, others.views, common, *work, *out), expected.size());
  }
}

TEST(ChunkAlgebraTest, OnlyBitsetsAreWords) {
  std::mt19937_64 random(testing::TestSeed());
  const BlockRef block = BlockOf(RandomWords(random));
  const ChunkSet words = View(block);
  const ChunkSet full = ChunkSet::Full();
  EXPECT_TRUE(IsWords({{&words, 1}, {}}));
  EXPECT_FALSE(IsWords({{}, {}}));
  EXPECT_FALSE(IsWords({{&full, 1}, {}}));
  EXPECT_FALSE(IsWords({{&words, 1}, {&full, 1}}));
  const std::vector<ChunkSet> many(40, words);
  EXPECT_TRUE(IsWords({std::span(many).first(32), {}}));
  EXPECT_FALSE(IsWords({std::span(many).first(33), {}}));
}

TEST(ChunkAlgebraRandomTest, OneSetMayLieWhereTheResultGoes) {
  std::mt19937_64 random(testing::TestSeed());
  const ScratchRef out = TakeScratch();
  for (int round = 0; round < testing::TestRounds(60); ++round) {
    const Operands in(random, 2);
    ChunkSet left = IntersectAll(in.views, {}, *out);
    Set expected = AllOf([&](uint32_t v) { return in.InAll(v); });
    for (int step = 0; step < 3; ++step) {
      const Operands minus(random, 1 + random() % 3);
      left = IntersectAll(std::span(&left, 1), minus.views, *out);
      std::erase_if(expected, [&](uint32_t v) { return minus.InAny(v); });
      ASSERT_EQ(left.cardinality, expected.size()) << "round " << round << ", step " << step;
      ASSERT_EQ(Members(left), expected) << "round " << round << ", step " << step;
    }
  }
}

TEST(ChunkAlgebraTest, NothingAndEverything) {
  const ScratchRef out = TakeScratch();
  const ChunkSet full = ChunkSet::Full();
  const ChunkSet none = ChunkSet::Empty();
  EXPECT_EQ(IntersectAll({{full, full}}, {}, *out).kind, SetKind::kFull);
  EXPECT_TRUE(IntersectAll({{full, none}}, {}, *out).empty());
  EXPECT_TRUE(IntersectAll({{full}}, {{full}}, *out).empty());
  EXPECT_EQ(IntersectAll({{full}}, {{none}}, *out).kind, SetKind::kFull);
  EXPECT_TRUE(UniteAll({}, *out).empty());
  EXPECT_EQ(UniteAllCardinality({{none, full}}, *out), kChunkSize);
}

TEST(ScratchPoolTest, AThreadGetsBackWhatItGave) {
  ScratchRef scratch = TakeScratch();
  ChunkScratch* const first = scratch.get();
  scratch.reset();
  EXPECT_EQ(TakeScratch().get(), first);
}

TEST(ScratchPoolTest, KeepsNoMoreThanItSays) {
  std::vector<ScratchRef> taken;
  for (size_t i = 0; i < kScratchesKeptMax + 8; ++i) taken.push_back(TakeScratch());
  taken.clear();  // leaks where more than kept were not freed, twice freed where they were kept
  for (size_t i = 0; i < kScratchesKeptMax + 8; ++i) taken.push_back(TakeScratch());
  std::set<ChunkScratch*> distinct;
  for (const ScratchRef& scratch : taken) distinct.insert(scratch.get());
  EXPECT_EQ(distinct.size(), taken.size());
}

}  // namespace
}  // namespace throng::index
