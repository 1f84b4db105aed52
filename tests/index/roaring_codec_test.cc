#include "index/roaring_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index/error.h"
#include "index/shard_codec.h"
#include "roaring/roaring.h"
#include "tests/index/random_sets.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

BitmapShardRef ShardOf(const std::set<uint32_t>& members) {
  std::vector<BitChange> changes;
  for (uint32_t offset : members) changes.push_back(SetBit(offset));
  return ApplyChanges(BitmapShardRef(), changes);
}

std::set<uint32_t> MembersOf(const BitmapShardRef& shard) {
  std::set<uint32_t> members;
  auto scratch = std::make_unique<ChunkScratch>();
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    for (uint32_t offset : Members(Load(shard, chunk, *scratch)))
      members.insert(chunk << 16 | offset);
  }
  return members;
}

struct FreeBitmap {
  void operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }
};
using CRoaringBitmap = std::unique_ptr<roaring_bitmap_t, FreeBitmap>;

std::string Serialized(const CRoaringBitmap& bitmap) {
  std::string bytes(roaring_bitmap_portable_size_in_bytes(bitmap.get()), '\0');
  roaring_bitmap_portable_serialize(bitmap.get(), bytes.data());
  return bytes;
}

// What CRoaring makes of the bytes; null when it refuses them.
CRoaringBitmap ReadWithCRoaring(const std::string& bytes) {
  if (roaring_bitmap_portable_deserialize_size(bytes.data(), bytes.size()) != bytes.size()) {
    return nullptr;
  }
  CRoaringBitmap bitmap(roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size()));
  const char* reason = nullptr;
  if (bitmap == nullptr || !roaring_bitmap_internal_validate(bitmap.get(), &reason)) return nullptr;
  return bitmap;
}

std::set<uint32_t> MembersOf(const CRoaringBitmap& bitmap) {
  std::vector<uint32_t> members(roaring_bitmap_get_cardinality(bitmap.get()));
  roaring_bitmap_to_uint32_array(bitmap.get(), members.data());
  return {members.begin(), members.end()};
}

TEST(ShardCodecRandomTest, ShardsComeBackAndCRoaringReadsThem) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(20); ++round) {
    const std::set<uint32_t> members = RandomSet(random, round % 2 == 0 ? 70'000 : kShardSize);
    const std::string bytes = EncodeShard(ShardOf(members));
    const auto back = DecodeShard(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(MembersOf(*back), members) << "round " << round;
    const CRoaringBitmap theirs = ReadWithCRoaring(bytes);
    ASSERT_NE(theirs, nullptr) << "round " << round;
    ASSERT_EQ(MembersOf(theirs), members) << "round " << round;
  }
}

TEST(ShardCodecRandomTest, WhatCRoaringWritesIsRead) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(30); ++round) {
    const std::set<uint32_t> members = RandomSet(random, round % 2 == 0 ? 70'000 : kShardSize);
    const CRoaringBitmap bitmap(roaring_bitmap_create());
    for (const uint32_t member : members) roaring_bitmap_add(bitmap.get(), member);
    if (round % 3 != 0) roaring_bitmap_run_optimize(bitmap.get());
    const auto back = DecodeShard(Serialized(bitmap));
    ASSERT_TRUE(back.ok()) << back.status() << ", round " << round;
    ASSERT_EQ(MembersOf(*back), members) << "round " << round;
  }
}

