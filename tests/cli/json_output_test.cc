// The shapes of docs/cli.md, byte for byte: programs depend on them.
#include "cli/json_output.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

// The message in protobuf's text form.
template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

constexpr const char* kInfo = R"pb(
  data_version: 42
  reference_time { seconds: 1714550400 nanos: 500000000 }
  time_zone: "UTC"
  canonical_expression: "city = 'Beijing'"
  engine_time { nanos: 431999 }
  exact: true
)pb";

constexpr const char* kInfoJson =
    R"("data_version":42,"engine_us":431,"canonical_expression":"city = 'Beijing'",)"
    R"("reference_time":"2024-05-01T08:00:00.5Z","time_zone":"UTC","exact":true,"warnings":[])";

std::string WithInfo(const std::string& fields) { return fields + " info {" + kInfo + "}"; }

TEST(JsonOutputTest, Count) {
  const auto response = Parse<v1::CountResponse>(WithInfo("count: 18446744073709551615"));
  EXPECT_EQ(CountJson(response).dump(),
            std::string(R"({"count":18446744073709551615,)") + kInfoJson + "}");
}

TEST(JsonOutputTest, Warnings) {
  const auto response =
      Parse<v1::CountResponse>(
          R"pb(
            info {
              warnings { reason: "UNKNOWN_VALUE" message: "no user" line: 1 column: 2 length: 3 }
            })pb");
  EXPECT_EQ(CountJson(response)["warnings"].dump(),
            R"([{"reason":"UNKNOWN_VALUE","message":"no user","line":1,"column":2,"length":3}])");
}

constexpr const char* kExplain = R"pb(
  count: 3
  nodes {
    depth: 1
    operator: "value"
    detail: "city = 'Beijing'"
    estimated_users: 5
    actual_users: 3
    chunks: 2
    time { nanos: 1500 }
  }
  conditions { condition: "city = 'Beijing'" count: 3 line: 1 column: 1 length: 16 }
  stages { stage: "normalised" text: "city = 'Beijing'" }
)pb";

TEST(JsonOutputTest, Explain) {
  const auto response = Parse<v1::ExplainResponse>(WithInfo(kExplain));
  EXPECT_EQ(ExplainJson(response, /*plan_only=*/false).dump(),
            std::string(R"({"count":3,"plan":[{"depth":1,"operator":"value",)") +
                R"("detail":"city = 'Beijing'","estimated_users":5,"actual_users":3,"chunks":2,)" +
                R"("time_us":1.5,"exact_users":null,"cost_ns":0,"form":"","forms":[],)" +
                R"("users_at_hand":0,"values_asked":0,"values_of_tag":0,"rewrite":""}],)" +
                R"("conditions":[{"condition":"city = 'Beijing'","count":3,)" +
                R"("line":1,"column":1,"length":16,"without":null,"changed":null}],)" +
                R"("waterfall":[],"stages":[{"stage":"normalised",)" +
                R"("text":"city = 'Beijing'"}],)" + kInfoJson + "}");
}

TEST(JsonOutputTest, ExplainOfAnAnalyzedPlan) {
  const auto response = Parse<v1::ExplainResponse>(R"pb(
    nodes {
      operator: "range"
      exact_users: 0
      cost_ns: 7
      form: "scan"
      forms { form: "look_up" cost_ns: 9 }
      forms { form: "scan" cost_ns: 7 chunks: 2 }
      users_at_hand: 4
      values_asked: 1
      values_of_tag: 5
      rewrite: "all_values"
      run {
        chunks: 2
        chunks_in_parent: 1
        chunks_skipped: 14
        time { nanos: 2500 }
        forms { form: "scan" chunks: 2 }
        users_at_hand: 3
      }
    }
    run_time { nanos: 3000 })pb");
  const Json json = ExplainJson(response, /*plan_only=*/false);
  const Json& node = json["plan"][0];
  EXPECT_EQ(node["exact_users"], 0);
  EXPECT_EQ(node["forms"].dump(), R"([{"form":"look_up","cost_ns":9,"chunks":0},)"
                                  R"({"form":"scan","cost_ns":7,"chunks":2}])");
  EXPECT_EQ(node["run"].dump(), R"({"users":null,"chunks":2,"chunks_in_parent":1,)"
                                R"("chunks_skipped":14,"time_us":2.5,)"
                                R"("forms":[{"form":"scan","chunks":2}],"users_at_hand":3})");
  EXPECT_EQ(json["run_us"], 3);
}

TEST(JsonOutputTest, ExplainOfAPlanThatDidNotRunHasNullCounts) {
  const Json json = ExplainJson(Parse<v1::ExplainResponse>(kExplain), /*plan_only=*/true);
  EXPECT_TRUE(json["count"].is_null());
  EXPECT_TRUE(json["plan"][0]["actual_users"].is_null());
  EXPECT_TRUE(json["plan"][0]["chunks"].is_null());
  EXPECT_TRUE(json["plan"][0]["time_us"].is_null());
  EXPECT_TRUE(json["conditions"][0]["count"].is_null());
  EXPECT_EQ(json["plan"][0]["estimated_users"], 5);
}

