// Histograms of packed numbers against counting them one by one, and the counts of a curve against
// asking each user.
#include "query/curve_counts.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "query/normalizer.h"
#include "query/value_histogram.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

using index::ChunkSet;

// Numbers of one chunk, and the users of a set.
struct Numbers {
  index::ColumnShardRef shard;
  std::map<uint32_t, int64_t> by_offset;
};

// `span` is how far the numbers reach from `low`, all but a few large ones.
Numbers RandomNumbers(std::mt19937_64& random, int64_t low, uint64_t span, bool deltas) {
  auto chunk = std::make_unique<index::ColumnChunk>();
  Numbers numbers;
  const auto draw = [&] {
    const uint64_t within = span == 0 ? random() : random() % (span + 1);
    return static_cast<int64_t>(static_cast<uint64_t>(low) + within);
  };
  for (uint32_t offset = 0; offset < index::kChunkSize; ++offset) {
    if (random() % 4 == 0) continue;
    const int64_t value = random() % 1'000 == 0 && span > 0 ? low + 900'000 : draw();
    chunk->Set(offset, value);
    numbers.by_offset[offset] = value;
  }
  std::array<index::ColumnBlockRef, index::kChunksPerShard> blocks;
  blocks[3] = index::EncodeColumn(*chunk);
  numbers.shard = index::MakeColumnShard(blocks);
  if (!deltas) return numbers;
  std::vector<index::Cell> cells;
  for (uint32_t offset = 5; offset < 4'000; offset += 100) {
    cells.push_back({.offset = (3 << index::kChunkBits) + offset,
                     .present = offset % 200 == 5,
                     .value = draw()});
    numbers.by_offset.erase(offset);
    if (cells.back().present) numbers.by_offset[offset] = cells.back().value;
  }
  numbers.shard = index::ApplyCells(numbers.shard, cells);
  return numbers;
}

std::vector<ValueStep> StepsOf(const Numbers& numbers, const ChunkSet& users,
                               const HistogramShape& shape) {
  std::map<uint64_t, ValueStep> steps;
  index::ForEach(users, [&](uint32_t offset) {
    const auto number = numbers.by_offset.find(offset);
    if (number == numbers.by_offset.end()) return;
    const int64_t value = number->second;
    if (value < shape.lowest || value > shape.highest) return;
    const uint64_t bucket =
        (static_cast<uint64_t>(value) - static_cast<uint64_t>(shape.lowest)) >> shape.shift;
    if (bucket >= shape.buckets) return;
    ValueStep& step = steps.try_emplace(bucket, ValueStep{value, value, 0}).first->second;
    step.first = std::min(step.first, value);
    step.last = std::max(step.last, value);
    ++step.users;
  });
  std::vector<ValueStep> list;
  for (const auto& [bucket, step] : steps) list.push_back(step);
  return list;
}

