// What throng why asks for, and prints of canned answers.
#include <fstream>
#include <string>

#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"
#include "tests/testing/temporary_directory.h"

namespace throng::cli {
namespace {

class WhyCommandTest : public ::testing::Test {
 protected:
  void Answer(const std::string& text) {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &server_.why));
  }
  void AnswerUser() {
    Answer(R"pb(
      user {
        id: "u17"
        conditions {
          condition { number: 1 condition: "city = 'Rome'" column: 1 length: 13 }
          matches: true
          met: true
          value {
            tag: "city"
            type: TAG_TYPE_CATEGORY
            values { text: "Rome" }
          }
        }
        conditions {
          condition { number: 2 condition: "views > 3" }
          value { tag: "views" type: TAG_TYPE_INTEGER }
        }
        conditions {
          condition { number: 3 condition: "graduate" negated: true }
          matches: true
          value {
            tag: "graduate"
            type: TAG_TYPE_FLAG
            values { flag: true }
          }
        }
        conditions {
          condition { number: 4 condition: "views > 3" same_as: 2 }
          value { tag: "views" type: TAG_TYPE_INTEGER }
        }
        conditions {
          condition { number: 5 condition: "likes in ('a','b')" }
          matches: true
          met: true
          value {
            tag: "likes"
            type: TAG_TYPE_LABELS
            values { text: "a" }
            values { text: "c" }
            labels: 120
          }
        }
        conditions {
          condition { number: 6 condition: "bucket('s', 0, 5)" }
          value {
            type: TAG_TYPE_INTEGER
            values { integer: 700000 }
          }
        }
        conditions { condition { number: 7 condition: "ids('u1')" } }
        flip { kind: FLIP_KIND_SMALLEST conditions: 2 conditions: 3 conditions: 6 }
      }
      info { data_version: 7 exact: true }
    )pb");
  }

  FakeServer server_;
  testing::TemporaryDirectory directory_;
};

TEST_F(WhyCommandTest, OfOneUserForPeople) {
  AnswerUser();
  const CliRun run = server_.Run({"why", "x", "--id", "+86 1", "--id-type", "phone"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "user u17 is out\n"
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "#          CONDITION           THE USER HAS\n"
            "1  met     city = 'Rome'       Rome\n"
            "2  missed  views > 3           (missing)               < turns it over\n"
            "3  missed  not graduate        true                    < turns it over\n"
            "4  missed  views > 3 (as 2)    (missing)               < turns it over\n"
            "5  met     likes in ('a','b')  a, c, ... (120 in all)\n"
            "6  missed  bucket('s', 0, 5)   bucket 700000           < turns it over\n"
            "7  missed  ids('u1')\n"
            "\n"
            "would be in if conditions 2, 3 and 6 changed\n");
  EXPECT_EQ(server_.why_request.selection().expression(), "x");
  EXPECT_EQ(server_.why_request.user().id(), "+86 1");
  EXPECT_EQ(server_.why_request.user().id_type(), "phone");
}

TEST_F(WhyCommandTest, SaysHowSureItIs) {
  const auto last_line = [&](const std::string& flip) {
    Answer(
        fmt::format("user {{ id: 'u1' member: true flip {{ {} }} }} info {{ exact: true }}", flip));
    const std::string out = server_.Run({"why", "x", "--id", "u1"}).out;
    return out.substr(out.find("\n\n") + 2);
  };
  EXPECT_EQ(last_line("kind: FLIP_KIND_SMALLEST conditions: 2"),
            "would be out if condition 2 changed\n");
  EXPECT_EQ(last_line("kind: FLIP_KIND_FOUND conditions: 1 conditions: 2"),
            "would be out if conditions 1 and 2 changed; a smaller set may do, too\n");
  EXPECT_EQ(last_line("kind: FLIP_KIND_IMPOSSIBLE"), "no change of conditions would make it out\n");
  EXPECT_EQ(last_line("kind: FLIP_KIND_UNKNOWN"),
            "no set of conditions was found that would make it out\n");
}

TEST_F(WhyCommandTest, SaysWhomALimitLeavesOut) {
  Answer("user { id: 'u1' beyond_limit: true flip { kind: FLIP_KIND_IMPOSSIBLE } } info { }");
  EXPECT_NE(server_.Run({"why", "x", "--id", "u1"})
                .out.find("\n\nmeets the conditions, but the limit takes other users\n"),
            std::string::npos);
  const CliRun json = server_.Run({"why", "x", "--id", "u1", "--json"});
  EXPECT_EQ(nlohmann::json::parse(json.out)["beyond_limit"], true);
}

TEST_F(WhyCommandTest, OfOneUserAsJson) {
  AnswerUser();
  const CliRun run = server_.Run({"why", "x", "--id", "u17", "--json"});
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["id"], "u17");
  EXPECT_EQ(json["member"], false);
  ASSERT_EQ(json["conditions"].size(), 7);
  EXPECT_EQ(json["conditions"][0]["value"]["values"][0], "Rome");
  EXPECT_EQ(json["conditions"][0]["value"]["type"], "CATEGORY");
  EXPECT_EQ(json["conditions"][0]["column"], 1);
  EXPECT_EQ(json["conditions"][1]["value"]["values"].size(), 0);
  EXPECT_EQ(json["conditions"][2]["negated"], true);
  EXPECT_EQ(json["conditions"][2]["matches"], true);
  EXPECT_EQ(json["conditions"][2]["met"], false);
  EXPECT_EQ(json["conditions"][3]["same_as"], 2);
  EXPECT_EQ(json["conditions"][4]["value"]["labels"], 120);
  EXPECT_TRUE(json["conditions"][6]["value"].is_null());
  EXPECT_EQ(json["flip"]["kind"], "SMALLEST");
  EXPECT_EQ(json["flip"]["conditions"], nlohmann::json({2, 3, 6}));
  EXPECT_EQ(json["data_version"], 7);
}

