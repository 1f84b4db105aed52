// What the audit log says of calls, and what is refused when it cannot be written.
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/service/guarded_fixture.h"
#include "throng/v1/crowd.pb.h"
#include "throng/v1/insight.pb.h"
#include "throng/v1/membership.pb.h"
#include "throng/v1/selection.pb.h"
#include "throng/v1/tag.pb.h"
#include "throng/v1/upload.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

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

TEST_F(WholeAuditTest, ResourcesAreNamed) {
  Start();
  v1::CreateCrowdRequest create;
  create.set_parent("populations/default");
  create.set_crowd_id("rich");
  create.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
  create.mutable_crowd()->set_expression("income>50");
  ASSERT_TRUE(Call("boss", "CrowdService/CreateCrowd", create).ok());
  EXPECT_EQ(Lines()[0]["resources"], json({"rich"}));
  EXPECT_EQ(Lines()[1]["resources"], json({"populations/default/crowds/rich"}));  // made
  v1::GetTagRequest tag;
  tag.set_name("populations/default/tags/city");
  ASSERT_TRUE(Call("boss", "TagService/GetTag", tag).ok());
  EXPECT_EQ(Last()["resources"], json({"populations/default/tags/city"}));
  v1::CheckRequest check;
  check.mutable_user()->set_id("1");
  for (int i = 0; i < 101; ++i) check.add_crowds()->set_crowd(fmt::format("none{}", i));
  EXPECT_FALSE(Call("boss", "MembershipService/Check", check).ok());
  EXPECT_EQ(Last()["resources"].size(), 100u);
  EXPECT_EQ(Last()["resources"][0], "none0");
  EXPECT_EQ(Last()["resources_more"], 1);
}

TEST_F(WholeAuditTest, IdsOfChecksAndWritesAreHashed) {
  Start();
  v1::BatchCheckRequest check;
  check.mutable_crowd()->set_crowd("none");
  for (const uint64_t number : {7u, 8u}) check.add_numbers(number);
  EXPECT_FALSE(Call("boss", "MembershipService/BatchCheck", check).ok());
  EXPECT_EQ(Last()["ids"], json({audit_->HashId("7"), audit_->HashId("8")}));
  EXPECT_FALSE(Last().contains("ids_more"));
  ASSERT_TRUE(Call("boss", "UserService/WriteUsers", NewUser("new")).ok());
  EXPECT_EQ(Lines()[1]["ids"], json({audit_->HashId("new")}));
  EXPECT_FALSE(Lines()[2].contains("ids"));  // once is enough
  v1::LinkIdsRequest link;
  v1::LinkIdsEntry* entry = link.add_entries();
  entry->set_id("7");
  entry->add_ids()->set_id("phone7");
  Call("boss", "UserService/LinkIds", link);
  EXPECT_EQ(Lines()[3]["ids"], json({audit_->HashId("7"), audit_->HashId("phone7")}));
}

TEST_F(WholeAuditTest, IdsOfAnUploadAreHashedUpToABound) {
  Start();
  constexpr int kIds = 10'003;
  const auto stub = v1::UploadService::NewStub(channel_);
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + TokenOf("boss"));
  v1::Upload upload;
  const auto stream = stub->UploadIds(&context, &upload);
  v1::UploadIdsRequest header;
  header.mutable_header()->set_crowd("populations/default/crowds/vip");
  header.mutable_header()->mutable_create();
  header.mutable_header()->set_mode(v1::UPLOAD_MODE_REPLACE);
  ASSERT_TRUE(stream->Write(header));
  v1::UploadIdsRequest ids;
  for (int i = 0; i < kIds; ++i) {
    ids.mutable_ids()->mutable_numbers()->add_values(static_cast<uint64_t>(i));
  }
  ASSERT_TRUE(stream->Write(ids));
  v1::UploadIdsRequest end;
  end.mutable_end()->set_id_count(kIds);
  ASSERT_TRUE(stream->Write(end));
  ASSERT_TRUE(stream->WritesDone());
  const grpc::Status status = stream->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  const json line = Last();
  EXPECT_EQ(line["event"], "end");
  ASSERT_EQ(line["ids"].size(), 10'000u);
  EXPECT_EQ(line["ids"][77], audit_->HashId("77"));
  EXPECT_EQ(line["ids_more"], 3);
  EXPECT_EQ(Lines()[0]["resources"], json({"populations/default/crowds/vip"}));
}

// A call that nobody had time for is there as well.
TEST_F(WholeAuditTest, CallsThatAFullPoolRefusesAreThere) {
  limits_.load_streams_max = 1;
  Start();
  const auto stub = v1::UserService::NewStub(channel_);
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + TokenOf("boss"));
  const auto stream = stub->Load(&context);
  v1::LoadRequest load;
  load.mutable_header()->set_mode(v1::LOAD_MODE_UPSERT);
  load.mutable_header()->set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  ASSERT_TRUE(stream->Write(load));
  while (Lines().empty()) std::this_thread::yield();  // it has the thread
  EXPECT_EQ(Call("boss", "UserService/Load", load).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  const json line = Last();
  EXPECT_EQ(line["event"], "end");
  EXPECT_EQ(line["principal"], "boss");
  EXPECT_EQ(line["method"], "UserService/Load");
  EXPECT_EQ(line["code"], "RESOURCE_EXHAUSTED");
  EXPECT_EQ(line["reason"], "TOO_MANY_CALLS");
  EXPECT_NE(line["call_id"], "");
  // Who is nobody cannot fill the log so either.
  const size_t lines = Lines().size();
  EXPECT_FALSE(Call("", "UserService/Load", load).ok());
  EXPECT_EQ(Lines().size(), lines);
  stream->WritesDone();
  v1::LoadResponse response;
  while (stream->Read(&response)) {
  }
  stream->Finish();
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
