// What throng check asks for, and prints of canned answers.
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

using nlohmann::json;

class CheckCommandTest : public ::testing::Test {
 protected:
  template <typename Message>
  static void Parse(const std::string& text, Message* message) {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, message));
  }
  std::string Write(const std::string& text) {
    const std::string path = directory_.File("ids.txt");
    std::ofstream(path) << text;
    return path;
  }

  FakeServer server_;
  testing::TemporaryDirectory directory_;
};

TEST_F(CheckCommandTest, OneUserAgainstCrowds) {
  Parse(R"pb(
          states: MEMBER_STATE_MEMBER
          states: MEMBER_STATE_NO_VERSION
          versions {
            version: 7
            data_version: 40
            compute_time { seconds: 1710496800 }
          }
          versions {}
          data_version: 44
        )pb",
        &server_.check);
  const CliRun run =
      server_.Run({"check", "u17", "spring", "autumn", "--id-type", "phone", "--skip-missing"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "CROWD   USER        VERSION  COMPUTED\n"
            "spring  member            7  2024-03-15T10:00:00Z\n"
            "autumn  no version\n"
            "data version 44\n");
  const v1::CheckRequest& request = server_.check_request;
  EXPECT_EQ(request.population(), "populations/default");
  EXPECT_EQ(request.user().id(), "u17");
  EXPECT_EQ(request.user().id_type(), "phone");
  ASSERT_EQ(request.crowds_size(), 2);
  EXPECT_EQ(request.crowds(1).crowd(), "autumn");
  EXPECT_EQ(request.crowds(1).which_case(), v1::CrowdRef::WHICH_NOT_SET);
  EXPECT_TRUE(request.skip_missing());

  const json answer = json::parse(server_.Run({"check", "u17", "spring", "autumn", "--json"}).out);
  EXPECT_EQ(answer["id"], "u17");
  EXPECT_EQ(answer["data_version"], 44);
  EXPECT_EQ(answer["crowds"][0]["state"], "member");
  EXPECT_EQ(answer["crowds"][0]["version"], 7);
  EXPECT_EQ(answer["crowds"][1]["state"], "no version");
  EXPECT_FALSE(answer["crowds"][1].contains("version"));

  server_.Run({"check", "u17", "spring", "--version", "3"});
  EXPECT_EQ(server_.check_request.crowds(0).version(), 3u);
}

TEST_F(CheckCommandTest, AFileOfIdsAgainstACrowd) {
  Parse(R"pb(
          states: MEMBER_STATE_MEMBER
          states: MEMBER_STATE_UNKNOWN_USER
          states: MEMBER_STATE_INVALID_ID
          states: MEMBER_STATE_NOT_MEMBER
          version { version: 7 }
        )pb",
        &server_.batch_check);
  const std::string path = Write("u1\r\n\nu,2\nu3\nu4\n");
  CliRun run = server_.Run({"check", "--crowd", "spring", path, "--id-type", "phone"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "u1,member\n\"u,2\",unknown\nu3,invalid\nu4,not\n");
  EXPECT_EQ(run.err, "1 members, 1 not, 1 unknown, 1 invalid of crowd spring v7\n");
  ASSERT_EQ(server_.batch_check_requests.size(), 1u);
  EXPECT_EQ(server_.batch_check_requests[0].id_type(), "phone");
  EXPECT_EQ(server_.batch_check_requests[0].ids(1), "u,2");
  run = server_.Run({"check", "--crowd", "spring", path, "--json"});
  EXPECT_EQ(run.out.substr(0, run.out.find('\n')), R"({"id":"u1","state":"member"})");
}

TEST_F(CheckCommandTest, CallsOfALongFileReadTheVersionOfTheFirst) {
  server_.batch_check.mutable_version()->set_version(7);
  std::string ids;
  for (int i = 0; i < 10'001; ++i) ids += fmt::format("{}\n", i);
  const CliRun run = server_.Run({"check", "--crowd", "spring", Write(ids)});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(server_.batch_check_requests[0].crowd().which_case(), v1::CrowdRef::WHICH_NOT_SET);
  int sent = 0;
  for (const v1::BatchCheckRequest& request : server_.batch_check_requests) {
    EXPECT_LE(request.ids_size(), 10'000);
    EXPECT_EQ(request.ids(0), fmt::format("{}", sent));
    sent += request.ids_size();
  }
  EXPECT_EQ(sent, 10'001);
  EXPECT_EQ(server_.batch_check_requests.back().crowd().version(), 7u);
}

TEST_F(CheckCommandTest, AStreamOfIds) {
  server_.stream_states = {v1::MEMBER_STATE_MEMBER, v1::MEMBER_STATE_NOT_MEMBER};
  const std::string path = Write("u1\nu2\n");
  CliRun run = server_.Run({"check", "--stream", path, "spring", "autumn"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "u1,member,not\nu2,member,not\n");
  EXPECT_EQ(run.err, "2 members, 2 not\n");
  ASSERT_EQ(server_.stream_setup.crowds_size(), 2);
  EXPECT_EQ(server_.stream_setup.crowds(1).crowd(), "autumn");
  run = server_.Run({"check", "--stream", path, "spring", "autumn", "--json"});
  EXPECT_EQ(run.out.substr(0, run.out.find('\n')),
            R"({"id":"u1","crowds":{"spring":"member","autumn":"not"}})");
  server_.failure = {grpc::StatusCode::NOT_FOUND, "there is no crowd \"spring\""};
  run = server_.Run({"check", "--stream", path, "spring"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find("there is no crowd"), std::string::npos) << run.err;
}

TEST_F(CheckCommandTest, UsageAndFailures) {
  const std::string path = Write("u1\n");
  const std::vector<std::vector<std::string>> wrong = {
      {"check"},
      {"check", "u1"},
      {"check", "--crowd", "a"},
      {"check", "--crowd", "a", path, "b"},
      {"check", "--crowd", "a", "--stream", path},
      {"check", "--crowd", "a", path, "--skip-missing"},
      {"check", "--crowd", "a", "/nonexistent/file"},
      {"check", "--stream", path},
      {"check", "--stream", path, "a", "--version", "3"},
      {"check", "u1", "a", "b", "--version", "3"},
      {"check", "u1", "a", "--version", "-1"},
  };
  for (const std::vector<std::string>& arguments : wrong) {
    EXPECT_EQ(server_.Run(arguments).exit_code, 2) << fmt::format("{}", arguments.back());
  }
  server_.failure = MakeStatus(grpc::StatusCode::NOT_FOUND, "there is no crowd \"a\"", {});
  EXPECT_EQ(server_.Run({"check", "u1", "a"}).exit_code, 1);
  EXPECT_EQ(server_.Run({"check", "--crowd", "a", path}).exit_code, 1);
}

}  // namespace
}  // namespace throng::cli
