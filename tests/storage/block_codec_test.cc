#include "storage/block_codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "storage/catalogue_codec.h"
#include "storage/envelope.h"
#include "storage/high_water.h"
#include "storage/id_codec.h"
#include "storage/keys.h"
#include "tests/testing/seed.h"

namespace throng::storage {
namespace {

using index::Cell;
using index::ColumnShardRef;
using index::kChunkSize;
using index::kShardSize;

// Cells of every density in some chunks, others empty.
std::vector<Cell> RandomCells(std::mt19937_64& random) {
  std::vector<Cell> cells;
  for (uint32_t chunk = 0; chunk < index::kChunksPerShard; ++chunk) {
    static constexpr uint32_t kCounts[] = {0, 0, 0, 1, 300, 4095, 4096, 30'000, kChunkSize};
    uint32_t left = kCounts[random() % std::size(kCounts)];
    const int bits = static_cast<int>(random() % 64);
    for (uint32_t offset = 0; offset < kChunkSize && left > 0; ++offset) {
      if (random() % (kChunkSize - offset) >= left) continue;
      --left;
      const auto value = static_cast<int64_t>(random() >> bits);
      cells.push_back({.offset = chunk * kChunkSize + offset, .present = true, .value = value});
    }
  }
  return cells;
}

TEST(ColumnCodecTest, RoundTrips) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(8); ++round) {
    const std::vector<Cell> cells = RandomCells(random);
    const ColumnShardRef column = index::ApplyCells(nullptr, cells);
    uint32_t count = 0;
    const absl::StatusOr<ColumnShardRef> back = DecodeColumn(EncodeColumn(*column), &count);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(count, cells.size());
    if (cells.empty()) {
      EXPECT_EQ(*back, nullptr);
      continue;
    }
    for (const Cell& cell : cells) ASSERT_EQ((*back)->Get(cell.offset), cell.value);
    EXPECT_EQ(HeaderOf(index::TagType::kInteger, {.column = *back}).cells, cells.size());
  }
}

TEST(ColumnCodecTest, TruncatedAndFlippedBytesAreRefusedOrAnotherColumn) {
  std::mt19937_64 random(testing::TestSeed());
  std::vector<Cell> cells;
  for (uint32_t i = 0; i < 300; ++i) {
    cells.push_back({.offset = i * 1000, .present = true, .value = static_cast<int64_t>(i) - 50});
  }
  const std::string bytes = EncodeColumn(*index::ApplyCells(nullptr, cells));
  uint32_t count = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeColumn(std::string_view(bytes).substr(0, size), &count).ok()) << size;
  }
  for (int round = 0; round < testing::TestRounds(500); ++round) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << (random() % 8));
    const absl::StatusOr<ColumnShardRef> back = DecodeColumn(damaged, &count);
    if (!back.ok()) continue;
    EXPECT_EQ(*back == nullptr ? 0 : HeaderOf(index::TagType::kDate, {.column = *back}).cells,
              count);
  }
}

TEST(ShardHeaderTest, RoundTripsAndRefusesDamage) {
  const ShardHeader bitmaps{
      .version = 900, .codes = {0, 5, 65'534}, .cardinalities = {1, kShardSize, 77}};
  const ShardHeader column{.version = 0, .is_column = true, .cells = kShardSize};
  for (const ShardHeader& header : {bitmaps, column, ShardHeader{.version = 3}}) {
    const std::string bytes = EncodeShardHeader(header);
    const absl::StatusOr<ShardHeader> back = DecodeShardHeader(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->version, header.version);
    EXPECT_EQ(back->is_column, header.is_column);
    EXPECT_EQ(back->codes, header.codes);
    EXPECT_EQ(back->cardinalities, header.cardinalities);
    EXPECT_EQ(back->cells, header.cells);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(DecodeShardHeader(std::string_view(bytes).substr(0, size)).ok());
    }
  }
}

std::vector<std::string> RandomIds(std::mt19937_64& random) {
  std::vector<std::string> ids(random() % 500 + 1);
  const uint64_t form = random() % 4;
  uint64_t number = random() % 1000;
  for (std::string& id : ids) {
    number = form == 0 ? number + 1 : random();
    id = std::to_string(number);
    if (form == 2) id = "user-" + id;
    if (form == 3 && random() % 9 == 0) id = std::string(random() % 128 + 1, '\xff');
  }
  return ids;
}

TEST(IdCodecTest, RoundTrips) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(300); ++round) {
    const std::vector<std::string> ids = RandomIds(random);
    ByteWriter out;
    EncodeIds(ids, out);
    ByteReader in(out.bytes());
    EXPECT_EQ(DecodeIds(ids.size(), in), ids);
    EXPECT_TRUE(in.Done());
    std::string damaged = out.bytes();
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << (random() % 8));
    ByteReader damaged_in(damaged);
    const std::vector<std::string> found = DecodeIds(ids.size(), damaged_in);
    EXPECT_TRUE(!damaged_in.Done() || found.size() == ids.size());
  }
}

