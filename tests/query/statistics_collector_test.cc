// Sums and extremes over crowds against adding up user by user: every width of a column, every form
// of a chunk, deltas, and sums at the edge of 64 bits.
#include "query/statistics_collector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/block.h"
#include "index/chunk_ops.h"
#include "index/parallel.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

using Numbers = std::vector<std::optional<int64_t>>;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr uint32_t kSpend = 1;

// Users with one INTEGER tag, and who they are by asking each.
class NumberWorld {
 public:
  explicit NumberWorld(Numbers numbers) : numbers_(std::move(numbers)) {
    index::CommitRecord record{.version = 1};
    record.definitions = {{.id = kSpend, .name = "spend", .type = index::TagType::kInteger}};
    for (size_t i = 0; i < numbers_.size(); ++i) record.new_users.push_back(std::to_string(i));
    snapshot_ = index::Apply(index::Snapshot(), record, parallel_);
    std::vector<uint32_t> everybody(numbers_.size());
    for (uint32_t i = 0; i < everybody.size(); ++i) everybody[i] = i;
    Write(everybody);
  }

  // Gives `users`, who ascend, other numbers.
  void Change(const std::vector<std::pair<uint32_t, std::optional<int64_t>>>& users) {
    std::vector<uint32_t> ordinals;
    for (const auto& [ordinal, number] : users) {
      numbers_[ordinal] = number;
      ordinals.push_back(ordinal);
    }
    Write(ordinals);
  }
  const index::Snapshot& snapshot() const { return *snapshot_; }
  const Numbers& numbers() const { return numbers_; }
  size_t delta_size() const {
    const index::TagShard* shard = snapshot_->shard(kSpend, 0);
    return shard == nullptr || shard->column == nullptr ? 0 : shard->column->delta(0).size();
  }

 private:
  void Write(const std::vector<uint32_t>& ordinals) {
    index::CommitRecord record{.version = snapshot_->data_version() + 1,
                               .first_ordinal = snapshot_->ordinal_end()};
    index::TagChange change{.tag = kSpend, .ordinals = ordinals};
    for (uint32_t ordinal : ordinals) {
      change.cells.push_back(numbers_[ordinal].value_or(0));
      change.cleared.push_back(!numbers_[ordinal].has_value());
    }
    record.tag_changes.push_back(std::move(change));
    snapshot_ = index::Apply(*snapshot_, record, parallel_);
  }

  Numbers numbers_;
  index::Parallel parallel_{1};
  index::SnapshotRef snapshot_;
};

// By adding up user by user.
TagStatistics Naive(const Numbers& numbers, const std::set<uint32_t>& users) {
  TagStatistics expected;
  expected.users = users.size();
  for (uint32_t user : users) {
    if (!numbers[user].has_value()) continue;
    const int64_t number = *numbers[user];
    ++expected.with_value;
    expected.total += number;
    expected.min = std::min(expected.min.value_or(kMax), number);
    expected.max = std::max(expected.max.value_or(kMin), number);
  }
  return expected;
}

void ExpectSame(const TagStatistics& actual, const TagStatistics& expected,
                const std::string& what) {
  ASSERT_EQ(actual.users, expected.users) << what;
  ASSERT_EQ(actual.with_value, expected.with_value) << what;
  ASSERT_TRUE(actual.total == expected.total) << what;
  ASSERT_EQ(actual.min, expected.min) << what;
  ASSERT_EQ(actual.max, expected.max) << what;
}

// The crowd handed over chunk by chunk, as bitsets or in the form a block has, to `workers` in
// turn.
TagStatistics Collected(const index::Snapshot& snapshot, const std::set<uint32_t>& users,
                        bool as_bitsets, uint32_t workers = 1) {
  StatisticsCollector collector(snapshot, {kSpend});
  const uint32_t chunks = snapshot.shard_count() * index::kChunksPerShard;
  collector.Start(workers, chunks);
  for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
    std::vector<uint16_t> offsets;
    auto words = std::make_unique<index::ChunkWords>();
    for (auto user = users.lower_bound(chunk << 16); user != users.end() && *user >> 16 == chunk;
         ++user) {
      offsets.push_back(static_cast<uint16_t>(*user));
      words->words[(*user & 0xFFFF) >> 6] |= uint64_t{1} << (*user & 63);
    }
    if (offsets.empty()) continue;
    if (as_bitsets) {
      collector.Collect(chunk, index::ViewOf(words->words), chunk % workers);
      continue;
    }
    // An array, runs or full: whatever the block says is cheapest.
    const auto size = static_cast<uint32_t>(offsets.size());
    const index::BlockRef block = index::MakeBlock(
        size <= index::kBlockArrayMax ? index::ChunkSet::Array(offsets.data(), size)
                                      : index::ViewOf(words->words));
    collector.Collect(chunk, index::View(block), chunk % workers);
  }
  return collector.Finish()[0];
}

