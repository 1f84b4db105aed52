// What must hold between answers whatever they are: the order of operands changes nothing, parts
// sum to the whole. A failure prints the seed and the plan.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "index/ordinal_set.h"
#include "query/breakdown_collector.h"
#include "query/executor.h"
#include "query/leaf_reader.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "query/statistics_collector.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

LogicalPlan Not(LogicalPlan plan) { return {LogicalNot{{std::move(plan)}}}; }
LogicalPlan And(LogicalPlan a, LogicalPlan b) { return {LogicalAnd{{std::move(a), std::move(b)}}}; }

class MetamorphicRandomTest : public ::testing::Test {
 protected:
  explicit MetamorphicRandomTest(uint32_t users = 140'000)
      : random_(testing::TestSeed()), world_(random_, users) {}

  PhysicalPlan Physical(const LogicalPlan& plan) const {
    return MakePhysicalPlan(Normalize(plan, world_.catalogue()), world_.snapshot());
  }
  uint64_t Count(const LogicalPlan& plan) {
    return *CountUsers(Physical(plan), world_.snapshot(), world_.parallel(), {});
  }
  void Collect(const LogicalPlan& plan, Collector& collector) {
    ASSERT_TRUE(Execute(Physical(plan), world_.snapshot(), world_.parallel(), {}, collector).ok());
  }
  std::string Text(const LogicalPlan& plan) const { return ToString(plan, world_.catalogue()); }

  std::mt19937_64 random_;
  PlanWorld world_;
};

TEST_F(MetamorphicRandomTest, TheOrderOfOperandsChangesNothing) {
  for (int round = 0; round < testing::TestRounds(60); ++round) {
    std::vector<LogicalPlan> operands;
    for (uint64_t i = 2 + random_() % 5; i > 0; --i) {
      operands.push_back(world_.RandomPlan(random_, 2));
    }
    const LogicalPlan all{LogicalAnd{operands}};
    const LogicalPlan any{LogicalOr{operands}};
    const uint64_t in_all = Count(all);
    const uint64_t in_any = Count(any);
    for (int shuffle = 0; shuffle < 4; ++shuffle) {
      std::shuffle(operands.begin(), operands.end(), random_);
      ASSERT_EQ(Count({LogicalAnd{operands}}), in_all) << Text(all);
      ASSERT_EQ(Count({LogicalOr{operands}}), in_any) << Text(any);
      // And neither does where the brackets stand.
      LogicalPlan all_in_turn = operands.front();
      LogicalPlan any_in_turn = operands.front();
      for (size_t i = 1; i < operands.size(); ++i) {
        all_in_turn = And(operands[i], all_in_turn);
        any_in_turn = {LogicalOr{{any_in_turn, operands[i]}}};
      }
      ASSERT_EQ(Count(all_in_turn), in_all) << Text(all_in_turn);
      ASSERT_EQ(Count(any_in_turn), in_any) << Text(any_in_turn);
    }
  }
}

TEST_F(MetamorphicRandomTest, ACrowdIsWhatIsInAnotherAndWhatIsNot) {
  for (int round = 0; round < testing::TestRounds(100); ++round) {
    const LogicalPlan a = world_.RandomPlan(random_, 3);
    const LogicalPlan b = world_.RandomPlan(random_, 3);
    const uint64_t users = Count(a);
    ASSERT_EQ(users, Count(And(a, b)) + Count(And(a, Not(b)))) << Text(a) << "; " << Text(b);
    ASSERT_EQ(users + Count(Not(a)), 140'000u) << Text(a);
    ASSERT_EQ(Count(Not(Not(a))), users) << Text(a);
    ASSERT_EQ(Count(Not({LogicalOr{{a, b}}})), Count(And(Not(a), Not(b)))) << Text(a);
  }
}

TEST_F(MetamorphicRandomTest, ValuesAndMissingSumToTheCrowd) {
  for (int round = 0; round < testing::TestRounds(60); ++round) {
    const LogicalPlan crowd = world_.RandomPlan(random_, 3);
    BreakdownCollector breakdown(world_.snapshot(), {kCity, kInterests, kGraduate});
    Collect(crowd, breakdown);
    const std::vector<TagCounts> tags = breakdown.Finish();
    const uint64_t without_city = Count(And(crowd, Not({TagExists{kCity}})));
    const uint64_t in_values =
        std::accumulate(tags[0].counts.begin(), tags[0].counts.end(), uint64_t{0});
    ASSERT_EQ(breakdown.users(), Count(crowd)) << Text(crowd);
    ASSERT_EQ(in_values + without_city, breakdown.users()) << Text(crowd);
    ASSERT_EQ(tags[0].with_value + without_city, breakdown.users()) << Text(crowd);
    ASSERT_EQ(tags[1].with_value + Count(And(crowd, Not({TagExists{kInterests}}))),
              breakdown.users())
        << Text(crowd);
    ASSERT_EQ(tags[2].counts[0] + Count(And(crowd, Not({TagValues{kGraduate, {0}}}))),
              breakdown.users())
        << Text(crowd);
  }
}

TEST_F(MetamorphicRandomTest, FiguresOfTwoPartsSumToThoseOfTheWhole) {
  for (int round = 0; round < testing::TestRounds(60); ++round) {
    const LogicalPlan whole = world_.RandomPlan(random_, 3);
    const LogicalPlan cut = world_.RandomPlan(random_, 2);
    const std::vector<LogicalPlan> crowds = {whole, And(whole, cut), And(whole, Not(cut))};
    std::vector<std::vector<TagCounts>> counts;
    std::vector<TagStatistics> views;
    for (const LogicalPlan& crowd : crowds) {
      BreakdownCollector breakdown(world_.snapshot(), {kCity, kInterests});
      Collect(crowd, breakdown);
      counts.push_back(breakdown.Finish());
      StatisticsCollector statistics(world_.snapshot(), {kViews});
      Collect(crowd, statistics);
      views.push_back(statistics.Finish()[0]);
    }
    for (size_t tag = 0; tag < 2; ++tag) {
      for (size_t code = 0; code < counts[0][tag].counts.size(); ++code) {
        ASSERT_EQ(counts[0][tag].counts[code],
                  counts[1][tag].counts[code] + counts[2][tag].counts[code])
            << Text(crowds[1]);
      }
    }
    ASSERT_EQ(views[0].users, views[1].users + views[2].users) << Text(crowds[1]);
    ASSERT_EQ(*views[0].Sum(), *views[1].Sum() + *views[2].Sum()) << Text(crowds[1]);
    ASSERT_EQ(views[0].missing(), views[1].missing() + views[2].missing()) << Text(crowds[1]);
  }
}

// More than one shard.
class ManyShardsRandomTest : public MetamorphicRandomTest {
 protected:
  static constexpr uint32_t kUsers = 2 * index::kShardSize + 100'000;

  ManyShardsRandomTest() : MetamorphicRandomTest(kUsers) {}

  static std::shared_ptr<const index::OrdinalSet> UsersOfShard(uint32_t shard) {
    index::OrdinalSet::Builder builder;
    const uint32_t first = shard * index::kShardSize;
    for (uint32_t i = first; i < std::min(first + index::kShardSize, kUsers); ++i) builder.Add(i);
    return builder.Build();
  }
};

TEST_F(ManyShardsRandomTest, ShardsSumToTheWhole) {
  ASSERT_EQ(world_.snapshot().shard_count(), 3u);
  std::vector<LogicalPlan> shards;
  for (uint32_t shard = 0; shard < 3; ++shard) shards.push_back({Ordinals{UsersOfShard(shard)}});
  for (int round = 0; round < testing::TestRounds(60); ++round) {
    const LogicalPlan crowd = world_.RandomPlan(random_, 3);
    SetCollector collector;
    Collect(crowd, collector);
    const auto set = collector.Build();
    uint64_t sum = 0;
    for (uint32_t shard = 0; shard < 3; ++shard) {
      const uint64_t count = Count(And(crowd, shards[shard]));
      uint64_t in_chunks = 0;
      for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
        in_chunks += set->chunk(shard * index::kChunksPerShard + c).cardinality;
      }
      ASSERT_EQ(count, in_chunks) << "shard " << shard << " of " << Text(crowd);
      sum += count;
    }
    ASSERT_EQ(sum, Count(crowd)) << Text(crowd);
    ASSERT_EQ(set->cardinality(), sum) << Text(crowd);
  }
}

// Reading ahead goes on from chunk to chunk, from bitmap to bitmap and into the next shard.
TEST_F(ManyShardsRandomTest, ReadingAheadChangesNothing) {
  const std::vector<PhysicalPlan> leaves = {
      {.node = TagValues{.tag = kCity, .codes = {2}}},
      {.node = TagValues{.tag = kCity, .codes = {0, 1, 3, 5}}},
      {.node = TagValues{.tag = kInterests, .codes = {0, 1, 2, 3, 4, 5}}},
      {.node = TagValues{.tag = kGraduate, .codes = {0}}},
      {.node = TagExists{.tag = kViews}},
      {.node = Everybody{}},
  };
  const auto members = [](const index::ChunkSet& set) {
    std::vector<uint32_t> offsets;
    index::ForEach(set, [&](uint32_t offset) { offsets.push_back(offset); });
    return offsets;
  };
  for (size_t i = 0; i < leaves.size(); ++i) {
    LeafReader plain(leaves[i], world_.snapshot());
    LeafReader ahead(leaves[i], world_.snapshot());
    ahead.SetReadsAhead();
    bool into_next_shard = false;
    for (uint32_t shard = 0; shard < 3; ++shard) {
      ASSERT_EQ(plain.StartShard(shard), ahead.StartShard(shard));
      for (uint32_t chunk = 0; chunk < index::kChunksPerShard; ++chunk) {
        const index::ChunkSet set = ahead.Read(chunk);
        into_next_shard |= chunk + 1 == index::kChunksPerShard &&
                           set.kind == index::SetKind::kBitset && set.ahead != nullptr;
        ASSERT_EQ(members(set), members(plain.Read(chunk)))
            << "leaf " << i << ", shard " << shard << ", chunk " << chunk;
      }
    }
    // Leaves of several bitmaps stop at the shard's end, and everybody are full blocks.
    const bool has_one_bitset = i == 0 || i == 3 || i == 4;
    EXPECT_EQ(into_next_shard, has_one_bitset) << "leaf " << i;
  }
}

}  // namespace
}  // namespace throng::query
