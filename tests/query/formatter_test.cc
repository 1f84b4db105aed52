#include "query/formatter.h"

#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "query/parser.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

using index::TagType;

Expression Name(const std::string& tag) { return Expression{Condition{tag, IsSet{}, {}, {}}}; }

TEST(FormatterTest, QuotesNamesOnlyWhereNeeded) {
  const char* const plain[] = {"city", "_", "views_7d", "城市", "é", "andy", "Ünit"};
  for (const char* name : plain) EXPECT_EQ(Format(Name(name)), name);
  const char* const quoted[] = {"and",       "AND", "None", "today",   "top", "asc",
                                "exclusive", "7d",  "a.b",  "a b",     "a-b", "",
                                "a×b",       "a😀",  "（",   "a\u3000b"};
  for (const char* name : quoted) {
    EXPECT_EQ(Format(Name(name)), fmt::format("\"{}\"", name));
  }
  EXPECT_EQ(Format(Name("a\"b")), "\"a\"\"b\"");
}

TEST(FormatterTest, ParenthesesOnlyWhereNeeded) {
  const Expression a = Name("a");
  const Expression b = Name("b");
  const Expression c = Name("c");
  const Expression a_and_b{And{{a, b}}};
  const Expression a_or_b{Or{{a, b}}};
  EXPECT_EQ(Format(Expression{Or{{a_and_b, c}}}), "a and b or c");
  EXPECT_EQ(Format(Expression{And{{a_or_b, c}}}), "(a or b) and c");
  EXPECT_EQ(Format(Expression{And{{a_and_b, c}}}), "(a and b) and c");
  EXPECT_EQ(Format(Expression{Or{{c, a_or_b}}}), "c or (a or b)");
  EXPECT_EQ(Format(Expression{Not{{a_and_b}}}), "not (a and b)");
  EXPECT_EQ(Format(Expression{Not{{Expression{Not{{a}}}}}}), "not not a");
}

// Cut only where something is: a text of just so many bytes is whole.
TEST(FormatterTest, ABriefTextIsCutBehindItsBytes) {
  const Expression chain = *Parse("a and b or not c", {});
  EXPECT_EQ(FormatBrief(chain, 17), "a and b or not c");
  EXPECT_EQ(FormatBrief(chain, 16), "a and b or not c");
  EXPECT_EQ(FormatBrief(chain, 15), "a and b or not ...");
  EXPECT_EQ(FormatBrief(chain, 7), "a and b...");
  EXPECT_EQ(FormatBrief(chain, 6), "a and ...");
  EXPECT_EQ(FormatBrief(chain, 1), "a...");
  EXPECT_EQ(FormatBrief(chain, 0), "...");
  const Expression list = *Parse("a in (1, 2, 3)", {});
  EXPECT_EQ(FormatBrief(list, 14), "a in (1, 2, 3)");
  EXPECT_EQ(FormatBrief(list, 13), "a in (1, 2, 3...");
  EXPECT_EQ(FormatBrief(list, 7), "a in (1...");
  EXPECT_EQ(FormatBrief(*Parse("ids('secret', 'other')", {}), 10), "ids(2 ids)");
}

TEST(FormatterTest, ABriefTextIsCutBetweenCharacters) {
  const Expression zurich = *Parse("city = 'Zürich'", {});  // the character of two bytes ends at 11
  EXPECT_EQ(FormatBrief(zurich, 16), "city = 'Zürich'");
  EXPECT_EQ(FormatBrief(zurich, 15), "city = 'Zürich...");
  EXPECT_EQ(FormatBrief(zurich, 11), "city = 'Zü...");
  EXPECT_EQ(FormatBrief(zurich, 10), "city = 'Z...");
  EXPECT_EQ(FormatBrief(zurich, 9), "city = 'Z...");
}

TEST(FormatterTest, TypedTimesPrintAsIsoText) {
  const Value date{DateLiteral{2024, 2, 9}, {}};
  EXPECT_EQ(Format(date), "'2024-02-09'");
  EXPECT_EQ(Format(Value{DateLiteral{33, 4, 3}, {}}), "'0033-04-03'");
  EXPECT_EQ(Format(Value{TimestampLiteral{0}, {}}), "'1970-01-01T00:00:00Z'");
  EXPECT_EQ(Format(Value{TimestampLiteral{-1}, {}}), "'1969-12-31T23:59:59.999999Z'");
  EXPECT_EQ(Format(Condition{"d", Range{date, {}, true, false}, {}, {}}), "d >= '2024-02-09'");
}

