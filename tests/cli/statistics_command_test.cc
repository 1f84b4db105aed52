// What throng statistics asks for, and prints of canned answers.
#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

constexpr const char* kAnswer = R"pb(
  count: 2000
  tags {
    tag: "spend"
    with_value: 1800
    missing: 200
    sum { decimal: "3600.00" }
    average: 2
    min { decimal: "-1.50" }
    max { decimal: "20.00" }
    percentiles {
      percentile: "50"
      value { decimal: "1.25" }
    }
    percentiles {
      percentile: "99.9"
      value { decimal: "19.00" }
    }
    histogram {
      bins {
        lower { decimal: "-10.00" }
        upper { decimal: "0.00" }
        count: 450
        share: 0.25
      }
      bins {
        lower { decimal: "0.00" }
        upper { decimal: "20.00" }
        includes_upper: true
        count: 1350
        share: 0.75
      }
    }
  }
  tags {
    tag: "seen"
    with_value: 3
    missing: 1997
    average_time { seconds: 1710496800 }
    min { date_time { seconds: 1710496800 } }
    max { date_time { seconds: 1710496800 } }
    percentiles {
      percentile: "50"
      value { date_time { seconds: 1710496800 } }
    }
    percentiles { percentile: "99.9" }
    histogram {
      bins {
        lower { date_time { seconds: 1710460800 } }
        upper { date_time { seconds: 1710547200 } }
        period: "2024-03-15"
        count: 3
        share: 1
      }
    }
  }
  tags {
    tag: "big"
    with_value: 2
    sum_error { code: 11 message: "the sum is beyond 64 bits" }
    average: 9.2233720368547758e18
    percentiles { percentile: "50" }
    percentiles { percentile: "99.9" }
    histogram {
      bins { upper { integer: 5 } }
      bins { lower { integer: 5 } }
      bins {}
    }
  }
  info { data_version: 7 exact: true }
)pb";

class StatisticsCommandTest : public testing::Test {
 protected:
  StatisticsCommandTest() {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kAnswer, &server_.statistics));
  }

  FakeServer server_;
};

