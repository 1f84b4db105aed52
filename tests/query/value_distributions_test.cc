// Ranks and counts below limits against sorted lists: columns of every width, numbers far apart and
// crowded, deltas, several tags in one pass, and the passes that are taken.
#include "query/value_distributions.h"

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
#include "gtest/gtest.h"
#include "query/column_bounds.h"
#include "query/normalizer.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

using Numbers = std::vector<std::optional<int64_t>>;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

// Users with INTEGER tags 1, 2, ..., and what each has.
class World {
 public:
  World(std::vector<Numbers> tags, uint32_t threads) : tags_(std::move(tags)), parallel_(threads) {
    index::CommitRecord record{.version = 1};
    for (uint32_t t = 0; t < tags_.size(); ++t) {
      record.definitions.push_back(
          {.id = t + 1, .name = fmt::format("t{}", t), .type = index::TagType::kInteger});
    }
    for (size_t i = 0; i < tags_[0].size(); ++i) record.new_users.push_back(std::to_string(i));
    snapshot_ = index::Apply(index::Snapshot(), record, parallel_);
    std::vector<uint32_t> everybody(tags_[0].size());
    for (uint32_t i = 0; i < everybody.size(); ++i) everybody[i] = i;
    for (uint32_t t = 0; t < tags_.size(); ++t) Write(t, everybody);
  }

  void Change(uint32_t tag, uint32_t user, std::optional<int64_t> number) {
    tags_[tag][user] = number;
    Write(tag, {user});
  }
  const Numbers& numbers(size_t tag) const { return tags_[tag]; }
  const index::Snapshot& snapshot() const { return *snapshot_; }
  index::Parallel& parallel() { return parallel_; }
  std::vector<uint32_t> ids() const {
    std::vector<uint32_t> ids;
    for (uint32_t t = 0; t < tags_.size(); ++t) ids.push_back(t + 1);
    return ids;
  }
  std::vector<int64_t> Sorted(size_t tag, const std::vector<uint32_t>& users) const {
    std::vector<int64_t> sorted;
    for (uint32_t user : users) {
      if (tags_[tag][user].has_value()) sorted.push_back(*tags_[tag][user]);
    }
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }
  PhysicalPlan PlanOf(const std::vector<uint32_t>& users) const {
    return MakePhysicalPlan(
        Normalize({Ordinals{index::OrdinalSet::FromOrdinals(users)}}, snapshot_->catalogue()),
        *snapshot_);
  }

 private:
  void Write(uint32_t tag, const std::vector<uint32_t>& ordinals) {
    index::CommitRecord record{.version = snapshot_->data_version() + 1,
                               .first_ordinal = snapshot_->ordinal_end()};
    index::TagChange change{.tag = tag + 1, .ordinals = ordinals};
    for (uint32_t ordinal : ordinals) {
      change.cells.push_back(tags_[tag][ordinal].value_or(0));
      change.cleared.push_back(!tags_[tag][ordinal].has_value());
    }
    record.tag_changes.push_back(std::move(change));
    snapshot_ = index::Apply(*snapshot_, record, parallel_);
  }

  std::vector<Numbers> tags_;
  index::Parallel parallel_;
  index::SnapshotRef snapshot_;
};

// Every rank that comes to mind, and limits at, below and above numbers that there are.
DistributionQuestions QuestionsOf(const std::vector<int64_t>& sorted, std::mt19937_64& random) {
  DistributionQuestions questions;
  std::set<int64_t> limits{kMin, kMax, 0};
  if (sorted.empty()) {
    questions.limits.assign(limits.begin(), limits.end());
    return questions;
  }
  std::set<uint64_t> ranks{1, sorted.size()};
  for (int i = 0; i < 12; ++i) ranks.insert(1 + random() % sorted.size());
  for (int i = 0; i < 20; ++i) {
    const int64_t number = sorted[random() % sorted.size()];
    limits.insert(number);
    if (number < kMax) limits.insert(number + 1);
    limits.insert(static_cast<int64_t>(random()));
  }
  questions.ranks.assign(ranks.begin(), ranks.end());
  questions.limits.assign(limits.begin(), limits.end());
  return questions;
}

