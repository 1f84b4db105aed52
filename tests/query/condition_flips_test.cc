// Which conditions would turn an answer over: known answers, and random expressions against trying
// every set of conditions.
#include "query/condition_flips.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "query/formatter.h"
#include "query/parser.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

Expression Parsed(const std::string& text) {
  const absl::StatusOr<Expression> expression = Parse(text, {});
  EXPECT_TRUE(expression.ok()) << text << ": " << expression.status();
  return *expression;
}

// Conditions by name: "a b" matches the FLAGs a and b and nothing else.
std::vector<bool> MatchesOf(const Expression& expression, const std::string& true_names) {
  std::vector<bool> matches;
  for (const Expression* condition : ConditionsOf(expression)) {
    const std::string text = Format(*condition);
    matches.push_back((' ' + true_names + ' ').find(' ' + text + ' ') != std::string::npos);
  }
  return matches;
}

// "in: 1 2", "out: impossible".
std::string FlipOf(const std::string& text, const std::string& true_names) {
  const Expression expression = Parsed(text);
  ConditionFlips flips(expression);
  std::string said = flips.SetUser(MatchesOf(expression, true_names)) ? "in:" : "out:";
  const Flip flip = flips.Smallest();
  switch (flip.kind) {
    case Flip::Kind::kSmallest:
      break;
    case Flip::Kind::kFound:
      said += " perhaps";
      break;
    case Flip::Kind::kImpossible:
      said += " impossible";
      break;
    case Flip::Kind::kUnknown:
      said += " unknown";
      break;
  }
  for (const uint32_t c : flip.conditions) said += fmt::format(" {}", c);
  return said;
}

TEST(ConditionFlipsTest, AnAndComesTrueByAllThatAreFalseAndFalseByOne) {
  EXPECT_EQ(FlipOf("a and b and c", "b"), "out: 0 2");
  EXPECT_EQ(FlipOf("a and b and c", "a b c"), "in: 0");
  EXPECT_EQ(FlipOf("a or b or c", ""), "out: 0");
  EXPECT_EQ(FlipOf("a or b or c", "b c"), "in: 1 2");
  EXPECT_EQ(FlipOf("a", "a"), "in: 0");
  EXPECT_EQ(FlipOf("not a", "a"), "out: 0");
}

TEST(ConditionFlipsTest, TakesTheCheapestOfWhatIsEnough) {
  EXPECT_EQ(FlipOf("(a and b) or c", ""), "out: 2");
  EXPECT_EQ(FlipOf("(a and b) or c", "a"), "out: 1");
  EXPECT_EQ(FlipOf("(a and b) or (c and d)", ""), "out: 0 1");
  EXPECT_EQ(FlipOf("(a or b) and (c or d)", "a b c d"), "in: 0 1");
  EXPECT_EQ(FlipOf("(a or b) and (c or d)", "a b c"), "in: 2");
  EXPECT_EQ(FlipOf("not (a or b) and c", "a b"), "out: 0 1 2");
  EXPECT_EQ(FlipOf("not (a and not (b or c))", "a"), "out: 0");
}

TEST(ConditionFlipsTest, SomeAnswersCannotBeTurnedOver) {
  EXPECT_EQ(FlipOf("all()", ""), "in: impossible");
  EXPECT_EQ(FlipOf("none()", ""), "out: impossible");
  EXPECT_EQ(FlipOf("a or all()", ""), "in: impossible");
  EXPECT_EQ(FlipOf("a and b and none()", ""), "out: impossible");
  EXPECT_EQ(FlipOf("a and not none()", ""), "out: 0");
  EXPECT_EQ(FlipOf("a or not a", ""), "in: impossible");
  EXPECT_EQ(FlipOf("a and (not a or b) and not b", ""), "out: impossible");
}

