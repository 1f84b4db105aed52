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
    case 4:  // a few beyond what the others take
      return static_cast<int64_t>(random() % (random() % 200 == 0 ? uint64_t{1} << 50 : 60'000));
    default:
      return random() % 4 == 0   ? kLeast
             : random() % 3 == 0 ? kMost
                                 : static_cast<int64_t>(random());
  }
}

// A chunk of small values and `large` that need more than 2 bytes.
ColumnBlockRef BlockWith(size_t large) {
  auto chunk = std::make_unique<ColumnChunk>();
  for (uint32_t i = 0; i < kChunkSize; ++i) {
    chunk->Set(i, i < large ? 1'000'000 + int64_t{i} : int64_t{i} % 100);
  }
  return EncodeColumn(*chunk);
}

TEST(ColumnBlockTest, AFewLargeValuesDoNotWidenTheOthers) {
  const ColumnBlockRef few = BlockWith(kColumnExceptionsMax);
  EXPECT_EQ(few->width(), 2);
  EXPECT_EQ(few->exceptions().size(), kColumnExceptionsMax);
  const ColumnBlockRef many = BlockWith(kColumnExceptionsMax + 1);
  EXPECT_EQ(many->width(), 4);
  EXPECT_TRUE(many->exceptions().empty());
  auto scratch = std::make_unique<ChunkScratch>();
  auto decoded = std::make_unique<ColumnChunk>();
  for (const ColumnBlockRef& block : {few, many}) {
    EXPECT_EQ(block->Get(0), 1'000'000);
    EXPECT_EQ(block->Get(kChunkSize - 1), (kChunkSize - 1) % 100);
    EXPECT_EQ(block->Scan(1'000'000, 1'000'009, *scratch).cardinality, 10u);
    EXPECT_EQ(block->Scan(100, kMost, *scratch).cardinality,
              block == few ? kColumnExceptionsMax : kColumnExceptionsMax + 1);
    EXPECT_EQ(block->Scan(kLeast, kMost, *scratch).cardinality, kChunkSize);
    EXPECT_TRUE(block->Scan(70'000, 999'999, *scratch).empty());
    block->Decode(decoded.get());
    EXPECT_EQ(decoded->values[7], 1'000'007);
  }
}

// 65,534 is the largest distance that 2 bytes can say.
TEST(ColumnBlockTest, TheEdgeOfAWidth) {
  for (int64_t last : {65'534, 65'535}) {
    auto chunk = std::make_unique<ColumnChunk>();
    chunk->Set(0, -5);
    chunk->Set(9, last - 5);
    const ColumnBlockRef block = EncodeColumn(*chunk);
    EXPECT_EQ(block->width(), 2);
    EXPECT_EQ(block->exceptions().size(), last == 65'534 ? 0u : 1u);
    auto scratch = std::make_unique<ChunkScratch>();
    EXPECT_EQ(Members(block->Scan(last - 5, last - 5, *scratch)), std::set<uint32_t>{9});
    EXPECT_EQ(block->Get(9), last - 5);
    EXPECT_FALSE(block->Get(8).has_value());
  }
}

TEST(ColumnShardRandomTest, AgreesWithAMap) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(18); ++round) {
    const int width = round % 6;
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
