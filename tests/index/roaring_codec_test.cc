#include "index/roaring_codec.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index/error.h"
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

TEST(RoaringCodecRandomTest, ShardsComeBack) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(20); ++round) {
    const std::set<uint32_t> members = RandomSet(random, round % 2 == 0 ? 70'000 : kShardSize);
    const std::string bytes = EncodeShard(ShardOf(members));
    const auto back = DecodeShard(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(MembersOf(*back), members) << "round " << round;
  }
}

TEST(RoaringCodecRandomTest, DamageIsRefusedOrHarmless) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(60); ++round) {
    std::string bytes = EncodeShard(ShardOf(RandomSet(random, 70'000)));
    for (int flips = 0; flips < 20; ++flips) {
      std::string damaged = bytes;
      if (random() % 2 == 0) {
        damaged.resize(random() % (damaged.size() + 1));
      } else {
        damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
      }
      const auto decoded = DecodeShard(damaged);
      // The checksum around the bytes finds every flip; here it matters that what is accepted is a
      // sound bitmap.
      if (decoded.ok()) {
        ASSERT_EQ(MembersOf(*decoded).size(), Cardinality(*decoded));
      }
    }
  }
}

TEST(RoaringCodecTest, OffsetsBeyondTheShardAreRefused) {
  roaring_bitmap_t* bitmap = roaring_bitmap_from_range(kShardSize - 1, kShardSize + 1, 1);
  std::string bytes(roaring_bitmap_portable_size_in_bytes(bitmap), '\0');
  roaring_bitmap_portable_serialize(bitmap, bytes.data());
  roaring_bitmap_free(bitmap);
  EXPECT_EQ(DecodeShard(bytes).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeShard("").status().code(), absl::StatusCode::kDataLoss);
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
