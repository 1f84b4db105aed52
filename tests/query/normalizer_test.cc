#include "query/normalizer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

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
  ExpectRewrites("merge-same-tag", {{"or(c1, c3, g)", "or(c1|3, g)"},
                                    {"and(c1|2, c2|3)", "and(c2)"},
                                    {"and(c1, c2)", "and(none)"},
                                    {"or(i1, i2)", "or(i1|2)"},
                                    {"and(i1, i2)", "and(i1, i2)"},
                                    {"and(v1..9, v5..20)", "and(v5..9)"},
                                    {"or(v1..4, v5..9)", "or(v1..9)"},
                                    {"or(v1..4, v6..9)", "or(v1..4|6..9)"},
                                    {"and(v1..4, v6..9)", "and(none)"}});
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
