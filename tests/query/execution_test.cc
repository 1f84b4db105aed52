#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <set>

#include "index/id_hash.h"
#include "query/breakdown_collector.h"
#include "query/executor.h"
#include "query/joint_execution.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

PhysicalPlan PhysicalOf(const PlanWorld& world, const LogicalPlan& plan) {
  return MakePhysicalPlan(Normalize(plan, world.catalogue()), world.snapshot());
}

TEST(ExecutionRandomTest, PlansSelectWhomAskingEachUserDoes) {
  std::mt19937_64 random(testing::TestSeed());
  for (uint32_t users : {1u, 65'535u, 65'537u}) {
    PlanWorld world(random, users);
    const int rounds = testing::TestRounds(users == 1 ? 300 : 60);
    for (int round = 0; round < rounds; ++round) {
      const LogicalPlan plan = world.RandomPlan(random, 4);
      const std::set<uint32_t> expected = world.Matching(plan);
      const std::string text = ToString(plan, world.catalogue());
      ASSERT_EQ(world.Executed(plan), expected) << text;
      const PhysicalPlan physical = PhysicalOf(world, plan);
      const auto count = CountUsers(physical, world.snapshot(), world.parallel(), {});
      ASSERT_EQ(*count, expected.size()) << text;
      const auto profiled = ProfilePlans({physical}, world.snapshot(), world.parallel(), {});
      ASSERT_EQ(profiled->front().count, expected.size()) << text;
      ASSERT_GE(physical.users_max + 1, 1u);
    }
  }
}

// Of tags of many values the engine reads bitmaps, codes or users, whichever is cheaper.
TEST(ExecutionRandomTest, TagsOfManyValuesSelectTheSameUsers) {
  std::mt19937_64 random(testing::TestSeed());
  for (uint32_t codes : {60u, 300u, 1500u}) {
    for (bool deltas : {false, true}) {
      PlanWorld world(random, 66'000, codes, deltas);
      for (int round = 0; round < testing::TestRounds(40); ++round) {
        const LogicalPlan plan = world.RandomPlan(random, 2);
        const std::set<uint32_t> expected = world.Matching(plan);
        const std::string text = ToString(plan, world.catalogue());
        ASSERT_EQ(world.Executed(plan), expected) << text;
        const auto count =
            CountUsers(PhysicalOf(world, plan), world.snapshot(), world.parallel(), {});
        ASSERT_EQ(*count, expected.size()) << text;
      }
    }
  }
}

TEST(ExecutionRandomTest, IdentitiesHold) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 70'000);
  const auto count = [&](const LogicalPlan& plan) {
    return *CountUsers(PhysicalOf(world, plan), world.snapshot(), world.parallel(), {});
  };
  for (int round = 0; round < testing::TestRounds(100); ++round) {
    const LogicalPlan a = world.RandomPlan(random, 3);
    const LogicalPlan b = world.RandomPlan(random, 3);
    const LogicalPlan not_b{LogicalNot{{b}}};
    ASSERT_EQ(count(a), count({LogicalAnd{{a, b}}}) + count({LogicalAnd{{a, not_b}}}));
    ASSERT_EQ(count({LogicalOr{{a, b}}}) + count({LogicalAnd{{a, b}}}), count(a) + count(b));
    ASSERT_EQ(count({LogicalAnd{{a, b, not_b}}}), 0u);
    ASSERT_EQ(count({LogicalAnd{{b, a}}}), count({LogicalAnd{{a, b}}}));
  }
}

// Keeps the users of each plan.
class UsersOfEach final : public JointCollector {
 public:
  explicit UsersOfEach(size_t plans) : users_(plans) {}

  void Start(uint32_t workers, uint32_t chunks) override {
    for (SetCollector& users : users_) users.Start(workers, chunks);
  }
  void Collect(uint32_t chunk, std::span<const index::ChunkSet> users, uint32_t worker) override {
    for (size_t i = 0; i < users_.size(); ++i) users_[i].Collect(chunk, users[i], worker);
  }
  std::set<uint32_t> Of(size_t plan) {
    std::set<uint32_t> users;
    const std::shared_ptr<const index::OrdinalSet> set = users_[plan].Build();
    for (uint32_t chunk = 0; chunk < set->chunk_count(); ++chunk) {
      index::ForEach(set->chunk(chunk),
                     [&](uint32_t offset) { users.insert((chunk << index::kChunkBits) + offset); });
    }
    return users;
  }