TEST(ConditionFlipsTest, IdenticalConditionsChangeTogether) {
  EXPECT_EQ(FlipOf("(a and b) or (a and c)", "b c"), "out: 0");
  EXPECT_EQ(FlipOf("(a and b) or (a and c)", "a b c"), "in: 0");
  // One at a time it would be a alone; together it is b and c.
  EXPECT_EQ(FlipOf("(a and b) or (not a and c)", "a"), "out: 1");
  EXPECT_EQ(FlipOf("(a or b) and (not a or c)", "b"), "in: 0");
  EXPECT_EQ(FlipOf("city = 'x' and b or city = 'x' and c", "b"), "out: 0");
  EXPECT_EQ(FlipOf("city = 'x' and b or city in ('x') and c", "b"), "out: 0");
  EXPECT_EQ(FlipOf("city = 'x' and city = 'y'", ""), "out: 0 1");
  EXPECT_EQ(FlipOf("v > 1 and (v > 1 or v > 2)", ""), "out: 0");
  EXPECT_EQ(FlipOf("ids('u1') and ids('u2') and ids('u1')", ""), "out: 0 1");
  EXPECT_EQ(FlipOf("bucket('s', 0, 5) and bucket('s', 0, 6) and sample(1%, 's')", ""),
            "out: 0 1 2");
}

TEST(ConditionFlipsTest, SaysWhichAreTheSameAndWhichAreNegated) {
  const ConditionFlips flips(Parsed("not (a and not b) and (c or a) and not not c"));
  EXPECT_EQ(flips.first_same(), (std::vector<uint32_t>{0, 1, 2, 0, 2}));
  EXPECT_EQ(flips.negated(), (std::vector<bool>{true, false, false, false, false}));
}

TEST(ConditionFlipsTest, DecidesByChangingAlone) {
  const Expression expression = Parsed("a and (b or c) and not d and a");
  ConditionFlips flips(expression);
  const auto deciding = [&](const std::string& true_names) {
    flips.SetUser(MatchesOf(expression, true_names));
    std::string said;
    for (uint32_t c = 0; c < 5; ++c) said += flips.Decides(c) ? '1' : '0';
    return said;
  };
  EXPECT_EQ(deciding("a b"), "11011");
  EXPECT_EQ(deciding("a b c"), "10011");
  EXPECT_EQ(deciding("b c"), "10001");
  EXPECT_EQ(deciding("a"), "01100");
  EXPECT_EQ(deciding("a b d"), "00010");
  EXPECT_EQ(deciding("d"), "00000");
}

// f0 and f1 and ... , each twice, so that every choice of them has to be looked at.
std::string ManyRepeated(int count, const std::string& inside) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("{}f{}", i == 0 ? "" : " and ", i);
  return "(" + text + ") " + inside + " (" + text + ")";
}

TEST(ConditionFlipsTest, SaysWhenItIsNotProvenSmallest) {
  // Few are needed: proven whatever the number of repeated ones.
  EXPECT_EQ(
      FlipOf(ManyRepeated(300, "and") + " and x and y", ""), "out: perhaps" + [] {
        std::string all;
        for (int i = 0; i < 300; ++i) all += fmt::format(" {}", i);
        return all + " 600 601";
      }());
  std::string all_true = "x y";
  for (int i = 0; i < 300; ++i) all_true += fmt::format(" f{}", i);
  EXPECT_EQ(FlipOf(ManyRepeated(300, "and") + " and x and y", all_true), "in: 0");
  // No way is seen where each place by itself would do and all together do not.
  EXPECT_EQ(FlipOf(ManyRepeated(300, "and not"), ""), "out: unknown");
}

// Who the expression selects, by the values of its conditions' texts.
bool IsTrue(const Expression& expression, const std::map<std::string, bool>& values) {
  if (const auto* node = std::get_if<And>(&expression.node)) {
    return std::all_of(node->operands.begin(), node->operands.end(),
                       [&](const Expression& operand) { return IsTrue(operand, values); });
  }
  if (const auto* node = std::get_if<Or>(&expression.node)) {
    return std::any_of(node->operands.begin(), node->operands.end(),
                       [&](const Expression& operand) { return IsTrue(operand, values); });
  }
  if (const auto* node = std::get_if<Not>(&expression.node)) {
    return !IsTrue(node->operand[0], values);
  }
  if (std::holds_alternative<AllUsers>(expression.node)) return true;
  if (std::holds_alternative<NoUsers>(expression.node)) return false;
  return values.at(Format(expression));
}

