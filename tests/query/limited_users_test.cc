// The users of limits against sorting everybody: numbers of every distribution, with deltas and
// without, from one user to all, and crowds that are hard to sample.
#include "query/limited_users.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/id_hash.h"
#include "query/normalizer.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

enum Shape : uint32_t { kOne = 1, kTwo, kSmall, kWide, kRising, kSkewed, kExtreme, kShapes };

// Users with a number of every shape, and what they have as plain values. Not thread-safe.
class NumberWorld {
 public:
  NumberWorld(std::mt19937_64& random, uint32_t users) : numbers_(kShapes), users_(users) {
    index::CommitRecord record{.version = 1};
    for (uint32_t tag = kOne; tag < kShapes; ++tag) {
      record.definitions.push_back(
          {.id = tag, .name = fmt::format("n{}", tag), .type = index::TagType::kInteger});
      numbers_[tag].resize(users);
    }
    for (uint32_t i = 0; i < users; ++i) record.new_users.push_back(std::to_string(i));
    snapshot_ = index::Apply(index::Snapshot(), record, parallel_);
    Change(random, 2, 1);
    Change(random, 3, 50);
  }

  const index::Snapshot& snapshot() const { return *snapshot_; }
  index::Parallel& parallel() { return parallel_; }

  // The users of `crowd` whom the limit means, by sorting them.
  std::set<uint32_t> Expected(std::vector<uint32_t> crowd, const Limit& limit) const {
    const auto* by_number = std::get_if<NumberOrder>(&limit.order);
    const uint64_t salt =
        by_number != nullptr ? index::SaltHash("") : std::get<HashOrder>(limit.order).salt_hash;
    const auto rank = [&](uint32_t user) {
      std::optional<int64_t> number;
      if (by_number != nullptr) number = numbers_[by_number->tag][user];
      const bool turned = by_number != nullptr && by_number->descending;
      const auto value = static_cast<Int128>(number.value_or(0));
      return std::make_tuple(by_number != nullptr && !number.has_value(), turned ? -value : value,
                             index::PlaceOf(index::IdHash(std::to_string(user)), salt));
    };
    std::vector<std::pair<decltype(rank(0)), uint32_t>> ranked;
    for (const uint32_t user : crowd) ranked.emplace_back(rank(user), user);
    std::sort(ranked.begin(), ranked.end());
    std::set<uint32_t> users;
    for (size_t i = 0; i < ranked.size() && i < limit.users; ++i) users.insert(ranked[i].second);
    return users;
  }

  std::set<uint32_t> Chosen(const LogicalPlan& plan, const Limit& limit,
                            const ChoiceEffort& effort = {}) {
    const PhysicalPlan physical =
        MakePhysicalPlan(Normalize(plan, snapshot_->catalogue()), *snapshot_);
    const OrdinalSetRef set = *ChooseUsers(physical, limit, *snapshot_, parallel_, {}, effort);
    std::set<uint32_t> users;
    for (uint32_t user = 0; user < users_; ++user) {
      if (set->Contains(user)) users.insert(user);
    }
    EXPECT_EQ(set->cardinality(), users.size());
    return users;
  }

 private:
  std::optional<int64_t> Draw(std::mt19937_64& random, uint32_t shape, uint32_t user) const {
    if (random() % 5 == 0) return std::nullopt;
    switch (shape) {
      case kOne:
        return 7;
      case kTwo:
        return random() % 2 == 0 ? -1 : 1;
      case kSmall:
        return static_cast<int64_t>(random() % 30) - 5;
      case kRising:
        return user / 3;
      case kSkewed:
        return static_cast<int64_t>(random() % (uint64_t{1} << (random() % 40)));
      case kExtreme:
        return random() % 3 == 0 ? kLeast : random() % 2 == 0 ? kLargest : 0;
      default:
        return static_cast<int64_t>(random());
    }
  }

  void Change(std::mt19937_64& random, uint64_t version, uint64_t one_in) {
    index::CommitRecord record{.version = version, .first_ordinal = snapshot_->ordinal_end()};
    for (uint32_t tag = kOne; tag < kShapes; ++tag) {
      index::TagChange change{.tag = tag};
      for (uint32_t user = 0; user < users_; ++user) {
        if (random() % one_in != 0) continue;
        const std::optional<int64_t> number = Draw(random, tag, user);
        numbers_[tag][user] = number;
        change.ordinals.push_back(user);
        change.cells.push_back(number.value_or(0));
        change.cleared.push_back(!number.has_value());
      }
      record.tag_changes.push_back(std::move(change));
    }
    snapshot_ = index::Apply(*snapshot_, record, parallel_);
  }

  std::vector<std::vector<std::optional<int64_t>>> numbers_;  // [tag][user]
  const uint32_t users_;
  index::Parallel parallel_{2};
  index::SnapshotRef snapshot_;
};

// A crowd as a plan, and its users.
struct Crowd {
  std::string name;
  LogicalPlan plan;
  std::vector<uint32_t> users;
};