TEST(JsonOutputTest, Breakdown) {
  const auto response = Parse<v1::BreakdownResponse>(WithInfo(R"pb(
    count: 10
    baseline_count: 40
    tags {
      tag: "city"
      rows {
        value { text: "北京" }
        count: 5
        share: 0.5
        baseline_count: 10
        baseline_share: 0.25
        tgi: 200
      }
      missing { count: 2 share: 0.2 }
      others { count: 3 share: 0.3 baseline_count: 4 baseline_share: 0.1 tgi: 300 }
      others_values: 7
    })pb"));
  EXPECT_EQ(BreakdownJson(response).dump(),
            std::string(R"({"count":10,"baseline_count":40,"tags":[{"tag":"city","rows":[)") +
                R"({"value":"北京","count":5,"share":0.5,"baseline_count":10,)" +
                R"("baseline_share":0.25,"tgi":200.0}],"missing":{"count":2,"share":0.2,)" +
                R"("baseline_count":0,"baseline_share":0.0,"tgi":null},"others":{"values":7,)" +
                R"("count":3,"share":0.3,"baseline_count":4,"baseline_share":0.1,"tgi":300.0}}],)" +
                kInfoJson + "}");
}

TEST(JsonOutputTest, Members) {
  const auto response = Parse<v1::ListMembersResponse>(
      WithInfo(R"(ids: "7" ids: "u\"8" next_page_token: "abc" total: 99)"));
  EXPECT_EQ(
      MembersJson(response).dump(),
      std::string(R"({"ids":["7","u\"8"],"next_page_token":"abc","total":99,)") + kInfoJson + "}");
}

TEST(JsonOutputTest, PortraitOfEveryType) {
  const auto portrait = Parse<v1::Portrait>(R"pb(
    id: "10001"
    data_version: 42
    entries {
      tag: "city"
      type: TAG_TYPE_CATEGORY
      values { text: "Beijing" }
    }
    entries {
      tag: "interests"
      type: TAG_TYPE_LABELS
      values { text: "a" }
      values { text: "b" }
    }
    entries {
      tag: "views_7d"
      type: TAG_TYPE_INTEGER
      values { integer: -5 }
    }
    entries {
      tag: "rent"
      type: TAG_TYPE_DECIMAL
      values { decimal: "-12.50" }
    }
    entries {
      tag: "vip"
      type: TAG_TYPE_FLAG
      values { flag: true }
    }
    entries {
      tag: "born"
      type: TAG_TYPE_DATE
      values { date { year: 987 month: 5 day: 1 } }
    }
    entries {
      tag: "seen"
      type: TAG_TYPE_DATE_TIME
      values { date_time { seconds: 1714550400 nanos: 1000 } }
    }
    entries {
      tag: "one_label"
      type: TAG_TYPE_LABELS
      values { text: "c" }
    }
  )pb");
  EXPECT_EQ(
      PortraitJson(portrait).dump(),
      R"({"id":"10001","data_version":42,"ids":{},"tags":{"city":"Beijing","interests":["a","b"],)"
      R"("views_7d":-5,"rent":"-12.50","vip":true,"born":"0987-05-01",)"
      R"("seen":"2024-05-01T08:00:00.000001Z","one_label":["c"]}})");
}

TEST(JsonOutputTest, TagAndPopulation) {
  const auto tag = Parse<v1::Tag>(R"pb(
    name: "populations/default/tags/rent"
    type: TAG_TYPE_DECIMAL
    scale: 2
    path: "house"
    state: TAG_STATE_ONLINE
    user_count: 9
    data_version: 4
  )pb");
  EXPECT_EQ(TagJson(tag).dump(),
            R"({"tag":"rent","name":"populations/default/tags/rent","type":"DECIMAL","scale":2,)"
            R"("display_name":"","path":"house","description":"","owner":"","sensitivity":0,)"
            R"("state":"ONLINE","max_values":0,"user_count":9,"value_count":0,"content_time":"",)"
            R"("freshness_seconds":0,)"
            R"("data_version":4})");
  const auto population = Parse<v1::Population>(R"pb(
    name: "populations/owners"
    display_name: "Owners"
    primary_id_type: "owner_id"
    user_count: 5
    data_version: 6
    tag_count: 7
  )pb");
  EXPECT_EQ(PopulationJson(population).dump(),
            R"({"population":"owners","name":"populations/owners","display_name":"Owners",)"
            R"("primary_id_type":"owner_id","user_count":5,"tag_count":7,"data_version":6})");
}

TEST(JsonOutputTest, Failure) {
  v1::ErrorDetail detail;
  detail.set_reason("UNKNOWN_TAG");
  detail.set_field("selection.expression");
  detail.set_line(1);
  detail.set_column(5);
  detail.set_length(4);
  detail.set_suggestion("city");
  const Json json =
      FailureJson(MakeStatus(grpc::StatusCode::INVALID_ARGUMENT, "unknown", detail), "db1:7400");
  EXPECT_EQ(json.dump(),
            R"({"error":{"code":"INVALID_ARGUMENT","reason":"UNKNOWN_TAG","message":"unknown",)"
            R"("field":"selection.expression","line":1,"column":5,"length":4,"expected":"",)"
            R"("suggestion":"city","limit":0,"requested":0}})");
}

TEST(JsonOutputTest, PrintsTextThatIsNotUtf8) {
  testing::internal::CaptureStdout();
  PrintJson({{"id", "a\xff"}});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "{\"id\":\"a\xEF\xBF\xBD\"}\n");
}

}  // namespace
}  // namespace throng::cli
