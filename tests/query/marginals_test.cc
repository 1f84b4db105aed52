// Counts without a condition, and the waterfall, against taking the condition out of the expression
// and asking each user.
#include "query/marginals.h"

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "query/condition_tree.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

// A random expression whose conditions have random plans.
struct Asked {
  Expression expression;
  std::vector<ResolvedCondition> conditions;
};

class AskedMaker {
 public:
  AskedMaker(const PlanWorld& world, std::mt19937_64& random) : world_(world), random_(random) {}

  Asked Make(int depth) {
    asked_ = {};
    asked_.expression = MakeExpression(depth);
    return std::move(asked_);
  }

 private:
  Expression MakeExpression(int depth) {
    if (depth == 0 || random_() % 6 == 0) return MakeLeaf();
    if (random_() % 5 == 0) return {Not{{MakeExpression(depth - 1)}}};
    std::vector<Expression> operands;
    for (uint64_t i = 2 + random_() % 4; i > 0; --i) operands.push_back(MakeExpression(depth - 1));
    if (random_() % 2 == 0) return {And{std::move(operands)}};
    return {Or{std::move(operands)}};
  }
  Expression MakeLeaf() {
    if (random_() % 12 == 0) {
      return random_() % 2 == 0 ? Expression{AllUsers{}} : Expression{NoUsers{}};
    }
    ResolvedCondition condition;
    const bool again = !asked_.conditions.empty() && random_() % 8 == 0;
    condition.plan =
        again ? asked_.conditions.back().plan : world_.RandomPlan(random_, random_() % 5 == 0);
    asked_.conditions.push_back(condition);
    return {Condition{.tag = "any", .test = Exists{}, .span = {}, .tag_span = {}}};
  }

  const PlanWorld& world_;
  std::mt19937_64& random_;
  Asked asked_;
};

// The expression's plan without condition `removed`; nothing is left where that is all there was.
class Remover {
 public:
  Remover(const Asked& asked, std::optional<size_t> removed) : asked_(asked), removed_(removed) {}

  std::optional<LogicalPlan> Visit(const Expression& expression) {
    if (std::holds_alternative<AllUsers>(expression.node)) return LogicalPlan{Everybody{}};
    if (std::holds_alternative<NoUsers>(expression.node)) return LogicalPlan{Nobody{}};
    if (std::holds_alternative<Condition>(expression.node)) {
      const size_t number = next_++;
      if (removed_ == number) return std::nullopt;
      return asked_.conditions[number].plan;
    }
    if (const auto* negation = std::get_if<Not>(&expression.node)) {
      std::optional<LogicalPlan> operand = Visit(negation->operand[0]);
      if (!operand.has_value()) return std::nullopt;
      return LogicalPlan{LogicalNot{{*std::move(operand)}}};
    }
    const auto* both = std::get_if<And>(&expression.node);
    std::vector<LogicalPlan> plans;
    for (const Expression& operand :
         both != nullptr ? both->operands : std::get<Or>(expression.node).operands) {
      if (std::optional<LogicalPlan> plan = Visit(operand)) plans.push_back(*std::move(plan));
    }
    if (both != nullptr) return LogicalPlan{LogicalAnd{std::move(plans)}};
    return LogicalPlan{LogicalOr{std::move(plans)}};
  }

 private:
  const Asked& asked_;
  const std::optional<size_t> removed_;
  size_t next_ = 0;
};

std::set<uint32_t> UsersWithout(const PlanWorld& world, const Asked& asked,
                                std::optional<size_t> removed) {
  std::optional<LogicalPlan> plan = Remover(asked, removed).Visit(asked.expression);
  return world.Matching(plan.value_or(LogicalPlan{Everybody{}}));
}

// What must come out, user by user.
Marginals Expected(const PlanWorld& world, const Asked& asked) {
  const std::set<uint32_t> crowd = UsersWithout(world, asked, std::nullopt);
  Marginals expected{.count = crowd.size()};
  for (size_t i = 0; i < asked.conditions.size(); ++i) {
    const std::set<uint32_t> without = UsersWithout(world, asked, i);
    std::vector<uint32_t> changed;
    std::set_symmetric_difference(crowd.begin(), crowd.end(), without.begin(), without.end(),
                                  std::back_inserter(changed));
    expected.without.push_back(without.size());
    expected.changed.push_back(changed.size());
  }
  LogicalPlan plan = *Remover(asked, std::nullopt).Visit(asked.expression);
  bool negated = false;
  while (const auto* negation = std::get_if<LogicalNot>(&plan.node)) {
    plan = LogicalPlan(negation->operand[0]);
    negated = !negated;
  }
  const auto* both = std::get_if<LogicalAnd>(&plan.node);
  if (both == nullptr || negated) {
    expected.left = {expected.count};
    return expected;
  }
  LogicalAnd so_far;
  // A condition's own plan may be an and, too, but is one step.
  const bool is_condition = WaterfallOperands(asked.expression).size() == 1;
  if (is_condition) so_far.operands.push_back(plan);
  for (const LogicalPlan& operand : is_condition ? so_far.operands : both->operands) {
    if (!is_condition) so_far.operands.push_back(operand);
    expected.left.push_back(world.Matching({so_far}).size());
  }
  return expected;
}

