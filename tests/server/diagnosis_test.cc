// Counts without a condition, the waterfall and warnings of what the data says, of known answers.
#include "server/engine/diagnosis.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "query/marginals.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

class DiagnosisTest : public ::testing::Test {
 protected:
  DiagnosisTest() { FillRental(&world_); }

  ExplainResult Explain(const std::string& expression, ExplainOptions options = {}) {
    return Must(world_.selections().Explain(world_.context(), {.what = expression}, options));
  }
  // "REASON: message", which have no place.
  std::vector<std::string> WarningsWithoutPlaces(
      const std::variant<std::string, query::Expression>& what) {
    std::vector<std::string> lines;
    const ExplainResult result =
        Must(world_.selections().Explain(world_.context(), {.what = what}, {}));
    for (const query::Warning& warning : result.info.warnings) {
      lines.push_back(fmt::format("{}: {}", warning.reason, warning.message));
    }
    return lines;
  }
  // "REASON at column: message".
  std::vector<std::string> Warnings(const std::string& expression) {
    std::vector<std::string> lines;
    for (const query::Warning& warning : Explain(expression).info.warnings) {
      lines.push_back(
          fmt::format("{} {}: {}", warning.reason, warning.span.column, warning.message));
    }
    return lines;
  }

  EngineWorld world_;
};
using Lines = std::vector<std::string>;

// "views > 2 2/3 changed 1" and "left 2".
Lines Print(const ExplainResult& result) {
  Lines lines;
  for (const ExplainCondition& condition : result.conditions) {
    lines.push_back(fmt::format("{} {}/{} changed {}", condition.text, condition.count,
                                condition.without.value_or(999), condition.changed.value_or(999)));
  }
  for (const ExplainStep& step : result.waterfall) {
    lines.push_back(fmt::format("{} left {}", step.text, step.left));
  }
  return lines;
}

TEST_F(DiagnosisTest, SaysWhatEachConditionDoes) {
  const std::string expression =
      "city = 'Beijing' and (is_graduate or views > 0) and not score > 9";
  const Lines expected = {"city = 'Beijing' 2/3 changed 2",
                          "is_graduate 3/1 changed 0",
                          "views > 0 2/1 changed 0",
                          "score > 9 1/1 changed 0",
                          "city = 'Beijing' left 2",
                          "is_graduate or views > 0 left 1",
                          "not score > 9 left 1"};
  const ExplainResult whole = Explain(expression);
  EXPECT_EQ(whole.count, 1);
  EXPECT_EQ(Print(whole), expected);
  EXPECT_FALSE(whole.stages.empty());
  const ExplainResult only = Explain(expression, {.conditions_only = true});
  EXPECT_EQ(only.count, 1);
  EXPECT_EQ(Print(only), expected);
  EXPECT_TRUE(only.nodes.empty());
  EXPECT_TRUE(only.stages.empty());
}

TEST_F(DiagnosisTest, WithoutItsOnlyConditionAnExpressionIsEverybody) {
  EXPECT_EQ(Print(Explain("is_graduate")),
            (Lines{"is_graduate 3/6 changed 3", "is_graduate left 3"}));
  EXPECT_EQ(Print(Explain("not is_graduate")),
            (Lines{"is_graduate 3/6 changed 3", "not is_graduate left 3"}));
  EXPECT_EQ(Print(Explain("all()")), (Lines{"all() left 6"}));
  EXPECT_EQ(Print(Explain("none() or views > 4")),
            (Lines{"views > 4 1/0 changed 1", "none() or views > 4 left 1"}));
}

TEST_F(DiagnosisTest, PlanOnlyHasNone) {
  const ExplainResult planned = Explain("is_graduate and views > 2", {.plan_only = true});
  EXPECT_FALSE(planned.conditions[0].without.has_value());
  EXPECT_TRUE(planned.waterfall.empty());
  for (const bool analyze : {false, true}) {
    const absl::Status status =
        world_.selections()
            .Explain(world_.context(), {.what = "all()"},
                     {.plan_only = !analyze, .analyze = analyze, .conditions_only = true})
            .status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FieldOf(status), "conditions_only");
  }
}