// What numbers are drawn from: columns of 1, 2, 4 and 8 bytes, and whole values.
struct Domain {
  int64_t low;
  int64_t high;
};
constexpr Domain kDomains[] = {
    {-5, 20},
    {kMin, kMin + 254},       // the widest of 1 byte, from the least number on
    {kMax - 65'534, kMax},    // of 2
    {-3'000'000, 4'000'000},  // 4
    {-2, 4'294'967'292},      // the widest of 4
    {kMin / 4, kMax / 4},     // 8
    {kMin, kMax - 1},         // the widest of 8
    {kMin, kMax},             // whole values
};

std::optional<int64_t> Draw(const Domain& domain, std::mt19937_64& random) {
  switch (random() % 6) {
    case 0:
      return std::nullopt;
    case 1:
      return domain.low;
    case 2:
      return domain.high;
    default:
      return std::uniform_int_distribution<int64_t>(domain.low, domain.high)(random);
  }
}

std::set<uint32_t> DrawUsers(uint32_t population, std::mt19937_64& random) {
  std::set<uint32_t> users;
  const uint64_t kind = random() % 5;
  if (kind == 4) {  // runs, and all of the first chunk
    for (uint32_t user = 0; user < population; ++user) {
      if (user < 65'536 || user % 5'000 > 40) users.insert(users.end(), user);
    }
    return users;
  }
  const uint64_t one_in = kind == 0 ? 20'000 : kind == 1 ? 100 : kind == 2 ? 3 : 1;
  for (uint32_t user = 0; user < population; ++user) {
    if (random() % one_in == 0) users.insert(users.end(), user);
  }
  return users;
}

TEST(StatisticsCollectorRandomTest, SumsAreThoseOfAddingUpEachUser) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    const Domain domain = kDomains[static_cast<size_t>(round) % std::size(kDomains)];
    Numbers numbers(66'000 + random() % 100'000);
    for (auto& number : numbers) number = Draw(domain, random);
    NumberWorld world(numbers);
    const auto population = static_cast<uint32_t>(numbers.size());
    const std::set<uint32_t> users = DrawUsers(population, random);
    for (const bool with_delta : {false, true}) {
      if (with_delta) {
        std::vector<std::pair<uint32_t, std::optional<int64_t>>> changes;
        const Domain other = kDomains[random() % std::size(kDomains)];
        for (uint32_t user = 0; user < population; ++user) {
          if (random() % 500 == 0) changes.emplace_back(user, Draw(other, random));
        }
        world.Change(changes);
      }
      for (const bool as_bitsets : {false, true}) {
        ExpectSame(Collected(world.snapshot(), users, as_bitsets, 1 + random() % 3),
                   Naive(world.numbers(), users),
                   fmt::format("round {}: [{}, {}], {} of {} users, delta {}", round, domain.low,
                               domain.high, users.size(), population, world.delta_size()));
      }
    }
    ASSERT_GT(world.delta_size(), 0u) << "deltas are not tested any more";
  }
}

struct SumCase {
  Numbers numbers;
  std::string sum;
  std::string average;
};

