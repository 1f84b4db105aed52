// The test vectors of docs/api.md, which other systems check their own arms against, computed apart
// from this code; how weights become buckets; what is kept of an arm.
#include "server/engine/split_definition.h"

#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "index/id_hash.h"
#include "query/formatter.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using Ranges = std::vector<BucketRange>;

TEST(SplitDefinitionTest, DocumentedArms) {
  struct Vector {
    std::string_view id;
    std::string_view salt;
    std::vector<uint32_t> weights;
    uint32_t share;
    uint32_t bucket;
    int arm;  // -1: none
  };
  const std::vector<uint32_t> even = {1, 1, 1};
  const std::vector<uint32_t> race = {1, 1, 1, 1};
  const std::vector<uint32_t> held = {3, 3, 1};
  const Vector vectors[] = {
      {"1", "spring", even, 1'000'000, 393'384, 1},
      {"2", "spring", even, 1'000'000, 939'329, 2},
      {"6", "spring", even, 1'000'000, 102'796, 0},
      {"u17", "spring", even, 1'000'000, 414'205, 1},
      {"用户", "spring", even, 1'000'000, 481'992, 1},
      {"18446744073709551615", "spring", even, 1'000'000, 570'633, 1},
      {"28", "copy/17", race, 100'000, 13'120, 0},
      {"42", "copy/17", race, 100'000, 34'644, 1},
      {"2", "copy/17", race, 100'000, 156'488, -1},
      {"1", "copy/17", held, 1'000'000, 925'192, 2},
      {"u17", "copy/17", held, 1'000'000, 405'036, 0},
      {"用户", "copy/17", held, 1'000'000, 736'126, 1},
  };
  for (const Vector& v : vectors) {
    const uint32_t bucket = index::BucketOf(index::IdHash(v.id), index::SaltHash(v.salt));
    EXPECT_EQ(bucket, v.bucket) << v.id << " " << v.salt;
    const Ranges ranges = PartitionBuckets(v.weights, v.share);
    int arm = -1;
    for (size_t i = 0; i < ranges.size(); ++i) {
      if (ranges[i].from <= bucket && bucket < ranges[i].to) arm = static_cast<int>(i);
    }
    EXPECT_EQ(arm, v.arm) << v.id << " " << v.salt;
  }
}

TEST(SplitDefinitionTest, BucketsGoByTheLargestRemainder) {
  struct Case {
    std::vector<uint32_t> weights;
    uint32_t buckets;
    Ranges expected;
  };
  const Case cases[] = {
      {{1, 1, 1}, 1'000'000, {{0, 333'334}, {333'334, 666'667}, {666'667, 1'000'000}}},
      {{3, 3, 1}, 1'000'000, {{0, 428'572}, {428'572, 857'143}, {857'143, 1'000'000}}},
      {{1, 1, 1, 1, 1, 1, 1}, 10, {{0, 2}, {2, 4}, {4, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 10}}},
      {{5, 5, 5, 5, 5, 5, 1},
       20,
       {{0, 4}, {4, 7}, {7, 10}, {10, 13}, {13, 16}, {16, 19}, {19, 20}}},
      {{1, 2, 4}, 1, {{0, 0}, {0, 0}, {0, 1}}},
      {{1'000'000, 1}, 1'000'000, {{0, 999'999}, {999'999, 1'000'000}}},
      {{7}, 100'000, {{0, 100'000}}},
  };
  for (const Case& c : cases) EXPECT_EQ(PartitionBuckets(c.weights, c.buckets), c.expected);
}

TEST(SplitDefinitionTest, RandomPartitionsAreExactAndNearTheirQuota) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(500); ++round) {
    std::vector<uint32_t> weights(1 + random() % 31);
    for (uint32_t& weight : weights) {
      weight = 1 + static_cast<uint32_t>(random() % (round % 2 == 0 ? 10 : 1'000'000));
    }
    const auto buckets = static_cast<uint32_t>(1 + random() % index::kBuckets);
    const uint64_t sum = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
    const Ranges ranges = PartitionBuckets(weights, buckets);
    ASSERT_EQ(ranges.size(), weights.size());
    uint32_t end = 0;
    for (size_t i = 0; i < ranges.size(); ++i) {
      ASSERT_EQ(ranges[i].from, end);
      const uint64_t whole = uint64_t{weights[i]} * buckets / sum;
      ASSERT_GE(ranges[i].size(), whole);
      ASSERT_LE(ranges[i].size(), whole + 1);
      end = ranges[i].to;
    }
    ASSERT_EQ(end, buckets) << "round " << round;
  }
}

ArmDefinition Arm() {
  return {.split = "copy",
          .arm = "B",
          .role = ArmRole::kArm,
          .position = 1,
          .weight = 7,
          .share = 100'000,
          .source = 17,
          .salt = "春",
          .ranges = {{25'000, 50'000}}};
}

index::CrowdDefinition Keeping(const std::string& details) {
  return {.name = "copy.B", .kind = index::CrowdKind::kSplit, .details = details};
}

TEST(SplitDefinitionTest, WhatIsKeptIsRead) {
  for (const ArmDefinition& arm : {Arm(), Winning(Arm())}) {
    const absl::StatusOr<ArmDefinition> read = DecodeArm(Keeping(EncodeArm(arm)));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, arm);
  }
}

TEST(SplitDefinitionTest, DamageIsRefused) {
  const std::string whole = EncodeArm(Arm());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(DecodeArm(Keeping(whole.substr(0, size))).status().code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
  EXPECT_FALSE(DecodeArm(Keeping(whole + "x")).ok());
  ArmDefinition overlapping = Arm();
  overlapping.ranges = {{0, 10}, {5, 20}};
  EXPECT_FALSE(DecodeArm(Keeping(EncodeArm(overlapping))).ok());
  ArmDefinition beyond = Arm();
  beyond.ranges = {{0, index::kBuckets + 1}};
  EXPECT_FALSE(DecodeArm(Keeping(EncodeArm(beyond))).ok());
  ArmDefinition nobody = Arm();
  nobody.ranges = {};
  EXPECT_FALSE(DecodeArm(Keeping(EncodeArm(nobody))).ok());
}

TEST(SplitDefinitionTest, TheWinnerGetsTheRest) {
  EXPECT_EQ(Winning(Arm()).ranges, (Ranges{{25'000, 50'000}, {100'000, 1'000'000}}));
  ArmDefinition last = Arm();
  last.ranges = {{75'000, 100'000}};
  EXPECT_EQ(Winning(last).ranges, (Ranges{{75'000, 1'000'000}}));
  EXPECT_EQ(Winning(last).buckets(), 925'000u);
}

TEST(SplitDefinitionTest, AnArmIsAnExpression) {
  EXPECT_EQ(query::Format(ArmExpression(Arm(), "it's base")),
            "crowd('it''s base') and bucket('春', 25000, 50000)");
  EXPECT_EQ(query::Format(ArmExpression(Winning(Arm()), "base")),
            "crowd('base') and (bucket('春', 25000, 50000) or bucket('春', 100000, 1000000))");
}

}  // namespace
}  // namespace throng::engine