// The forms at their limits: arrays of 4,096 and bitsets of 4,097, runs that just pay or do not,
// shards with 3 containers, with 4 and with all 16, and with 8 bits of "has runs" or one more.
TEST(ShardCodecTest, FormsAtTheirLimits) {
  for (const uint32_t count : {1u, 2u, 3u, 4u, 5u, 1024u, 1025u, 4096u, 4097u, 32'768u}) {
    for (const uint32_t step : {1u, 2u}) {
      for (const uint32_t chunks : {1u, 3u, 4u, 8u, 9u, 16u}) {
        std::set<uint32_t> members;
        for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
          for (uint32_t i = 0; i < count; ++i) members.insert(chunk << kChunkBits | i * step);
        }
        const std::string bytes = EncodeShard(ShardOf(members));
        const auto back = DecodeShard(bytes);
        ASSERT_TRUE(back.ok()) << back.status();
        ASSERT_EQ(MembersOf(*back), members);
        const CRoaringBitmap theirs = ReadWithCRoaring(bytes);
        ASSERT_NE(theirs, nullptr) << count << " " << step << " " << chunks;
        ASSERT_EQ(MembersOf(theirs), members);
        roaring_bitmap_run_optimize(theirs.get());
        EXPECT_EQ(Serialized(theirs).size(), bytes.size()) << count << " " << step;
      }
    }
  }
  EXPECT_EQ(Cardinality(*DecodeShard(EncodeShard(BitmapShardRef()))), 0u);
}

TEST(ShardCodecRandomTest, DamageIsRefusedOrWhatCRoaringReads) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(60); ++round) {
    const std::string bytes = EncodeShard(ShardOf(RandomSet(random, 70'000)));
    for (int flips = 0; flips < 20; ++flips) {
      std::string damaged = bytes;
      if (random() % 2 == 0) {
        damaged.resize(random() % (damaged.size() + 1));
      } else {
        // Where a flip does most, more often than its share.
        const size_t end =
            random() % 2 == 0 ? std::min<size_t>(damaged.size(), 40) : damaged.size();
        damaged[random() % end] ^= static_cast<char>(1 << random() % 8);
      }
      const auto decoded = DecodeShard(damaged);
      if (!decoded.ok()) continue;
      // The checksum around the bytes finds every flip; here it matters that what is accepted is a
      // sound bitmap, and the same one for everybody.
      ASSERT_EQ(MembersOf(*decoded).size(), Cardinality(*decoded));
      const CRoaringBitmap theirs = ReadWithCRoaring(damaged);
      ASSERT_NE(theirs, nullptr) << "round " << round;
      ASSERT_EQ(MembersOf(theirs), MembersOf(*decoded)) << "round " << round;
    }
  }
}

TEST(ShardCodecTest, OffsetsBeyondTheShardAreRefused) {
  roaring_bitmap_t* bitmap = roaring_bitmap_from_range(kShardSize - 1, kShardSize + 1, 1);
  std::string bytes(roaring_bitmap_portable_size_in_bytes(bitmap), '\0');
  roaring_bitmap_portable_serialize(bitmap, bytes.data());
  roaring_bitmap_free(bitmap);
  EXPECT_EQ(DecodeShard(bytes).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeShard("").status().code(), absl::StatusCode::kDataLoss);
  const std::string last = EncodeShard(ShardOf({kShardSize - 1}));
  EXPECT_EQ(Cardinality(*DecodeShard(last)), 1u);
  EXPECT_EQ(DecodeShard(last + '\0').status().code(), absl::StatusCode::kDataLoss);
}

TEST(RoaringCodecTest, NumbersTakeBothWidths) {
  const std::vector<uint64_t> numbers = {1, 5'000'000'000, 7, ~uint64_t{0}};
  const auto wide = DecodeNumbers(EncodeNumbers(numbers), 4);
  ASSERT_TRUE(wide.ok()) << wide.status();
  EXPECT_EQ(*wide, (std::vector<uint64_t>{1, 7, 5'000'000'000, ~uint64_t{0}}));
  EXPECT_EQ(GetErrorDetail(DecodeNumbers(EncodeNumbers(numbers), 3).status())->reason,
            "LIST_TOO_LONG");
  roaring_bitmap_t* bitmap = roaring_bitmap_from_range(10, 20, 1);
  std::string bytes(roaring_bitmap_portable_size_in_bytes(bitmap), '\0');
  roaring_bitmap_portable_serialize(bitmap, bytes.data());
  roaring_bitmap_free(bitmap);
  EXPECT_EQ(DecodeNumbers(bytes, 10)->size(), 10u);
  EXPECT_EQ(GetErrorDetail(DecodeNumbers("junk", 10).status())->reason, "BAD_ROARING");
}

}  // namespace
}  // namespace throng::index