TEST_F(WhyCommandTest, OfAList) {
  Answer(R"pb(
    users {
      in_count: 1200
      out_count: 34
      unknown_count: 2
      conditions {
        condition { number: 1 condition: "graduate" negated: true }
        missed: 30
        decided: 12
      }
    }
    info { data_version: 7 exact: true }
  )pb");
  const std::string file = directory_.File("ids.txt");
  std::ofstream(file) << "u1\r\n\nu2\nu3";
  const CliRun run = server_.Run({"why", "x", "--ids-file", file, "--id-type", "phone"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "1,200 in, 34 out, 2 unknown\n"
            "data version 7, 0.0 us in the engine\n"
            "\n"
            "#  CONDITION     MISS IT  OUT BY IT ALONE\n"
            "1  not graduate       30               12\n");
  ASSERT_EQ(server_.why_request.users().ids_size(), 3);
  EXPECT_EQ(server_.why_request.users().ids(0), "u1");
  EXPECT_EQ(server_.why_request.users().ids(2), "u3");
  EXPECT_EQ(server_.why_request.users().id_type(), "phone");
  const auto json =
      nlohmann::json::parse(server_.Run({"why", "x", "--ids-file", file, "--json"}).out);
  EXPECT_EQ(json["in"], 1200);
  EXPECT_EQ(json["conditions"][0]["missed"], 30);
  EXPECT_EQ(json["conditions"][0]["decided"], 12);
}

TEST_F(WhyCommandTest, NeedsAUserOrAFile) {
  EXPECT_EQ(server_.Run({"why", "x"}).exit_code, 2);
  EXPECT_EQ(server_.Run({"why", "x", "--id", "a", "--ids-file", "b"}).exit_code, 2);
  EXPECT_EQ(server_.Run({"why", "x", "--ids-file", directory_.File("none")}).exit_code, 2);
  EXPECT_EQ(server_.Run({"why", "-", "--ids-file", "-"}).exit_code, 2);
  const std::string empty = directory_.File("empty");
  std::ofstream(empty) << "\n\n";
  EXPECT_EQ(server_.Run({"why", "x", "--ids-file", empty}).exit_code, 2);
  server_.failure = {grpc::StatusCode::NOT_FOUND, "there is no user \"u1\""};
  EXPECT_EQ(server_.Run({"why", "x", "--id", "u1"}).exit_code, 1);
}

}  // namespace
}  // namespace throng::cli
