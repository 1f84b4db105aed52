// What explain says of a plan: its stages, its operators with counts, and each condition's count.
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/selections.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

class ExplainTest : public ::testing::Test {
 protected:
  ExplainTest() { FillRental(&world_); }

  ExplainResult Explain(const std::string& expression, bool plan_only = false) {
    return Must(world_.selections().Explain(world_.context(), {.what = expression}, plan_only));
  }

  EngineWorld world_;
};

// "and{city in {Beijing}:2, is_graduate:3}:1" with the users that came out of each operator.
std::string Print(const ExplainResult& result) {
  std::string text;
  for (const ExplainNode& node : result.nodes) {
    text += fmt::format("{}{}{}{}: {}\n", std::string(node.depth * 2, ' '), node.operator_name,
                        node.detail.empty() ? "" : " ", node.detail, node.actual_users);
  }
  return text;
}

TEST_F(ExplainTest, NamesEveryStage) {
  const ExplainResult result = Explain("NOT (NOT city = 'Beijing' OR is_graduate)");
  ASSERT_EQ(result.stages.size(), 4);
  EXPECT_EQ(result.stages[0].name, "expression");
  EXPECT_EQ(result.stages[0].text, "not (not city = 'Beijing' or is_graduate)");
  EXPECT_EQ(result.stages[1].name, "resolved");
  EXPECT_EQ(result.stages[1].text, "not(or(not(city in {Beijing}), is_graduate))");
  EXPECT_EQ(result.stages[2].name, "normalized");
  EXPECT_EQ(result.stages[2].text, "and(city in {Beijing}, not(is_graduate))");
  EXPECT_EQ(result.stages[3].name, "physical");
  EXPECT_EQ(result.stages[3].text, "andnot(city in {Beijing}, is_graduate)");
  EXPECT_EQ(result.count, 1);
  EXPECT_EQ(result.info.canonical_expression, result.stages[0].text);
}

TEST_F(ExplainTest, CountsEveryOperator) {
  const ExplainResult result = Explain("city = 'Beijing' and not is_graduate or views < 0");
  EXPECT_EQ(Print(result),
            "or: 2\n"
            "  range views in [min, -1]: 1\n"
            "  andnot: 1\n"
            "    value city in {Beijing}: 2\n"
            "    value is_graduate: 3\n");
  // What is taken away is looked at only in the one chunk where there is something to take it from.
  EXPECT_GE(result.nodes[3].chunks, 1);
  EXPECT_EQ(result.nodes[4].chunks, 1);
}

TEST_F(ExplainTest, OperatorsOfAChunkThatIsLeftEarlyCountNothing) {
  const ExplainResult result = Explain("exists(nobody) and is_graduate");
  EXPECT_EQ(result.count, 0);
  for (const ExplainNode& node : result.nodes) EXPECT_EQ(node.actual_users, 0);
}

TEST_F(ExplainTest, CountsEveryConditionByItself) {
  const ExplainResult result =
      Explain("city != 'Beijing' and (views > 2 or ids('u4', 'u9')) and not bucket('s', 0, 0)");
  ASSERT_EQ(result.conditions.size(), 4);
  EXPECT_EQ(result.conditions[0].text, "city != 'Beijing'");
  EXPECT_EQ(result.conditions[0].count, 2);
  EXPECT_EQ(result.conditions[0].span.line, 1);
  EXPECT_EQ(result.conditions[0].span.column, 1);
  EXPECT_EQ(result.conditions[0].span.length, 17);
  EXPECT_EQ(result.conditions[1].text, "views > 2");
  EXPECT_EQ(result.conditions[1].count, 2);
  EXPECT_EQ(result.conditions[2].text, "ids('u4', 'u9')");
  EXPECT_EQ(result.conditions[2].count, 1);
  EXPECT_EQ(result.conditions[3].count, 0);
  EXPECT_EQ(result.count, 2);
}

TEST_F(ExplainTest, CountsManyConditions) {
  std::string expression = "views = -7";
  for (int i = 0; i < 200; ++i) expression += fmt::format(" or views = {}", i);
  const ExplainResult result = Explain(expression);
  EXPECT_EQ(result.count, 4);
  ASSERT_EQ(result.conditions.size(), 201);
  for (int i = -1; i < 200; ++i) {
    const uint64_t expected = i == -1 || i == 0 || i == 3 || i == 5 ? 1 : 0;
    EXPECT_EQ(result.conditions[static_cast<size_t>(i) + 1].count, expected) << i;
  }
}

TEST_F(ExplainTest, PlanOnlyRunsNothing) {
  const ExplainResult result = Explain("city = 'Beijing' and is_graduate", true);
  EXPECT_EQ(result.count, 0);
  ASSERT_EQ(result.nodes.size(), 3);
  EXPECT_EQ(result.nodes[0].operator_name, "and");
  EXPECT_EQ(result.nodes[0].depth, 0);
  EXPECT_EQ(result.nodes[1].detail, "city in {Beijing}");
  EXPECT_EQ(result.nodes[1].estimated_users, 2);
  EXPECT_EQ(result.nodes[2].estimated_users, 3);
  for (const ExplainNode& node : result.nodes) {
    EXPECT_EQ(node.actual_users, 0);
    EXPECT_EQ(node.chunks, 0);
  }
  ASSERT_EQ(result.conditions.size(), 2);
  EXPECT_EQ(result.conditions[0].count, 0);
}

TEST_F(ExplainTest, WorksWithoutUsers) {
  EngineWorld empty;
  const ExplainResult result =
      Must(empty.selections().Explain(empty.context(), {.what = "all()"}, false));
  EXPECT_EQ(result.count, 0);
  ASSERT_EQ(result.nodes.size(), 1);
  EXPECT_EQ(result.nodes[0].operator_name, "all");
}

}  // namespace
}  // namespace throng::engine