void ExpectAnswers(const std::vector<int64_t>& sorted, const DistributionQuestions& questions,
                   const DistributionAnswers& answers, const std::string& what) {
  ASSERT_EQ(answers.values.size(), questions.ranks.size()) << what;
  for (size_t i = 0; i < questions.ranks.size(); ++i) {
    ASSERT_EQ(answers.values[i], sorted[questions.ranks[i] - 1])
        << what << ", rank " << questions.ranks[i] << " of " << sorted.size();
  }
  ASSERT_EQ(answers.below.size(), questions.limits.size()) << what;
  for (size_t i = 0; i < questions.limits.size(); ++i) {
    const auto end = std::lower_bound(sorted.begin(), sorted.end(), questions.limits[i]);
    ASSERT_EQ(answers.below[i], static_cast<uint64_t>(end - sorted.begin()))
        << what << ", below " << questions.limits[i];
  }
}

void ExpectFigures(const std::vector<int64_t>& sorted, uint64_t users, const TagStatistics& figures,
                   const std::string& what) {
  absl::int128 total = 0;
  for (int64_t number : sorted) total += number;
  ASSERT_EQ(figures.users, users) << what;
  ASSERT_EQ(figures.with_value, sorted.size()) << what;
  ASSERT_TRUE(figures.total == total) << what;
  ASSERT_EQ(figures.min.has_value(), !sorted.empty()) << what;
  if (sorted.empty()) return;
  ASSERT_EQ(figures.min, sorted.front()) << what;
  ASSERT_EQ(figures.max, sorted.back()) << what;
}

// Asks twice: what the first has cut up serves the second.
uint32_t ExpectAll(World& world, const std::vector<uint32_t>& users, std::mt19937_64& random,
                   const std::string& what) {
  const PhysicalPlan plan = world.PlanOf(users);
  const Check check;
  ValueDistributions spread(plan, world.snapshot(), world.parallel(), check, world.ids());
  EXPECT_TRUE(spread.Count().ok());
  for (int time = 0; time < 2; ++time) {
    std::vector<DistributionQuestions> questions;
    for (size_t tag = 0; tag < world.ids().size(); ++tag) {
      const std::vector<int64_t> sorted = world.Sorted(tag, users);
      ExpectFigures(sorted, users.size(), spread.figures()[tag], what);
      questions.push_back(QuestionsOf(sorted, random));
    }
    const auto answers = spread.Answer(questions);
    EXPECT_TRUE(answers.ok()) << answers.status();
    for (size_t tag = 0; tag < questions.size(); ++tag) {
      ExpectAnswers(world.Sorted(tag, users), questions[tag], (*answers)[tag],
                    fmt::format("{}, tag {}", what, tag));
    }
    if (::testing::Test::HasFatalFailure()) break;
  }
  return spread.passes();
}

struct Domain {
  int64_t low;
  int64_t high;
};
constexpr Domain kDomains[] = {
    {-5, 20},
    {kMin, kMin + 254},          // the widest of 1 byte, from the least number on
    {kMax - 65'534, kMax},       // of 2
    {0, kSingleValuesMax - 1},   // the widest of single values
    {-7, kSingleValuesMax - 7},  // one more
    {-2, 4'294'967'292},         // the widest of 4 bytes
    {kMin / 4, kMax / 4},        // 8
    {kMin, kMax},                // whole values
};

std::vector<uint32_t> DrawUsers(uint32_t population, std::mt19937_64& random) {
  std::vector<uint32_t> users;
  const uint64_t kind = random() % 4;
  for (uint32_t user = 0; user < population; ++user) {
    const bool in = kind == 0   ? true
                    : kind == 1 ? random() % 2 == 0
                    : kind == 2 ? random() % 500 == 0
                                : user < 65'536 || user % 5'000 > 40;
    if (in) users.push_back(user);
  }
  return users;
}

TEST(ValueDistributionsRandomTest, RanksAndCountsAreThoseOfTheSortedNumbers) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(8); ++round) {
    const auto population = static_cast<uint32_t>(66'000 + random() % 80'000);
    std::vector<Numbers> tags;
    for (const Domain& domain : kDomains) {
      std::uniform_int_distribution<int64_t> draw(domain.low, domain.high);
      Numbers& numbers = tags.emplace_back(population);
      for (auto& number : numbers) {
        if (random() % 5 != 0) number = random() % 9 == 0 ? domain.high : draw(random);
      }
    }
    World world(std::move(tags), 1 + round % 2);
    for (int i = 0; i < 100; ++i) {
      const auto tag = static_cast<uint32_t>(random() % std::size(kDomains));
      const Domain domain = kDomains[random() % std::size(kDomains)];
      world.Change(tag, static_cast<uint32_t>(random() % population),
                   random() % 3 == 0 ? std::nullopt : std::optional(domain.low));
    }
    const std::vector<uint32_t> users = DrawUsers(population, random);
    ExpectAll(world, users, random, fmt::format("round {}, {} users", round, users.size()));
    if (::testing::Test::HasFatalFailure()) return;
  }
}

