#include "query/normalizer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

struct Case {
  const char* before;
  const char* after;
};

class NormalizerTest : public ::testing::Test {
 protected:
  std::mt19937_64 random_{testing::TestSeed()};
  PlanWorld world_{random_, 300};

  std::string Print(const LogicalPlan& plan) const { return ToString(plan, world_.catalogue()); }

  // Each case through one rewrite alone, and through it again: nothing more to do.
  void ExpectRewrites(std::string_view name, const std::vector<Case>& cases) {
    for (const Rewrite& rewrite : Rewrites()) {
      if (rewrite.name != name) continue;
      for (const Case& c : cases) {
        LogicalPlan plan = PlanOf(c.before);
        const bool changed = rewrite.apply(plan, world_.catalogue());
        EXPECT_EQ(Print(plan), Print(PlanOf(c.after))) << c.before;
        EXPECT_EQ(changed, std::string_view(c.before) != c.after) << c.before;
        EXPECT_EQ(world_.Matching(plan), world_.Matching(PlanOf(c.before))) << c.before;
      }
      return;
    }
    FAIL() << "there is no rewrite " << name;
  }
};

TEST_F(NormalizerTest, DoubleNegation) {
  ExpectRewrites("double-negation", {{"not(not(g))", "g"}, {"not(g)", "not(g)"}, {"c1", "c1"}});
}

TEST_F(NormalizerTest, DeMorgan) {
  ExpectRewrites("de-morgan", {{"not(and(g, c1))", "or(not(g), not(c1))"},
                               {"not(or(g, c1))", "and(not(g), not(c1))"},
                               {"not(or(not(g), c1))", "and(g, not(c1))"},
                               {"not(g)", "not(g)"}});
}

TEST_F(NormalizerTest, Flatten) {
  ExpectRewrites("flatten", {{"and(g, and(c1, i2))", "and(g, c1, i2)"},
                             {"or(or(g, c1), i2)", "or(g, c1, i2)"},
                             {"and(g, or(c1, i2))", "and(g, or(c1, i2))"}});
}

TEST_F(NormalizerTest, FoldConstants) {
  ExpectRewrites("fold-constants", {{"and(g, none)", "none"},
                                    {"and(g, all, c1)", "and(g, c1)"},
                                    {"or(g, all)", "all"},
                                    {"or(none, g, c1)", "or(g, c1)"},
                                    {"and(all, all)", "all"},
                                    {"or(none)", "none"},
                                    {"and(g)", "g"},
                                    {"not(all)", "none"},
                                    {"not(none)", "all"},
                                    {"not(g)", "not(g)"}});
}

TEST_F(NormalizerTest, DropRepeats) {
  ExpectRewrites(
      "drop-repeats",
      {{"and(g, c1, g)", "and(g, c1)"}, {"or(c1, c1)", "or(c1)"}, {"or(c1, c2)", "or(c1, c2)"}});
}

TEST_F(NormalizerTest, MergeSameTag) {
  ExpectRewrites("merge-same-tag",
                 {{"or(c1, c3, g)", "or(c1|3, g)"},
                  {"and(c1|2, c2|3)", "and(c2)"},
                  {"and(c1, c2)", "and(none)"},
                  {"or(i1, i2)", "or(i1|2)"},
                  {"and(i1, i2)", "and(i1, i2)"},
                  {"and(v1..9, v5..20)", "and(v5..9)"},
                  {"or(v1..4, v5..9)", "or(v1..9)"},
                  {"or(v1..4, v6..9)", "or(v1..4|6..9)"},
                  {"and(v1..4, v6..9)", "and(none)"},
                  {"and(v1..4, g, v6..9, v2..8)", "and(none, g)"},
                  {"or(v1..2, c1, i0, v9..9, g, c0|1, i2, v3..4)", "or(v1..4|9..9, c0|1, i0|2, g)"},
                  {"and(v1..9, c1|2|3, i0, c2|3|4, i1, v5..20)", "and(v5..9, c2|3, i0, i1)"}});
}