TEST_F(DiagnosisTest, ConditionsEndAtTheirLimit) {
  std::string expression = "views = -7";
  for (size_t i = 1; i < query::kMarginalConditionsMax; ++i) {
    expression += fmt::format(" or views = {}", i + 100);
  }
  for (const bool only : {false, true}) {
    const ExplainResult most = Explain(expression, {.conditions_only = only});
    EXPECT_EQ(most.count, 1);
    EXPECT_EQ(most.conditions[0].without, 0);
    EXPECT_EQ(most.waterfall.size(), 1);
    const ExplainResult over = Explain(expression + " or views = 0", {.conditions_only = only});
    EXPECT_EQ(over.count, 2);
    EXPECT_EQ(over.conditions[0].count, 1);
    EXPECT_FALSE(over.conditions[0].without.has_value());
    EXPECT_TRUE(over.waterfall.empty());
    ASSERT_EQ(over.info.warnings.size(), 1);
    EXPECT_EQ(over.info.warnings[0].reason, "MARGINALS_LEFT_OUT");
  }
}

// Constants are no conditions, but take as much memory.
TEST_F(DiagnosisTest, NodesEndAtTheirLimit) {
  std::string expression = "is_graduate";  // 2 nodes with the and
  for (size_t nodes = 2; nodes < query::kMarginalNodesMax; nodes += 3) {
    expression += " and (all() or none())";
  }
  for (const bool only : {false, true}) {
    const ExplainResult most = Explain(expression, {.conditions_only = only});
    EXPECT_EQ(most.count, 3);
    EXPECT_EQ(most.conditions[0].without, 6);
    EXPECT_EQ(most.waterfall.back().left, 3);
    EXPECT_TRUE(most.info.warnings.empty());
    const ExplainResult over = Explain(expression + " and all()", {.conditions_only = only});
    EXPECT_EQ(over.count, 3);
    EXPECT_EQ(over.conditions[0].count, 3);
    EXPECT_FALSE(over.conditions[0].without.has_value());
    EXPECT_TRUE(over.waterfall.empty());
    ASSERT_EQ(over.info.warnings.size(), 1);
    EXPECT_EQ(over.info.warnings[0].reason, "MARGINALS_LEFT_OUT");
    EXPECT_TRUE(over.info.warnings[0].message.starts_with("2001 "))
        << over.info.warnings[0].message;
  }
}

TEST_F(DiagnosisTest, WarnsOfConditionsThatChangeNothing) {
  EXPECT_EQ(Warnings("views > 2 and is_graduate"),
            (Lines{"REDUNDANT_CONDITION 15: without [is_graduate] the crowd is the same now"}));
  EXPECT_EQ(Warnings("is_graduate and city = 'Beijing'"), Lines{});
  EXPECT_EQ(Warnings("views > 99 or is_graduate"),
            (Lines{"CONDITION_EMPTY 1: nobody matches [views > 99] now"}));
  EXPECT_EQ(Warnings("bucket('s', 0, 999999) and is_graduate").front().substr(0, 18),
            "CONDITION_EVERYBOD");
}

query::Expression Asks(std::string tag, decltype(query::Condition::test) test) {
  return {query::Condition{std::move(tag), std::move(test), {}, {}}};
}

// A tree has no places to know a condition by.
TEST_F(DiagnosisTest, SaysTheSameOfATree) {
  const query::Expression tree{
      query::Or{{Asks("city", query::AnyOf{{Text("Nowhere")}}),
                 {query::And{{Asks("views", query::Range{.lower = Whole(2), .upper = {}}),
                              Asks("is_graduate", query::IsSet{})}}}}}};
  const Lines said = WarningsWithoutPlaces(tree);
  EXPECT_EQ(said, WarningsWithoutPlaces("city = 'Nowhere' or (views > 2 and is_graduate)"));
  EXPECT_EQ(said, (Lines{"UNKNOWN_VALUE: no user has ever had 'Nowhere' in tag \"city\"",
                         "ALWAYS_EMPTY: this condition matches nobody",
                         "REDUNDANT_CONDITION: without [is_graduate] the crowd is the same now"}));
}

