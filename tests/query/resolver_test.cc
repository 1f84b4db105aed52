#include "query/resolver.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "query/formatter.h"
#include "tests/query/resolver_fixture.h"

namespace throng::query {
namespace {

struct Case {
  std::string_view text;
  std::string_view plan;
};

void ExpectPlans(const ResolverFixture& fixture, const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(fixture.Plan(c.text), c.plan) << c.text;
}

TEST(ResolverTest, BooleanStructureStaysAsWritten) {
  ExpectPlans(ResolverFixture(),
              {{"city in ('Rome', 'Paris') and not is_graduate and views > 3",
                "and(city in {Paris, Rome}, not(is_graduate), views in [4, max])"},
               {"(is_graduate or views < 1) and (is_graduate and views > 1)",
                "and(or(is_graduate, views in [min, 0]), and(is_graduate, views in [2, max]))"},
               {"not not all()", "not(not(all))"},
               {"none()", "none"}});
}

TEST(ResolverTest, Flags) {
  ExpectPlans(ResolverFixture(), {{"is_graduate", "is_graduate"},
                                  {"is_graduate = true", "is_graduate"},
                                  {"is_graduate = false", "not(is_graduate)"},
                                  {"is_graduate != true", "not(is_graduate)"},
                                  {"is_graduate != false", "is_graduate"},
                                  {"is_graduate in (true, true)", "is_graduate"},
                                  {"is_graduate in (true, false)", "all"},
                                  {"is_graduate not in (false, true)", "none"},
                                  {"exists(is_graduate)", "all"}});
}

TEST(ResolverTest, CategoriesAndLabels) {
  ExpectPlans(
      ResolverFixture(),
      {{"city = '北京'", "city in {北京}"},
       {"city = 'it''s'", "city in {it's}"},
       {"city in ('Rome', 'Paris', 'Rome')", "city in {Paris, Rome}"},
       {"city != 'Rome'", "and(exists(city), not(city in {Rome}))"},
       {"city not in ('Rome', 'Paris')", "and(exists(city), not(city in {Paris, Rome}))"},
       {"exists(city)", "exists(city)"},
       {"city = 'rome'", "none"},  // values are exact
       {"city in ('rome', 'Rome')", "city in {Rome}"},
       {"city != 'rome'", "exists(city)"},
       {"city not in ('rome', 'Rome')", "and(exists(city), not(city in {Rome}))"},
       {"hobbies = 'go'", "hobbies in {go}"},
       {"hobbies not in ('go', 'chess')", "and(exists(hobbies), not(hobbies in {chess, go}))"},
       {"letters in ('a','b','c','d','e','f','g','h')", "letters in {a, b, c, d, e, f, g, h}"},
       {"letters in ('a','b','c','d','e','f','g','h','j')",
        "letters in {a, b, c, d, e, f, g, h, ... 9 in all}"}});
}

TEST(ResolverTest, Integers) {
  ExpectPlans(ResolverFixture(), {{"views = 3", "views in [3, 3]"},
                                  {"views != 3", "and(exists(views), not(views in [3, 3]))"},
                                  {"views in (5, 3, 4, 9, 3)", "views in [3, 5], [9, 9]"},
                                  {"views > 3", "views in [4, max]"},
                                  {"views >= 3", "views in [3, max]"},
                                  {"views < 3", "views in [min, 2]"},
                                  {"views <= 3", "views in [min, 3]"},
                                  {"views between 3 and 5", "views in [3, 5]"},
                                  {"views between 3 exclusive and 5", "views in [4, 5]"},
                                  {"views between 3 and 5 exclusive", "views in [3, 4]"},
                                  {"views between 3 exclusive and 4 exclusive", "none"},
                                  {"views between 5 and 3", "none"},
                                  {"exists(views)", "exists(views)"},
                                  // Finer than a whole number: never rounded.
                                  {"views > 2.5", "views in [3, max]"},
                                  {"views >= 2.5", "views in [3, max]"},
                                  {"views < 2.5", "views in [min, 2]"},
                                  {"views <= 2.5", "views in [min, 2]"},
                                  {"views > -2.5", "views in [-2, max]"},
                                  {"views < -2.5", "views in [min, -3]"},
                                  {"views = 2.5", "none"},
                                  {"views != 2.5", "exists(views)"},
                                  {"views in (2.5, 3)", "views in [3, 3]"},
                                  {"views between 2.1 and 2.9", "none"},
                                  {"views = 3.0", "views in [3, 3]"}});
}

TEST(ResolverTest, IntegersAtTheEndsOf64Bits) {
  ExpectPlans(ResolverFixture(),
              {{"views >= 9223372036854775807", "views in [max, max]"},
               {"views > 9223372036854775806", "views in [max, max]"},
               {"views > 9223372036854775807", "none"},
               {"views > 9223372036854775806.5", "views in [max, max]"},
               {"views >= 9223372036854775808", "none"},
               {"views <= 9223372036854775808", "views in [min, max]"},
               {"views < 9223372036854775808", "views in [min, max]"},
               {"views < 9223372036854775807", "views in [min, 9223372036854775806]"},
               {"views = 9223372036854775808", "none"},
               {"views <= -9223372036854775808", "views in [min, min]"},
               {"views < -9223372036854775808", "none"},
               {"views > -9223372036854775809", "views in [min, max]"},
               {"views < -99999999999999999999999999999999999999", "none"},
               {"views > -99999999999999999999999999999999999999", "views in [min, max]"},
               {"views in (9223372036854775807, 9223372036854775806, -9223372036854775808)",
                "views in [min, min], [9223372036854775806, max]"},
               {"views != 9223372036854775808", "exists(views)"}});
}

TEST(ResolverTest, Decimals) {
  ExpectPlans(ResolverFixture(),
              {{"price = 1.5", "price in [1.50, 1.50]"},
               {"price > 1.5", "price in [1.51, max]"},
               {"price < -0.01", "price in [min, -0.02]"},
               {"price >= 1.505", "price in [1.51, max]"},
               {"price <= 1.505", "price in [min, 1.50]"},
               {"price <= -1.505", "price in [min, -1.51]"},
               {"price = 1.505", "none"},
               {"price in (1.51, 1.50, 1.505)", "price in [1.50, 1.51]"},
               {"price < 92233720368547758.07", "price in [min, 92233720368547758.06]"},
               {"price <= 92233720368547758.08", "price in [min, max]"},
               {"price > 99999999999999999999999999999999999999", "none"},
               {"\"emp.var.rate\" > -1.8", "\"emp.var.rate\" in [-1.799999999, max]"},
               {"\"emp.var.rate\" > 0.0000000001", "\"emp.var.rate\" in [0.000000001, max]"},
               {"\"emp.var.rate\" < 99999999999999999999999999999999999999",
                "\"emp.var.rate\" in [min, max]"}});
}

TEST(ResolverTest, IdsBucketsAndSamples) {
  ExpectPlans(ResolverFixture(), {{"ids('u0', 'u1', 7)", "ids(3)"},
                                  {"ids('7', 7, 'u0', 'u0')", "ids(2)"},
                                  {"ids('nobody')", "ids(0)"},
                                  {"bucket('spring', 10, 20)", "bucket('spring', 10, 20)"},
                                  {"bucket('spring', 10, 10)", "none"},
                                  {"sample(1.5%, 'spring')", "bucket('spring', 0, 15000)"}});
  const Resolved resolved = *ResolverFixture().ResolveText("sample(100%, 'spring')");
  EXPECT_EQ(std::get<HashBuckets>(resolved.plan.node),
            (HashBuckets{index::SaltHash("spring"), "spring", 0, 1'000'000}));
}

TEST(ResolverTest, Errors) {
  ExpectPlans(
      ResolverFixture(),
      {{"citty = 'Paris'", "UNKNOWN_TAG 1:1+5 the name of a tag -> city"},
       {"views > 1 and\n  not exists(\"is graduate\")",
        "UNKNOWN_TAG 2:14+13 the name of a tag -> is_graduate"},
       {"salary > 1", "UNKNOWN_TAG 1:1+6 the name of a tag"},  // not visible
       {"salery > 1", "UNKNOWN_TAG 1:1+6 the name of a tag"},  // and not suggested
       {"something_else", "UNKNOWN_TAG 1:1+14 the name of a tag"},
       {"city = 3", "WRONG_VALUE_TYPE 1:8+1 text in single quotes -> '3'"},
       {"city in ('Paris', true)", "WRONG_VALUE_TYPE 1:19+4 text in single quotes -> 'true'"},
       {"city = today() - 1d", "WRONG_VALUE_TYPE 1:8+12 text in single quotes"},
       {"hobbies != 3", "WRONG_VALUE_TYPE 1:12+1 text in single quotes -> '3'"},
       {"views = '3'", "WRONG_VALUE_TYPE 1:9+3 a number -> 3"},
       {"views > 'many'", "WRONG_VALUE_TYPE 1:9+6 a number"},
       {"views = true", "WRONG_VALUE_TYPE 1:9+4 a number"},
       {"price between 1 and today()", "WRONG_VALUE_TYPE 1:21+7 a number"},
       {"is_graduate = 'yes'", "WRONG_VALUE_TYPE 1:15+5 true or false"},
       {"is_graduate = 1", "WRONG_VALUE_TYPE 1:15+1 true or false"},
       {"city > 'Paris'", "NOT_ORDERED 1:1+14 =, !=, in or not in"},
       {"hobbies between 'a' and 'b'", "NOT_ORDERED 1:1+27 =, !=, in or not in"},
       {"is_graduate > false", "NOT_ORDERED 1:1+19 =, != or the bare name"},
       {"city",
        "NOT_A_FLAG 1:1+4 a comparison, or exists(tag) for the users with any value -> "
        "exists(city)"},
       {"\"emp.var.rate\"",
        "NOT_A_FLAG 1:1+14 a comparison, or exists(tag) for the users with any value -> "
        "exists(\"emp.var.rate\")"}});
}

TEST(ResolverTest, LimitsAreBound) {
  const ResolverFixture fixture;
  const Resolved top = *fixture.ResolveText("is_graduate top 10 by price desc");
  EXPECT_EQ(ToString(top.plan, fixture.catalogue()), "is_graduate");
  ASSERT_TRUE(top.limit.has_value());
  EXPECT_EQ(top.limit->users, 10u);
  EXPECT_EQ(top.limit->text, "top 10 by price desc");
  EXPECT_EQ(top.limit->span.column, 13);
  const auto& by_number = std::get<NumberOrder>(top.limit->order);
  EXPECT_EQ(by_number.tag, fixture.catalogue().Find("price")->definition.id);
  EXPECT_TRUE(by_number.descending);
  const Resolved any = *fixture.ResolveText("all() any 7 by 'spring'");
  EXPECT_EQ(any.limit->text, "any 7 by 'spring'");
  EXPECT_EQ(std::get<HashOrder>(any.limit->order).salt_hash, 0x5cc0f0871e0ed5e6);
  EXPECT_FALSE(fixture.ResolveText("all()")->limit.has_value());
}

TEST(ResolverTest, LimitsThatCannotBeBound) {
  const ResolverFixture fixture;
  const std::string ordered = "an INTEGER, DECIMAL, DATE or DATETIME tag";
  EXPECT_EQ(fixture.Plan("all() top 10 by viws"), "UNKNOWN_TAG 1:17+4 the name of a tag -> views");
  EXPECT_EQ(fixture.Plan("all() top 10 by salary"), "UNKNOWN_TAG 1:17+6 the name of a tag");
  EXPECT_EQ(fixture.Plan("all() top 10 by salery"), "UNKNOWN_TAG 1:17+6 the name of a tag");
  EXPECT_EQ(fixture.Plan("all() top 10 by city desc"), "NOT_ORDERED 1:17+4 " + ordered);
  EXPECT_EQ(fixture.Plan("all() top 10 by hobbies"), "NOT_ORDERED 1:17+7 " + ordered);
  EXPECT_EQ(fixture.Plan("all() top 10 by is_graduate"), "NOT_ORDERED 1:17+11 " + ordered);
}

TEST(ResolverTest, MessagesReadWell) {
  const ResolverFixture fixture;
  EXPECT_EQ(fixture.ResolveText("citty = 'Paris'").status().message(),
            "line 1, column 1: there is no tag \"citty\"; expected the name of a tag; did you mean "
            "city?");
  EXPECT_EQ(
      fixture.ResolveText("views = '3'").status().message(),
      "line 1, column 9: '3' is no value of the INTEGER tag \"views\"; expected a number; did "
      "you mean 3?");
  const Expression tree{Condition{"citty", IsSet{}, {}, {}}};  // without places
  EXPECT_EQ(fixture.ResolveTree(tree).status().message(),
            "there is no tag \"citty\"; expected the name of a tag; did you mean city?");
}

TEST(ResolverTest, ConditionsAreListedAsWritten) {
  const Resolved resolved = *ResolverFixture().ResolveText(
      "not (views>3 or city in ('Rome')) and all() and ids(7) and sample(1%,'s') and "
      "bucket('s',0,1)");
  const ResolverFixture fixture;
  std::vector<std::string> lines;
  for (const ResolvedCondition& condition : resolved.conditions) {
    lines.push_back(condition.text + " | " + ToString(condition.plan, fixture.catalogue()) + " | " +
                    std::to_string(condition.span.column));
  }
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "views > 3 | views in [4, max] | 6",
                       "city = 'Rome' | city in {Rome} | 17",
                       "ids(7) | ids(1) | 49",
                       "sample(1%, 's') | bucket('s', 0, 10000) | 60",
                       "bucket('s', 0, 1) | bucket('s', 0, 1) | 79",
                   }));
}