void Compare(PlanWorld& world, const Asked& asked) {
  const Marginals expected = Expected(world, asked);
  const std::string text =
      ToString(*Remover(asked, std::nullopt).Visit(asked.expression), world.catalogue());
  const auto marginals =
      CountMarginals(asked.expression, asked.conditions, world.snapshot(), world.parallel(), {});
  ASSERT_TRUE(marginals.ok()) << marginals.status();
  ASSERT_EQ(marginals->count, expected.count) << text;
  ASSERT_EQ(marginals->without, expected.without) << text;
  ASSERT_EQ(marginals->changed, expected.changed) << text;
  ASSERT_EQ(marginals->left, expected.left) << text;
  ASSERT_EQ(marginals->own.size(), asked.conditions.size());
  for (size_t i = 0; i < marginals->own.size(); ++i) {
    ASSERT_EQ(marginals->own[i], world.Matching(asked.conditions[i].plan).size()) << text;
  }
}

TEST(MarginalsRandomTest, AreThoseOfTheExpressionWithoutTheCondition) {
  std::mt19937_64 random(testing::TestSeed());
  for (const uint32_t users : {1u, 1'000u, 65'535u, 65'537u}) {
    PlanWorld world(random, users);
    AskedMaker maker(world, random);
    const int rounds = testing::TestRounds(users <= 1'000 ? 300 : 25);
    for (int round = 0; round < rounds; ++round) {
      Compare(world, maker.Make(1 + static_cast<int>(random() % 3)));
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

// Columns and many bitmaps, which are asked only about the users that still matter.
TEST(MarginalsRandomTest, TagsOfManyValues) {
  std::mt19937_64 random(testing::TestSeed());
  for (const bool deltas : {false, true}) {
    PlanWorld world(random, 66'000, /*codes=*/300, deltas);
    AskedMaker maker(world, random);
    for (int round = 0; round < testing::TestRounds(20); ++round) {
      Compare(world, maker.Make(2));
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(MarginalsTest, ARedundantConditionChangesNobody) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 3'000);
  Asked asked;
  const Expression leaf{Condition{.tag = "any", .test = Exists{}, .span = {}, .tag_span = {}}};
  asked.expression = {And{{leaf, leaf, leaf}}};
  asked.conditions = {
      {.plan = PlanOf("v0..9")}, {.plan = PlanOf("v-2..15")}, {.plan = PlanOf("g")}};
  const auto marginals =
      CountMarginals(asked.expression, asked.conditions, world.snapshot(), world.parallel(), {});
  EXPECT_EQ(marginals->changed[1], 0u);
  EXPECT_EQ(marginals->without[1], marginals->count);
  EXPECT_GT(marginals->changed[0], 0u);
  EXPECT_GT(marginals->changed[2], 0u);
  EXPECT_EQ(marginals->left[0], marginals->left[1]);
  EXPECT_EQ(marginals->left[2], marginals->count);
}

TEST(MarginalsTest, NodesAreAllButNots) {
  const Expression leaf{Condition{.tag = "any", .test = Exists{}, .span = {}, .tag_span = {}}};
  EXPECT_EQ(MarginalNodesOf(leaf), 1u);
  EXPECT_EQ(MarginalNodesOf({Not{{leaf}}}), 1u);
  EXPECT_EQ(MarginalNodesOf({And{{leaf, {Not{{{Or{{leaf, {AllUsers{}}, {NoUsers{}}}}}}}}}}}), 6u);
}

TEST(MarginalsTest, EndsWithTheCheck) {
  std::mt19937_64 random(testing::TestSeed());
  PlanWorld world(random, 10);
  const Expression leaf{Condition{.tag = "any", .test = Exists{}, .span = {}, .tag_span = {}}};
  const auto marginals =
      CountMarginals(leaf, {{.plan = PlanOf("g")}}, world.snapshot(), world.parallel(),
                     [] { return absl::CancelledError("no more"); });
  EXPECT_EQ(marginals.status().code(), absl::StatusCode::kCancelled);
}

TEST(ConditionTreeTest, FindsAndReplacesConditions) {
  const auto leaf = [](const char* tag) {
    return Expression{Condition{.tag = tag, .test = Exists{}, .span = {}, .tag_span = {}}};
  };
  const Expression expression{
      And{{leaf("a"), {Not{{{Or{{leaf("b"), {AllUsers{}}, {Not{{leaf("c")}}}}}}}}}}}};
  const std::vector<const Expression*> conditions = ConditionsOf(expression);
  ASSERT_EQ(conditions.size(), 3);
  EXPECT_EQ(*conditions[2], leaf("c"));
  EXPECT_FALSE(IsNegated(expression, 0));
  EXPECT_TRUE(IsNegated(expression, 1));
  EXPECT_FALSE(IsNegated(expression, 2));
  const LogicalPlan plan = PlanOf("and(c0, not(or(c1, all, not(c2))))");
  EXPECT_EQ(ReplaceCondition(expression, plan, 2, PlanOf("none")),
            PlanOf("and(c0, not(or(c1, all, not(none))))"));
  EXPECT_EQ(ReplaceCondition(expression, plan, 0, PlanOf("g")),
            PlanOf("and(g, not(or(c1, all, not(c2))))"));
}

}  // namespace
}  // namespace throng::query
