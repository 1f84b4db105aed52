// Lists of numbers, read by column scans and by look-ups, against asking each user.
#include "query/leaf_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "index/chunk_ops.h"
#include "index/parallel.h"
#include "query/executor.h"
#include "query/membership.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

constexpr uint32_t kSpend = 1;
constexpr uint32_t kUsers = 70'000;  // two chunks

using Numbers = std::vector<std::optional<int64_t>>;

// What a leaf of numbers is asked, of numbers that are known.
class NumberWorld {
 public:
  // A third of the users has no number, a few have the ends; with `deltas` a few are changed by a
  // second commit.
  NumberWorld(std::mt19937_64& random, int64_t low, int64_t high, bool deltas)
      : random_(random), low_(low), high_(high), numbers_(kUsers) {
    index::CommitRecord record{.version = 1};
    record.definitions = {{.id = kSpend, .name = "spend", .type = index::TagType::kInteger}};
    for (uint32_t i = 0; i < kUsers; ++i) record.new_users.push_back(std::to_string(i));
    snapshot_ = index::Apply(index::Snapshot(), record, parallel_);
    Change(2, 1);
    if (deltas) Change(3, 700);
  }

  const index::Snapshot& snapshot() const { return *snapshot_; }
  index::Parallel& parallel() { return parallel_; }
  std::optional<int64_t> number(uint32_t user) const { return numbers_[user]; }

  int64_t RandomNumber() {
    const uint64_t span = static_cast<uint64_t>(high_) - static_cast<uint64_t>(low_);
    const uint64_t distance =
        span == std::numeric_limits<uint64_t>::max() ? random_() : random_() % (span + 1);
    return static_cast<int64_t>(static_cast<uint64_t>(low_) + distance);
  }

  // At most `most` intervals, ascending, disjoint and not adjacent; many are numbers of users.
  NumericRanges RandomRanges(size_t most) {
    std::set<int64_t> ends;
    for (size_t i = 0; i < 2 * most; ++i) {
      const std::optional<int64_t> number = numbers_[random_() % kUsers];
      ends.insert(random_() % 2 == 0 ? number.value_or(low_) : RandomNumber());
    }
    NumericRanges ranges{.tag = kSpend};
    for (auto at = ends.begin(); at != ends.end(); ++at) {
      const int64_t low = *at;
      if (!ranges.intervals.empty() && ranges.intervals.back().high + 1 >= low) continue;
      if (random_() % 2 == 0 && std::next(at) != ends.end()) ++at;
      ranges.intervals.push_back({low, *at});
    }
    return ranges;
  }

