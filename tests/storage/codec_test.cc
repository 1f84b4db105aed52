#include "storage/codec.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "storage/packed_ints.h"
#include "tests/testing/seed.h"

namespace throng::storage {
namespace {

constexpr uint64_t kU64Max = std::numeric_limits<uint64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(CodecTest, ReadsWhatWasWritten) {
  ByteWriter out;
  out.U8(200);
  out.Fixed64(0x0123456789abcdef);
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, kU64Max}) {
    out.Varint(value);
  }
  for (const int64_t value : {int64_t{0}, int64_t{-1}, kMin, kMax}) out.ZigZag(value);
  out.Text("städte");
  out.Bits({true, false, true, true, false, false, false, true, true});
  ByteReader in(out.bytes());
  EXPECT_EQ(in.U8(), 200);
  EXPECT_EQ(in.Fixed64(), 0x0123456789abcdef);
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, kU64Max}) {
    EXPECT_EQ(in.Varint(), value);
  }
  for (const int64_t value : {int64_t{0}, int64_t{-1}, kMin, kMax}) EXPECT_EQ(in.ZigZag(), value);
  EXPECT_EQ(in.Text(100), "städte");
  EXPECT_EQ(in.Bits(9),
            (std::vector<bool>{true, false, true, true, false, false, false, true, true}));
  EXPECT_TRUE(in.Done());
}

TEST(CodecTest, RefusesWhatIsNotThere) {
  ByteReader empty("");
  EXPECT_EQ(empty.U8(), 0);
  EXPECT_FALSE(empty.ok());
  ByteReader text(std::string_view("\x05tags", 5));
  EXPECT_EQ(text.Text(100), "");
  EXPECT_FALSE(text.Done());
  ByteReader long_text(std::string_view("\x04tags", 5));
  EXPECT_EQ(long_text.Text(3), "");
  EXPECT_FALSE(long_text.ok());
  ByteReader count(std::string_view("\x03\x01\x01", 3));
  EXPECT_EQ(count.Count(1), 0u);
  EXPECT_FALSE(count.ok());
  ByteReader bits(std::string_view("\x02", 1));  // the second of one bit
  bits.Bits(1);
  EXPECT_FALSE(bits.ok());
}

TEST(CodecTest, RefusesOtherFormsOfANumber) {
  for (const std::string_view bytes :
       {std::string_view("\x80\x00", 2), std::string_view("\xff", 1),
        std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10),
        std::string_view("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11)}) {
    ByteReader in(bytes);
    in.Varint();
    EXPECT_FALSE(in.Done()) << bytes.size();
  }
  ByteReader above(std::string_view("\x65", 1));
  EXPECT_EQ(above.Varint(100), 0u);
  EXPECT_FALSE(above.ok());
}

std::vector<int64_t> RandomNumbers(std::mt19937_64& random) {
  std::vector<int64_t> values(random() % 400);
  const int bits = static_cast<int>(random() % 64) + 1;
  const uint64_t mask = bits == 64 ? kU64Max : (uint64_t{1} << bits) - 1;
  const auto base = static_cast<uint64_t>(random() % 3 == 0 ? random() : 0);
  for (int64_t& value : values) {
    value = static_cast<int64_t>(base + (random() & mask));
    if (random() % 50 == 0) value = random() % 2 == 0 ? kMin : kMax;
  }
  return values;
}

TEST(PackedIntsTest, RoundTrips) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(2000); ++round) {
    const std::vector<int64_t> values = RandomNumbers(random);
    const std::vector<uint64_t> positive(values.begin(), values.end());
    ByteWriter out;
    PackSigned(values, out);
    PackUnsigned(positive, out);
    ByteReader in(out.bytes());
    EXPECT_EQ(UnpackSigned(values.size(), in), values);
    EXPECT_EQ(UnpackUnsigned(positive.size(), in), positive);
    EXPECT_TRUE(in.Done());
  }
}

TEST(PackedIntsTest, AscendingRoundTripsAndStaysBelowItsEnd) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(500); ++round) {
    std::vector<uint32_t> values;
    uint64_t next = random() % 1000;
    for (uint64_t i = random() % 300; i > 0 && next < UINT32_MAX; --i) {
      values.push_back(static_cast<uint32_t>(next));
      next += 1 + (random() % 2 == 0 ? 0 : random() % (1 << (random() % 24)));
    }
    ByteWriter out;
    PackAscending(values, out);
    ByteReader in(out.bytes());
    const uint64_t end = values.empty() ? 0 : uint64_t{values.back()} + 1;
    EXPECT_EQ(UnpackAscending(values.size(), end, in), values);
    EXPECT_TRUE(in.Done());
    if (values.empty()) continue;
    ByteReader again(out.bytes());
    EXPECT_TRUE(UnpackAscending(values.size(), end - 1, again).empty());
    EXPECT_FALSE(again.ok());
  }
}

TEST(PackedIntsTest, EqualValuesTakeNoBits) {
  const std::vector<int64_t> values(128, -5);
  ByteWriter out;
  PackSigned(values, out);
  EXPECT_EQ(out.bytes().size(), 2u);
}

TEST(PackedIntsTest, DoesNotBelieveACount) {
  const std::string bytes(100, '\0');
  ByteReader in(bytes);
  EXPECT_TRUE(UnpackUnsigned(size_t{1} << 40, in).empty());
  EXPECT_FALSE(in.ok());
}

// Damaged bytes fail or are another list: never a crash, and never two forms of one list.
TEST(PackedIntsTest, DamageIsNoticedOrCanonical) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(3000); ++round) {
    const std::vector<int64_t> values = RandomNumbers(random);
    ByteWriter out;
    PackSigned(values, out);
    std::string bytes = out.Take();
    if (bytes.empty()) continue;
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << (random() % 8));
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    ByteReader in(bytes);
    const std::vector<int64_t> found = UnpackSigned(values.size(), in);
    if (!in.Done()) continue;
    ByteWriter again;
    PackSigned(found, again);
    EXPECT_EQ(again.bytes(), bytes);
  }
}

}  // namespace
}  // namespace throng::storage
