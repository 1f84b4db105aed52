// What the audit log says of calls, and what is refused when it cannot be written.
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/service/guarded_fixture.h"
#include "throng/v1/crowd.pb.h"
#include "throng/v1/insight.pb.h"
#include "throng/v1/selection.pb.h"
#include "throng/v1/user.pb.h"

namespace throng::service {
namespace {

using grpc::StatusCode;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

v1::CountRequest CountOf(const std::string& expression) {
  v1::CountRequest request;
  request.mutable_selection()->set_expression(expression);
  return request;
}

v1::WriteUsersRequest NewUser(const std::string& id) {
  v1::WriteUsersRequest request;
  request.set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  request.add_users()->set_id(id);
  return request;
}

class WholeAuditTest : public GuardedServerTest {
 protected:
  void SetUp() override { Allow("boss", {{"*", "admin", 9}}); }

  std::vector<json> Lines() const {
    std::ifstream file(audit_path_);
    std::vector<json> lines;
    for (std::string line; std::getline(file, line);) {
      EXPECT_TRUE(json::accept(line)) << line;
      if (json::accept(line)) lines.push_back(json::parse(line));
    }
    return lines;
  }
  json Last() const {
    const std::vector<json> lines = Lines();
    return lines.empty() ? json() : lines.back();
  }
};

TEST_F(WholeAuditTest, SaysWhoAskedWhatAndHowManyThereWere) {
  Start();
  ASSERT_TRUE(Call("boss", "SelectionService/Count", CountOf("city='a' AND income>49")).ok());
  ASSERT_EQ(Lines().size(), 1);
  const json line = Last();
  EXPECT_EQ(line["event"], "end");
  EXPECT_EQ(line["principal"], "boss");
  EXPECT_THAT(line["peer"].get<std::string>(), HasSubstr("127.0.0.1"));
  EXPECT_EQ(line["method"], "SelectionService/Count");
  EXPECT_EQ(line["populations"], json({"default"}));
  EXPECT_EQ(line["expressions"], json({"city = 'a' and income > 49"}));
  EXPECT_EQ(line["tags"], json({"city", "income"}));
  EXPECT_EQ(line["count"], 25);
  EXPECT_GT(line["data_version"], 0);
  EXPECT_EQ(line["code"], "OK");
  EXPECT_TRUE(line["time"].get<std::string>().ends_with("Z"));
}

TEST_F(WholeAuditTest, TagsOfTheRequestAreAmongThem) {
  Start();
  v1::BreakdownRequest request;
  request.mutable_selection()->set_expression("income > 9");
  request.add_tags("city");
  ASSERT_TRUE(Call("boss", "InsightService/Breakdown", request).ok());
  EXPECT_EQ(Last()["tags"], json({"city", "income"}));
  EXPECT_EQ(Last()["count"], 90);
  v1::CreateCrowdRequest create;
  create.set_parent("populations/default");
  create.set_crowd_id("rich");
  create.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
  create.mutable_crowd()->set_expression("income>50");
  create.set_request_id("r1");
  ASSERT_TRUE(Call("boss", "CrowdService/CreateCrowd", create).ok());
  const std::vector<json> lines = Lines();
  ASSERT_EQ(lines.size(), 3);
  EXPECT_EQ(lines[1]["event"], "begin");
  EXPECT_EQ(lines[1]["request_id"], "r1");
  EXPECT_EQ(lines[2]["event"], "end");
  EXPECT_EQ(lines[2]["call"], lines[1]["call"]);
  EXPECT_EQ(lines[2]["expressions"], json({"income > 50"}));
}

// Whoever may nothing does not fill the log with long names.
TEST_F(WholeAuditTest, WhatARefusedRequestNamesIsBounded) {
  Allow("view", {{"default", "viewer", 0}});
  Start();
  for (const size_t more : {0u, 1u}) {
    v1::BatchRefreshCrowdsRequest request;
    request.set_parent("populations/default");
    for (size_t i = 0; i < 15 + more; ++i) {
      request.add_names(fmt::format("populations/p{}/crowds/x", i));
    }
    request.set_request_id(std::string(128 + more, 'r'));
    EXPECT_FALSE(Call("view", "CrowdService/BatchRefreshCrowds", request).ok());
    EXPECT_EQ(Last()["reason"], "NO_RIGHT");
    EXPECT_EQ(Last()["populations"].size(), 16u);
    EXPECT_EQ(Last()["request_id"], std::string(128, 'r'));
  }
}

TEST_F(WholeAuditTest, RefusalsAreThere) {
  Allow("view", {{"default", "viewer", 0}});
  Start();
  EXPECT_FALSE(Call("view", "SelectionService/ExportMembers", CountOf("all()")).ok());
  EXPECT_EQ(Last()["principal"], "view");
  EXPECT_EQ(Last()["code"], "PERMISSION_DENIED");
  EXPECT_EQ(Last()["reason"], "NO_RIGHT");
  EXPECT_EQ(Last()["populations"], json({"default"}));
  EXPECT_FALSE(Call("view", "SelectionService/Count", CountOf("income > 3")).ok());
  EXPECT_EQ(Last()["code"], "INVALID_ARGUMENT");
  EXPECT_EQ(Last()["reason"], "UNKNOWN_TAG");
  // Who is nobody cannot fill the log.
  const size_t lines = Lines().size();
  EXPECT_FALSE(Call("", "SelectionService/Count", CountOf("all()")).ok());
  EXPECT_EQ(Lines().size(), lines);
}

TEST_F(WholeAuditTest, IdsAreHashed) {
  Start();
  v1::GetPortraitRequest request;
  request.set_id("77");
  ASSERT_TRUE(Call("boss", "UserService/GetPortrait", request).ok());
  v1::EraseUsersRequest erase;
  erase.add_users()->set_id("78");
  erase.add_users()->set_id("nobody");
  ASSERT_TRUE(Call("boss", "UserService/EraseUsers", erase).ok());
  const std::vector<json> lines = Lines();
  ASSERT_EQ(lines.size(), 4);
  EXPECT_EQ(lines[0]["ids"], json({audit_->HashId("77")}));
  EXPECT_EQ(lines[2]["ids"], json({audit_->HashId("78"), audit_->HashId("nobody")}));
  EXPECT_EQ(lines[3]["count"], 1);
  std::ifstream file(audit_path_);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(text, Not(HasSubstr("\"77\"")));
  EXPECT_THAT(text, Not(HasSubstr("nobody")));
}

TEST_F(WholeAuditTest, ExportsSayHowManyWentOut) {
  Start();
  v1::ExportMembersRequest request;
  request.mutable_selection()->set_expression("city = 'b'");
  request.add_tags("income");
  ASSERT_TRUE(Call("boss", "SelectionService/ExportMembers", request).ok());
  const std::vector<json> lines = Lines();
  ASSERT_EQ(lines.size(), 2);
  EXPECT_EQ(lines[0]["event"], "begin");
  EXPECT_EQ(lines[0]["tags"], json({"income"}));
  EXPECT_EQ(lines[1]["count"], 50);
  EXPECT_EQ(lines[1]["expressions"], json({"city = 'b'"}));
  EXPECT_EQ(lines[1]["tags"], json({"city", "income"}));
}

// What must be in the log is not done without; counts go on.
TEST_F(WholeAuditTest, AFullDiskRefusesWritesExportsAndPortraits) {
  ASSERT_EQ(symlink("/dev/full", audit_path_.c_str()), 0);
  Start();
  const auto refused = [&](const std::string& method, const google::protobuf::Message& request) {
    const grpc::Status status = Call("boss", method, request);
    EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE) << method;
    EXPECT_EQ(ReasonOf(status), "AUDIT_FAILED") << method;
    EXPECT_THAT(status.error_message(), HasSubstr("No space left")) << method;
  };
  v1::CountResponse before;
  ASSERT_TRUE(Call("boss", "SelectionService/Count", CountOf("all()"), &before).ok());
  refused("UserService/WriteUsers", NewUser("new"));
  v1::ExportMembersRequest exported;
  exported.mutable_selection()->set_expression("all()");
  refused("SelectionService/ExportMembers", exported);
  v1::GetPortraitRequest portrait;
  portrait.set_id("7");
  refused("UserService/GetPortrait", portrait);
  v1::LoadRequest load;
  load.mutable_header()->set_mode(v1::LOAD_MODE_UPSERT);
  load.mutable_header()->set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  refused("UserService/Load", load);
  v1::CountResponse after;
  ASSERT_TRUE(Call("boss", "SelectionService/Count", CountOf("all()"), &after).ok());
  EXPECT_EQ(after.count(), before.count());
  EXPECT_EQ(after.info().data_version(), before.info().data_version());
  EXPECT_GT(audit_->lines_refused(), 0);
}

}  // namespace
}  // namespace throng::service