TEST(ValueHistogramTest, CountsColumnsOfEveryWidthForSetsOfEveryForm) {
  std::mt19937_64 random(testing::TestSeed());
  index::ChunkWords bits;
  for (uint64_t& word : bits.words) word = random() & random();
  const std::vector<uint16_t> array{0, 5, 105, 300, 9'000, 65'535};
  const std::vector<index::Run> runs{{0, 10}, {100, 20'000}, {65'535, 65'535}};
  const std::vector<ChunkSet> sets{
      ChunkSet::Full(), ChunkSet::Bitset(bits.words, 16'000),
      ChunkSet::Array(array.data(), static_cast<uint32_t>(array.size())),
      ChunkSet::Runs(runs.data(), 3, 11 + 19'901 + 1)};
  constexpr int64_t kLow = -50;
  for (const uint64_t span : {100u, 20'000u, 3'000'000u, 0u}) {
    const int64_t low = span == 0 ? std::numeric_limits<int64_t>::min() : kLow;
    for (const bool deltas : {false, true}) {
      const Numbers numbers = RandomNumbers(random, low, span, deltas);
      const std::vector<HistogramShape> shapes{
          {.lowest = -50, .shift = 0, .buckets = 1 << 20},
          {.lowest = 3, .shift = 0, .buckets = 40},
          {.lowest = -10, .highest = 77, .shift = 4, .buckets = 1'000},
          {.lowest = low, .shift = 48, .buckets = 1 << 16}};
      for (const HistogramShape& shape : shapes) {
        for (const ChunkSet& set : sets) {
          ValueHistogram histogram(shape);
          histogram.Add(*numbers.shard, 3, set);
          histogram.Add(*numbers.shard, 4, set);  // nobody has one there
          ASSERT_EQ(histogram.Steps(), StepsOf(numbers, set, shape))
              << "span " << span << ", shift " << shape.shift << ", lowest " << shape.lowest
              << ", set " << static_cast<int>(set.kind);
        }
      }
    }
  }
}

TEST(ValueHistogramTest, MergesAndKnowsTheLargest) {
  std::mt19937_64 random(testing::TestSeed());
  const Numbers numbers = RandomNumbers(random, 0, 1'000, false);
  const HistogramShape shape{.lowest = 0, .shift = 0, .buckets = 100};
  ValueHistogram a(shape);
  ValueHistogram b(shape);
  a.Add(*numbers.shard, 3, ChunkSet::Full());
  EXPECT_EQ(b.largest(), std::numeric_limits<int64_t>::min());
  b.Merge(a);
  b.Merge(a);
  EXPECT_EQ(b.largest(), 900'000);
  ASSERT_EQ(a.Steps().size(), 100);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(b.Steps()[i].users, 2 * a.Steps()[i].users);
}

PhysicalPlan PhysicalOf(const PlanWorld& world, const LogicalPlan& plan) {
  return MakePhysicalPlan(Normalize(plan, world.catalogue()), world.snapshot());
}

// For every threshold the counts of the curve are those of the expression with it.
TEST(CurveCountsRandomTest, AreTheCountsForEveryThreshold) {
  std::mt19937_64 random(testing::TestSeed());
  for (const uint32_t users : {1u, 900u, 70'000u}) {
    PlanWorld world(random, users);
    for (int round = 0; round < testing::TestRounds(users < 1'000 ? 60 : 6); ++round) {
      const LogicalPlan a = world.RandomPlan(random, 2);
      const LogicalPlan b = world.RandomPlan(random, 2);
      const bool negated = random() % 2 == 0;
      const auto with = [&](LogicalPlan condition) -> LogicalPlan {
        if (negated) condition = {LogicalNot{{condition}}};
        return {LogicalOr{{a, {LogicalAnd{{b, condition}}}}}};
      };
      const CurvePlans plans{.never = PhysicalOf(world, with({Nobody{}})),
                             .always = PhysicalOf(world, with({Everybody{}})),
                             .negated = negated};
      const Interval kept{random() % 2 == 0 ? -3 : std::numeric_limits<int64_t>::min(),
                          std::numeric_limits<int64_t>::max()};
      const auto curve = CountCurve(plans, kViews, kept, world.snapshot(), world.parallel(), {});
      ASSERT_TRUE(curve.ok()) << curve.status();
      for (int64_t threshold = -6; threshold <= 21; threshold += 3) {
        uint64_t meeting = 0;
        for (const ValueStep& step : curve->steps) {
          EXPECT_EQ(step.first, step.last);
          if (step.last <= threshold) meeting += step.users;
        }
        const uint64_t count = curve->settled + (negated ? curve->deciding - meeting : meeting);
        const LogicalPlan plan =
            with(kept.low <= threshold ? LogicalPlan{NumericRanges{kViews, {{kept.low, threshold}}}}
                                       : LogicalPlan{Nobody{}});
        ASSERT_EQ(count, world.Matching(plan).size()) << ToString(plan, world.catalogue());
      }
    }
  }
}

}  // namespace
}  // namespace throng::query
