// --sample: what it asks for, and how estimates are printed.
#include <string>
#include <vector>

#include "cli/sampling_options.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

constexpr char kSample[] = R"pb(
  sample {
    method: SAMPLE_METHOD_CHUNKS
    users: 100000000
    users_looked_at: 1015808
    chunks: 1526
    chunks_read: 31
    millionths: 10000
    salt: "a"
    confidence: 0.95
  }
  info { data_version: 7 }
)pb";

class SamplingTest : public testing::Test {
 protected:
  template <typename Message>
  static void Set(Message& message, const std::string& text) {
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text + kSample, &message));
  }

  FakeServer server_;
};

TEST_F(SamplingTest, CountForPeopleAndAsJson) {
  Set(server_.count, "count: 12345 range { found: 123 low: 12100 high: 12600 }");
  const CliRun run = server_.Run({"count", "x", "--sample", "1%", "--sample-salt", "a"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "about 12,345 users (12,100 to 12,600, 95 %; 1.02 % of users looked at)\n"
            "data version 7, 0.0 us in the engine, of a sample\n");
  EXPECT_EQ(server_.count_request.sample().millionths(), 10'000);
  EXPECT_EQ(server_.count_request.sample().salt(), "a");
  EXPECT_EQ(server_.count_request.sample().confidence(), 0);
  const CliRun again =
      server_.Run({"count", "x", "--sample", "0.25%", "--confidence", "99.5%", "--json"});
  EXPECT_EQ(server_.count_request.sample().millionths(), 2'500);
  EXPECT_DOUBLE_EQ(server_.count_request.sample().confidence(), 0.995);
  const auto json = nlohmann::json::parse(again.out);
  EXPECT_EQ(json["count"], 12'345);
  EXPECT_EQ(json["exact"], false);
  EXPECT_EQ(json["range"]["found"], 123);
  EXPECT_EQ(json["range"]["low"], 12'100);
  EXPECT_EQ(json["range"]["high"], 12'600);
  EXPECT_EQ(json["sample"]["method"], "CHUNKS");
  EXPECT_EQ(json["sample"]["users_looked_at"], 1'015'808);
}

TEST_F(SamplingTest, InsightHasARangeARow) {
  Set(server_.breakdown, R"pb(
    count: 2000
    baseline_count: 100000000
    range { found: 20 low: 1500 high: 2500 }
    tags {
      tag: "city"
      rows {
        value { text: "Rome" }
        count: 1500
        share: 0.75
        range { found: 15 low: 1200 high: 1900 }
      }
      missing {
        count: 500
        share: 0.25
        range { found: 5 low: 300 high: 800 }
      }
      others {}
    })pb");
  const CliRun run = server_.Run({"insight", "x", "--by", "city", "--sample", "1%"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "about 2,000 users (1,500 to 2,500, 95 %; 1.02 % of users looked at), baseline "
            "100,000,000 users\n"
            "data version 7, 0.0 us in the engine, of a sample\n"
            "\n"
            "city       USERS    LOW   HIGH   SHARE  BASELINE  TGI\n"
            "Rome       1,500  1,200  1,900  75.00%     0.00%    -\n"
            "(missing)    500    300    800  25.00%     0.00%    -\n");
  EXPECT_EQ(server_.breakdown_request.sample().millionths(), 10'000);
  const auto json = nlohmann::json::parse(
      server_.Run({"insight", "x", "--by", "city", "--sample", "1%", "--json"}).out);
  EXPECT_EQ(json["range"]["low"], 1'500);
  EXPECT_EQ(json["tags"][0]["rows"][0]["range"]["high"], 1'900);
  EXPECT_EQ(json["sample"]["chunks_read"], 31);
}

TEST_F(SamplingTest, WithoutTheFlagNothingIsSampled) {
  EXPECT_EQ(server_.Run({"count", "x"}).exit_code, 0);
  EXPECT_FALSE(server_.count_request.has_sample());
  EXPECT_EQ(server_.Run({"insight", "x", "--by", "city"}).exit_code, 0);
  EXPECT_FALSE(server_.breakdown_request.has_sample());
  EXPECT_EQ(server_.Run({"count", "x", "--confidence", "99%"}).exit_code, 2);
  EXPECT_EQ(server_.Run({"count", "x", "--sample-salt", "a"}).exit_code, 2);
}

TEST_F(SamplingTest, FractionsAreExactPercentages) {
  const auto millionths = [](const std::string& text) {
    const auto sampling = MakeSampling({.fraction = text, .salt = {}, .confidence = {}});
    return sampling.ok() ? static_cast<int>((*sampling)->millionths()) : -1;
  };
  EXPECT_EQ(millionths("1%"), 10'000);
  EXPECT_EQ(millionths("0.0001%"), 1);
  EXPECT_EQ(millionths("99.9999%"), 999'999);
  EXPECT_EQ(millionths("1.5%"), 15'000);
  for (const char* bad :
       {"0%", "100%", "1", "0.01", "%", "1.%", ".5%", "-1%", "1 %", "0.00001%", "1e1%", "1000%"}) {
    EXPECT_EQ(millionths(bad), -1) << bad;
  }
}

}  // namespace
}  // namespace throng::cli
