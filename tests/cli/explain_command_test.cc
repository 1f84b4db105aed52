// What throng explain prints of canned answers.
#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

void Set(v1::ExplainResponse& message, const std::string& text) {
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
}

class ExplainCommandTest : public testing::Test {
 protected:
  FakeServer server_;
};

constexpr char kExplained[] = R"pb(
  count: 3
  nodes {
    operator: "and"
    estimated_users: 4
    actual_users: 3
    chunks: 2
    time { nanos: 2000 }
  }
  nodes {
    depth: 1
    operator: "value"
    detail: "city = '北京'"
    estimated_users: 1000
    actual_users: 1000
    chunks: 2
    time { nanos: 1000 }
    exact_users: 1000
    cost_ns: 700
    form: "unite"
    forms { form: "unite" cost_ns: 700 chunks: 2 }
    forms { form: "codes" cost_ns: 9000 }
    values_asked: 2
    values_of_tag: 9
  }
  conditions { condition: "city = '北京'" count: 1000 without: 5000 changed: 4997 }
  conditions { condition: "views > 2" count: 5000 without: 3 changed: 0 }
  waterfall { operand: "city = '北京'" left: 1000 }
  waterfall { operand: "views > 2" left: 3 }
  stages { stage: "normalised" text: "city = '北京'" }
  info { data_version: 7 exact: true }
)pb";

TEST_F(ExplainCommandTest, ForPeople) {
  Set(server_.explain, kExplained);
  CliRun run = server_.Run({"explain", "x", "--plan"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_FALSE(server_.explain_request.conditions_only());
  EXPECT_EQ(run.out,
            "3 users\n"
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "OPERATOR               USERS  ESTIMATED  EXACT  CHUNKS    TIME    COST  READ\n"
            "and                        3          4      -       2  2.0 us  0.0 us\n"
            "  value city = '北京'  1,000      1,000  1,000       2  1.0 us  0.7 us  unite\n"
            "\n"
            "LEAF           FORM       COST  CHUNKS  NUMBERS\n"
            "city = '北京'  unite *  0.7 us       2  2 asked for\n"
            "               codes    9.0 us       0\n"
            "\n"
            "#  CONDITION      USERS  WITHOUT IT  CHANGE\n"
            "1  city = '北京'  1,000       5,000  +4,997\n"
            "2  views > 2      5,000           3       0\n"
            "\n"
            "STEP BY STEP    LEFT  LOST\n"
            "city = '北京'  1,000\n"
            "views > 2          3   997\n"
            "\n"
            "STAGE       EXPRESSION\n"
            "normalised  city = '北京'\n");
  EXPECT_FALSE(server_.explain_request.plan_only());
  run = server_.Run({"explain", "x", "--plan-only"});
  EXPECT_TRUE(server_.explain_request.plan_only());
  EXPECT_EQ(run.out,
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "OPERATOR               ESTIMATED  EXACT    COST  READ\n"
            "and                            4      -  0.0 us\n"
            "  value city = '北京'      1,000  1,000  0.7 us  unite\n"
            "\n"
            "LEAF           FORM       COST  CHUNKS  NUMBERS\n"
            "city = '北京'  unite *  0.7 us       2  2 asked for\n"
            "               codes    9.0 us       0\n"
            "\n"
            "STAGE       EXPRESSION\n"
            "normalised  city = '北京'\n");
}

TEST_F(ExplainCommandTest, ConditionsAreShownByDefault) {
  Set(server_.explain, R"pb(
    count: 3
    conditions { condition: "a" count: 7 without: 2 changed: 1 }
    conditions { condition: "b" count: 9 }
    waterfall { operand: "a or not b" left: 3 }
    info { data_version: 7 exact: true }
  )pb");
  CliRun run = server_.Run({"explain", "x"});
  EXPECT_TRUE(server_.explain_request.conditions_only());
  EXPECT_EQ(run.out,
            "3 users\n"
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "#  CONDITION  USERS  WITHOUT IT  CHANGE\n"
            "1  a              7           2      -1\n"
            "2  b              9           -       -\n");
  run = server_.Run({"explain", "x", "--json"});
  EXPECT_FALSE(server_.explain_request.conditions_only());
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["conditions"][0]["without"], 2);
  EXPECT_EQ(json["conditions"][0]["changed"], 1);
  EXPECT_TRUE(json["conditions"][1]["without"].is_null());
  EXPECT_EQ(json["waterfall"][0]["operand"], "a or not b");
  EXPECT_EQ(json["waterfall"][0]["left"], 3);
  for (const char* flag : {"--plan-only", "--analyze"}) {
    server_.Run({"explain", "x", flag});
    EXPECT_FALSE(server_.explain_request.conditions_only()) << flag;
  }
}

TEST_F(ExplainCommandTest, Analyze) {
  Set(server_.explain, R"pb(
    count: 3
    nodes {
      operator: "and"
      run {
        users: 3
        chunks: 2
        chunks_skipped: 14
        time { nanos: 2000 }
      }
    }
    nodes {
      depth: 1
      operator: "range"
      detail: "views > 3"
      run {
        chunks: 2
        chunks_skipped: 14
        time { nanos: 1000 }
        forms { form: "look_up" chunks: 1 }
        forms { form: "scan" chunks: 1 }
        users_at_hand: 1234
      }
    }
    nodes {
      depth: 1
      operator: "value"
      detail: "city = 'x'"
      run { users: 4 chunks: 2 chunks_in_parent: 2 chunks_skipped: 14 }
    }
    run_time { nanos: 2500 }
    info { data_version: 7 exact: true }
  )pb");
  const CliRun run = server_.Run({"explain", "x", "--analyze"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_TRUE(server_.explain_request.analyze());
  const std::string expected =
      "counted in 2.5 us\n"
      "RAN                 USERS  CHUNKS  IN PARENT  SKIPPED    TIME  SHARE  READ\n"
      "and                     3       2          0       14  2.0 us   100%\n"
      "  range views > 3       -       2          0       14  1.0 us    50%  look_up 1, scan 1 (of "
      "1,234 users)\n"
      "  value city = 'x'      4       2          2       14       -      -\n";
  EXPECT_NE(run.out.find(expected), std::string::npos) << run.out;
  EXPECT_EQ(server_.Run({"explain", "x", "--analyze", "--plan-only"}).exit_code, 2);
}

}  // namespace
}  // namespace throng::cli