// One number far away makes one bucket of all others; they are told apart all the same.
TEST(ValueDistributionsRandomTest, ACrowdInOneBucketIsCutUpAgain) {
  std::mt19937_64 random(testing::TestSeed());
  const uint32_t population = 200'000;
  for (const int64_t far : {kMax, int64_t{1} << 40}) {
    Numbers numbers(population);
    for (auto& number : numbers) {
      number = static_cast<int64_t>(random() % 50'000) - 25'000;
    }
    numbers[77'777] = far;
    World world({std::move(numbers)}, 2);
    std::vector<uint32_t> users(population);
    for (uint32_t i = 0; i < population; ++i) users[i] = i;
    EXPECT_GT(ExpectAll(world, users, random, fmt::format("far {}", far)), 2u);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(ValueDistributionsTest, PassesAreFew) {
  std::mt19937_64 random(testing::TestSeed());
  const uint32_t population = 70'000;
  std::vector<Numbers> tags(3, Numbers(population));
  for (uint32_t i = 0; i < population; ++i) {
    tags[0][i] = static_cast<int64_t>(random() % 1'000);
    tags[1][i] = static_cast<int64_t>(random() % 1'000'000'000'000);
  }
  World world(std::move(tags), 1);
  std::vector<uint32_t> users(population);
  for (uint32_t i = 0; i < population; ++i) users[i] = i;
  const PhysicalPlan plan = world.PlanOf(users);
  const Check check;
  const auto passes = [&](const std::vector<uint32_t>& ids, const DistributionQuestions& asked) {
    ValueDistributions spread(plan, world.snapshot(), world.parallel(), check, ids);
    EXPECT_TRUE(spread.Count().ok());
    const auto answers = spread.Answer(std::vector<DistributionQuestions>(ids.size(), asked));
    EXPECT_TRUE(answers.ok());
    return spread.passes();
  };
  const DistributionQuestions median{.ranks = {35'000}};
  EXPECT_EQ(passes({1}, median), 1u);
  EXPECT_EQ(passes({3}, {.limits = {5}}), 1u);  // nobody has one
  EXPECT_EQ(passes({2}, {}), 1u);
  EXPECT_EQ(passes({2}, {.ranks = {1, population}}), 1u);  // the least and the largest are known
  EXPECT_EQ(passes({2}, median), 2u);
  EXPECT_EQ(passes({1, 2}, median), 2u);
}

TEST(ValueDistributionsTest, ACheckEndsEachPass) {
  std::vector<Numbers> tags(1, Numbers{0, 1, int64_t{1} << 50, 7, 8});
  World world(std::move(tags), 1);
  const PhysicalPlan plan = world.PlanOf({0, 1, 2, 3, 4});
  int left = 0;
  const Check check = [&left]() -> absl::Status {
    return left-- > 0 ? absl::OkStatus() : absl::CancelledError("enough");
  };
  ValueDistributions spread(plan, world.snapshot(), world.parallel(), check, {1});
  EXPECT_EQ(spread.Count().code(), absl::StatusCode::kCancelled);
  left = 1;
  ASSERT_TRUE(spread.Count().ok());
  EXPECT_EQ(spread.Answer({{.ranks = {3}}}).status().code(), absl::StatusCode::kCancelled);
  left = 1;
  EXPECT_EQ(spread.Answer({{.ranks = {3}}})->at(0).values, (std::vector<int64_t>{7}));
}

TEST(ColumnBoundsTest, AreThoseOfBlocksAndDeltas) {
  World world({Numbers{std::nullopt, 5, -3}, Numbers{std::nullopt, std::nullopt, std::nullopt},
               Numbers{kMin, kMax, 0}},
              1);
  const auto bounds = [&](uint32_t tag) { return BoundsOf(world.snapshot(), tag + 1); };
  EXPECT_EQ(bounds(0), (Interval{-3, 5}));
  EXPECT_GT(bounds(1).low, bounds(1).high);
  EXPECT_EQ(bounds(2), (Interval{kMin, kMax}));
  world.Change(0, 0, 9);
  EXPECT_EQ(bounds(0), (Interval{-3, 9}));
}

}  // namespace
}  // namespace throng::query