// Conditions that logic decides are left to the linter, those beside them are not.
TEST_F(DiagnosisTest, OneConditionThatLogicDecidesSilencesNoOther) {
  EXPECT_EQ(Warnings("ids('u99') or views > 99"),
            (Lines{"UNKNOWN_IDS 1: 1 of 1 ids are no users",
                   "ALWAYS_EMPTY 1: this condition matches nobody",
                   "CONDITION_EMPTY 15: nobody matches [views > 99] now"}));
  EXPECT_EQ(Warnings("sample(100%, 's') and views > 99"),
            (Lines{"ALWAYS_EVERYBODY 1: this condition matches everybody",
                   "CONDITION_EMPTY 23: nobody matches [views > 99] now"}));
}

TEST_F(DiagnosisTest, AnEmptyConditionThatEmptiesNothingHidesNoContradiction) {
  const std::string contradiction =
      "CONTRADICTION 0: nobody matches both [views > 2] and [city = 'Wuhan'] now";
  EXPECT_EQ(Warnings("views > 2 and city = 'Wuhan' and not views > 99"),
            (Lines{"CONDITION_EMPTY 38: nobody matches [views > 99] now", contradiction}));
  EXPECT_EQ(Warnings("views > 2 and (city = 'Wuhan' or views > 99)").back(),
            "CONTRADICTION 0: nobody matches both [views > 2] and [city = 'Wuhan' or views > 99] "
            "now");
  // By logic, but not of the whole.
  EXPECT_EQ(Warnings("views > 2 and city = 'Wuhan' and not city = 'Nowhere'").back(),
            contradiction);
  EXPECT_EQ(Warnings("views > 2 and city = 'Wuhan' and not (views > 3 and views < 1)").back(),
            contradiction);
  // Where it does empty the crowd, in whatever depth, nothing more is said.
  for (const char* expression :
       {"is_graduate and (views > 99 and city = 'Beijing')", "is_graduate and ids('u99')",
        "is_graduate and not not (views > 99 or views < -99)",
        "is_graduate and not (views < 99 or not views > 99)"}) {
    for (const std::string& warning : Warnings(expression)) {
      EXPECT_FALSE(warning.starts_with("CONTRADICTION")) << expression << ": " << warning;
    }
  }
}

TEST_F(DiagnosisTest, WarnsOfWhatNobodyMeetsTogether) {
  EXPECT_EQ(Warnings("views > 2 and city = 'Wuhan' and is_graduate"),
            (Lines{"CONTRADICTION 0: nobody matches both [views > 2] and [city = 'Wuhan'] now"}));
  // u1 to u3 by two of them each, nobody by all three.
  EXPECT_EQ(Warnings("city = 'Beijing' and interests = 'metro' and views < 4"),
            (Lines{"CONTRADICTION 0: nobody matches the first 3 conditions together now; 1 leave "
                   "before [views < 4]"}));
  EXPECT_EQ(Warnings("is_graduate and (city = 'Wuhan' and views > 0)"),
            (Lines{"CONTRADICTION 0: nobody matches [city = 'Wuhan' and views > 0] now"}));
  // What logic says is said once.
  EXPECT_EQ(Warnings("city = 'Beijing' and city = 'Wuhan'"),
            (Lines{"ALWAYS_EMPTY 1: this conjunction matches nobody"}));
  EXPECT_EQ(Warnings("views > 99 and is_graduate"),
            (Lines{"CONDITION_EMPTY 1: nobody matches [views > 99] now"}));
}

TEST_F(DiagnosisTest, EveryAnswerSaysHowManyANegationLeavesOut) {
  const CountResult count =
      Must(world_.selections().Count(world_.context(), {.what = "city != 'Beijing'"}));
  ASSERT_EQ(count.info.warnings.size(), 1);
  EXPECT_EQ(count.info.warnings[0].reason, "NEGATED_MISSING");
  EXPECT_EQ(
      count.info.warnings[0].message,
      "users without any value of \"city\" are left out; not (... = ...) keeps them; they are "
      "2 now");
}

TEST_F(DiagnosisTest, EndsWhenCancelled) {
  int left = 2;  // before it is planned and after it
  CallContext context = CallContext::Internal();
  context.cancelled = [&] { return left-- <= 0; };
  EXPECT_EQ(world_.selections()
                .Explain(context, {.what = "is_graduate and views > 2"}, {.conditions_only = true})
                .status()
                .code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace throng::engine
