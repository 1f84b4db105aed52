// Every command that asks, run against a server of canned answers.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

using nlohmann::json;

template <typename Message>
void Set(Message& message, const std::string& text) {
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
}

class CommandsTest : public testing::Test {
 protected:
  // Puts `text` in a file of the test's own and gives its path.
  std::string WriteFile(const std::string& text) {
    std::string path = testing::TempDir() + "throng_commands_XXXXXX";
    const int descriptor = mkstemp(path.data());
    EXPECT_GE(descriptor, 0);
    std::FILE* file = fdopen(descriptor, "wb");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    paths_.push_back(path);
    return path;
  }
  void TearDown() override {
    for (const std::string& path : paths_) std::filesystem::remove(path);
  }

  FakeServer server_;
  std::vector<std::string> paths_;
};

TEST_F(CommandsTest, CountForPeople) {
  Set(server_.count,
      "count: 123456 info { data_version: 7 exact: true engine_time { nanos: 431000 } }");
  const CliRun run = server_.Run({"count", "city = 'Beijing'"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, "123,456 users\ndata version 7, 431 us in the engine\n");
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(server_.count_request.selection().population(), "populations/default");
  EXPECT_EQ(server_.count_request.selection().expression(), "city = 'Beijing'");
  EXPECT_FALSE(server_.count_request.selection().has_reference_time());
}

TEST_F(CommandsTest, GlobalFlagsStandBeforeOrAfter) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--json", "--population", "owners", "count", "x"},
        std::vector<std::string>{"count", "x", "--json", "--population", "owners"},
        std::vector<std::string>{"count", "--json", "--population=owners", "x"}}) {
    const CliRun run = server_.Run(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_TRUE(json::accept(run.out)) << run.out;
    EXPECT_EQ(server_.count_request.selection().population(), "populations/owners");
  }
}

