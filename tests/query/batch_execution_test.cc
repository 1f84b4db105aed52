#include "query/batch_execution.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "index/crowd_sets.h"
#include "index/error.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "query/shared_parts.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

// Whatever stands twice, be it worth it or not.
constexpr SharingLimits kAll{.saving_min_ns = -1};

PhysicalPlan PhysicalOf(const PlanWorld& world, const LogicalPlan& plan) {
  return MakePhysicalPlan(Normalize(plan, world.catalogue()), world.snapshot());
}

class SharedPartsTest : public ::testing::Test {
 protected:
  SharedPartsTest() : random_(testing::TestSeed()), world_(random_, 70'000) {}

  // "part; part | plan; plan", with "#0" where part 0 is read and "x2" for its uses.
  std::string Shared(const std::vector<std::string>& texts, const SharingLimits& limits = kAll) {
    std::vector<PhysicalPlan> plans;
    for (const std::string& text : texts) plans.push_back(PhysicalOf(world_, PlanOf(text)));
    const SharedPlans shared = FindSharedParts(plans, world_.snapshot(), world_.parallel(), limits);
    std::string text;
    for (const SharedPart& part : shared.parts) {
      text += Print(part.plan, part.reads) + " x" + std::to_string(part.uses) + "; ";
    }
    text += "|";
    for (size_t i = 0; i < plans.size(); ++i) text += " " + Print(plans[i], shared.reads[i]) + ";";
    return text;
  }

  std::mt19937_64 random_;
  PlanWorld world_;

 private:
  // Part 0 is told by its set's label.
  std::string Print(const PhysicalPlan& plan, const std::vector<PartRead>& reads) {
    std::vector<std::shared_ptr<const index::OrdinalSet>> sets;
    for (uint32_t part = 0; part < 8; ++part) {
      std::vector<uint32_t> users(part);
      for (uint32_t user = 0; user < part; ++user) users[user] = user;
      sets.push_back(index::OrdinalSet::FromOrdinals(users));
    }
    return ToString(WithParts(plan, reads, sets), world_.catalogue());
  }
};

TEST_F(SharedPartsTest, APartIsWhatStandsTwiceInAnyOrder) {
  EXPECT_EQ(Shared({"and(or(c0, v3..9), g)", "and(or(v3..9, c0), c1)"}),
            "or(views in [3, 9], city in {0}) x2; | and(graduate, ids(0)); "
            "and(city in {1}, ids(0));");
}

TEST_F(SharedPartsTest, WhatStandsOnceIsNoPart) {
  EXPECT_EQ(Shared({"and(c0, v3..9)", "and(c0, v3..8)"}).front(), '|');
}

TEST_F(SharedPartsTest, ADifferenceIsNoUnionAndTakesFromItsFirstInput) {
  const std::string shared = Shared({"and(v1..3, not(c0|1))", "and(c0|1, not(v1..3))"});
  // What they are made of is shared, the differences are not.
  EXPECT_NE(shared.find("views in [1, 3] x2"), std::string::npos) << shared;
  EXPECT_NE(shared.find("city in {0, 1} x2"), std::string::npos) << shared;
  EXPECT_EQ(shared.find("andnot"), shared.find("andnot(ids")) << shared;
}

TEST_F(SharedPartsTest, PartsReadPartsThatComeBefore) {
  const std::string shared =
      Shared({"and(or(v3..9, c0), g)", "and(or(v3..9, c0), c1)", "and(v3..9, c2)"});
  EXPECT_EQ(shared.find("views in [3, 9] x2; or("), 0u) << shared;
  EXPECT_EQ(shared.find("or(ids(0)"), shared.find("or(")) << shared;
}

TEST_F(SharedPartsTest, WhatIsReadInPlaceIsNoPart) {
  EXPECT_EQ(Shared({"and(c0, g)", "or(c0, g)", "and(c1, g)"}).front(), '|');
}

TEST_F(SharedPartsTest, ThereAreNoMorePartsThanAllowed) {
  const std::vector<std::string> plans = {"and(v1..2, c0)", "and(v1..2, c1)", "and(v4..5, c0)",
                                          "and(v4..5, c1)"};
  const SharingLimits one{.parts_max = 1, .saving_min_ns = -1};
  const std::string shared = Shared(plans, one);
  EXPECT_EQ(shared.find(" x2; "), shared.rfind(" x2; ")) << shared;
  EXPECT_NE(shared.find(" x2; "), std::string::npos) << shared;
}

// A range is cheap to compute where few users are at hand, and worth sharing where all are.
TEST_F(SharedPartsTest, OnlyWhatSavesIsAPart) {
  const SharingLimits worth{};
  EXPECT_EQ(Shared({"and(c0, v3..9)", "and(c1, v3..9)"}, worth).front(), '|');
  std::vector<std::string> many;
  for (int i = 0; i < 40; ++i) many.push_back("or(v3..9, c" + std::to_string(i % 6) + ")");
  EXPECT_NE(Shared(many, worth).front(), '|');
}

// Plans that have parts in common by chance, nested ones too.
std::vector<LogicalPlan> RandomBatch(const PlanWorld& world, std::mt19937_64& random) {
  std::vector<LogicalPlan> pool;
  for (int i = 0; i < 6; ++i) pool.push_back(world.RandomPlan(random, 2));
  for (int i = 0; i < 4; ++i) {
    pool.push_back({LogicalOr{{pool[random() % pool.size()], world.RandomPlan(random, 1)}}});
    pool.push_back({LogicalAnd{{pool[random() % pool.size()], world.RandomPlan(random, 1)}}});
  }
  std::vector<LogicalPlan> batch;
  for (uint64_t i = 1 + random() % 20; i > 0; --i) {
    LogicalPlan plan{LogicalAnd{}};
    auto& operands = std::get<LogicalAnd>(plan.node).operands;
    for (uint64_t n = 1 + random() % 3; n > 0; --n)
      operands.push_back(pool[random() % pool.size()]);
    if (random() % 3 == 0) plan = {LogicalOr{std::move(operands)}};
    if (random() % 4 == 0) plan = {LogicalNot{{std::move(plan)}}};
    batch.push_back(std::move(plan));
  }
  return batch;
}

TEST(BatchExecutionTest, EachPlanGetsTheUsersThatItGetsAlone) {
  std::mt19937_64 random(testing::TestSeed());
  for (const uint32_t users : {1u, 65'537u, 1'100'000u}) {  // the last in two shards
    PlanWorld world(random, users);
    for (int round = 0; round < testing::TestRounds(users > 100'000 ? 3 : 40); ++round) {
      std::vector<PhysicalPlan> plans;
      for (const LogicalPlan& plan : RandomBatch(world, random)) {
        plans.push_back(PhysicalOf(world, plan));
      }
      const SharingLimits limits = random() % 4 == 0 ? SharingLimits() : kAll;
      const auto selected = SelectEach(plans, world.snapshot(), world.parallel(), {}, limits);
      ASSERT_TRUE(selected.ok());
      ASSERT_EQ(selected->size(), plans.size());
      for (size_t i = 0; i < plans.size(); ++i) {
        SetCollector alone;
        ASSERT_TRUE(Execute(plans[i], world.snapshot(), world.parallel(), {}, alone).ok());
        const index::SetDifference change = index::Compare(*alone.Build(), *(*selected)[i].set);
        ASSERT_EQ(change.added + change.removed, 0u)
            << users << " users, round " << round << ": " << ToString(plans[i], world.catalogue());
      }
    }
  }
}

TEST(BatchExecutionTest, AFailingCheckEndsIt) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 70'000);
  const std::vector<PhysicalPlan> plans(3, PhysicalOf(world, PlanOf("or(v3..9, c0)")));
  const Check gone = [] { return absl::CancelledError("gone"); };
  const auto selected = SelectEach(plans, world.snapshot(), world.parallel(), gone, kAll);
  EXPECT_EQ(selected.status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(SelectEach({}, world.snapshot(), world.parallel(), {}, kAll)->empty());
}

}  // namespace
}  // namespace throng::query
