// What throng curve asks for, and prints of canned answers.
#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

class CurveCommandTest : public testing::Test {
 protected:
  CurveCommandTest() {
    const std::string text = R"pb(
      count: 2000
      condition: 2
      condition_text: "spend > 1.50"
      column: 9
      tag: "spend"
      operator: ">"
      threshold { decimal: "1.50" }
      points {
        threshold { decimal: "0.00" }
        count: 4000
      }
      points {
        threshold { decimal: "1.50" }
        count: 2000
      }
      points { threshold { decimal: "10.00" } }
      nearest {
        threshold { decimal: "0.00" }
        count: 4000
      }
      info { data_version: 7 exact: true }
    )pb";
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &server_.curve));
  }

  FakeServer server_;
};

TEST_F(CurveCommandTest, ForPeople) {
  const CliRun run = server_.Run({"curve", "x", "--of", "spend", "--reach", "5000"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "2,000 users with spend > 1.50\n"
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "spend >  USERS\n"
            "   0.00  4,000\n"
            "   1.50  2,000  <\n"
            "  10.00      0\n"
            "the count changes at other thresholds, too; --points K shows more\n"
            "\n"
            "5,000 users or more: no threshold selects so many\n"
            "nearest: spend > 0.00 selects 4,000 users\n");
  EXPECT_EQ(server_.curve_request.selection().expression(), "x");
  EXPECT_EQ(server_.curve_request.tag(), "spend");
  EXPECT_EQ(server_.curve_request.points(), 20);
  EXPECT_EQ(server_.curve_request.reach(), 5000);
}

TEST_F(CurveCommandTest, Json) {
  const CliRun run = server_.Run({"curve", "x", "--condition", "2", "--bound", "upper", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(server_.curve_request.condition(), 2);
  EXPECT_EQ(server_.curve_request.bound(), v1::CURVE_BOUND_UPPER);
  EXPECT_EQ(server_.curve_request.points(), 0);
  EXPECT_FALSE(server_.curve_request.has_reach());
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["count"], 2000);
  EXPECT_EQ(json["condition"], 2);
  EXPECT_EQ(json["operator"], ">");
  EXPECT_EQ(json["threshold"], "1.50");
  ASSERT_EQ(json["points"].size(), 3);
  EXPECT_EQ(json["points"][0]["threshold"], "0.00");
  EXPECT_EQ(json["points"][0]["count"], 4000);
  EXPECT_EQ(json["every_value"], false);
  EXPECT_TRUE(json["reached"].is_null());
  EXPECT_EQ(json["nearest"]["count"], 4000);
  EXPECT_EQ(json["data_version"], 7);
}

TEST_F(CurveCommandTest, NeedsATagOrANumber) {
  EXPECT_EQ(server_.Run({"curve", "x"}).exit_code, 2);
  EXPECT_EQ(server_.Run({"curve", "x", "--of", "spend", "--bound", "left"}).exit_code, 2);
  EXPECT_EQ(server_.Run({"curve", "x", "--of", "spend", "--points", "few"}).exit_code, 2);
}

}  // namespace
}  // namespace throng::cli