TEST(IdCodecTest, ConsecutiveNumbersTakeAlmostNothing) {
  std::vector<std::string> ids;
  for (int i = 0; i < 65'536; ++i) ids.push_back(std::to_string(1'000'000'000 + i));
  ByteWriter out;
  EncodeIds(ids, out);
  EXPECT_LT(out.bytes().size(), 2000u);
}

TEST(IdCodecTest, AChunkMayHoldMoreThanIsWanted) {
  const index::IdDictionary ids = index::IdDictionary().With({"a", "b", "17"});
  const auto [payload, has_erased] = EncodeIdChunk(ids, 0);
  EXPECT_FALSE(has_erased);
  EXPECT_EQ(DecodeIdChunk(payload, 2)->ToTexts(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(DecodeIdChunk(payload, 3)->size(), 3u);
  EXPECT_TRUE(absl::IsDataLoss(DecodeIdChunk(payload, 4).status()));
}

TEST(CatalogueCodecTest, RoundTripsAndRefusesTruncation) {
  const StoredTag tag{.definition = {.id = 3,
                                     .name = "view price",
                                     .type = index::TagType::kDecimal,
                                     .scale = 2,
                                     .display_name = "Price",
                                     .path = "behaviour/search",
                                     .description = "d",
                                     .owner = "o",
                                     .sensitivity = 9,
                                     .state = index::TagState::kOffline,
                                     .values_max = 12,
                                     .generation = 4,
                                     .content_time_us = -1,
                                     .freshness_s = 315'360'000},
                      .value_count = 65'535,
                      .stamps = {0, 7, 1}};
  const std::string bytes = EncodeTag(tag);
  const absl::StatusOr<StoredTag> back = DecodeTag(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->definition, tag.definition);
  EXPECT_EQ(back->value_count, tag.value_count);
  EXPECT_EQ(back->stamps, tag.stamps);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeTag(std::string_view(bytes).substr(0, size)).ok());
  }
  const absl::StatusOr<StoredBase> base =
      DecodeBase(EncodeBase({.version = 9, .id_count = 1u << 31, .universe_stamps = {3}}));
  ASSERT_TRUE(base.ok());
  EXPECT_EQ(base->id_count, 1u << 31);
  const absl::StatusOr<Population> population = DecodePopulation(EncodePopulation(
      {.id = 2, .name = "renters", .display_name = "Renters", .primary_id_type = "user_id"}));
  ASSERT_TRUE(population.ok());
  EXPECT_EQ(population->name, "renters");
}

TEST(CatalogueCodecTest, ValuesComeInChunks) {
  std::vector<std::string> values;
  for (uint32_t i = 0; i < kValuesPerChunk + 5; ++i) values.push_back(std::to_string(i));
  const auto dictionary = index::ValueDictionary::Extend(index::ValueDictionary(), values);
  EXPECT_EQ(DecodeValues(EncodeValues(*dictionary, 0))->size(), kValuesPerChunk);
  EXPECT_EQ(DecodeValues(EncodeValues(*dictionary, 1))->back(), values.back());
}

TEST(IdCodecTest, ErasedIdsStayErased) {
  const index::IdDictionary all = index::IdDictionary().With({"10", "0", "12"});
  for (const index::IdDictionary& ids : {all, all.With({"text"})}) {
    const index::IdDictionary rest = ids.Without({0, 2});
    const auto [payload, has_erased] = EncodeIdChunk(rest, 0);
    EXPECT_TRUE(has_erased);
    EXPECT_EQ(DecodeIdChunk(payload, 3)->ToTexts(), (std::vector<std::string>{"", "0", ""}));
    EXPECT_EQ(payload.find("12"), std::string::npos);
    EXPECT_FALSE(DecodeIdChunk(payload + '\0', 3).ok());
  }
}

TEST(IdCodecTest, LinkedIdsRoundTrip) {
  const index::LinkedIds linked =
      index::LinkedIds().With({7, 3, 7}, {"138", "139", "a"}).Without({3});
  const std::string payload = EncodeLinkedIds(linked, 0);
  const absl::StatusOr<StoredLinks> links = DecodeLinkedIds(payload, 3, 8);
  ASSERT_TRUE(links.ok()) << links.status();
  EXPECT_EQ(links->owners, (std::vector<uint32_t>{7, 0, 7}));
  EXPECT_EQ(links->ids, (std::vector<std::string>{"138", "", "a"}));
  EXPECT_EQ(DecodeLinkedIds(payload, 1, 8)->ids.size(), 1u);
  EXPECT_TRUE(absl::IsDataLoss(DecodeLinkedIds(payload, 4, 8).status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeLinkedIds(payload, 3, 7).status())) << "nobody is user 7";
  for (size_t size = 0; size < payload.size(); ++size) {
    EXPECT_FALSE(DecodeLinkedIds(payload.substr(0, size), 3, 8).ok()) << size;
  }
}

