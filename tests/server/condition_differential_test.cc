// What explain says of each condition, and curves, against the naive model: the expression without
// the condition, or with another threshold, is counted user by user. With missing values, deltas
// and erased users.
//
// A failure prints the seed and the expression.
#include <algorithm>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "query/formatter.h"
#include "tests/server/engine_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using query::Expression;
using testing::NaiveClock;
using testing::NaiveModel;

// Copies an expression and changes one condition on the way: drops it, or moves a bound.
class Editor {
 public:
  explicit Editor(size_t number) : number_(number) {}
  Editor(size_t number, const query::Value& threshold, bool lower)
      : number_(number), threshold_(threshold), lower_(lower) {}

  // Nothing is left where the condition was all there was.
  std::optional<Expression> Visit(const Expression& expression) {
    if (const auto* node = std::get_if<query::And>(&expression.node)) {
      return Combine<query::And>(node->operands);
    }
    if (const auto* node = std::get_if<query::Or>(&expression.node)) {
      return Combine<query::Or>(node->operands);
    }
    if (const auto* node = std::get_if<query::Not>(&expression.node)) {
      const std::optional<Expression> operand = Visit(node->operand[0]);
      if (!operand.has_value()) return std::nullopt;
      return Expression{query::Not{{*operand}}};
    }
    if (std::holds_alternative<query::AllUsers>(expression.node) ||
        std::holds_alternative<query::NoUsers>(expression.node)) {
      return expression;
    }
    if (next_++ != number_) return expression;
    if (!threshold_.has_value()) return std::nullopt;
    auto condition = std::get<query::Condition>(expression.node);
    auto& range = std::get<query::Range>(condition.test);
    (lower_ ? range.lower : range.upper) = *threshold_;
    return Expression{condition};
  }
  size_t conditions() const { return next_; }

 private:
  template <typename Node>
  std::optional<Expression> Combine(const std::vector<Expression>& operands) {
    Node left;
    for (const Expression& operand : operands) {
      if (std::optional<Expression> edited = Visit(operand)) left.operands.push_back(*edited);
    }
    if (left.operands.size() == 1) return left.operands.front();
    return Expression{left};
  }

  const size_t number_;
  std::optional<query::Value> threshold_;
  bool lower_ = false;
  size_t next_ = 0;
};

// The conditions, in the order written.
void AppendConditions(const Expression& expression, std::vector<const Expression*>* conditions) {
  if (const auto* node = std::get_if<query::And>(&expression.node)) {
    for (const Expression& operand : node->operands) AppendConditions(operand, conditions);
  } else if (const auto* node = std::get_if<query::Or>(&expression.node)) {
    for (const Expression& operand : node->operands) AppendConditions(operand, conditions);
  } else if (const auto* node = std::get_if<query::Not>(&expression.node)) {
    AppendConditions(node->operand[0], conditions);
  } else if (!std::holds_alternative<query::AllUsers>(expression.node) &&
             !std::holds_alternative<query::NoUsers>(expression.node)) {
    conditions->push_back(&expression);
  }
}

class Comparison {
 public:
  explicit Comparison(uint32_t users, uint64_t seed)
      : random_(seed), generator_({}, seed + 1), model_(generator_.tags()) {
    world_.CreateTags(generator_.tags());
    Load(generator_.NextUsers(users));
    Load(generator_.MakeUpdate(users / 5 + 1));
    for (int i = 0; i < 3; ++i) Load(generator_.MakeUpdate(3));
    for (int i = 0; i < 3 && users > 10; ++i) {
      const std::string id = model_.id(random_() % model_.size());
      if (!model_.Find("", id).has_value()) continue;
      MustBeOk(world_.engine().erasures().Erase(world_.context(), {.users = {{"", id}}}).status());
      model_.Erase(id);
    }
  }

  void Run(int rounds) {
    testing::ExpressionGenerator expressions(
        generator_.expression_tags(),
        {.depth_max = 3, .numeric_ids = generator_.some_numeric_ids(40), .typed_times = true},
        random_());
    for (int round = 0; round < rounds; ++round) {
      expression_ = expressions.Next();
      selection_ = {.what = expression_, .reference_us = EngineWorld::kStartUs};
      CompareExplain();
      CompareCurves();
      if (::testing::Test::HasFailure()) {
        ADD_FAILURE() << query::Format(expression_);
        return;
      }
    }
  }
  uint64_t points_compared() const { return points_compared_; }
  uint64_t reached() const { return reached_; }

 private:
  void Load(const testing::PlainBatch& batch) {
    model_.Apply(batch);
    world_.Load(batch, generator_.tags());
  }

  uint64_t Count(const Expression& expression) const {
    const std::vector<bool> users =
        model_.Test(expression, NaiveClock("UTC", *selection_.reference_us));
    return static_cast<uint64_t>(std::count(users.begin(), users.end(), true));
  }

