#include "index/bitmap_shard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "index/layout.h"
#include "tests/index/random_sets.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

// Of the blocks made while it lives. Not thread-safe.
class LayoutScope {
 public:
  explicit LayoutScope(Layout layout) { SetLayout(layout); }
  ~LayoutScope() { SetLayout(Layout::kSpeed); }
  LayoutScope(const LayoutScope&) = delete;
  LayoutScope& operator=(const LayoutScope&) = delete;
};

std::set<uint32_t> Members(const BitmapShardRef& shard) {
  std::set<uint32_t> members;
  auto scratch = std::make_unique<ChunkScratch>();
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    ForEach(Load(shard, chunk, *scratch),
            [&](uint32_t offset) { members.insert(members.end(), chunk << kChunkBits | offset); });
  }
  return members;
}

void ExpectSame(const BitmapShardRef& shard, const std::set<uint32_t>& members) {
  ASSERT_EQ(Cardinality(shard), members.size());
  ASSERT_EQ(Members(shard), members);
  std::vector<uint32_t> counts(kChunksPerShard);
  for (uint32_t offset : members) ++counts[offset >> kChunkBits];
  for (uint32_t chunk = 0; shard && chunk < kChunksPerShard; ++chunk) {
    ASSERT_EQ(shard->ChunkCardinality(chunk), counts[chunk]) << chunk;
  }
}

// Flips `flips` random bits, in `members` and as changes.
std::vector<BitChange> RandomChanges(std::mt19937_64& random, uint64_t flips, uint32_t range,
                                     std::set<uint32_t>* members) {
  std::set<uint32_t> offsets;
  while (flips-- > 0) offsets.insert(static_cast<uint32_t>(random() % range));
  std::vector<BitChange> changes;
  for (uint32_t offset : offsets) {
    if (members->erase(offset) > 0) {
      changes.push_back(ClearBit(offset));
    } else {
      members->insert(offset);
      changes.push_back(SetBit(offset));
    }
  }
  return changes;
}

TEST(BitmapShardRandomTest, ChangesAgreeWithASet) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(50); ++round) {
    const LayoutScope layout(round % 2 == 0 ? Layout::kSpeed : Layout::kCompact);
    std::set<uint32_t> members;
    BitmapShardRef shard;
    const uint32_t range = round % 3 == 0 ? 3000 : round % 3 == 1 ? 3 * kChunkSize : kShardSize;
    for (int step = 0; step < 12; ++step) {
      const uint64_t flips = step % 4 == 0 ? random() % 20'000 : random() % 40;
      shard = ApplyChanges(shard, RandomChanges(random, flips, range, &members));
      ASSERT_NO_FATAL_FAILURE(ExpectSame(shard, members)) << "round " << round;
      ASSERT_NO_FATAL_FAILURE(ExpectSame(Fold(shard), members)) << "round " << round;
      for (int i = 0; i < 200; ++i) {
        const auto offset = static_cast<uint32_t>(random() % range);
        ASSERT_EQ(Contains(shard, offset), members.contains(offset)) << "round " << round;
      }
    }
  }
}