TEST(EnvelopeTest, TellsAFormatItDoesNotRead) {
  const std::string key = TagKey(1, 5);
  const auto unseal = [&](Kind kind, uint8_t format) {
    return Unseal(kind, Family::kMeta, key, Seal(kind, key, "x", format)).status();
  };
  EXPECT_TRUE(unseal(Kind::kBase, 3).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(unseal(Kind::kBase, 4)));
  EXPECT_TRUE(unseal(Kind::kTag, 2).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(unseal(Kind::kTag, 3)));
  EXPECT_TRUE(absl::IsFailedPrecondition(unseal(Kind::kPopulation, 2)));
}

TEST(EnvelopeTest, FindsEveryFlippedBitAndEverySwap) {
  const std::string key = TagKey(1, 5);
  const std::string value = Seal(Kind::kTag, key, "payload");
  EXPECT_EQ(*Unseal(Kind::kTag, Family::kMeta, key, value), "payload");
  for (size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string damaged = value;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_TRUE(absl::IsDataLoss(Unseal(Kind::kTag, Family::kMeta, key, damaged).status())) << bit;
  }
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(
        Unseal(Kind::kTag, Family::kMeta, key, std::string_view(value).substr(0, size)).status()));
  }
  const absl::Status swapped = Unseal(Kind::kTag, Family::kMeta, TagKey(1, 6), value).status();
  EXPECT_TRUE(absl::IsDataLoss(swapped));
  EXPECT_NE(swapped.ToString().find("population 1, tag 6"), std::string::npos) << swapped;
  EXPECT_FALSE(Unseal(Kind::kBase, Family::kMeta, key, value).ok());
}

TEST(KeysTest, SortByTheirPartsAndAreReadable) {
  const BlockKey key{.population = 1, .tag = 2, .generation = 3, .shard = 4, .value = 5};
  EXPECT_EQ(DescribeKey(Family::kBlocks, key.Encode()),
            "blocks: population 1, tag 2, generation 3, partition 0, shard 4, value 5");
  const KeyRange range = ShardRange(1, 2, 3, 4);
  EXPECT_LE(range.begin, key.Encode());
  BlockKey header = key;
  header.value = kHeaderValue;
  EXPECT_LT(header.Encode(), range.end);
  header.shard = 5;
  EXPECT_GE(header.Encode(), range.end);
  EXPECT_LT(LogKey(1, 255), LogKey(1, 256));
  EXPECT_EQ(DescribeKey(Family::kLog, LogKey(1, 256)), "log: population 1, version 256");
  EXPECT_EQ(DescribeKey(Family::kIds, IdChunkKey(7, 9)), "ids: population 7, chunk 9");
  EXPECT_EQ(DescribeKey(Family::kMeta, ValuesKey(7, 9, 1)),
            "meta: population 7, tag 9, values chunk 1");
  EXPECT_EQ(DescribeKey(Family::kMeta, "ab"), "meta: key 6162");
  const std::string request = RequestKey(3, "scope", "id");
  EXPECT_EQ(RequestKeyOf(RequestTimeKey(3, 17, request)), request);
  EXPECT_LT(RequestTimeKey(3, 16, request), RequestTimesBefore(3, 17).end);
  EXPECT_GE(RequestTimeKey(3, 17, request), RequestTimesBefore(3, 17).end);
}

TEST(HighWaterTest, RoundTripsAndFindsDamage) {
  const HighWater mark{{1, 17}, {2, std::numeric_limits<uint64_t>::max()}};
  const std::string text = EncodeHighWater(mark);
  EXPECT_EQ(*DecodeHighWater(text), mark);
  EXPECT_TRUE(DecodeHighWater(EncodeHighWater({}))->empty());
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string damaged = text;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(DecodeHighWater(damaged).ok()) << bit;
  }
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(DecodeHighWater(std::string_view(text).substr(0, size)).ok());
  }
}

TEST(HighWaterTest, PopulationsHave32Bits) {
  const auto is_read = [](const std::string& population) {
    const std::string text =
        "throng high water 1\npopulation " + population + " version 1\nchecksum ";
    const std::string_view summed = std::string_view(text).substr(0, text.rfind("checksum"));
    return DecodeHighWater(fmt::format("{}{:016x}\n", text, Checksum(kHighWaterFile, 0, summed)))
        .ok();
  };
  EXPECT_TRUE(is_read("4294967295"));
  EXPECT_FALSE(is_read("4294967296"));
}

}  // namespace
}  // namespace throng::storage