 private:
  std::vector<SetCollector> users_;
};

TEST(ExecutionRandomTest, PlansExecutedJointlyGiveTheUsersOfEach) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 150'000);
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    std::vector<LogicalPlan> asked(1 + random() % 5);
    std::vector<PhysicalPlan> plans;
    for (LogicalPlan& plan : asked) {
      plan = world.RandomPlan(random, 3);
      plans.push_back(PhysicalOf(world, plan));
    }
    UsersOfEach collector(plans.size());
    ASSERT_TRUE(ExecuteJointly(plans, world.snapshot(), world.parallel(), {}, collector).ok());
    for (size_t i = 0; i < plans.size(); ++i) {
      ASSERT_EQ(collector.Of(i), world.Matching(asked[i])) << ToString(plans[i], world.catalogue());
    }
  }
}

TEST(ExecutionRandomTest, BreakdownsAddUp) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 70'000);
  for (int round = 0; round < testing::TestRounds(60); ++round) {
    LogicalPlan plan = world.RandomPlan(random, 3);
    // Small crowds, and those of nearly everybody.
    if (random() % 3 == 0) plan = {LogicalNot{{std::move(plan)}}};
    const std::set<uint32_t> users = world.Matching(plan);
    BreakdownCollector collector(world.snapshot(), {kCity, kInterests, kGraduate});
    ASSERT_TRUE(
        Execute(PhysicalOf(world, plan), world.snapshot(), world.parallel(), {}, collector).ok());
    const std::vector<TagCounts> counts = collector.Finish();
    ASSERT_EQ(collector.users(), users.size());
    uint64_t with_city = 0;
    for (uint32_t code = 0; code < 6; ++code) {
      with_city += counts[0].counts[code];
      ASSERT_EQ(counts[0].counts[code],
                world.Matching({LogicalAnd{{plan, {TagValues{kCity, {code}}}}}}).size());
      ASSERT_EQ(counts[1].counts[code],
                world.Matching({LogicalAnd{{plan, {TagValues{kInterests, {code}}}}}}).size());
    }
    ASSERT_EQ(counts[0].with_value, with_city);
    ASSERT_EQ(counts[1].with_value,
              world.Matching({LogicalAnd{{plan, {TagExists{kInterests}}}}}).size());
    ASSERT_EQ(counts[2].counts[0],
              world.Matching({LogicalAnd{{plan, {TagValues{kGraduate, {0}}}}}}).size());
  }
  const auto everybody = CountEverybody(world.snapshot(), {kCity, kGraduate});
  ASSERT_EQ(everybody[0].counts[3], world.Matching({TagValues{kCity, {3}}}).size());
  ASSERT_EQ(everybody[0].with_value, world.Matching({TagExists{kCity}}).size());
  ASSERT_EQ(everybody[1].with_value, 70'000u);
}

// Two chunks: in the first nobody has a city, and in both half of the users have the flag.
index::SnapshotRef CityInTheSecondChunk(uint32_t users, index::Parallel& parallel) {
  index::CommitRecord record{.version = 1};
  record.definitions = {{.id = kCity, .name = "city", .type = index::TagType::kCategory},
                        {.id = kGraduate, .name = "graduate", .type = index::TagType::kFlag}};
  record.new_values = {{.tag = kCity, .values = {"0", "1"}}};
  index::TagChange city{.tag = kCity};
  index::TagChange graduate{.tag = kGraduate};
  for (uint32_t user = 0; user < users; ++user) {
    record.new_users.push_back(std::to_string(user));
    graduate.ordinals.push_back(user);
    graduate.cells.push_back(user % 2);
    if (user < index::kChunkSize) continue;
    city.ordinals.push_back(user);
    city.cells.push_back(user % 3 == 0 ? 1 : 0);
  }
  record.tag_changes = {city, graduate};
  return index::Apply(index::Snapshot(), record, parallel);
}

