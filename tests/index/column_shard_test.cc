#include "index/column_shard.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "tests/index/random_sets.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

using Model = std::map<uint32_t, int64_t>;  // by offset in the shard

void ExpectScan(const ColumnShardRef& shard, const Model& model, int64_t low, int64_t high) {
  auto scratch = std::make_unique<ChunkScratch>();
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    std::set<uint32_t> expected;
    for (auto it = model.lower_bound(chunk << kChunkBits);
         it != model.end() && it->first >> kChunkBits == chunk; ++it) {
      if (low <= it->second && it->second <= high) expected.insert(it->first & kChunkMask);
    }
    const ChunkSet found =
        shard == nullptr ? ChunkSet::Empty() : shard->Scan(chunk, low, high, *scratch);
    ASSERT_EQ(found.cardinality, expected.size()) << "[" << low << ", " << high << "]";
    ASSERT_EQ(Members(found), expected) << "[" << low << ", " << high << "]";
  }
}

int64_t RandomValue(std::mt19937_64& random, int width) {
  switch (width) {
    case 0:
      return static_cast<int64_t>(random() % 200) - 100;
    case 1:
      return static_cast<int64_t>(random() % 60'000);
    case 2:
      return static_cast<int64_t>(random() % 3'000'000'000) - 1'000'000'000;
    case 3:
      return static_cast<int64_t>(random() >> 2);
    default:
      return random() % 4 == 0   ? kLeast
             : random() % 3 == 0 ? kMost
                                 : static_cast<int64_t>(random());
  }
}

TEST(ColumnShardRandomTest, AgreesWithAMap) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(15); ++round) {
    const int width = round % 5;
    Model model;
    ColumnShardRef shard;
    for (int step = 0; step < 6; ++step) {
      std::map<uint32_t, Cell> cells;
      const uint32_t range = step % 2 == 0 ? 2 * kChunkSize + 100 : kShardSize;
      for (uint64_t i = step % 3 == 0 ? 20'000 : 50; i > 0; --i) {
        const auto offset = static_cast<uint32_t>(random() % range);
        const bool present = random() % 5 != 0;
        cells[offset] = {.offset = offset,
                         .present = present,
                         .value = present ? RandomValue(random, width) : 0};
      }
      std::vector<Cell> sorted;
      for (const auto& [offset, cell] : cells) {
        sorted.push_back(cell);
        if (cell.present) {
          model[offset] = cell.value;
        } else {
          model.erase(offset);
        }
      }
      shard = ApplyCells(shard, sorted);
      ASSERT_NO_FATAL_FAILURE(ExpectScan(shard, model, kLeast, kMost)) << "round " << round;
      for (int i = 0; i < 4; ++i) {
        const int64_t a = RandomValue(random, width);
        const int64_t b = RandomValue(random, width);
        ASSERT_NO_FATAL_FAILURE(ExpectScan(shard, model, std::min(a, b), std::max(a, b)));
        ASSERT_NO_FATAL_FAILURE(ExpectScan(shard, model, a, a));
      }
      for (int i = 0; i < 300; ++i) {
        const auto offset = static_cast<uint32_t>(random() % range);
        const auto known = model.find(offset);
        ASSERT_EQ(shard->Get(offset),
                  known == model.end() ? std::nullopt : std::optional<int64_t>(known->second));
      }
    }
  }
}

TEST(ColumnShardTest, DecodeGivesBackWhatWasWritten) {
  const std::vector<Cell> cells = {{.offset = 0, .present = true, .value = kLeast},
                                   {.offset = 65'535, .present = true, .value = kMost},
                                   {.offset = 65'536, .present = true, .value = -1}};
  const ColumnShardRef shard = ApplyCells(nullptr, cells);
  auto chunk = std::make_unique<ColumnChunk>();
  shard->Decode(0, chunk.get());
  EXPECT_TRUE(chunk->Has(0));
  EXPECT_EQ(chunk->values[0], kLeast);
  EXPECT_FALSE(chunk->Has(1));
  EXPECT_EQ(chunk->values[65'535], kMost);
  shard->Decode(1, chunk.get());
  EXPECT_EQ(chunk->values[0], -1);
}

}  // namespace
}  // namespace throng::index