Expression RandomExpression(std::mt19937_64& random, int depth, int names) {
  if (depth == 0 || random() % 6 == 0) {
    if (random() % 14 == 0) return {AllUsers{}};
    if (random() % 14 == 0) return {NoUsers{}};
    const std::string name = fmt::format("f{}", random() % static_cast<uint64_t>(names));
    return {Condition{.tag = name, .test = IsSet{}, .span = {}, .tag_span = {}}};
  }
  if (random() % 4 == 0) return {Not{{RandomExpression(random, depth - 1, names)}}};
  std::vector<Expression> operands;
  for (uint64_t i = 2 + random() % 3; i > 0; --i) {
    operands.push_back(RandomExpression(random, depth - 1, names));
  }
  if (random() % 2 == 0) return {And{std::move(operands)}};
  return {Or{std::move(operands)}};
}

// The texts of the expression's conditions with the first place of each.
std::map<std::string, uint32_t> FirstPlaces(const Expression& expression) {
  std::map<std::string, uint32_t> places;
  uint32_t next = 0;
  for (const Expression* condition : ConditionsOf(expression)) {
    places.emplace(Format(*condition), next++);
  }
  return places;
}

// Every set of conditions that turns the answer over; the best of them.
Flip BestBySearch(const Expression& expression, std::map<std::string, bool> values) {
  const bool before = IsTrue(expression, values);
  const std::map<std::string, uint32_t> places = FirstPlaces(expression);
  Flip best;
  for (uint64_t mask = 1; mask < uint64_t{1} << places.size(); ++mask) {
    std::map<std::string, bool> changed = values;
    std::vector<uint32_t> set;
    uint64_t bit = 1;
    for (const auto& [text, place] : places) {
      if ((mask & bit) != 0) {
        changed[text] = !changed[text];
        set.push_back(place);
      }
      bit <<= 1;
    }
    if (IsTrue(expression, changed) == before) continue;
    std::sort(set.begin(), set.end());
    const bool better = best.kind == Flip::Kind::kImpossible ||
                        set.size() < best.conditions.size() ||
                        (set.size() == best.conditions.size() && set < best.conditions);
    if (better) best = {Flip::Kind::kSmallest, set};
  }
  return best;
}

TEST(ConditionFlipsRandomTest, FindsWhatTryingEverySetFinds) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  uint64_t repeated = 0;
  uint64_t large = 0;
  for (int round = 0; round < testing::TestRounds(3'000); ++round) {
    // Few names: most stand in several places. Many: most in one.
    const Expression expression = RandomExpression(random, 3, round % 2 == 0 ? 5 : 40);
    const std::map<std::string, uint32_t> places = FirstPlaces(expression);
    if (places.size() > 12) continue;
    std::map<std::string, bool> values;
    for (const auto& [text, place] : places) values[text] = random() % 2 == 0;
    std::vector<bool> matches;
    for (const Expression* condition : ConditionsOf(expression)) {
      matches.push_back(values.at(Format(*condition)));
    }
    const std::string what = fmt::format("seed {} round {}: {}", seed, round, Format(expression));
    ConditionFlips flips(expression);
    ASSERT_EQ(flips.SetUser(matches), IsTrue(expression, values)) << what;
    const Flip expected = BestBySearch(expression, values);
    const Flip flip = flips.Smallest();
    ASSERT_EQ(flip.kind, expected.kind) << what;
    ASSERT_EQ(flip.conditions, expected.conditions) << what;
    for (const auto& [text, place] : places) {
      std::map<std::string, bool> changed = values;
      changed[text] = !changed[text];
      ASSERT_EQ(flips.Decides(place), IsTrue(expression, changed) != IsTrue(expression, values))
          << what << ", " << text;
    }
    repeated += places.size() < matches.size() ? 1 : 0;
    large += flip.conditions.size() > 2 ? 1 : 0;
  }
  EXPECT_GT(repeated, 0u);
  EXPECT_GT(large, 0u);
}

}  // namespace
}  // namespace throng::query