// As many as an expression has room for.
TEST_F(NormalizerTest, ThousandsOfTestsOfOneTagBecomeOne) {
  LogicalOr any;
  for (int64_t i = 0; i < 9'999; ++i) {
    const int64_t low = (i * 7'919) % 9'999 * 10;
    any.operands.push_back({NumericRanges{kViews, {{low, low + 5}}}});
  }
  const LogicalPlan merged = Normalize({any}, world_.catalogue());
  const auto* ranges = std::get_if<NumericRanges>(&merged.node);
  ASSERT_NE(ranges, nullptr);
  ASSERT_EQ(ranges->intervals.size(), 9'999u);
  EXPECT_EQ(ranges->intervals.front(), (Interval{0, 5}));
  EXPECT_EQ(ranges->intervals.back(), (Interval{99'980, 99'985}));
  LogicalAnd all;
  for (int64_t i = 0; i < 9'999; ++i) {
    all.operands.push_back({NumericRanges{kViews, {{i - 9'990, 10'016 - i}}}});
  }
  all.operands.push_back(merged);
  EXPECT_EQ(Print(Normalize({all}, world_.catalogue())), Print(PlanOf("v10..15")));
}

// Beyond so many operands that pairs of them are compared.
TEST_F(NormalizerTest, ManyRandomOperandsKeepTheirUsers) {
  for (int round = 0; round < testing::TestRounds(20); ++round) {
    std::vector<LogicalPlan> operands;
    while (operands.size() < 300) {
      LogicalPlan operand = world_.RandomPlan(random_, 0);
      if (std::holds_alternative<Everybody>(operand.node)) continue;
      if (std::holds_alternative<Nobody>(operand.node)) continue;
      operands.push_back(std::move(operand));
    }
    for (const LogicalPlan& plan :
         {LogicalPlan{LogicalOr{operands}}, LogicalPlan{LogicalAnd{operands}}}) {
      ASSERT_EQ(world_.Matching(Normalize(plan, world_.catalogue())), world_.Matching(plan));
    }
    // Of one tag alone somebody is left by an and, too.
    LogicalAnd ranges;
    for (int i = 0; i < 300; ++i) {
      const auto width = static_cast<int64_t>(random_() % 5);
      ranges.operands.push_back({NumericRanges{kViews, {{-9 + width, 4}, {6, 20 - width}}}});
    }
    const LogicalPlan plan{std::move(ranges)};
    const LogicalPlan normal = Normalize(plan, world_.catalogue());
    ASSERT_TRUE(std::holds_alternative<NumericRanges>(normal.node));
    ASSERT_EQ(world_.Matching(normal), world_.Matching(plan));
    ASSERT_FALSE(world_.Matching(plan).empty());
  }
}

TEST_F(NormalizerTest, AbsorbExists) {
  ExpectRewrites("absorb-exists", {{"and(ec, c1)", "and(c1)"},
                                   {"or(ec, c1)", "or(ec)"},
                                   {"and(ev, v1..3)", "and(v1..3)"},
                                   {"and(ei, c1)", "and(ei, c1)"},
                                   {"and(ec, not(c1))", "and(ec, not(c1))"}});
}

TEST_F(NormalizerTest, Contradiction) {
  ExpectRewrites("contradiction", {{"and(g, c1, not(g))", "none"},
                                   {"or(not(c1), c1)", "all"},
                                   {"and(g, not(c1))", "and(g, not(c1))"}});
}

TEST_F(NormalizerTest, WholePlans) {
  const std::vector<Case> cases = {
      {"and(and(g, all), not(not(c1)), c1)", "and(g, c1)"},
      {"not(or(not(and(ec, not(c1|2))), g))", "and(ec, not(c1|2), not(g))"},
      {"or(and(g, none), and(c1, c2), i3)", "i3"},
      {"and(or(g, not(g)), v1..3)", "v1..3"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Print(Normalize(PlanOf(c.before), world_.catalogue())), Print(PlanOf(c.after)));
  }
}

TEST_F(NormalizerTest, RandomPlansKeepTheirUsersUnderEachRewriteAndAll) {
  for (int round = 0; round < testing::TestRounds(1500); ++round) {
    const LogicalPlan plan = world_.RandomPlan(random_, 4);
    const std::set<uint32_t> users = world_.Matching(plan);
    for (const Rewrite& rewrite : Rewrites()) {
      LogicalPlan rewritten = plan;
      rewrite.apply(rewritten, world_.catalogue());
      ASSERT_EQ(world_.Matching(rewritten), users)
          << rewrite.name << " of " << Print(plan) << " gave " << Print(rewritten);
    }
    const LogicalPlan normal = Normalize(plan, world_.catalogue());
    ASSERT_EQ(world_.Matching(normal), users) << Print(plan) << " became " << Print(normal);
    ASSERT_EQ(Print(Normalize(normal, world_.catalogue())), Print(normal)) << Print(plan);
  }
}

}  // namespace
}  // namespace throng::query
