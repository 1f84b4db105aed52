#include "query/batch_execution.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index/block.h"
#include "index/crowd_sets.h"
#include "index/error.h"
#include "index/parallel.h"
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
    const std::vector<PhysicalPlan> plans = PlansOf(texts);
    const SharedPlans shared =
        *FindSharedParts(plans, world_.snapshot(), world_.parallel(), {}, limits);
    std::string text;
    for (const SharedPart& part : shared.parts) {
      text += Print(part.plan, part.reads) + " x" + std::to_string(part.uses) + "; ";
    }
    text += "|";
    for (size_t i = 0; i < plans.size(); ++i) text += " " + Print(plans[i], shared.reads[i]) + ";";
    return text;
  }

  std::vector<PhysicalPlan> PlansOf(const std::vector<std::string>& texts) const {
    std::vector<PhysicalPlan> plans;
    for (const std::string& text : texts) plans.push_back(PhysicalOf(world_, PlanOf(text)));
    return plans;
  }

  // How often the check is asked while parts of these are looked for.
  int ChecksOf(const std::vector<std::string>& texts) {
    std::atomic<int> checks{0};
    const Check count = [&] {
      ++checks;
      return absl::OkStatus();
    };
    EXPECT_TRUE(
        FindSharedParts(PlansOf(texts), world_.snapshot(), world_.parallel(), count, kAll).ok());
    return checks;
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

// Estimates ask the check, so that its calls tell of them.
TEST_F(SharedPartsTest, OnlyPlansWithSomethingInCommonAreEstimated) {
  EXPECT_EQ(ChecksOf({"and(c0, v3..9)", "and(c0, v3..8)", "and(c0, g)", "or(c0, g)"}), 0);
  const int two = ChecksOf({"and(v3..9, c0)", "and(v3..9, c1)"});
  EXPECT_GT(two, 0);
  EXPECT_EQ(ChecksOf({"and(v3..9, c0)", "and(v3..8, c0)", "and(v3..9, c1)", "c0|1"}), two);
}

TEST_F(SharedPartsTest, AFailingCheckEndsTheLookForParts) {
  const std::vector<PhysicalPlan> plans = PlansOf({"and(v3..9, c0)", "and(v3..9, c1)"});
  const int checks = ChecksOf({"and(v3..9, c0)", "and(v3..9, c1)"});
  for (int passing = 0; passing < checks; ++passing) {
    std::atomic<int> asked{0};
    const Check check = [&] {
      return asked++ < passing ? absl::OkStatus() : absl::DeadlineExceededError("late");
    };
    const auto shared = FindSharedParts(plans, world_.snapshot(), world_.parallel(), check, kAll);
    EXPECT_EQ(shared.status().code(), absl::StatusCode::kDeadlineExceeded) << passing;
  }
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
      const auto selected = SelectEach(plans, world.snapshot(), world.parallel(), {}, {}, limits);
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
  const auto selected = SelectEach(plans, world.snapshot(), world.parallel(), gone, {}, kAll);
  EXPECT_EQ(selected.status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(SelectEach({}, world.snapshot(), world.parallel(), {}, {}, kAll)->empty());
}

// The memory of the blocks, each once, and of the lists of them.
uint64_t BytesOf(const std::vector<PlanUsers>& users) {
  std::set<const index::Block*> seen;
  uint64_t bytes = 0;
  for (const PlanUsers& one : users) {
    bytes += one.set->chunk_count() * sizeof(index::BlockRef);
    for (uint32_t chunk = 0; chunk < one.set->chunk_count(); ++chunk) {
      const index::BlockRef block = one.set->ShareBlock(chunk);
      if (block && seen.insert(block.get()).second) bytes += block->memory_bytes();
    }
  }
  return bytes;
}

TEST(BatchExecutionTest, MemoryIsTakenOnceForBlocksThatPlansShare) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 1'100'000);  // two shards
  std::vector<PhysicalPlan> plans(3, PhysicalOf(world, PlanOf("or(v3..9, c0)")));
  plans.push_back(PhysicalOf(world, PlanOf("and(v3..9, c1)")));
  for (const SharingLimits& limits : {kAll, SharingLimits{.parts_max = 0}}) {
    std::atomic<uint64_t> taken{0};
    const TakeBytes take = [&](uint64_t bytes) {
      taken += bytes;
      return absl::OkStatus();
    };
    const auto users = SelectEach(plans, world.snapshot(), world.parallel(), {}, take, limits);
    ASSERT_TRUE(users.ok());
    EXPECT_EQ(taken, BytesOf(*users));
    EXPECT_EQ((*users)[0].set->ShareBlock(0).get() == (*users)[1].set->ShareBlock(0).get(),
              limits.parts_max > 0);
  }
}

TEST(BatchExecutionTest, MemoryThatIsRefusedEndsItBeforeAllIsComputed) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 70'000);
  std::vector<PhysicalPlan> plans;
  for (int i = 0; i < 40; ++i) {
    plans.push_back(PhysicalOf(world, PlanOf("v1.." + std::to_string(2 + i % 18))));
  }
  const SharingLimits none{.parts_max = 0};
  std::atomic<int> asked{0};
  const TakeBytes take = [&](uint64_t) {
    return asked++ < 5 ? absl::OkStatus() : absl::ResourceExhaustedError("enough");
  };
  index::Parallel one(1);  // of more, others finish what they are at
  const auto users = SelectEach(plans, world.snapshot(), one, {}, take, none);
  EXPECT_EQ(users.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(asked, 6) << "for the lists of blocks, then plan by plan";
}

}  // namespace
}  // namespace throng::query