TEST(FormatterTest, EqualityIgnoresPositionsAndNothingElse) {
  EXPECT_TRUE(*Parse("a = 1 and b", {}) == *Parse("  a=1\nand b", {}));
  EXPECT_TRUE(*Parse("a top 1 by b", {}) == *Parse("a TOP 1 BY b ASC", {}));
  const char* const texts[] = {"a = 1",
                               "a = 2",
                               "a = '1'",
                               "a != 1",
                               "a in (1, 2)",
                               "a in (2, 1)",
                               "a > 1",
                               "a >= 1",
                               "a < 1",
                               "a",
                               "exists(a)",
                               "b = 1",
                               "not a",
                               "a and b",
                               "a or b",
                               "b and a",
                               "ids(1)",
                               "ids('1')",
                               "bucket('s',0,1)",
                               "bucket('t',0,1)",
                               "sample(1%,'s')",
                               "sample(2%,'s')",
                               "all()",
                               "none()",
                               "d = today()",
                               "d = now()",
                               "d = now() - 1d",
                               "d = now() - 1h",
                               "a top 1 by b",
                               "a top 2 by b",
                               "a top 1 by c",
                               "a top 1 by b desc",
                               "b top 1 by b",
                               "a any 1 by 'b'",
                               "a any 2 by 'b'",
                               "a any 1 by ''",
                               "crowd('a')",
                               "crowd('b')",
                               "crowd('a', live)",
                               "crowd('a', 1)",
                               "crowd('a', 2)",
                               "not crowd('a')"};
  for (size_t i = 0; i < std::size(texts); ++i) {
    for (size_t j = 0; j < std::size(texts); ++j) {
      EXPECT_EQ(*Parse(texts[i], {}) == *Parse(texts[j], {}), i == j)
          << texts[i] << " " << texts[j];
    }
  }
}

std::vector<testing::GeneratorTag> Tags() {
  return {
      {.name = "is_graduate", .type = TagType::kFlag},
      {.name = "not", .type = TagType::kFlag},
      {.name = "city", .type = TagType::kCategory, .texts = {"Paris", "it's", "", "北京", "a\nb"}},
      {.name = "emp.var.rate", .type = TagType::kLabels, .texts = {"x", "\"", "' or 1 = 1"}},
      {.name = "views \"7d\"", .type = TagType::kInteger, .low = INT64_MIN, .high = INT64_MAX},
      {.name = "price", .type = TagType::kDecimal, .scale = 2, .low = -500, .high = 1000},
      {.name = "born", .type = TagType::kDate, .low = -30'000, .high = 30'000},
      {.name = "seen",
       .type = TagType::kDateTime,
       .low = -1'000'000'000'000,
       .high = INT64_C(1) << 52}};
}

// What operators, tests and literals an expression holds, to see that the generator makes all.
void Collect(const Expression& expression, std::set<std::string>* kinds) {
  kinds->insert("node " + std::to_string(expression.node.index()));
  const auto collect_all = [&](const std::vector<Expression>& operands) {
    for (const Expression& operand : operands) Collect(operand, kinds);
  };
  if (const auto* node = std::get_if<And>(&expression.node)) collect_all(node->operands);
  if (const auto* node = std::get_if<Or>(&expression.node)) collect_all(node->operands);
  if (const auto* node = std::get_if<Not>(&expression.node)) collect_all(node->operand);
  if (const auto* node = std::get_if<Limited>(&expression.node)) collect_all(node->operand);
  const auto* condition = std::get_if<Condition>(&expression.node);
  if (condition == nullptr) return;
  kinds->insert("test " + std::to_string(condition->test.index()));
  if (const auto* any = std::get_if<AnyOf>(&condition->test)) {
    for (const Value& value : any->values) {
      kinds->insert("literal " + std::to_string(value.literal.index()));
    }
  }
}

TEST(FormatterTest, RandomTreesSurviveTheirText) {
  const uint64_t seed = testing::TestSeed();
  testing::GeneratorOptions options;
  options.depth_max = 6;
  options.ids = {"u1", "it's", "42"};
  options.numeric_ids = {0, 42, UINT64_MAX};
  options.limited_one_in = 4;
  options.crowds = {{.name = "it's 春"}, {.name = "a", .live = true}, {.name = "b", .version = 7}};
  testing::ExpressionGenerator generator(Tags(), options, seed);
  std::set<std::string> kinds;
  const int trees = testing::TestRounds(20'000);
  for (int i = 0; i < trees; ++i) {
    const Expression expression = generator.Next();
    const std::string text = Format(expression);
    ASSERT_TRUE(Validate(expression, {}).ok())
        << "seed " << seed << ", tree " << i << ": " << text << Validate(expression, {});
    const absl::StatusOr<Expression> parsed = Parse(text, {});
    ASSERT_TRUE(parsed.ok()) << "seed " << seed << ", tree " << i << ": " << parsed.status();
    ASSERT_TRUE(*parsed == expression) << "seed " << seed << ", tree " << i << ": " << text;
    ASSERT_EQ(Format(*parsed), text);
    Collect(expression, &kinds);
  }
  // 10 nodes, 5 tests and the 4 literals that text has.
  EXPECT_TRUE(kinds.size() == 20u || trees < 20'000) << kinds.size();
}

TEST(FormatterTest, RandomTreesWithTypedTimesPrintStably) {
  const uint64_t seed = testing::TestSeed();
  testing::ExpressionGenerator generator(Tags(), {.typed_times = true}, seed);
  const int trees = testing::TestRounds(5'000);
  for (int i = 0; i < trees; ++i) {
    const std::string text = Format(generator.Next());
    const absl::StatusOr<Expression> parsed = Parse(text, {});
    ASSERT_TRUE(parsed.ok()) << "seed " << seed << ": " << parsed.status();
    ASSERT_EQ(Format(*parsed), text) << "seed " << seed;
  }
}

}  // namespace
}  // namespace throng::query
