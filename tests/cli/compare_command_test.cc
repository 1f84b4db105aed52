// What throng compare asks for, and prints of canned answers.
#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

class CompareCommandTest : public testing::Test {
 protected:
  CompareCommandTest() {
    const std::string text = R"pb(
      count: 200
      baseline_count: 1000
      common_count: 50
      confidence: 0.95
      baseline_expression: "not x"
      features {
        tag: "city"
        row {
          value { text: "Rome" }
          count: 150
          share: 0.75
          baseline_count: 250
          baseline_share: 0.25
          difference: 0.5
          difference_low: 0.41
          difference_high: 0.57
          tgi: 300
        }
      }
      tags {
        tag: "city"
        difference: 0.5
        by_chance: 0.0125
        rows {
          value { text: "Rome" }
          count: 150
          share: 0.75
          baseline_count: 250
          baseline_share: 0.25
          difference: 0.5
          difference_low: 0.41
          difference_high: 0.57
          tgi: 300
        }
        missing { count: 10 share: 0.05 difference: 0.05 difference_high: 0.1 }
        rows_left_out: 3
      }
      tags {
        tag: "age"
        difference: 0.01
        by_chance: 0.02
        p_value: 0.75
        rows {
          lower { integer: 18 }
          upper { integer: 30 }
          count: 200
          share: 1
          baseline_count: 990
          baseline_share: 0.99
          difference: 0.01
          tgi: 101.01
        }
        missing { baseline_count: 10 baseline_share: 0.01 difference: -0.01 tgi: 0 }
      }
      info { data_version: 7 exact: true }
    )pb";
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &server_.compare));
  }

  FakeServer server_;
};

TEST_F(CompareCommandTest, ForPeople) {
  const CliRun run =
      server_.Run({"compare", "x", "--baseline", "not x", "--by", "city,age", "--bins", "4"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "200 users, baseline 1,000 users, 50 in both\n"
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "TAG   DIFFERENCE  BY CHANCE         P\n"
            "city      50.00%      1.25%  < 0.0001\n"
            "age        1.00%      2.00%    0.7500\n"
            "\n"
            "What marks the crowd, the surest first\n"
            "\n"
            "TAG   VALUE  USERS   SHARE  BASELINE  DIFFERENCE          INTERVAL    TGI\n"
            "city  Rome     150  75.00%    25.00%      +50.00  +41.00 to +57.00  300.0\n"
            "\n"
            "city       USERS   SHARE  BASELINE  DIFFERENCE          INTERVAL    TGI\n"
            "Rome         150  75.00%    25.00%      +50.00  +41.00 to +57.00  300.0\n"
            "(missing)     10   5.00%     0.00%       +5.00   +0.00 to +10.00      -\n"
            "and 3 other values; --rows K shows more\n"
            "\n"
            "age         USERS    SHARE  BASELINE  DIFFERENCE        INTERVAL    TGI\n"
            "18 to < 30    200  100.00%    99.00%       +1.00  +0.00 to +0.00  101.0\n"
            "(missing)       0    0.00%     1.00%       -1.00  +0.00 to +0.00    0.0\n");
  EXPECT_EQ(server_.compare_request.selection().expression(), "x");
  EXPECT_EQ(server_.compare_request.baseline().expression(), "not x");
  EXPECT_EQ(server_.compare_request.tags_size(), 2);
  EXPECT_EQ(server_.compare_request.rows(), 5u);
  EXPECT_EQ(server_.compare_request.features(), 20u);
  EXPECT_EQ(server_.compare_request.bins(), 4u);
}

TEST_F(CompareCommandTest, Json) {
  const CliRun run =
      server_.Run({"compare", "x", "--features", "0", "--confidence", "99%", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_FALSE(server_.compare_request.has_baseline());
  EXPECT_EQ(server_.compare_request.tags_size(), 0);
  EXPECT_EQ(server_.compare_request.rows(), 0u);
  EXPECT_TRUE(server_.compare_request.has_features());
  EXPECT_EQ(server_.compare_request.confidence(), 0.99);
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["count"], 200);
  EXPECT_EQ(json["common_count"], 50);
  EXPECT_EQ(json["features"][0]["tag"], "city");
  EXPECT_EQ(json["features"][0]["value"], "Rome");
  EXPECT_EQ(json["tags"][1]["rows"][0]["lower"], 18);
  EXPECT_EQ(json["tags"][1]["rows"][0]["upper"], 30);
  EXPECT_EQ(json["tags"][0]["missing"]["tgi"], nullptr);
  EXPECT_EQ(json["tags"][0]["rows_left_out"], 3);
  EXPECT_EQ(json["baseline_expression"], "not x");
}

TEST_F(CompareCommandTest, SaysSoWhereNothingDiffers) {
  server_.compare.clear_features();
  const CliRun run = server_.Run({"compare", "x"});
  EXPECT_NE(run.out.find("Nothing marks the crowd"), std::string::npos) << run.out;
}

}  // namespace
}  // namespace throng::cli
