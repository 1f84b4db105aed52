// What a plan is reckoned to take, what it took, and that neither changes what it selects.
#include "query/plan_estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "query/evaluator.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

PhysicalPlan PhysicalOf(const PlanWorld& world, const LogicalPlan& plan) {
  return MakePhysicalPlan(Normalize(plan, world.catalogue()), world.snapshot());
}

std::vector<OperatorEstimate> EstimatesOf(PlanWorld& world, const PhysicalPlan& plan) {
  return *EstimatePlan(plan, world.snapshot(), world.parallel(), {});
}

void Flatten(const PhysicalPlan& plan, std::vector<const PhysicalPlan*>* nodes) {
  nodes->push_back(&plan);
  if (const std::vector<PhysicalPlan>* inputs = InputsOf(plan)) {
    for (const PhysicalPlan& input : *inputs) Flatten(input, nodes);
  }
}

std::vector<const PhysicalPlan*> NodesOf(const PhysicalPlan& plan) {
  std::vector<const PhysicalPlan*> nodes;
  Flatten(plan, &nodes);
  return nodes;
}

uint64_t Sum(const LeafAccesses& accesses) {
  uint64_t sum = 0;
  for (uint64_t chunks : accesses.chunks) sum += chunks;
  return sum;
}

// "or most_values? {unite: unite 1, codes 0}", a line an operator.
std::string Print(PlanWorld& world, const LogicalPlan& logical) {
  const PhysicalPlan plan = PhysicalOf(world, logical);
  const std::vector<OperatorEstimate> estimates = EstimatesOf(world, plan);
  const std::vector<const PhysicalPlan*> nodes = NodesOf(plan);
  std::string text;
  for (size_t i = 0; i < nodes.size(); ++i) {
    text += OperatorName(*nodes[i]);
    if (nodes[i]->rewrite.kind != PlanRewrite::Kind::kNone) {
      text += fmt::format(" {}", ToString(nodes[i]->rewrite.kind));
      if (nodes[i]->rewrite.values_asked > 0) {
        text += fmt::format(" of {}", nodes[i]->rewrite.values_asked);
      }
    }
    if (estimates[i].exact_users.has_value()) text += " exact";
    if (estimates[i].form.has_value()) text += fmt::format(" {}:", ToString(*estimates[i].form));
    for (const FormEstimate& form : estimates[i].forms) {
      text += fmt::format(" {} {}", ToString(form.form), form.chunks);
    }
    text += "; ";
  }
  return text;
}

struct EstimateCase {
  const char* plan;
  const char* printed;
};

// One chunk, and what is chosen there is chosen on every machine.
TEST(PlanEstimateTest, NamesTheFormsAndTheirChunks) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 20'000);
  const std::vector<EstimateCase> cases = {
      {"g", "value exact cardinality: cardinality 1 bitmap 0; "},
      {"c1", "value exact cardinality: cardinality 1 bitmap 0; "},
      {"c1|2", "value exact cardinality: cardinality 1 unite 0 codes 0; "},
      {"i1|2", "value unite: unite 1; "},
      {"v3..9", "range scan: scan 1; "},
      {"v3..4|8..9", "range scan: look_up 0 scan 1; "},
      {"all", "all exact cardinality: cardinality 1 bitmap 0; "},
      {"none", "none exact nothing:; "},
      {"not(c1)",
       "andnot complement exact; all exact bitmap: bitmap 1; value exact bitmap: bitmap 1; "},
      {"c0|1|2|3",
       "andnot most_values of 4 exact; exists exact bitmap: bitmap 1; "
       "value exact probe: probe 1 codes 0 look_up 0; "},
      {"c0|1|2|3|4|5", "exists all_values of 6 exact cardinality: cardinality 1 bitmap 0; "},
      {"i0|1|2|3",
       "andnot most_values of 4; exists exact bitmap: bitmap 1; andnot; "
       "value unite: unite 1; value probe: probe 1; "},
      {"and(c1, g)", "and; value exact bitmap: bitmap 1; value exact bitmap: bitmap 1; "},
      // Some 2,000 users are left: comparing everybody's number takes less than finding theirs.
      {"and(c1, v3..9)", "and; value exact bitmap: bitmap 1; range scan: look_up 0 scan 1; "},
      {"or(c1, g)", "or; value exact bitmap: bitmap 1; value exact bitmap: bitmap 1; "},
  };
  for (const EstimateCase& c : cases) EXPECT_EQ(Print(world, PlanOf(c.plan)), c.printed) << c.plan;
}