TEST(BitmapShardTest, OldShardStaysAsItWas) {
  std::set<uint32_t> members;
  std::mt19937_64 random(testing::TestSeed());
  const BitmapShardRef before =
      ApplyChanges(BitmapShardRef(), RandomChanges(random, 50'000, kShardSize, &members));
  std::set<uint32_t> later(members);
  const BitmapShardRef after = ApplyChanges(before, RandomChanges(random, 100, kShardSize, &later));
  ExpectSame(before, members);
  ExpectSame(after, later);
  EXPECT_GT(after->delta_size(), 0u) << "a small change must not rewrite blocks";
}

TEST(BitmapShardTest, SparseShardTakesLittleMemory) {
  std::vector<BitChange> changes;
  for (uint32_t i = 0; i < 10; ++i) changes.push_back(SetBit(i * 100'000));
  const BitmapShardRef shard = ApplyChanges(BitmapShardRef(), changes);
  BitmapMemory memory;
  shard->AddMemory(nullptr, &memory);
  EXPECT_EQ(memory.small.count, 1u);
  EXPECT_EQ(memory.small.bytes, 20u);
  EXPECT_LE(memory.total(), 64u);
}

// Neighbours of up to a hundred members, changed and packed in turns, beside their twins; older
// ones stay as they were although packs come and go.
TEST(BitmapShardRandomTest, PackedShardsAgreeWithSets) {
  std::mt19937_64 random(testing::TestSeed());
  constexpr size_t kShards = 16;
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    std::array<std::set<uint32_t>, kShards> members;
    std::array<BitmapShardRef, kShards> shards;
    std::vector<std::pair<BitmapShardRef, std::set<uint32_t>>> older;
    bool was_packed = false;
    for (int step = 0; step < 60; ++step) {
      const size_t i = random() % kShards;
      // Most in one chunk, so that some are too many there to be tiny.
      const uint32_t range = random() % 4 == 0 ? kChunkSize : kShardSize;
      const uint64_t flips = random() % 3 == 0 ? random() % 30 : random() % 3;
      shards[i] = ApplyChanges(shards[i], RandomChanges(random, flips, range, &members[i]));
      older.emplace_back(shards[i], members[i]);
      if (random() % 4 == 0) older.erase(older.begin());
      if (random() % 2 == 0) PackTiny(shards);
      for (size_t j = 0; j < kShards; ++j) {
        was_packed |= shards[j] && shards[j]->pack() != nullptr;
        ASSERT_NO_FATAL_FAILURE(ExpectSame(shards[j], members[j])) << "round " << round;
        ASSERT_EQ(IsSameShard(shards[i], shards[j]), members[i] == members[j]);
      }
    }
    ASSERT_TRUE(was_packed) << "round " << round;
    for (const auto& [shard, was] : older) {
      ASSERT_NO_FATAL_FAILURE(ExpectSame(shard, was)) << "round " << round;
    }
  }
}

TEST(BitmapShardTest, IsTinyUpToFifteenInAChunkAndSixtyFourInAll) {
  for (const auto& [in_a_chunk, chunks, is_tiny] :
       {std::tuple{15, 1, true}, {16, 1, false}, {4, 16, true}, {13, 5, false}}) {
    std::array<BitmapShardRef, 4> shards;
    std::set<uint32_t> members;
    for (BitmapShardRef& shard : shards) {
      std::vector<BitChange> changes;
      for (int i = 0; i < in_a_chunk * chunks; ++i) {
        const auto chunk = static_cast<uint32_t>(i / in_a_chunk);
        const uint32_t offset =
            (15 - chunk) << kChunkBits | (0xffff - 2 * static_cast<uint32_t>(i));
        members.insert(offset);
        changes.push_back(SetBit(offset));
      }
      std::sort(changes.begin(), changes.end());
      shard = ApplyChanges(BitmapShardRef(), changes);
    }
    PackTiny(shards);
    for (const BitmapShardRef& shard : shards) {
      EXPECT_EQ(shard->pack() != nullptr, is_tiny) << in_a_chunk << " in " << chunks;
      EXPECT_EQ(shard->pack(), shards[0]->pack());
      ASSERT_NO_FATAL_FAILURE(ExpectSame(shard, members));
    }
  }
}

BitmapMemory MemoryOfShard(const std::set<uint32_t>& members) {
  std::vector<BitChange> changes;
  for (const uint32_t offset : members) changes.push_back(SetBit(offset));
  const BitmapShardRef shard = ApplyChanges(BitmapShardRef(), changes);
  BitmapMemory memory;
  shard->AddMemory(nullptr, &memory);
  EXPECT_EQ(Members(shard), members);
  return memory;
}

// Blocks between 1,024 and 4,096 members, and runs that are short, are what the layouts differ in.
TEST(BitmapShardTest, TheCompactLayoutTakesWhatIsLeast) {
  std::set<uint32_t> strewn;
  std::set<uint32_t> pairs;
  for (uint32_t i = 0; i < 2'000; ++i) strewn.insert(i * 32);
  for (uint32_t i = 0; i < 3'000; ++i) {
    for (uint32_t j = 0; j < 5; ++j) pairs.insert(i * 20 + j);
  }
  BitmapMemory memory = MemoryOfShard(strewn);
  EXPECT_EQ(memory.bitsets.count, 1u);
  EXPECT_EQ(MemoryOfShard(pairs).bitsets.count, 1u);
  const LayoutScope layout(Layout::kCompact);
  memory = MemoryOfShard(strewn);
  EXPECT_EQ(memory.arrays.count, 1u);
  EXPECT_EQ(memory.arrays.bytes, 16u + 2 * 2'000);
  std::set<uint32_t> few(pairs.begin(), std::next(pairs.begin(), 5 * 1'000));
  EXPECT_EQ(MemoryOfShard(few).runs.count, 1u);
  EXPECT_EQ(MemoryOfShard(pairs).bitsets.count, 1u) << "3,000 runs take more";
}

TEST(BitmapShardTest, AFewMembersInARowAreOnePieceOfRuns) {
  std::set<uint32_t> members;
  for (uint32_t i = 0; i < 300; ++i) members.insert(kChunkSize - 150 + i);  // in two chunks
  const BitmapMemory memory = MemoryOfShard(members);
  EXPECT_EQ(memory.small.count, 1u);
  EXPECT_EQ(memory.small.bytes, 2 * sizeof(index::Run));
}

TEST(BitmapShardTest, ClearingEverybodyGivesNull) {
  const BitmapShardRef shard =
      ApplyChanges(BitmapShardRef(), std::vector{SetBit(7), SetBit(70'000)});
  EXPECT_FALSE(ApplyChanges(shard, std::vector{ClearBit(7), ClearBit(70'000)}));
}

TEST(BitmapShardTest, GrowsPastTheSmallLimitAndBack) {
  constexpr uint32_t kLimit = 640;
  std::vector<BitChange> changes;
  for (uint32_t i = 0; i < kLimit; ++i) changes.push_back(SetBit(i * 1600));
  BitmapShardRef shard = ApplyChanges(BitmapShardRef(), changes);
  EXPECT_EQ(Cardinality(shard), kLimit);
  EXPECT_TRUE(shard->is_small());
  shard = ApplyChanges(shard, std::vector{SetBit(1)});
  EXPECT_EQ(Cardinality(shard), kLimit + 1);
  EXPECT_FALSE(shard->is_small());
  EXPECT_TRUE(Contains(shard, 1));
  shard = ApplyChanges(shard, std::vector{ClearBit(1)});
  EXPECT_EQ(Members(shard).size(), kLimit);
}

}  // namespace
}  // namespace throng::index
