// Every limit of ExpressionLimits: at the limit, and one past it, for texts and for trees.
#include <cstdint>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "index/error.h"
#include "query/formatter.h"
#include "query/parser.h"

namespace throng::query {
namespace {

std::string Repeat(std::string_view part, int times) {
  std::string repeated;
  repeated.reserve(part.size() * static_cast<size_t>(times));
  for (int i = 0; i < times; ++i) repeated += part;
  return repeated;
}

// "OK", or the reason with limit and requested.
std::string Outcome(const absl::Status& status) {
  if (status.ok()) return "OK";
  const auto detail = index::GetErrorDetail(status);
  if (!detail.has_value() || status.code() != absl::StatusCode::kInvalidArgument) return "other";
  if (detail->limit == 0) return detail->reason;
  return detail->reason + " " + std::to_string(detail->limit) + " " +
         std::to_string(detail->requested);
}

std::string ParseOutcome(const std::string& text, const ExpressionLimits& limits = {}) {
  return Outcome(Parse(text, limits).status());
}

Expression Leaf() { return Expression{Condition{"a", IsSet{}, {}, {}}}; }

Expression Nots(int count) {
  Expression expression = Leaf();
  for (int i = 0; i < count; ++i) {
    Not negation;
    negation.operand.push_back(std::move(expression));
    expression = Expression{std::move(negation)};
  }
  return expression;
}

TEST(ExpressionLimitsTest, DepthOfTexts) {
  EXPECT_EQ(ParseOutcome(Repeat("not ", 63) + "a"), "OK");
  EXPECT_EQ(ParseOutcome(Repeat("not ", 64) + "a"), "EXPRESSION_TOO_DEEP 64 65");
  EXPECT_EQ(ParseOutcome(Repeat("(", 63) + "a" + Repeat(")", 63)), "OK");
  EXPECT_EQ(ParseOutcome(Repeat("(", 64) + "a" + Repeat(")", 64)), "EXPRESSION_TOO_DEEP 64 65");
  // Or, And, Or, And ...: each parenthesis hides two levels of the tree.
  EXPECT_EQ(ParseOutcome(Repeat("a or b and (", 31) + "a" + Repeat(")", 31)), "OK");
  EXPECT_EQ(ParseOutcome(Repeat("a or b and (", 32) + "a" + Repeat(")", 32)),
            "EXPRESSION_TOO_DEEP 64 65");
}

// A limit is a level and a node.
TEST(ExpressionLimitsTest, LimitsCount) {
  const std::string limit = " any 1 by 's'";
  EXPECT_EQ(ParseOutcome(Repeat("not ", 62) + "a" + limit), "OK");
  EXPECT_EQ(ParseOutcome(Repeat("not ", 63) + "a" + limit), "EXPRESSION_TOO_DEEP 64 65");
  EXPECT_EQ(ParseOutcome("a" + limit, {.nodes_max = 2}), "OK");
  EXPECT_EQ(ParseOutcome("not a" + limit, {.nodes_max = 2}), "TOO_MANY_NODES 2 3");
  const auto limited = [](Expression operand) {
    Limited node{.users = 1, .order = BySalt{"s"}};
    node.operand.push_back(std::move(operand));
    return Expression{std::move(node)};
  };
  EXPECT_EQ(Outcome(Validate(limited(Nots(62)), {})), "OK");
  EXPECT_EQ(Outcome(Validate(limited(Nots(63)), {})), "EXPRESSION_TOO_DEEP 64 65");
  EXPECT_EQ(Outcome(Validate(limited(Nots(1)), {.nodes_max = 3})), "OK");
  EXPECT_EQ(Outcome(Validate(limited(Nots(1)), {.nodes_max = 2})), "TOO_MANY_NODES 2 3");
}

TEST(ExpressionLimitsTest, HostileDepthNeedsLittleStack) {
  EXPECT_EQ(ParseOutcome(Repeat("(", 1'000'000)), "EXPRESSION_TOO_DEEP 64 65");
  EXPECT_EQ(ParseOutcome(Repeat("not ", 1'000'000)), "EXPRESSION_TOO_DEEP 64 65");
}

TEST(ExpressionLimitsTest, DepthErrorPointsAtTheFirstExcess) {
  const absl::Status status = Parse(Repeat("(", 65) + "a" + Repeat(")", 65), {}).status();
  const auto detail = index::GetErrorDetail(status);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->line, 1);
  EXPECT_EQ(detail->column, 65);
  EXPECT_EQ(detail->length, 1);
  EXPECT_EQ(detail->expected, "at most 64");
}

TEST(ExpressionLimitsTest, DepthOfTrees) {
  EXPECT_EQ(Outcome(Validate(Nots(63), {})), "OK");
  EXPECT_EQ(Outcome(Validate(Nots(64), {})), "EXPRESSION_TOO_DEEP 64 65");
  EXPECT_EQ(ParseOutcome(Format(Nots(63))), "OK");
}

TEST(ExpressionLimitsTest, Nodes) {
  // n leaves and the one Or around them.
  const std::string most = Repeat("a or ", 9'998) + "a";
  EXPECT_EQ(ParseOutcome(most), "OK");
  EXPECT_EQ(ParseOutcome(most + " or a"), "TOO_MANY_NODES 10000 10001");
  Expression tree = *Parse(most, {});
  EXPECT_EQ(Outcome(Validate(tree, {})), "OK");
  std::get<Or>(tree.node).operands.push_back(Leaf());
  EXPECT_EQ(Outcome(Validate(tree, {})), "TOO_MANY_NODES 10000 10001");
}

TEST(ExpressionLimitsTest, ListOfAMillionValues) {
  const std::string most = "x in (" + Repeat("7,", 999'999) + "7";
  absl::StatusOr<Expression> tree = Parse(most + ")", {});
  ASSERT_TRUE(tree.ok()) << tree.status();
  EXPECT_EQ(Outcome(Validate(*tree, {})), "OK");
  EXPECT_EQ(ParseOutcome(most + ",7)"), "TOO_MANY_VALUES 1000000 1000001");
  auto& values = std::get<AnyOf>(std::get<Condition>(tree->node).test).values;
  values.push_back(values[0]);
  EXPECT_EQ(Outcome(Validate(*tree, {})), "TOO_MANY_VALUES 1000000 1000001");
}

TEST(ExpressionLimitsTest, ListsCountTogether) {
  const ExpressionLimits limits{.list_values_max = 5};
  EXPECT_EQ(ParseOutcome("x in (1, 2) and ids(1, 'a', 2)", limits), "OK");
  EXPECT_EQ(ParseOutcome("x in (1, 2) and ids(1, 'a', 2, 3)", limits), "TOO_MANY_VALUES 5 6");
  const Expression tree = *Parse("x in (1, 2) and ids(1, 'a', 2, 3)", {});
  EXPECT_EQ(Outcome(Validate(tree, limits)), "TOO_MANY_VALUES 5 6");
}

TEST(ExpressionLimitsTest, TextBytes) {
  const ExpressionLimits limits{.text_bytes_max = 8};
  EXPECT_EQ(ParseOutcome("x = 1234", limits), "OK");
  EXPECT_EQ(ParseOutcome("x = 12345", limits), "EXPRESSION_TOO_LONG 8 9");
  EXPECT_EQ(Outcome(Validate(*Parse("abcd = '1234'", {}), limits)), "OK");
  EXPECT_EQ(Outcome(Validate(*Parse("abcd = '12345'", {}), limits)), "EXPRESSION_TOO_LONG 8 9");
}

TEST(ExpressionLimitsTest, StepsOfRelativeTimes) {
  EXPECT_EQ(ParseOutcome("d > now()" + Repeat(" + 100000y", 8)), "OK");
  EXPECT_EQ(ParseOutcome("d > now()" + Repeat(" + 1d", 9)), "VALUE_OUT_OF_RANGE");
  RelativeTimeLiteral literal;
  literal.offsets.assign(8, TimeOffset{-100'000, TimeUnit::kYear});
  const auto outcome = [&] {
    return Outcome(Validate(Expression{Condition{"d", AnyOf{{Value{literal, {}}}}, {}, {}}}, {}));
  };
  EXPECT_EQ(outcome(), "OK");
  literal.offsets[3].amount = -100'001;
  EXPECT_EQ(outcome(), "VALUE_OUT_OF_RANGE");
  literal.offsets.assign(9, TimeOffset{1, TimeUnit::kDay});
  EXPECT_EQ(outcome(), "VALUE_OUT_OF_RANGE");
}

Expression Tested(decltype(Condition::test) test, const std::string& tag = "x") {
  return Expression{Condition{tag, std::move(test), {}, {}}};
}

TEST(ValidateTest, Limits) {
  const auto outcome = [](uint32_t users, std::variant<ByTag, BySalt> order) {
    Limited limited{.users = users, .order = std::move(order)};
    limited.operand.push_back(Leaf());
    return Outcome(Validate(Expression{std::move(limited)}, {}));
  };
  EXPECT_EQ(outcome(1, BySalt{}), "OK");
  EXPECT_EQ(outcome(2'147'483'647, BySalt{}), "OK");
  EXPECT_EQ(outcome(0, BySalt{}), "VALUE_OUT_OF_RANGE");
  EXPECT_EQ(outcome(2'147'483'648, BySalt{}), "VALUE_OUT_OF_RANGE");
  EXPECT_EQ(outcome(1, BySalt{"\xff"}), "INVALID_UTF8");
  EXPECT_EQ(outcome(1, ByTag{.tag = "x", .tag_span = {}, .direction_span = {}}), "OK");
  EXPECT_EQ(outcome(1, ByTag{}), "INVALID_EXPRESSION");
  EXPECT_EQ(outcome(1, ByTag{.tag = "\xff", .tag_span = {}, .direction_span = {}}), "INVALID_UTF8");
  EXPECT_EQ(Outcome(Validate(Expression{Limited{.users = 1}}, {})), "INVALID_EXPRESSION");
  const Expression root = *Parse("a any 1 by 's'", {});
  EXPECT_EQ(Outcome(Validate(Expression{Not{{root}}}, {})), "MISPLACED_LIMIT");
  EXPECT_EQ(Outcome(Validate(Expression{Or{{Leaf(), root}}}, {})), "MISPLACED_LIMIT");
  EXPECT_EQ(Outcome(Validate(Expression{Limited{.operand = {root}, .users = 1}}, {})),
            "INVALID_EXPRESSION");  // the outer one has no tag
  EXPECT_EQ(Outcome(Validate(
                Expression{Limited{.operand = {root}, .users = 1, .order = BySalt{"s"}}}, {})),
            "MISPLACED_LIMIT");
}

TEST(ValidateTest, RefusesTreesThatNoTextHas) {
  struct Case {
    std::string_view what;
    Expression expression;
    std::string_view outcome;
  };
  const Value one{DecimalLiteral{1, 0}, {}};
  const Value ten{DecimalLiteral{10, 1}, {}};
  const Case cases[] = {
      {"And of 0", Expression{And{}}, "INVALID_EXPRESSION"},
      {"And of 1", Expression{And{{Leaf()}}}, "INVALID_EXPRESSION"},
      {"Or of 1", Expression{Or{{Leaf()}}}, "INVALID_EXPRESSION"},
      {"Not of 0", Expression{Not{}}, "INVALID_EXPRESSION"},
      {"Not of 2", Expression{Not{{Leaf(), Leaf()}}}, "INVALID_EXPRESSION"},
      {"inner", Expression{And{{Leaf(), Expression{Or{}}}}}, "INVALID_EXPRESSION"},
      {"no tag", Tested(IsSet{}, ""), "INVALID_EXPRESSION"},
      {"tag's encoding", Tested(IsSet{}, "\xff"), "INVALID_UTF8"},
      {"empty list", Tested(AnyOf{}), "INVALID_EXPRESSION"},
      {"empty list", Tested(NoneOf{}), "INVALID_EXPRESSION"},
      {"no bound", Tested(Range{}), "INVALID_EXPRESSION"},
      {"inclusive nothing", Tested(Range{one, {}, true, true}), "INVALID_EXPRESSION"},
      {"inclusive nothing", Tested(Range{{}, one, true, true}), "INVALID_EXPRESSION"},
      {"bound", Tested(Range{one, ten, true, true}), "VALUE_OUT_OF_RANGE"},
      {"not canonical", Tested(AnyOf{{ten}}), "VALUE_OUT_OF_RANGE"},
      {"value's encoding", Tested(AnyOf{{Value{std::string("\xc3"), {}}}}), "INVALID_UTF8"},
      {"bad date", Tested(AnyOf{{Value{DateLiteral{2023, 2, 29}, {}}}}), "BAD_DATE"},
      {"bad time", Tested(AnyOf{{Value{TimestampLiteral{INT64_MAX}, {}}}}), "BAD_DATE"},
      {"no ids", Expression{IdSet{}}, "INVALID_EXPRESSION"},
      {"id's encoding", Expression{IdSet{{"\xff"}, {}, {}}}, "INVALID_UTF8"},
      {"order", Expression{Bucket{"s", 2, 1, {}}}, "VALUE_OUT_OF_RANGE"},
      {"bucket", Expression{Bucket{"s", 0, 1'000'001, {}}}, "VALUE_OUT_OF_RANGE"},
      {"salt", Expression{Bucket{"\xff", 0, 1, {}}}, "INVALID_UTF8"},
      {"sample of 0", Expression{Sample{0, "s", {}}}, "VALUE_OUT_OF_RANGE"},
      {"sample", Expression{Sample{1'000'001, "s", {}}}, "VALUE_OUT_OF_RANGE"},
      {"good range", Tested(Range{one, one, true, true}), "OK"},
      {"good ids", Expression{IdSet{{}, {1}, {}}}, "OK"},
      {"good bucket", Expression{Bucket{"s", 1'000'000, 1'000'000, {}}}, "OK"},
      {"good sample", Expression{Sample{1'000'000, "s", {}}}, "OK"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Outcome(Validate(c.expression, {})), c.outcome)
        << c.what << ": " << Format(c.expression);
  }
}

}  // namespace
}  // namespace throng::query