TEST(PlanEstimateTest, FewUsersAtHandAreLookedUp) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 20'000);
  index::OrdinalSet::Builder builder;
  for (uint32_t ordinal = 0; ordinal < 40; ++ordinal) builder.Add(ordinal * 100);
  const LogicalPlan ids{Ordinals{builder.Build()}};
  EXPECT_EQ(Print(world, {LogicalAnd{{ids, PlanOf("v3..9")}}}),
            "and; ids exact bitmap: bitmap 1; range look_up: look_up 1 scan 0; ");
  const PhysicalPlan plan = PhysicalOf(world, {LogicalAnd{{ids, PlanOf("c1|2")}}});
  const OperatorEstimate estimate = EstimatesOf(world, plan).back();
  EXPECT_EQ(*estimate.form, LeafForm::kLookUp);
  EXPECT_EQ(estimate.users_at_hand, 40u);
  ASSERT_EQ(estimate.forms.size(), 3u);
  EXPECT_EQ(estimate.forms[1].form, LeafForm::kCodes);
  EXPECT_EQ(estimate.forms[2].form, LeafForm::kLookUp);
  EXPECT_EQ(estimate.forms[2].cost_ns, 40 * kReadCodeCost / 10);
  EXPECT_EQ(estimate.cost_ns, estimate.forms[2].cost_ns);
  EXPECT_EQ(estimate.forms[0].form, LeafForm::kProbe);
  EXPECT_EQ(estimate.forms[0].cost_ns, 2 * kBitsetPassCost / 10);
}

TEST(PlanEstimateTest, AnEmptyPopulationTakesNothing) {
  index::Parallel parallel(1);
  const index::Snapshot empty;
  const PhysicalPlan plan{.node = Everybody{}};
  const auto estimates = *EstimatePlan(plan, empty, parallel, {});
  ASSERT_EQ(estimates.size(), 1u);
  EXPECT_EQ(estimates[0].exact_users, 0u);
  EXPECT_EQ(estimates[0].cost_ns, 0u);
  const auto analyzed = *AnalyzeCount(plan, empty, parallel, {});
  EXPECT_EQ(analyzed.count, 0u);
  EXPECT_TRUE(analyzed.operators.empty());
}

TEST(PlanEstimateTest, AFailedCheckEndsItWithItsStatus) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 1'000);
  const auto check = [] { return absl::CancelledError("enough"); };
  const PhysicalPlan plan = PhysicalOf(world, PlanOf("or(c1, g)"));
  EXPECT_EQ(EstimatePlan(plan, world.snapshot(), world.parallel(), check).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(AnalyzeCount(plan, world.snapshot(), world.parallel(), check).status().code(),
            absl::StatusCode::kCancelled);
}

void ExpectChosenIsCheapest(const OperatorEstimate& estimate, const std::string& text) {
  if (estimate.forms.empty()) {
    ASSERT_EQ(estimate.form.value_or(LeafForm::kNothing), LeafForm::kNothing) << text;
    return;
  }
  const FormEstimate* chosen = nullptr;
  for (const FormEstimate& form : estimate.forms) {
    if (form.form == estimate.form) chosen = &form;
    ASSERT_LE(estimate.cost_ns, form.cost_ns) << text;
  }
  ASSERT_NE(chosen, nullptr) << text;
  for (const FormEstimate& form : estimate.forms) {
    ASSERT_LE(chosen->cost_ns, form.cost_ns) << text << ' ' << ToString(form.form);
  }
  if (estimate.forms.size() == 1) {
    ASSERT_EQ(estimate.cost_ns, chosen->cost_ns) << text;
  }
}

