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
    return Must(world_.selections().Explain(world_.context(), {.what = expression},
                                            {.plan_only = plan_only}));
  }
  ExplainResult Analyze(const std::string& expression) {
    return Must(
        world_.selections().Explain(world_.context(), {.what = expression}, {.analyze = true}));
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

// "value city in {Beijing} =2 cardinality 1/3: cardinality bitmap", with what is exact, the form
// that is read, values asked for of those of the tag, and the forms there are.
std::string PrintChoices(const ExplainResult& result) {
  std::string text;
  for (const ExplainNode& node : result.nodes) {
    text += std::string(node.depth * 2, ' ') + node.operator_name;
    if (!node.detail.empty()) text += ' ' + node.detail;
    if (node.estimate.exact_users) text += fmt::format(" ={}", *node.estimate.exact_users);
    const std::string_view rewrite = query::ToString(node.rewrite.kind);
    if (!rewrite.empty()) text += fmt::format(" {}", rewrite);
    if (node.estimate.form) text += fmt::format(" {}", query::ToString(*node.estimate.form));
    if (node.values_asked > 0) text += fmt::format(" {}/{}", node.values_asked, node.values_of_tag);
    for (const query::FormEstimate& form : node.estimate.forms) {
      text += fmt::format("{}{}", &form == node.estimate.forms.data() ? ": " : " ",
                          query::ToString(form.form));
    }
    text += '\n';
  }
  return text;
}

struct ChoiceCase {
  const char* expression;
  const char* printed;
};

TEST_F(ExplainTest, NamesTheChoicesOfTypicalPlans) {
  const std::vector<ChoiceCase> cases = {
      {"city = 'Beijing'", "value city in {Beijing} =2 cardinality 1/3: cardinality bitmap\n"},
      {"not is_graduate",
       "andnot =3 complement\n"
       "  all all =6 bitmap: bitmap\n"
       "  value is_graduate =3 bitmap 1/0: bitmap\n"},
      {"city in ('Beijing', 'Wuhan')",
       "andnot =3 most_values 2/3\n"
       "  exists exists(city) =4 bitmap: bitmap\n"
       "  value city in {Tianjin} =1 bitmap 1/3: bitmap\n"},
      {"city in ('Beijing', 'Tianjin', 'Wuhan')",
       "exists exists(city) =4 all_values cardinality 3/3: cardinality bitmap\n"},
      {"interests in ('garden', 'metro')", "value interests in {metro, garden} unite 2/4: unite\n"},
      {"interests in ('garden', 'metro', 'pool')",
       "andnot most_values 3/4\n"
       "  exists exists(interests) =4 bitmap: bitmap\n"
       "  andnot\n"
       "    value interests in {a|b\\c} =1 bitmap 1/4: bitmap\n"
       "    value interests in {metro, garden, pool} probe 3/4: probe\n"},
      {"views > 2", "range views in [3, max] scan 1/0: scan\n"},
      {"is_graduate and views > 2",
       "and\n"
       "  value is_graduate =3 bitmap 1/0: bitmap\n"
       "  range views in [3, max] look_up 1/0: look_up scan\n"},
      {"bucket('s', 0, 9)", "bucket bucket('s', 0, 9) hash: hash\n"},
      {"ids('u4', 'u9')", "ids ids(1) =1 cardinality 1/0: cardinality bitmap\n"},
      {"exists(nobody)", "exists exists(nobody) =0 nothing\n"},
  };
  for (const ChoiceCase& c : cases) {
    EXPECT_EQ(PrintChoices(Explain(c.expression, true)), c.printed) << c.expression;
    EXPECT_EQ(PrintChoices(Analyze(c.expression)), c.printed) << c.expression;
  }
}

TEST_F(ExplainTest, AnalyzeTellsWhatTheCountDid) {
  const ExplainResult result = Analyze("city = 'Beijing' and not is_graduate and views > -9");
  const uint64_t count = world_.Count("city = 'Beijing' and not is_graduate and views > -9");
  EXPECT_EQ(result.count, count);
  ASSERT_EQ(result.nodes.size(), 5);
  for (const ExplainNode& node : result.nodes) {
    ASSERT_TRUE(node.run.has_value());
    EXPECT_EQ(node.run->chunks + node.run->chunks_skipped, 16);
  }
  EXPECT_EQ(result.nodes[0].run->users, count);
  const ExplainNode& views = result.nodes[3];
  EXPECT_EQ(views.operator_name, "range");
  EXPECT_EQ(views.run->users, count);
  EXPECT_EQ(views.run->accesses.users_at_hand, 1);
  EXPECT_EQ(views.run->accesses.chunks[static_cast<size_t>(query::LeafForm::kLookUp)], 1);
  EXPECT_FALSE(Explain("is_graduate").nodes[0].run.has_value());
}

TEST_F(ExplainTest, APlanThatDoesNotRunIsNotAnalyzed) {
  const absl::Status status =
      world_.selections()
          .Explain(world_.context(), {.what = "all()"}, {.plan_only = true, .analyze = true})
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(status), "analyze");
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
      Must(empty.selections().Explain(empty.context(), {.what = "all()"}, {.analyze = true}));
  EXPECT_EQ(result.count, 0);
  EXPECT_EQ(result.nodes[0].run->users, 0);
  ASSERT_EQ(result.nodes.size(), 1);
  EXPECT_EQ(result.nodes[0].operator_name, "all");
}

}  // namespace
}  // namespace throng::engine