TEST_F(CommandsTest, SelectionFlagsReachTheServer) {
  const CliRun run = server_.Run({"count", "x", "--zone", "Asia/Shanghai", "--at",
                                  "2024-05-01T08:00:00+08:00", "--read-version", "41"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const v1::Selection& selection = server_.count_request.selection();
  EXPECT_EQ(selection.time_zone(), "Asia/Shanghai");
  EXPECT_EQ(selection.reference_time().seconds(), 1714521600);
  EXPECT_EQ(selection.read_version(), 41U);
}

TEST_F(CommandsTest, ExpressionsComeFromFilesAndNamesOfCommandsAreExpressions) {
  const std::string path = WriteFile("city = 'Beijing'\nand vip\n");
  EXPECT_EQ(server_.Run({"count", "--file", path}).exit_code, 0);
  EXPECT_EQ(server_.count_request.selection().expression(), "city = 'Beijing'\nand vip\n");
  EXPECT_EQ(server_.Run({"count", "count"}).exit_code, 0);
  EXPECT_EQ(server_.count_request.selection().expression(), "count");
  EXPECT_EQ(server_.Run({"count", "tags"}).exit_code, 0);
  EXPECT_EQ(server_.count_request.selection().expression(), "tags");
}

TEST_F(CommandsTest, WarningsGoToStderr) {
  Set(server_.count,
      "info { exact: false warnings { message: 'nobody' line: 1 column: 1 length: 4 } }");
  const CliRun run = server_.Run({"count", "city = 'x'"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, "0 users\ndata version 0, 0.0 us in the engine, of a sample\n");
  EXPECT_EQ(run.err, "warning: nobody\n  city = 'x'\n  ^~~~\n");
}

TEST_F(CommandsTest, RefusalIsExitOneWithThePlace) {
  v1::ErrorDetail detail;
  detail.set_reason("UNKNOWN_TAG");
  detail.set_field("selection.expression");
  detail.set_line(1);
  detail.set_column(1);
  detail.set_length(5);
  detail.set_suggestion("city");
  server_.failure = MakeStatus(grpc::StatusCode::INVALID_ARGUMENT, "unknown tag", detail);
  for (const char* command : {"count", "explain", "members", "parse"}) {
    const CliRun run = server_.Run({command, "citty = 'x'"});
    EXPECT_EQ(run.exit_code, 1) << command;
    EXPECT_EQ(run.out, "");
    EXPECT_EQ(run.err, "error: unknown tag\n  citty = 'x'\n  ^~~~~\ndid you mean: city\n");
  }
  const CliRun run = server_.Run({"count", "citty = 'x'", "--json"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(json::parse(run.out)["error"]["reason"], "UNKNOWN_TAG");
  EXPECT_EQ(json::parse(run.out)["error"]["suggestion"], "city");
}

TEST_F(CommandsTest, InsightMarksThePlaceInTheTextItIsIn) {
  v1::ErrorDetail detail;
  detail.set_field("baseline.expression");
  detail.set_line(1);
  detail.set_column(3);
  detail.set_length(2);
  server_.failure = MakeStatus(grpc::StatusCode::INVALID_ARGUMENT, "bad", detail);
  const CliRun run = server_.Run({"insight", "city = 'x'", "--by", "a", "--baseline", "b c d"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "error: bad\n  b c d\n    ^~\n");
}

TEST_F(CommandsTest, InsightForPeople) {
  Set(server_.breakdown, R"pb(
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
      others { count: 3 share: 0.3 baseline_share: 0.1 tgi: 300 }
      others_values: 7
    }
    info { data_version: 7 exact: true }
  )pb");
  const CliRun run =
      server_.Run({"insight", "x", "--by", "city,vip", "--by", "\"a,b\"", "--top", "1"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "10 users, baseline 40 users\n"
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "city        USERS   SHARE  BASELINE    TGI\n"
            "北京            5  50.00%    25.00%  200.0\n"
            "(7 others)      3  30.00%    10.00%  300.0\n"
            "(missing)       2  20.00%     0.00%      -\n");
  EXPECT_EQ(server_.breakdown_request.tags_size(), 3);
  EXPECT_EQ(server_.breakdown_request.tags(1), "vip");
  EXPECT_EQ(server_.breakdown_request.tags(2), "a,b");
  EXPECT_EQ(server_.breakdown_request.top_k(), 1U);
  EXPECT_FALSE(server_.breakdown_request.has_baseline());
}

TEST_F(CommandsTest, Members) {
  Set(server_.members, R"(ids: "7" ids: "u\x1b" next_page_token: "t2" total: 9000)");
  const CliRun run = server_.Run({"members", "x", "--page-size", "2", "--page-token", "t1"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, "7\nu\\u{1b}\n");
  EXPECT_EQ(run.err, "2 of 9,000 users; the next page: --page-token t2\n");
  EXPECT_EQ(server_.members_request.page_size(), 2);
  EXPECT_EQ(server_.members_request.page_token(), "t1");
}

TEST_F(CommandsTest, Portrait) {
  Set(server_.portrait, R"pb(
    id: "10001"
    data_version: 7
    ids { id_type: "phone" id: "138" }
    entries {
      tag: "city"
      type: TAG_TYPE_CATEGORY
      display_name: "City"
      values { text: "北京" }
    }
    entries {
      tag: "likes"
      type: TAG_TYPE_LABELS
      values { text: "a" }
      values { text: "b" }
    }
  )pb");
  CliRun run = server_.Run({"portrait", "10001", "--read-version", "6", "--id-type", "card"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out,
            "user          10001\n"
            "phone         138\n"
            "data version  7\n"
            "\n"
            "TAG    VALUE  NAME\n"
            "city   北京   City\n"
            "likes  a, b\n");
  EXPECT_EQ(server_.portrait_request.id(), "10001");
  EXPECT_EQ(server_.portrait_request.id_type(), "card");
  EXPECT_EQ(server_.portrait_request.read_version(), 6U);
  run = server_.Run({"portrait", "10001", "--json"});
  EXPECT_EQ(run.out,
            "{\"id\":\"10001\",\"data_version\":7,\"ids\":{\"phone\":[\"138\"]},\"tags\":{\"city\":"
            "\"北京\","
            "\"likes\":[\"a\",\"b\"]}}\n");
}

TEST_F(CommandsTest, TagsListReadsEveryPage) {
  server_.tag_pages.resize(2);
  Set(server_.tag_pages[0], R"pb(
    tags {
      name: "populations/default/tags/city"
      type: TAG_TYPE_CATEGORY
      state: TAG_STATE_ONLINE
      path: "profile"
      display_name: "City"
      user_count: 1000
      value_count: 12
    })pb");
  Set(server_.tag_pages[1], R"pb(
    tags { name: "populations/default/tags/rent" type: TAG_TYPE_DECIMAL scale: 2 }
    data_version: 9
  )pb");
  CliRun run = server_.Run({"tags", "list", "--path", "p"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "TAG   TYPE        USERS  VALUES  STATE   PATH     NAME\n"
            "city  CATEGORY    1,000      12  ONLINE  profile  City\n"
            "rent  DECIMAL(2)      0       -\n");
  EXPECT_EQ(server_.list_tags_request.parent(), "populations/default");
  EXPECT_EQ(server_.list_tags_request.path_prefix(), "p");
  run = server_.Run({"tags", "list", "--json"});
  const json tags = json::parse(run.out);
  EXPECT_EQ(tags["tags"].size(), 2U);
  EXPECT_EQ(tags["tags"][1]["tag"], "rent");
  EXPECT_EQ(tags["data_version"], 9);
}

TEST_F(CommandsTest, TagsGet) {
  Set(server_.tags["populations/default/tags/city"], R"pb(
    name: "populations/default/tags/city"
    type: TAG_TYPE_CATEGORY
    owner: "growth"
    data_version: 9
  )pb");
  CliRun run = server_.Run({"tags", "get", "city"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out,
            "tag           city\n"
            "type          CATEGORY\n"
            "owner         growth\n"
            "sensitivity   0\n"
            "users         0\n"
            "data version  9\n");
  run = server_.Run({"tags", "get", "nope"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "error: no tag populations/default/tags/nope\n");
}

TEST_F(CommandsTest, TagsCreate) {
  server_.tag.set_name("populations/default/tags/rent");
  const CliRun run =
      server_.Run({"tags",    "create",         "rent", "--type",        "decimal", "--scale",
                   "2",       "--display-name", "Rent", "--path",        "house",   "--description",
                   "a month", "--owner",        "me",   "--sensitivity", "3",       "--state",
                   "draft",   "--max-values",   "7",    "--freshness",   "36h",     "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(json::parse(run.out)["tag"], "rent");
  EXPECT_EQ(server_.create_tag_request.ShortDebugString(),
            "parent: \"populations/default\" tag_id: \"rent\" tag { type: TAG_TYPE_DECIMAL "
            "scale: 2 display_name: \"Rent\" path: \"house\" description: \"a month\" owner: "
            "\"me\" sensitivity: 3 state: TAG_STATE_DRAFT max_values: 7 freshness { seconds: "
            "129600 } }");
}

TEST_F(CommandsTest, TagsUpdateNamesOnlyWhatWasGiven) {
  const CliRun run = server_.Run({"tags", "update", "city", "--owner", "", "--state", "offline"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(server_.update_tag_request.ShortDebugString(),
            "tag { name: \"populations/default/tags/city\" state: TAG_STATE_OFFLINE } "
            "update_mask { paths: \"owner\" paths: \"state\" }");
  EXPECT_EQ(server_.Run({"tags", "update", "city"}).exit_code, 2);
}

TEST_F(CommandsTest, TagValuesUpToTheLimit) {
  server_.value_pages.resize(2);
  Set(server_.value_pages[0], R"pb(
    values {
      value { text: "北京" }
      user_count: 1000
    }
    missing: 5
    data_version: 9
  )pb");
  Set(server_.value_pages[1], R"pb(
    values {
      value { text: "天津" }
      user_count: 10
    }
    missing: 5
    data_version: 9
  )pb");
  CliRun run = server_.Run({"tags", "values", "city"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "VALUE      USERS\n"
            "北京       1,000\n"
            "天津          10\n"
            "(missing)      5\n");
  EXPECT_EQ(run.err, "");
  run = server_.Run({"tags", "values", "city", "--limit", "1"});
  EXPECT_EQ(run.err, "There are more values: the 1 largest are shown (--limit).\n");
  EXPECT_EQ(server_.values_request.page_size(), 1);
  run = server_.Run({"tags", "values", "city", "--limit", "1", "--json"});
  EXPECT_EQ(run.out,
            "{\"tag\":\"city\",\"values\":[{\"value\":\"北京\",\"user_count\":1000}],"
            "\"missing\":5,\"truncated\":true,\"data_version\":9}\n");
}

TEST_F(CommandsTest, Populations) {
  Set(server_.population, R"pb(
    name: "populations/owners"
    primary_id_type: "owner_id"
    user_count: 1000
    tag_count: 3
    data_version: 4
  )pb");
  CliRun run = server_.Run({"populations", "list"});
  EXPECT_EQ(run.out,
            "POPULATION  USERS  TAGS  DATA VERSION  PRIMARY ID  NAME\n"
            "owners      1,000     3             4  owner_id\n");
  run = server_.Run({"populations", "get", "owners"});
  EXPECT_EQ(server_.get_population_request.name(), "populations/owners");
  EXPECT_EQ(run.out,
            "population    owners\n"
            "primary id    owner_id\n"
            "users         1,000\n"
            "tags          3\n"
            "data version  4\n");
  run = server_.Run({"populations", "create", "owners", "--primary-id-type", "owner_id", "--json"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(server_.create_population_request.population_id(), "owners");
  EXPECT_EQ(server_.create_population_request.population().primary_id_type(), "owner_id");
  EXPECT_EQ(json::parse(run.out)["user_count"], 1000);
}

TEST_F(CommandsTest, WhatParsePrintsFormatReads) {
  Set(server_.parse, R"pb(
    tree {
      condition {
        tag: "views"
        range { lower { integer: 3 } }
      }
    }
    canonical_expression: "views > 3"
  )pb");
  server_.format.set_expression("views > 3");
  CliRun run = server_.Run({"parse", "views>3", "--json"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out,
            "{\"canonical_expression\":\"views > 3\",\"tree\":{\"condition\":{\"tag\":\"views\","
            "\"range\":{\"lower\":{\"integer\":\"3\"}}}}}\n");
  const std::string path = WriteFile(run.out);
  run = server_.Run({"format", path});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "views > 3\n");
  EXPECT_EQ(server_.format_request.tree().ShortDebugString(),
            server_.parse.tree().ShortDebugString());
  run = server_.Run({"format", WriteFile(R"({"allUsers":{}})"), "--json"});
  EXPECT_EQ(run.out, "{\"expression\":\"views > 3\"}\n");
  EXPECT_TRUE(server_.format_request.tree().has_all_users());
  run = server_.Run({"parse", "views>3"});
  EXPECT_EQ(run.out.rfind("views > 3\n\n{\n", 0), 0U) << run.out;
}

TEST_F(CommandsTest, ParseAndFormatOfLimits) {
  Set(server_.parse, R"pb(
    tree {
      limited {
        operand { negation { operand { all_users {} } } }
        users: 10
        top { tag: "spend" direction: DIRECTION_DESCENDING }
      }
    }
  )pb");
  CliRun run = server_.Run({"parse", "x", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(json::parse(run.out)["tree"],
            json::parse(R"({"limited": {"operand": {"negation": {"operand": {"allUsers": {}}}},
                            "users": 10,
                            "top": {"tag": "spend", "direction": "DIRECTION_DESCENDING"}}})"));
  EXPECT_EQ(server_.Run({"format", WriteFile(run.out)}).exit_code, 0);
  EXPECT_EQ(server_.format_request.tree().ShortDebugString(),
            server_.parse.tree().ShortDebugString());
  const std::string any =
      R"({"limited": {"any": {"salt": "s"}, "operand": {"noUsers": {}}, "users": 3}})";
  EXPECT_EQ(server_.Run({"format", WriteFile(any)}).exit_code, 0);
  EXPECT_EQ(server_.format_request.tree().limited().any().salt(), "s");
  EXPECT_TRUE(server_.format_request.tree().limited().operand().has_no_users());
  for (const char* bad : {R"({"limited": {"any": {"salt": "s"}, "users": 3}})", R"({"limited": 3})",
                          R"({"limited": {"operand": {"noUsers": {}}, "user": 3}})"}) {
    EXPECT_NE(server_.Run({"format", WriteFile(bad)}).exit_code, 0) << bad;
  }
}

// 64 levels are 128 nested messages, more than a stub reads and protobuf's JSON prints.
TEST_F(CommandsTest, ParsePrintsDeepTrees) {
  v1::Expression* inner = server_.parse.mutable_tree();
  for (int i = 0; i < 63; ++i) {
    inner = i % 2 == 0 ? inner->mutable_negation()->mutable_operand()
                       : inner->mutable_conjunction()->add_operands();
  }
  inner->mutable_condition()->set_tag("vip");
  inner->mutable_condition()->mutable_is_set();
  const CliRun parsed = server_.Run({"parse", "deep", "--json"});
  ASSERT_EQ(parsed.exit_code, 0) << parsed.out << parsed.err;
  EXPECT_NE(parsed.out.find("{\"condition\":{\"tag\":\"vip\""), std::string::npos);
}

TEST_F(CommandsTest, FormatReadsTreesUpToALimit) {
  const auto nested = [](int levels) {
    std::string text = R"({"allUsers":{}})";
    for (int i = 1; i < levels; ++i) {
      text.insert(0, R"({"negation":{"operand":)").append("}}");
    }
    return text;
  };
  // This server reads no more than protobuf's own depth, so that only what is refused here shows.
  const CliRun most = server_.Run({"format", WriteFile(nested(96))});
  EXPECT_EQ(most.exit_code, 1) << "sent, and refused by the server: " << most.err;
  const CliRun more = server_.Run({"format", WriteFile(nested(97))});
  EXPECT_EQ(more.exit_code, 2);
  EXPECT_NE(more.err.find("more than 96 levels"), std::string::npos) << more.err;
}

TEST_F(CommandsTest, FormatRefusesWhatIsNoTree) {
  for (const char* text : {"", "[1]", "{\"nope\":1}", "{\"tree\":7}", "{\"tree\":", "\xff"}) {
    const CliRun run = server_.Run({"format", WriteFile(text)});
    EXPECT_EQ(run.exit_code, 2) << text;
    EXPECT_EQ(run.err.rfind("error: ", 0), 0U) << run.err;
  }
}

TEST_F(CommandsTest, PingWaitsForAServerThatIsLoading) {
  CliRun run = server_.Run({"ping"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out.rfind(server_.address() + " is serving", 0), 0U) << run.out;
  server_.populations_unavailable = 1;
  EXPECT_EQ(server_.Run({"ping"}).exit_code, 1);
  server_.populations_unavailable = 2;
  run = server_.Run({"ping", "--wait", "60s", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(json::parse(run.out)["serving"], true);
  EXPECT_EQ(server_.populations_unavailable, 0);
}

}  // namespace
}  // namespace throng::cli