TEST_F(StatisticsCommandTest, ForPeople) {
  const CliRun run = server_.Run({"statistics", "x", "--tags", "spend,seen", "--tags", "big",
                                  "--percentiles", "50,99.9", "--bins", "2", "--by", "day",
                                  "--edges", "spend=-1.5,3", "--edges", "seen=2024-03-15"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "2,000 users\n"
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "           spend                  seen              big\n"
            "users      1,800                     3                2\n"
            "missing      200                 1,997                0\n"
            "sum      3600.00                     -   beyond 64 bits\n"
            "average        2  2024-03-15T10:00:00Z  9.223372037e+18\n"
            "min        -1.50  2024-03-15T10:00:00Z                -\n"
            "50 %        1.25  2024-03-15T10:00:00Z                -\n"
            "99.9 %     19.00                     -                -\n"
            "max        20.00  2024-03-15T10:00:00Z                -\n"
            "\n"
            "spend             USERS   SHARE\n"
            "-10.00 to < 0.00    450  25.00%\n"
            "0.00 to 20.00     1,350  75.00%\n"
            "\n"
            "seen        USERS    SHARE\n"
            "2024-03-15      3  100.00%\n"
            "\n"
            "big   USERS  SHARE\n"
            "< 5       0  0.00%\n"
            ">= 5      0  0.00%\n"
            "all       0  0.00%\n");
  const v1::StatisticsRequest& request = server_.statistics_request;
  EXPECT_EQ(request.selection().expression(), "x");
  ASSERT_EQ(request.tags_size(), 3);
  EXPECT_EQ(request.tags(2), "big");
  ASSERT_EQ(request.percentiles_size(), 2);
  EXPECT_EQ(request.percentiles(1), "99.9");
  EXPECT_EQ(request.bins(), 2u);
  EXPECT_EQ(request.period(), v1::PERIOD_DAY);
  ASSERT_EQ(request.edges_size(), 2);
  EXPECT_EQ(request.edges(0).tag(), "spend");
  EXPECT_EQ(request.edges(0).edges(0).decimal(), "-1.5");
  EXPECT_EQ(request.edges(0).edges(1).integer(), 3);
  EXPECT_EQ(request.edges(1).edges(0).text(), "2024-03-15");
}

TEST_F(StatisticsCommandTest, AsksForWhatIsUsual) {
  server_.statistics.Clear();
  v1::TagStatistics* tag = server_.statistics.add_tags();
  tag->set_tag("age");
  for (int i = 0; i < 5; ++i) tag->add_percentiles();
  EXPECT_EQ(server_.Run({"statistics", "x", "--tags", "age"}).exit_code, 0);
  ASSERT_EQ(server_.statistics_request.percentiles_size(), 5);
  EXPECT_EQ(server_.statistics_request.percentiles(4), "99");
  EXPECT_EQ(server_.statistics_request.bins(), 0u);
  EXPECT_EQ(server_.statistics_request.period(), v1::PERIOD_UNSPECIFIED);
  tag->clear_percentiles();
  const CliRun run = server_.Run(
      {"statistics", "x", "--tags", "age", "--percentiles", "none", "--edges", "18,65"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(server_.statistics_request.percentiles_size(), 0);
  ASSERT_EQ(server_.statistics_request.edges_size(), 1);
  EXPECT_EQ(server_.statistics_request.edges(0).tag(), "age");
  EXPECT_EQ(server_.statistics_request.edges(0).edges_size(), 2);
}

TEST_F(StatisticsCommandTest, Json) {
  const CliRun run = server_.Run(
      {"statistics", "x", "--tags", "spend,seen,big", "--percentiles", "50,99.9", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["count"], 2000);
  EXPECT_EQ(json["data_version"], 7);
  ASSERT_EQ(json["tags"].size(), 3);
  const auto& spend = json["tags"][0];
  EXPECT_EQ(spend["tag"], "spend");
  EXPECT_EQ(spend["with_value"], 1800);
  EXPECT_EQ(spend["missing"], 200);
  EXPECT_EQ(spend["sum"], "3600.00");
  EXPECT_TRUE(spend["sum_error"].is_null());
  EXPECT_EQ(spend["average"], 2.0);
  EXPECT_TRUE(spend["average_time"].is_null());
  EXPECT_EQ(spend["percentiles"][1]["percentile"], "99.9");
  EXPECT_EQ(spend["percentiles"][1]["value"], "19.00");
  EXPECT_EQ(spend["histogram"][1]["includes_upper"], true);
  EXPECT_EQ(spend["histogram"][1]["share"], 0.75);
  EXPECT_TRUE(spend["histogram"][1]["period"].is_null());
  const auto& seen = json["tags"][1];
  EXPECT_TRUE(seen["sum"].is_null());
  EXPECT_EQ(seen["average_time"], "2024-03-15T10:00:00Z");
  EXPECT_TRUE(seen["percentiles"][1]["value"].is_null());
  EXPECT_EQ(seen["histogram"][0]["period"], "2024-03-15");
  const auto& big = json["tags"][2];
  EXPECT_EQ(big["sum_error"], "the sum is beyond 64 bits");
  EXPECT_TRUE(big["min"].is_null());
  EXPECT_TRUE(big["histogram"][0]["lower"].is_null());
  EXPECT_EQ(big["histogram"][0]["upper"], 5);
}

TEST_F(StatisticsCommandTest, AnAnswerWithoutAllIsAFailure) {
  EXPECT_EQ(server_.Run({"statistics", "x", "--tags", "spend"}).exit_code, 1);
  EXPECT_EQ(server_.Run({"statistics", "x", "--tags", "spend,seen,big"}).exit_code, 1);
}

}  // namespace
}  // namespace throng::cli
