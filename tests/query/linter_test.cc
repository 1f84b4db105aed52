#include "query/linter.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/query/resolver_fixture.h"

namespace throng::query {
namespace {

using List = std::vector<std::string>;

struct Case {
  std::string_view text;
  List warnings;
};

void ExpectWarnings(const std::vector<Case>& cases) {
  const ResolverFixture fixture;
  for (const Case& c : cases) EXPECT_EQ(fixture.Warnings(c.text), c.warnings) << c.text;
}

TEST(LinterTest, SaysNothingOfWhatIsClear) {
  ExpectWarnings({{"city = 'Paris' and views > 3 or not is_graduate", {}},
                  {"all()", {}},
                  {"none()", {}},
                  {"not city = 'Paris'", {}},
                  {"hobbies = 'go' and hobbies = 'chess'", {}},
                  {"city = 'Paris' or city = 'Rome'", {}},
                  {"views > 3 and views < 5", {}},
                  {"is_graduate != true", {}},
                  {"ids('u0', 7)", {}}});
}

TEST(LinterTest, UnknownValues) {
  ExpectWarnings(
      {{"city in ('Rom', 'Rome')", {"UNKNOWN_VALUE 1:10+5"}},
       {"city in ('Rom', 'Rome', 'Paaris')", {"UNKNOWN_VALUE 1:10+5", "UNKNOWN_VALUE 1:25+8"}},
       {"city = 'Rom'", {"UNKNOWN_VALUE 1:8+5", "ALWAYS_EMPTY 1:1+12"}},
       {"ids('u0', 'u9', 8)", {"UNKNOWN_IDS 1:1+18"}},
       {"ids('u9')", {"UNKNOWN_IDS 1:1+9", "ALWAYS_EMPTY 1:1+9"}},
       {"views in (1, 1.5)", {"INEXACT_LITERAL 1:14+3"}},
       {"price = 1.501 or all() and is_graduate", {"INEXACT_LITERAL 1:9+5", "ALWAYS_EMPTY 1:1+13"}},
       {"views < 1.5", {}}});
}

TEST(LinterTest, UnknownValuesSuggestTheNearest) {
  const ResolverFixture fixture;
  EXPECT_EQ(fixture.ResolveText("city in ('Rom', 'Rome')")->warnings[0].message,
            "no user has ever had 'Rom' in tag \"city\"; did you mean 'Rome'?");
  EXPECT_EQ(fixture.ResolveText("city in ('Vladivostok', 'Rome')")->warnings[0].message,
            "no user has ever had 'Vladivostok' in tag \"city\"");
  EXPECT_EQ(fixture.ResolveText("views in (1, 1.5)")->warnings[0].message,
            "no user can have 1.5: tag \"views\" has 0 decimals");
}

TEST(LinterTest, NamesTenOfManyUnknownValues) {
  std::string list = "'Rome'";
  for (int i = 0; i < 12; ++i) list += ", 'unknown " + std::to_string(i) + "'";
  const std::vector<Warning> warnings =
      ResolverFixture().ResolveText("city in (" + list + ")")->warnings;
  ASSERT_EQ(warnings.size(), 11u);
  EXPECT_EQ(warnings[10].message, "and so with 2 more values of the list for tag \"city\"");
}

TEST(LinterTest, WarningsAreBounded) {
  std::string text = "is_graduate";
  for (int i = 0; i < 1'000; ++i) text += " or views = 1.5";
  EXPECT_EQ(ResolverFixture().Warnings(text).size(), 200u);
}

TEST(LinterTest, NegationLeavesOutTheMissing) {
  ExpectWarnings(
      {{"city != 'Paris'", {"NEGATED_MISSING 1:1+15"}},
       {"city not in ('Paris', 'Rome') or city != 'Paris'", {"NEGATED_MISSING 1:1+29"}},
       {"views != 3", {"NEGATED_MISSING 1:1+10"}},
       {"city != 'Paris' or not exists(city)", {}},
       {"city != 'Paris' and views != 3", {"NEGATED_MISSING 1:1+15", "NEGATED_MISSING 1:21+10"}}});
}

TEST(LinterTest, DisjunctionOfNegations) {
  ExpectWarnings(
      {{"city != 'Paris' or city != 'Rome'", {"REDUNDANT_OR 1:1+15", "NEGATED_MISSING 1:1+15"}},
       {"views != 3 or is_graduate or views != 4",
        {"REDUNDANT_OR 1:1+10", "NEGATED_MISSING 1:1+10"}},
       {"hobbies != 'go' or hobbies != 'golf'", {"NEGATED_MISSING 1:1+15"}},
       {"city != 'Paris' or city not in ('Paris', 'Rome')", {"NEGATED_MISSING 1:1+15"}}});
}

TEST(LinterTest, AlwaysEmpty) {
  ExpectWarnings(
      {{"views between 5 and 3", {"ALWAYS_EMPTY 1:1+21"}},
       {"bucket('s', 5, 5)", {"ALWAYS_EMPTY 1:1+17"}},
       {"is_graduate not in (true, false)", {"ALWAYS_EMPTY 1:1+32"}},
       {"city = 'Paris' and city = 'Rome'", {"ALWAYS_EMPTY 1:1+14"}},
       {"views > 5 and is_graduate and views < 3", {"ALWAYS_EMPTY 1:1+9"}},
       {"is_graduate and not is_graduate", {"ALWAYS_EMPTY 1:1+11"}},
       {"city = 'Paris' and city != 'Paris'", {"NEGATED_MISSING 1:20+15", "ALWAYS_EMPTY 1:1+14"}},
       {"views > 1 and none()", {"ALWAYS_EMPTY 1:1+9"}},
       {"views between 5 and 3 and city = 'Paris'", {"ALWAYS_EMPTY 1:1+21"}},
       {"is_graduate or (city = 'Paris' and city = 'Rome')", {"ALWAYS_EMPTY 1:17+14"}}});
}

TEST(LinterTest, AlwaysEverybody) {
  ExpectWarnings({{"exists(is_graduate)", {"ALWAYS_EVERYBODY 1:1+19"}},
                  {"is_graduate in (true, false)", {"ALWAYS_EVERYBODY 1:1+28"}},
                  {"sample(100%, 's')", {"ALWAYS_EVERYBODY 1:1+17"}},
                  {"is_graduate or not is_graduate", {"ALWAYS_EVERYBODY 1:1+11"}},
                  {"not city = 'Paris' or not city = 'Rome'", {"ALWAYS_EVERYBODY 1:5+14"}},
                  {"not none()", {"ALWAYS_EVERYBODY 0:0+0"}},
                  {"views > 1 or all()", {"ALWAYS_EVERYBODY 1:1+9"}},
                  {"views < 9223372036854775808", {}}});
}

TEST(LinterTest, TopWithoutDirection) {
  ExpectWarnings({{"is_graduate top 10 by views", {"TOP_ASCENDING 1:13+15"}},
                  {"is_graduate top 10 by views asc", {}},
                  {"is_graduate top 10 by views desc", {}},
                  {"is_graduate any 10 by 's'", {}},
                  {"all() top 10 by new desc", {"TAG_OFFLINE 1:17+3"}},
                  {"new > 1 top 10 by new desc", {"TAG_OFFLINE 1:1+3"}},
                  {"views between 5 and 3 any 1 by 's'", {"ALWAYS_EMPTY 1:1+21"}}});
  const Expression tree{Limited{
      .operand = {Expression{AllUsers{}}}, .users = 1, .order = ByTag{"views", false, {}, {}}}};
  EXPECT_TRUE(ResolverFixture().ResolveTree(tree)->warnings.empty());
}

TEST(LinterTest, TagsThatAreNotOnline) {
  ExpectWarnings(
      {{"old", {"TAG_OFFLINE 1:1+3"}},
       {"old and not old = false or new > 1", {"TAG_OFFLINE 1:1+3", "TAG_OFFLINE 1:28+3"}}});
}

}  // namespace
}  // namespace throng::query
