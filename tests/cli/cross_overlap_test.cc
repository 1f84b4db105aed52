// throng crosstab and throng overlap against a server of canned answers.
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"
#include "tests/cli/file_fixture.h"

namespace throng::cli {
namespace {

using nlohmann::json;

template <typename Message>
void Set(Message& message, const std::string& text) {
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
}

constexpr const char* kCrossTab = R"pb(
  count: 10
  rows {
    tag: "city"
    entries {
      value { text: "北京" }
      count: 5
      share: 0.5
    }
    others { count: 3 share: 0.3 }
    others_values: 7
    missing { count: 2 share: 0.2 }
  }
  columns {
    tag: "age"
    entries {
      upper { integer: 18 }
      count: 4
      share: 0.4
    }
    entries {
      lower { integer: 18 }
      upper { integer: 65 }
      count: 5
      share: 0.5
    }
    entries { lower { integer: 65 } }
    others {}
    missing { count: 1 share: 0.1 }
  }
  cells {
    counts: [ 2, 3, 0, 0, 0 ]
    row_shares: [ 0.4, 0.6, 0, 0, 0 ]
    column_shares: [ 0.5, 0.6, 0, 0, 0 ]
    total_shares: [ 0.2, 0.3, 0, 0, 0 ]
  }
  cells {
    counts: [ 1, 1, 0, 0, 1 ]
    row_shares: [ 0.33, 0.33, 0, 0, 0.33 ]
    column_shares: [ 0.25, 0.2, 0, 0, 1 ]
    total_shares: [ 0.1, 0.1, 0, 0, 0.1 ]
  }
  cells {
    counts: [ 1, 1, 0, 0, 0 ]
    row_shares: [ 0.5, 0.5, 0, 0, 0 ]
    column_shares: [ 0.25, 0.2, 0, 0, 0 ]
    total_shares: [ 0.1, 0.1, 0, 0, 0 ]
  }
  info { data_version: 7 exact: true }
)pb";

constexpr const char* kOverlap = R"pb(
  selections {
    name: "a"
    count: 6
    unique: 3
    unique_share: 0.5
    canonical_expression: "all()"
    warnings { reason: "ALWAYS_EVERYBODY" message: "m" }
  }
  selections { name: "b" count: 4 unique: 1 unique_share: 0.25 }
  pairs {
    counts: [ 6, 3 ]
    jaccard: [ 1, 0.42857 ]
  }
  pairs {
    counts: [ 3, 4 ]
    jaccard: [ 0.42857, 1 ]
  }
  union_count: 7
  intersections {
    selections: [ 0 ]
    count: 3
    share: 0.42857
  }
  intersections {
    selections: [ 0, 1 ]
    count: 3
    share: 0.42857
  }
  intersections_left_out: 1
  users_left_out: 1
  info { data_version: 7 exact: true }
)pb";

class CrossOverlapTest : public testing::Test {
 protected:
  FakeServer server_;
};