TEST(PlanEstimateRandomTest, ChosenFormsAreTheCheapestAndExactNumbersAreExact) {
  std::mt19937_64 random(testing::TestSeed());
  for (uint32_t codes : {6u, 300u}) {
    PlanWorld world(random, 66'000, codes);
    for (int round = 0; round < testing::TestRounds(300); ++round) {
      const LogicalPlan logical = world.RandomPlan(random, 3);
      const PhysicalPlan plan = PhysicalOf(world, logical);
      const std::vector<OperatorEstimate> estimates = EstimatesOf(world, plan);
      const std::vector<const PhysicalPlan*> nodes = NodesOf(plan);
      ASSERT_EQ(estimates.size(), nodes.size());
      for (size_t i = 0; i < nodes.size(); ++i) {
        const std::string text = ToString(*nodes[i], world.catalogue());
        ASSERT_NO_FATAL_FAILURE(ExpectChosenIsCheapest(estimates[i], text));
        ASSERT_EQ(estimates[i].form.has_value(), InputsOf(*nodes[i]) == nullptr);
        if (!estimates[i].exact_users.has_value()) continue;
        const auto count = CountUsers(*nodes[i], world.snapshot(), world.parallel(), {});
        ASSERT_EQ(*estimates[i].exact_users, *count) << text;
      }
    }
  }
}

// Nobody is at hand before the only leaf of a plan, so that the estimate knows all there is.
TEST(PlanEstimateRandomTest, ALeafIsReadAsItWasExpectedToBe) {
  std::mt19937_64 random(testing::TestSeed());
  for (uint32_t codes : {6u, 300u, 1500u}) {
    PlanWorld world(random, 66'000, codes);
    for (int round = 0; round < testing::TestRounds(150); ++round) {
      const PhysicalPlan plan = PhysicalOf(world, world.RandomPlan(random, 0));
      if (InputsOf(plan) != nullptr) continue;
      const auto analyzed = AnalyzeCount(plan, world.snapshot(), world.parallel(), {});
      const OperatorEstimate estimate = EstimatesOf(world, plan).front();
      const LeafAccesses& accesses = analyzed->operators.front().accesses;
      const std::string text = ToString(plan, world.catalogue());
      for (const FormEstimate& form : estimate.forms) {
        ASSERT_EQ(accesses.chunks[static_cast<size_t>(form.form)], form.chunks)
            << text << ' ' << ToString(form.form);
      }
    }
  }
}

// The members of every chunk, evaluated with and without notes.
void ExpectSameMembers(PlanWorld& world, const PhysicalPlan& plan) {
  Evaluator plain(plan, world.snapshot(), Profiling::kNone);
  Evaluator noted(plan, world.snapshot(), Profiling::kAsRun);
  for (uint32_t shard = 0; shard < world.snapshot().shard_count(); ++shard) {
    ASSERT_EQ(plain.StartShard(shard), noted.StartShard(shard));
    for (uint32_t chunk = 0; chunk < index::kChunksPerShard; ++chunk) {
      std::vector<uint32_t> expected;
      index::ForEach(plain.Evaluate(chunk), [&](uint32_t o) { expected.push_back(o); });
      std::vector<uint32_t> actual;
      index::ForEach(noted.Evaluate(chunk), [&](uint32_t o) { actual.push_back(o); });
      ASSERT_EQ(actual, expected);
    }
  }
  for (const OperatorProfile& profile : plain.profiles()) ASSERT_EQ(profile.chunks, 0u);
}

TEST(AnalyzeRandomTest, AnalyzedCountsAreThoseOfCountsAndOfAskingEachUser) {
  std::mt19937_64 random(testing::TestSeed());
  for (uint32_t codes : {6u, 300u}) {
    PlanWorld world(random, 66'000, codes);
    for (int round = 0; round < testing::TestRounds(300); ++round) {
      const LogicalPlan logical = world.RandomPlan(random, 3);
      const std::string text = ToString(logical, world.catalogue());
      const PhysicalPlan plan = PhysicalOf(world, logical);
      const uint64_t expected = world.Matching(logical).size();
      ASSERT_EQ(*CountUsers(plan, world.snapshot(), world.parallel(), {}), expected) << text;
      const auto analyzed = AnalyzeCount(plan, world.snapshot(), world.parallel(), {});
      ASSERT_EQ(analyzed->count, expected) << text;
      const std::vector<const PhysicalPlan*> nodes = NodesOf(plan);
      ASSERT_EQ(analyzed->operators.size(), nodes.size());
      ASSERT_EQ(analyzed->operators[0].users, expected) << text;
      ASSERT_TRUE(analyzed->operators[0].users_known) << text;
      for (size_t i = 0; i < nodes.size(); ++i) {
        const OperatorProfile& profile = analyzed->operators[i];
        ASSERT_LE(profile.chunks, world.snapshot().shard_count() * index::kChunksPerShard) << text;
        ASSERT_LE(profile.chunks_in_parent, profile.chunks) << text;
        const uint64_t read = InputsOf(*nodes[i]) == nullptr ? profile.chunks : 0;
        ASSERT_EQ(Sum(profile.accesses), read) << text << ", operator " << i;
      }
      ASSERT_NO_FATAL_FAILURE(ExpectSameMembers(world, plan)) << text;
    }
  }
}

TEST(AnalyzeTest, TellsHowLeavesWereReadAndWhatWasSkipped) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 20'000);
  const PhysicalPlan plan = PhysicalOf(world, PlanOf("and(c1, v3..9, not(g))"));
  ASSERT_EQ(ToString(plan, world.catalogue()),
            "andnot(and(city in {1}, views in [3, 9]), graduate)");
  const auto analyzed = *AnalyzeCount(plan, world.snapshot(), world.parallel(), {});
  const std::vector<OperatorProfile>& run = analyzed.operators;
  const uint64_t city = world.Matching(PlanOf("c1")).size();
  EXPECT_EQ(run[0].users, world.Matching(PlanOf("and(c1, v3..9, not(g))")).size());
  EXPECT_EQ(run[0].chunks, 16u);
  // The difference takes the intersection in, reads both bitmaps in one pass and asks for the
  // numbers of those who are left.
  EXPECT_EQ(run[1].chunks_in_parent, run[1].chunks);
  EXPECT_FALSE(run[1].users_known);
  EXPECT_EQ(run[2].chunks, 1u);
  EXPECT_EQ(run[2].chunks_in_parent, 1u);
  EXPECT_EQ(run[2].users, city);
  EXPECT_EQ(run[3].chunks, 1u);
  EXPECT_EQ(run[3].chunks_in_parent, 0u);
  EXPECT_EQ(run[3].users, run[0].users);
  EXPECT_EQ(run[3].accesses.users_at_hand, world.Matching(PlanOf("and(c1, not(g))")).size());
  EXPECT_EQ(run[4].accesses.chunks[static_cast<size_t>(LeafForm::kBitmap)], 1u);
}

}  // namespace
}  // namespace throng::query