  void CompareExplain() {
    const bool conditions_only = random_() % 2 == 0;
    const ExplainResult explained = Must(world_.selections().Explain(
        world_.context(), selection_, {.conditions_only = conditions_only}));
    EXPECT_EQ(explained.count, Count(expression_));
    EXPECT_EQ(explained.nodes.empty(), conditions_only);
    std::vector<const Expression*> conditions;
    AppendConditions(expression_, &conditions);
    ASSERT_EQ(explained.conditions.size(), conditions.size());
    for (size_t i = 0; i < conditions.size(); ++i) {
      const std::optional<Expression> without = Editor(i).Visit(expression_);
      EXPECT_EQ(explained.conditions[i].count, Count(*conditions[i])) << i;
      EXPECT_EQ(explained.conditions[i].without,
                Count(without.value_or(Expression{query::AllUsers{}})))
          << i;
    }
    const auto* root = std::get_if<query::And>(&expression_.node);
    if (root == nullptr) return;
    ASSERT_EQ(explained.waterfall.size(), root->operands.size());
    query::And prefix;
    for (size_t i = 0; i < root->operands.size(); ++i) {
      prefix.operands.push_back(root->operands[i]);
      EXPECT_EQ(explained.waterfall[i].left, Count(Expression{prefix})) << i;
    }
  }

  static query::Value Literal(const CurveResult& curve, int64_t threshold) {
    if (curve.type == index::TagType::kDecimal) return Decimal(threshold, curve.scale);
    if (curve.type == index::TagType::kDateTime) return Micros(threshold);
    if (curve.type != index::TagType::kDate) return Whole(threshold);
    // Walks over the years; days of tests are few.
    int year = 1970;
    while (testing::NaiveDayOf(year + 1, 1, 1) <= threshold) ++year;
    while (testing::NaiveDayOf(year, 1, 1) > threshold) --year;
    int month = 12;
    while (testing::NaiveDayOf(year, month, 1) > threshold) --month;
    return Date(year, month, static_cast<int>(threshold - testing::NaiveDayOf(year, month, 1)) + 1);
  }

  void CompareCurves() {
    std::vector<const Expression*> conditions;
    AppendConditions(expression_, &conditions);
    for (size_t i = 0; i < conditions.size(); ++i) {
      const auto* condition = std::get_if<query::Condition>(&conditions[i]->node);
      if (condition == nullptr) continue;
      const auto* range = std::get_if<query::Range>(&condition->test);
      if (range == nullptr) continue;
      const bool lower =
          range->lower.has_value() && (!range->upper.has_value() || random_() % 2 == 0);
      CompareCurve(i, lower);
    }
  }

  void CompareCurve(size_t number, bool lower) {
    const uint64_t reach = random_() % (model_.size() + 1);
    const CurveRequest request{.condition = static_cast<uint32_t>(number) + 1,
                               .bound = lower ? CurveBound::kLower : CurveBound::kUpper,
                               .points_max = random_() % 2 == 0 ? 1'000u : 5u,
                               .reach = reach};
    const CurveResult curve =
        Must(world_.engine().insights().Curve(world_.context(), selection_, request));
    EXPECT_EQ(curve.count, Count(expression_));
    EXPECT_LE(curve.points.size(), request.points_max);
    for (size_t i = 0; i < curve.points.size(); ++i) {
      if (i > 0) {
        EXPECT_LT(curve.points[i - 1].threshold, curve.points[i].threshold);
      }
      const bool end = i == 0 || i + 1 == curve.points.size();
      if (!end && random_() % (curve.points.size() / 4 + 1) != 0) continue;
      ExpectPoint(number, lower, curve, curve.points[i]);
    }
    if (curve.points.empty()) return;
    CompareReach(number, lower, curve, reach);
  }

  void ExpectPoint(size_t number, bool lower, const CurveResult& curve, const CurvePoint& point) {
    const query::Value threshold = Literal(curve, point.threshold);
    EXPECT_EQ(point.count, Count(*Editor(number, threshold, lower).Visit(expression_)))
        << "condition " << number << " " << curve.operator_text << " " << point.threshold;
    ++points_compared_;
  }

  void CompareReach(size_t number, bool lower, const CurveResult& curve, uint64_t reach) {
    ASSERT_TRUE(curve.nearest.has_value());
    ExpectPoint(number, lower, curve, *curve.nearest);
    const auto away = [&](uint64_t count) { return count > reach ? count - reach : reach - count; };
    std::optional<uint64_t> least;
    for (const CurvePoint& point : curve.points) {
      EXPECT_LE(away(curve.nearest->count), away(point.count));
      if (point.count >= reach && point.count < least.value_or(model_.size() + 1)) {
        least = point.count;
      }
    }
    EXPECT_EQ(curve.reached.has_value(), least.has_value());
    if (!curve.reached.has_value() || !least.has_value()) return;
    ++reached_;
    EXPECT_GE(curve.reached->count, reach);
    EXPECT_LE(curve.reached->count, *least);
    ExpectPoint(number, lower, curve, *curve.reached);
  }

  std::mt19937_64 random_;
  EngineWorld world_;
  testing::PopulationGenerator generator_;
  NaiveModel model_;
  Expression expression_;
  Selection selection_;
  uint64_t points_compared_ = 0;
  uint64_t reached_ = 0;
};

TEST(ConditionDifferentialTest, EngineAndModelSayTheSameOfEachCondition) {
  const uint64_t seed = testing::TestSeed();
  uint64_t points = 0;
  uint64_t reached = 0;
  for (const uint32_t users : {1u, 40u, 600u, 2'000u}) {
    Comparison comparison(users, seed * 1'000 + users);
    comparison.Run(testing::TestRounds(150));
    if (HasFailure()) return;
    points += comparison.points_compared();
    reached += comparison.reached();
  }
  EXPECT_GT(points, static_cast<uint64_t>(testing::TestRounds(150)));
  EXPECT_GT(reached, 0u);
}

}  // namespace
}  // namespace throng::engine