TEST(StatisticsCollectorTest, SumsAreExactUpToTheEdgeOf64BitsAndErrorsBeyond) {
  const std::string beyond = "OUT_OF_RANGE";
  const std::vector<SumCase> cases = {
      {{std::nullopt, std::nullopt}, "0", "none"},
      {{0}, "0", "0"},
      {{5, std::nullopt, -7}, "-2", "-1"},
      {{kMax}, "9223372036854775807", "9.223372036854776e+18"},
      {{kMax - 1, 1}, "9223372036854775807", "4.611686018427388e+18"},
      {{kMax, 1}, beyond, "4.611686018427388e+18"},
      {{kMax, kMax, kMax}, beyond, "9.223372036854776e+18"},
      {{kMin}, "-9223372036854775808", "-9.223372036854776e+18"},
      {{kMin + 1, -1}, "-9223372036854775808", "-4.611686018427388e+18"},
      {{kMin, -1}, beyond, "-4.611686018427388e+18"},
      {{kMin, kMin, kMin}, beyond, "-9.223372036854776e+18"},
      {{kMin, kMax}, "-1", "-0.5"},
      {{kMin, kMax, kMax, kMin, 3}, "1", "0.2"},
  };
  for (const SumCase& c : cases) {
    const NumberWorld world(c.numbers);
    std::set<uint32_t> users;
    for (uint32_t i = 0; i < c.numbers.size(); ++i) users.insert(i);
    const TagStatistics spend = Collected(world.snapshot(), users, false);
    const absl::StatusOr<int64_t> sum = spend.Sum();
    EXPECT_EQ(sum.ok() ? std::to_string(*sum)
                       : std::string(absl::StatusCodeToString(sum.status().code())),
              c.sum);
    EXPECT_EQ(spend.Average() ? fmt::format("{}", *spend.Average()) : "none", c.average) << c.sum;
    if (!sum.ok()) {
      EXPECT_NE(sum.status().message().find("\"spend\""), std::string::npos);
    }
    ExpectSame(spend, Naive(c.numbers, users), c.sum);
  }
}

TEST(StatisticsCollectorTest, ALongSumOfLargeNumbersDoesNotWrap) {
  Numbers numbers(200'000, kMax);
  for (size_t i = 0; i < numbers.size(); i += 2) numbers[i] = kMax - 4'000'000'000'000;
  const NumberWorld world(numbers);
  std::set<uint32_t> users;
  for (uint32_t i = 0; i < numbers.size(); ++i) users.insert(users.end(), i);
  ExpectSame(Collected(world.snapshot(), users, true), Naive(numbers, users), "large");
}

TEST(StatisticsCollectorTest, ADeltaOverridesWhatTheBlockHas) {
  Numbers numbers(3'000, 10);
  numbers[7] = -1'000;  // the least of the block
  numbers[8] = 1'000;   // and the largest
  numbers[9] = std::nullopt;
  NumberWorld world(numbers);
  world.Change({{7, std::nullopt}, {8, 11}, {9, 12}});
  ASSERT_GT(world.delta_size(), 0u);
  for (const bool as_bitsets : {false, true}) {
    const TagStatistics spend = Collected(world.snapshot(), {6, 7, 8, 9}, as_bitsets);
    EXPECT_EQ(*spend.Sum(), 33);
    EXPECT_EQ(spend.min, 10);
    EXPECT_EQ(spend.max, 12);
    EXPECT_EQ(spend.missing(), 1u);
  }
}

TEST(StatisticsCollectorTest, NobodySelectedAndNobodyWithTheTag) {
  const NumberWorld world(Numbers(10));
  const TagStatistics nobody = Collected(world.snapshot(), {}, true);
  EXPECT_EQ(nobody.users, 0u);
  EXPECT_EQ(*nobody.Sum(), 0);
  EXPECT_FALSE(nobody.min || nobody.max || nobody.Average());
  const TagStatistics without = Collected(world.snapshot(), {1, 2, 3}, true);
  EXPECT_EQ(without.users, 3u);
  EXPECT_EQ(without.missing(), 3u);
  EXPECT_EQ(*without.Sum(), 0);
}

TEST(StatisticsCollectorRandomTest, PlansGiveTheSumOverWhomTheySelect) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 70'000);
  Numbers views(70'000);
  for (int64_t number = -5; number <= 20; ++number) {
    for (uint32_t user : world.Matching({NumericRanges{kViews, {{number, number}}}})) {
      views[user] = number;
    }
  }
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    const LogicalPlan plan = world.RandomPlan(random, 3);
    StatisticsCollector collector(world.snapshot(), {kViews});
    ASSERT_TRUE(Execute(MakePhysicalPlan(Normalize(plan, world.catalogue()), world.snapshot()),
                        world.snapshot(), world.parallel(), {}, collector)
                    .ok());
    ExpectSame(collector.Finish()[0], Naive(views, world.Matching(plan)),
               ToString(plan, world.catalogue()));
  }
}

}  // namespace
}  // namespace throng::query