std::vector<Crowd> Crowds(std::mt19937_64& random, uint32_t users) {
  const uint64_t salt = index::SaltHash("s");
  std::vector<Crowd> crowds{{"everybody", {Everybody{}}, {}},
                            {"nobody", {Nobody{}}, {}},
                            {"some", {}, {}},
                            {"every other", {}, {}},
                            {"a few", {}, {}},
                            {"the last third", {}, {}},
                            {"the first buckets", {HashBuckets{salt, "s", 0, 300'000}}, {}}};
  for (uint32_t user = 0; user < users; ++user) {
    crowds[0].users.push_back(user);
    if (random() % 3 != 0) crowds[2].users.push_back(user);
    if (user % 2 == 1) crowds[3].users.push_back(user);
    if (random() % 1'000 == 0) crowds[4].users.push_back(user);
    if (user >= users / 3 * 2) crowds[5].users.push_back(user);
    if (index::BucketOf(index::IdHash(std::to_string(user)), salt) < 300'000) {
      crowds[6].users.push_back(user);
    }
  }
  for (const size_t i : {2, 3, 4, 5}) {
    crowds[i].plan = {Ordinals{index::OrdinalSet::FromOrdinals(crowds[i].users)}};
  }
  return crowds;
}

// Compares random limits of the world's crowds.
void CompareWithSorting(uint32_t users, int rounds, bool bad_samples) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  NumberWorld world(random, users);
  const std::vector<Crowd> crowds = Crowds(random, users);
  for (int round = 0; round < rounds; ++round) {
    const Crowd& crowd = crowds[random() % crowds.size()];
    const auto size = static_cast<uint32_t>(crowd.users.size());
    Limit limit{.users = 1, .order = HashOrder{index::SaltHash("s")}, .text = {}, .span = {}};
    const auto tag = static_cast<uint32_t>(random() % kShapes);
    if (tag > 0) limit.order = NumberOrder{tag, random() % 2 == 0};
    switch (random() % 6) {
      case 0:
        limit.users = std::max(1u, size - static_cast<uint32_t>(random() % 3) + 1);
        break;
      case 1:
        limit.users = static_cast<uint32_t>(1 + random() % 10);
        break;
      case 2:
        limit.users = 2'147'483'647;
        break;
      default:
        limit.users = static_cast<uint32_t>(1 + random() % std::max(1u, size));
    }
    ChoiceEffort effort;
    if (bad_samples) {
      effort = {.ranked_users_max = random() % 100,
                .sample_users = 1 + random() % 100,
                .deviations = static_cast<double>(random() % 3)};
    }
    ASSERT_EQ(world.Chosen(crowd.plan, limit, effort), world.Expected(crowd.users, limit))
        << "seed " << seed << ", round " << round << ": " << limit.users << " of " << size << ", "
        << crowd.name << ", order " << tag;
  }
}

TEST(LimitedUsersTest, AreThoseThatSortingGives) {
  CompareWithSorting(150'000, testing::TestRounds(60), /*bad_samples=*/false);
}

// A range in doubt that does not hold the user sought, or that tells nobody apart, costs time only.
TEST(LimitedUsersTest, DoNotDependOnTheSample) {
  CompareWithSorting(70'000, testing::TestRounds(200), /*bad_samples=*/true);
}

TEST(LimitedUsersTest, GrowWithoutReshuffling) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  NumberWorld world(random, 100'000);
  std::set<uint32_t> before;
  for (const uint32_t users : {1u, 10u, 999u, 40'000u, 99'999u, 100'000u, 200'000u}) {
    const std::set<uint32_t> chosen = world.Chosen(
        {Everybody{}},
        {.users = users, .order = HashOrder{index::SaltHash("spring")}, .text = {}, .span = {}});
    EXPECT_EQ(chosen.size(), std::min(users, 100'000u));
    EXPECT_TRUE(std::includes(chosen.begin(), chosen.end(), before.begin(), before.end())) << users;
    before = chosen;
  }
}

// The first users are those of the first buckets.
TEST(LimitedUsersTest, BeginWithTheSample) {
  std::mt19937_64 random(testing::TestSeed());
  NumberWorld world(random, 100'000);
  const uint64_t salt = index::SaltHash("spring");
  const LogicalPlan sample{HashBuckets{salt, "spring", 0, 123'456}};
  const std::set<uint32_t> sampled =
      world.Chosen(sample, {.users = 200'000, .order = HashOrder{salt}, .text = {}, .span = {}});
  const Limit limit{.users = static_cast<uint32_t>(sampled.size()),
                    .order = HashOrder{salt},
                    .text = {},
                    .span = {}};
  EXPECT_EQ(world.Chosen({Everybody{}}, limit), sampled);
}

TEST(LimitedUsersTest, EndWithTheCheck) {
  std::mt19937_64 random(testing::TestSeed());
  NumberWorld world(random, 70'000);
  const PhysicalPlan plan = MakePhysicalPlan({Everybody{}}, world.snapshot());
  for (const Limit& limit :
       {Limit{.users = 5, .order = HashOrder{1}, .text = {}, .span = {}},
        Limit{.users = 5, .order = NumberOrder{kWide}, .text = {}, .span = {}}}) {
    int left = 0;
    const Check check = [&left] {
      return left-- > 0 ? absl::OkStatus() : absl::CancelledError("enough");
    };
    // Cancelled before every shard that is looked at in turn, until there are enough checks.
    int checks = 0;
    for (;; ++checks) {
      left = checks;
      const auto users = ChooseUsers(plan, limit, world.snapshot(), world.parallel(), check);
      if (users.ok()) break;
      ASSERT_EQ(users.status().code(), absl::StatusCode::kCancelled);
    }
    EXPECT_GE(checks, 2);
  }
}

}  // namespace
}  // namespace throng::query