TEST(ResolverTest, LongListsAreCutInTheTextOfAConditionOnly) {
  std::string list = "1";
  for (int i = 2; i <= 101; ++i) list += ", " + std::to_string(2 * i);
  const ResolverFixture fixture;
  const Resolved cut = *fixture.ResolveText("views in (" + list + ")");
  EXPECT_EQ(cut.conditions[0].text,
            "views in (1, 4, 6, 8, 10, 12, 14, 16) (the first of 101 values)");
  EXPECT_EQ(std::get<NumericRanges>(cut.plan.node).intervals.size(), 101u);
  const Resolved ids = *fixture.ResolveText("ids(" + list + ")");
  EXPECT_EQ(ids.conditions[0].text, "ids(1, 4, 6, 8, 10, 12, 14, 16) (the first of 101 values)");
}

TEST(LogicalPlanTest, PrintsWhatTheCatalogueDoesNotKnow) {
  const index::Catalogue empty;
  EXPECT_EQ(ToString(LogicalPlan{TagValues{5, {0, 3}}}, empty), "#5 in {#0, #3}");
  EXPECT_EQ(ToString(LogicalPlan{NumericRanges{5, {{1, 2}}}}, empty), "#5 in [1, 2]");
  std::vector<Interval> many;
  for (int64_t i = 0; i < 9; ++i) many.push_back({i * 10, i * 10});
  EXPECT_EQ(ToString(LogicalPlan{NumericRanges{5, many}}, empty),
            "#5 in [0, 0], [10, 10], [20, 20], [30, 30], [40, 40], [50, 50], [60, 60], [70, 70], "
            "... 9 in all");
}

}  // namespace
}  // namespace throng::query