// What takes nothing away leaves the users where they are, and the next operand must not be
// evaluated there.
TEST(ExecutionTest, AnOperandThatChangesNothingLeavesTheUsersToTheNext) {
  constexpr uint32_t kUsers = 3 * index::kChunkSize;
  index::Parallel parallel(1);
  const index::SnapshotRef snapshot = CityInTheSecondChunk(kUsers, parallel);
  const uint64_t salt = index::SaltHash("s");
  const PhysicalPlan everybody{.node = Everybody{}, .users_max = kUsers};
  const PhysicalPlan graduate{.node = TagValues{kGraduate, {0}}, .users_max = kUsers};
  const PhysicalPlan city{.node = TagValues{kCity, {0, 1}}, .users_max = kUsers};
  const PhysicalPlan bucket{.node = HashBuckets{salt, "s", 0, 500'000}, .users_max = kUsers};
  const PhysicalPlan others{.node = HashBuckets{salt, "s", 900'000, 1'000'000},
                            .users_max = kUsers};
  PhysicalPlan plan{.node = SubtractInputs{{everybody, graduate, city, bucket, others}},
                    .users_max = kUsers};
  uint64_t expected = 0;
  for (uint32_t user = 0; user < index::kChunkSize; user += 2) {
    const uint32_t in = index::BucketOf(snapshot->ids().chunk(0).hash(user), salt);
    expected += in >= 500'000 && in < 900'000 ? 1 : 0;
  }
  SetCollector collector;
  ASSERT_TRUE(Execute(plan, *snapshot, parallel, {}, collector).ok());
  EXPECT_EQ(collector.Build()->cardinality(), expected);
  EXPECT_EQ(*CountUsers(plan, *snapshot, parallel, {}), expected);
  EXPECT_EQ(ProfilePlans({plan}, *snapshot, parallel, {})->front().count, expected);
}

TEST(ExecutionTest, AFailedCheckEndsTheQueryWithItsStatus) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 200'000);
  std::atomic<int> asked{0};
  const auto check = [&] {
    ++asked;
    return absl::CancelledError("enough");
  };
  const PhysicalPlan plan = PhysicalOf(world, PlanOf("or(c1, not(g))"));
  EXPECT_EQ(CountUsers(plan, world.snapshot(), world.parallel(), check).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_GE(asked.load(), 1);
  SetCollector collector;
  EXPECT_EQ(Execute(plan, world.snapshot(), world.parallel(), check, collector).code(),
            absl::StatusCode::kCancelled);
  UsersOfEach both(2);
  EXPECT_EQ(ExecuteJointly({plan, plan}, world.snapshot(), world.parallel(), check, both).code(),
            absl::StatusCode::kCancelled);
}

struct PlanCase {
  const char* logical;
  const char* physical;
};

TEST(PhysicalPlanTest, NegationsBecomeDifferencesAndInputsAreOrdered) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 20'000);
  const std::vector<PlanCase> cases = {
      {"c1", "city in {1}"},
      {"not(c1)", "andnot(all, city in {1})"},
      {"and(ec, g)", "and(graduate, exists(city))"},
      {"and(g, not(c1))", "andnot(graduate, city in {1})"},
      {"and(not(g), not(c1))", "andnot(all, graduate, city in {1})"},
      {"or(c1, not(g))", "andnot(all, andnot(graduate, city in {1}))"},
      {"or(g, ec)", "or(exists(city), graduate)"},
      {"c0|1|2|3", "andnot(exists(city), city in {4, 5})"},
      {"c0|1|2|3|4|5", "exists(city)"},
      {"i0|1|2", "interests in {0, 1, 2}"},
      {"i0|1|2|3",
       "andnot(exists(interests), andnot(interests in {4, 5}, interests in {0, 1, 2, 3}))"},
      {"i0|1|2|3|4|5", "exists(interests)"},
      {"all", "all"},
      {"none", "none"},
  };
  for (const PlanCase& c : cases) {
    EXPECT_EQ(ToString(PhysicalOf(world, PlanOf(c.logical)), world.catalogue()), c.physical)
        << c.logical;
  }
}

}  // namespace
}  // namespace throng::query