 private:
  void Change(uint64_t version, uint64_t one_in) {
    index::CommitRecord record{.version = version, .first_ordinal = snapshot_->ordinal_end()};
    index::TagChange change{.tag = kSpend};
    for (uint32_t user = 0; user < kUsers; ++user) {
      if (random_() % one_in != 0) continue;
      numbers_[user].reset();
      if (random_() % 3 != 0) numbers_[user] = RandomNumber();
      if (user % 1'000 < 2) numbers_[user] = user % 2 == 0 ? low_ : high_;
      change.ordinals.push_back(user);
      change.cells.push_back(numbers_[user].value_or(0));
      change.cleared.push_back(!numbers_[user].has_value());
    }
    record.tag_changes = {change};
    snapshot_ = index::Apply(*snapshot_, record, parallel_);
  }

  std::mt19937_64& random_;
  const int64_t low_;
  const int64_t high_;
  index::Parallel parallel_{1};
  index::SnapshotRef snapshot_;
  Numbers numbers_;
};

bool IsInOne(const NumericRanges& ranges, std::optional<int64_t> number) {
  return number.has_value() &&
         std::any_of(ranges.intervals.begin(), ranges.intervals.end(),
                     [&](const Interval& i) { return i.low <= *number && *number <= i.high; });
}

std::vector<uint32_t> MembersOf(const index::ChunkSet& set) {
  std::vector<uint32_t> members;
  index::ForEach(set, [&](uint32_t offset) { members.push_back(offset); });
  return members;
}

// Every way to ask a leaf of `ranges`, in both chunks. Returns how the whole of it was read.
LeafAccesses Compare(NumberWorld& world, const NumericRanges& ranges, std::mt19937_64& random) {
  const PhysicalPlan plan{.node = ranges, .users_max = kUsers};
  LeafReader leaf(plan, world.snapshot());
  leaf.StartShard(0);
  LeafAccesses accesses;
  const index::ScratchRef out = index::TakeScratch();
  for (uint32_t chunk = 0; chunk < 2; ++chunk) {
    std::vector<uint32_t> all;
    std::vector<uint16_t> asked;
    std::vector<uint32_t> in;
    std::vector<uint32_t> others;
    const uint64_t one_in = uint64_t{1} << random() % 12;
    for (uint32_t user = chunk << index::kChunkBits; user < kUsers; ++user) {
      const uint32_t offset = user & index::kChunkMask;
      if (user >> index::kChunkBits != chunk) break;
      const bool is_in = IsInOne(ranges, world.number(user));
      if (is_in) all.push_back(offset);
      if (random() % one_in != 0 || asked.size() == index::kArrayMax) continue;
      asked.push_back(static_cast<uint16_t>(offset));
      (is_in ? in : others).push_back(offset);
    }
    const auto users = index::ChunkSet::Array(asked.data(), static_cast<uint32_t>(asked.size()));
    leaf.NoteIn(&accesses);
    EXPECT_EQ(MembersOf(leaf.Read(chunk)), all);
    leaf.NoteIn(nullptr);
    EXPECT_EQ(leaf.Count(chunk), all.size());
    EXPECT_EQ(leaf.CountIn(users, chunk), in.size());
    EXPECT_EQ(leaf.CountIn(index::ChunkSet::Full(), chunk), all.size());
    EXPECT_EQ(MembersOf(leaf.Select(users, chunk, true, *out)), in);
    EXPECT_EQ(MembersOf(leaf.Select(users, chunk, false, *out)), others);
    EXPECT_EQ(MembersOf(leaf.Select(index::ChunkSet::Full(), chunk, true, *out)), all);
  }
  return accesses;
}

uint64_t ChunksOf(const LeafAccesses& accesses, LeafForm form) {
  return accesses.chunks[static_cast<size_t>(form)];
}

struct Span {
  int64_t low;
  int64_t high;
};

TEST(LeafReaderRandomTest, ManyIntervalsSelectWhomAskingEachUserDoes) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  // Codes of 1, 2, 4 and 8 bytes, and whole numbers.
  const std::vector<Span> spans = {
      {-100, 150},
      {0, 60'000},
      {-1'000'000'000, 1'000'000'000},
      {0, int64_t{1} << 60},
      {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}};
  for (const Span& span : spans) {
    for (const bool deltas : {false, true}) {
      NumberWorld world(random, span.low, span.high, deltas);
      for (const size_t most : {1u, 2u, 3u, 40u, 90u, 700u}) {
        for (int round = 0; round < testing::TestRounds(2); ++round) {
          const NumericRanges ranges = world.RandomRanges(most);
          Compare(world, ranges, random);
          ASSERT_FALSE(::testing::Test::HasFailure())
              << "seed " << seed << ", " << ranges.intervals.size() << " intervals of " << span.low
              << " to " << span.high << (deltas ? " with deltas" : "");
        }
      }
    }
  }
}

TEST(LeafReaderTest, FewIntervalsAreScannedAndManyLookedUp) {
  std::mt19937_64 random(testing::TestSeed());
  NumberWorld world(random, 0, 60'000, false);
  NumericRanges ranges{.tag = kSpend};
  for (int64_t i = 0; i < 3; ++i) ranges.intervals.push_back({i * 5, i * 5 + 1});
  const LeafAccesses few = Compare(world, ranges, random);
  EXPECT_EQ(ChunksOf(few, LeafForm::kScan), 2u);
  EXPECT_EQ(ChunksOf(few, LeafForm::kLookUp), 0u);
  for (int64_t i = 3; i < 5'000; ++i) ranges.intervals.push_back({i * 5, i * 5 + 1});
  const LeafAccesses many = Compare(world, ranges, random);
  EXPECT_EQ(ChunksOf(many, LeafForm::kScan), 0u);
  EXPECT_EQ(ChunksOf(many, LeafForm::kLookUp), 2u);
  ranges.intervals = {{0, 60'000}};
  EXPECT_EQ(ChunksOf(Compare(world, ranges, random), LeafForm::kScan), 2u);
}

// A longer list costs its logarithm more, not as many times as it is longer.
TEST(LeafReaderTest, TheCostOfManyIntervalsIsBounded) {
  std::mt19937_64 random(testing::TestSeed());
  NumberWorld world(random, 0, 60'000, false);
  const auto cost = [&](int64_t intervals, LeafUse use) {
    NumericRanges ranges{.tag = kSpend};
    for (int64_t i = 0; i < intervals; ++i) ranges.intervals.push_back({2 * i, 2 * i});
    const PhysicalPlan plan{.node = ranges, .users_max = kUsers};
    LeafReader leaf(plan, world.snapshot());
    leaf.StartShard(0);
    return leaf.Choose(0, use, 1'000).cost_of_chosen();
  };
  EXPECT_LT(cost(100'000, LeafUse::kRead), 2 * cost(1'000, LeafUse::kRead));
  EXPECT_LT(cost(100'000, LeafUse::kKeep), 2 * cost(1'000, LeafUse::kKeep));
  EXPECT_LT(cost(2, LeafUse::kRead), cost(1'000, LeafUse::kRead));
}

TEST(IsWithinTest, IsWhatComparingWithEachSays) {
  std::mt19937_64 random(testing::TestSeed());
  NumberWorld world(random, -300, 300, false);
  for (size_t most = 1; most < 40; ++most) {
    const NumericRanges ranges = world.RandomRanges(most);
    for (int64_t number = -310; number <= 310; ++number) {
      ASSERT_EQ(IsWithin(ranges.intervals, number), IsInOne(ranges, number))
          << number << " in " << ranges.intervals.size();
    }
  }
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
  EXPECT_TRUE(IsWithin({{kLeast, kLeast}, {kLargest, kLargest}}, kLeast));
  EXPECT_TRUE(IsWithin({{kLeast, kLeast}, {kLargest, kLargest}}, kLargest));
  EXPECT_FALSE(IsWithin({{kLeast, kLeast}, {kLargest, kLargest}}, 0));
}

}  // namespace
}  // namespace throng::query