TEST_F(CrossOverlapTest, CrossTabForPeople) {
  Set(server_.cross_tab, kCrossTab);
  const CliRun run = server_.Run({"crosstab", "x", "--rows", "city", "--columns", "age",
                                  "--column-edges", "18,2.50,2024-05-01", "--top-rows", "1"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "10 users\n"
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "city \\ age    < 18  18 to < 65  >= 65  (missing)  USERS   SHARE\n"
            "北京             2           3      0          0      5  50.00%\n"
            "(7 others)       1           1      0          1      3  30.00%\n"
            "(missing)        1           1      0          0      2  20.00%\n"
            "USERS            4           5      0          1     10\n"
            "SHARE       40.00%      50.00%  0.00%     10.00%\n");
  const v1::CrossTabRequest& request = server_.cross_tab_request;
  EXPECT_EQ(request.rows().tag(), "city");
  EXPECT_EQ(request.rows().top(), 1u);
  EXPECT_EQ(request.rows().edges_size(), 0);
  ASSERT_EQ(request.columns().edges_size(), 3);
  EXPECT_EQ(request.columns().edges(0).integer(), 18);
  EXPECT_EQ(request.columns().edges(1).decimal(), "2.50");
  EXPECT_EQ(request.columns().edges(2).text(), "2024-05-01");
}

TEST_F(CrossOverlapTest, CrossTabSharesAndJson) {
  Set(server_.cross_tab, kCrossTab);
  for (const auto& [shares, cell] : std::vector<std::pair<std::string, std::string>>{
           {"row", "60.00%"}, {"column", "60.00%"}, {"total", "30.00%"}}) {
    const CliRun run =
        server_.Run({"crosstab", "x", "--rows", "city", "--columns", "age", "--shares", shares});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    const std::string line = run.out.substr(run.out.find("北京"));
    EXPECT_NE(line.substr(0, line.find('\n')).find(cell), std::string::npos) << run.out;
  }
  const CliRun run = server_.Run({"crosstab", "x", "--rows", "city", "--columns", "age", "--json"});
  const json answer = json::parse(run.out);
  EXPECT_EQ(answer["cells"][1], json::parse("[1, 1, 0, 0, 1]"));
  EXPECT_EQ(answer["column_shares"][0][1], 0.6);
  EXPECT_EQ(answer["rows"]["entries"][0]["value"], "北京");
  EXPECT_EQ(answer["rows"]["others"]["values"], 7);
  EXPECT_EQ(answer["columns"]["entries"][0]["lower"], nullptr);
  EXPECT_EQ(answer["columns"]["entries"][0]["upper"], 18);
  EXPECT_EQ(answer["data_version"], 7);
}

TEST_F(CrossOverlapTest, ATableWithoutAllCellsIsAFailure) {
  Set(server_.cross_tab, kCrossTab);
  server_.cross_tab.mutable_cells(1)->mutable_counts()->RemoveLast();
  EXPECT_EQ(server_.Run({"crosstab", "x", "--rows", "city", "--columns", "age"}).exit_code, 1);
  Set(server_.overlap, kOverlap);
  server_.overlap.mutable_intersections(0)->set_selections(0, 2);
  EXPECT_EQ(server_.Run({"overlap", "a=x"}).exit_code, 1);
}

TEST_F(CrossOverlapTest, OverlapForPeople) {
  Set(server_.overlap, kOverlap);
  const CliRun run = server_.Run({"overlap", "a=x = 'y'", "b = z"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "7 users in 2 crowds\n"
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "   CROWD  USERS  UNIQUE   OF IT\n"
            "1  a          6       3  50.00%\n"
            "2  b          4       1  25.00%\n"
            "\n"
            "IN BOTH  1  2\n"
            "1 a      6  3\n"
            "2 b      3  4\n"
            "\n"
            "USERS   SHARE  IN EXACTLY\n"
            "    3  42.86%  a\n"
            "    3  42.86%  a & b\n"
            "    1  14.29%  (1 other combinations)\n");
  ASSERT_EQ(server_.overlap_request.selections_size(), 2);
  EXPECT_EQ(server_.overlap_request.selections(0).name(), "a");
  EXPECT_EQ(server_.overlap_request.selections(0).selection().expression(), "x = 'y'");
  EXPECT_EQ(server_.overlap_request.selections(1).name(), "b");
  EXPECT_EQ(server_.overlap_request.selections(1).selection().population(), "populations/default");
  EXPECT_EQ(server_.overlap_request.top(), 20u);
}

TEST_F(CrossOverlapTest, OverlapReadsAFileAndShowsJaccard) {
  Set(server_.overlap, kOverlap);
  const TemporaryDirectory directory;
  const std::string file = directory.Write("crowds.txt", "# two\n\na = x\n  b=y and z\r\n");
  const CliRun run = server_.Run({"overlap", "--file", file, "--jaccard", "--zone", "UTC"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("JACCARD      1      2\n1 a      1.000  0.429\n"), std::string::npos)
      << run.out;
  ASSERT_EQ(server_.overlap_request.selections_size(), 2);
  EXPECT_EQ(server_.overlap_request.selections(1).selection().expression(), "y and z");
  EXPECT_EQ(server_.overlap_request.selections(1).selection().time_zone(), "UTC");
}

TEST_F(CrossOverlapTest, OverlapJsonAndTooManyCombinations) {
  Set(server_.overlap, kOverlap);
  json answer = json::parse(server_.Run({"overlap", "a=x", "b=y", "--json"}).out);
  EXPECT_EQ(answer["pairs"], json::parse("[[6, 3], [3, 4]]"));
  EXPECT_EQ(answer["intersections"][1]["selections"], json::parse(R"(["a", "b"])"));
  EXPECT_EQ(answer["selections"][0]["warnings"][0]["reason"], "ALWAYS_EVERYBODY");
  EXPECT_EQ(answer["intersections_error"], nullptr);
  server_.overlap.clear_intersections();
  server_.overlap.mutable_intersections_error()->set_message("too many");
  answer = json::parse(server_.Run({"overlap", "a=x", "b=y", "--json"}).out);
  EXPECT_EQ(answer["intersections_error"], "too many");
  EXPECT_NE(server_.Run({"overlap", "a=x", "b=y"}).out.find("\ntoo many\n"), std::string::npos);
}

TEST_F(CrossOverlapTest, OverlapMarksThePlaceInTheTextItIsIn) {
  v1::ErrorDetail detail;
  detail.set_field("selections[1].selection.expression");
  detail.set_line(1);
  detail.set_column(3);
  detail.set_length(2);
  server_.failure = MakeStatus(grpc::StatusCode::INVALID_ARGUMENT, "bad", detail);
  const CliRun run = server_.Run({"overlap", "a=x", "b=q cc d"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "error: bad\n  q cc d\n    ^~\n");
}

}  // namespace
}  // namespace throng::cli
