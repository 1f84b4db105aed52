// Who may do what, asked of a server over gRPC: every call by every role, and what each sees.
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "google/protobuf/empty.pb.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "server/access/rights.h"
#include "server/service/access_rules.h"
#include "tests/service/guarded_fixture.h"
#include "throng/v1/crowd.pb.h"
#include "throng/v1/insight.pb.h"
#include "throng/v1/membership.pb.h"
#include "throng/v1/population.pb.h"
#include "throng/v1/selection.pb.h"
#include "throng/v1/tag.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::service {
namespace {

using access::Right;
using grpc::StatusCode;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Of an empty message, which every request may be.
using Nothing = google::protobuf::Empty;

v1::CountRequest CountOf(const std::string& expression, const std::string& population = "") {
  v1::CountRequest request;
  request.mutable_selection()->set_expression(expression);
  request.mutable_selection()->set_population(population);
  return request;
}

class WholeAccessTest : public GuardedServerTest {
 protected:
  StatusCode CountAs(const std::string& name, const v1::CountRequest& request) const {
    return Call(name, "SelectionService/Count", request).error_code();
  }
};

TEST(AccessRulesTest, EveryCallHasARule) { EXPECT_THAT(CheckAccessRows(AccessRows()), IsEmpty()); }

TEST(AccessRulesTest, WhatIsWrongWithRowsIsSaid) {
  const std::vector<AccessRow> all(AccessRows().begin(), AccessRows().end());
  const auto findings = [](const std::vector<AccessRow>& rows) {
    std::string text;
    for (const std::string& finding : CheckAccessRows(rows)) text += finding + "\n";
    return text;
  };
  EXPECT_THAT(findings({all.begin() + 1, all.end()}),
              HasSubstr("AdminService/GetStats: a call without a rule"));
  std::vector<AccessRow> rows = all;
  rows.push_back(all.front());
  EXPECT_THAT(findings(rows), HasSubstr("AdminService/GetStats: there is no such call, or it has"));
  const auto with = [&](const auto& change) {
    rows = all;
    for (AccessRow& row : rows) {
      if (row.method == "InsightService/Breakdown") change(row);
    }
    return findings(rows);
  };
  EXPECT_THAT(with([](AccessRow& row) { row.right = Right::kNobody; }), HasSubstr("no right"));
  EXPECT_THAT(with([](AccessRow& row) { row.method = "InsightService/Nope"; }),
              HasSubstr("InsightService/Nope: there is no such call"));
  EXPECT_THAT(with([](AccessRow& row) { row.populations = {"selection.population"}; }),
              HasSubstr("\"baseline.population\" of BreakdownRequest names a population"));
  EXPECT_THAT(with([](AccessRow& row) { row.populations = {}; }), HasSubstr("no population"));
  EXPECT_THAT(with([](AccessRow& row) { row.tags = {"tagz"}; }), HasSubstr("no text \"tagz\""));
  EXPECT_THAT(with([](AccessRow& row) { row.ids = {"top_k"}; }), HasSubstr("no text \"top_k\""));
  EXPECT_THAT(with([](AccessRow& row) { row.counted = "x.y"; }), HasSubstr("no field \"x.y\""));
}

TEST(AccessRulesTest, ARequestWithoutARuleIsNobodys) {
  EXPECT_EQ(RuleOf(*Nothing::descriptor()).right, Right::kNobody);
  EXPECT_EQ(RuleOf(*v1::CountRequest::descriptor()).right, Right::kCount);
}

std::string DocumentRow(const AccessRow& row) {
  static const std::map<Scope, std::string> kScopes = {{Scope::kPopulations, "its own"},
                                                       {Scope::kPopulationsOrAll, "its own or all"},
                                                       {Scope::kAnyPopulation, "any"},
                                                       {Scope::kServer, "the server"}};
  static const std::map<Noted, std::string> kNoted = {{Noted::kAfter, "after"},
                                                      {Noted::kBefore, "before and after"},
                                                      {Noted::kRefused, "when refused"}};
  return fmt::format("| `{}` | {} | {} | {} |\n", row.method, access::RightName(row.right),
                     kScopes.at(row.scope), kNoted.at(row.noted));
}

TEST(AccessRulesTest, TheDocumentHasTheTable) {
  std::ifstream file(THRONG_SOURCE_DIR "/docs/security.md");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  for (const AccessRow& row : AccessRows()) EXPECT_THAT(text, HasSubstr(DocumentRow(row)));
}

// Each role in three places: where the call is, everywhere, and elsewhere.
TEST_F(WholeAccessTest, EveryCallByEveryRole) {
  for (const access::Role& role : access::Roles()) {
    const std::string name(role.name);
    Allow(name + "-here", {{"default", name}});
    Allow(name + "-everywhere", {{"*", name}});
    Allow(name + "-elsewhere", {{"other", name}});
  }
  Allow("nothing", {});
  Start();
  for (const AccessRow& row : AccessRows()) {
    const std::string method(row.method);
    EXPECT_EQ(Call("", method, Nothing()).error_code(), StatusCode::UNAUTHENTICATED) << method;
    EXPECT_EQ(Call("nothing", method, Nothing()).error_code(), StatusCode::PERMISSION_DENIED)
        << method;
    const bool is_servers = row.scope == Scope::kServer || row.scope == Scope::kPopulationsOrAll;
    for (const access::Role& role : access::Roles()) {
      const bool has_right = role.rights.Has(row.right);
      const auto expect = [&](const std::string& place, bool allowed) {
        const std::string name = std::string(role.name) + place;
        const grpc::Status status = Call(name, method, Nothing());
        const std::string cell = fmt::format("{} by {}: {}", method, name, status.error_message());
        EXPECT_NE(status.error_code(), StatusCode::UNAUTHENTICATED) << cell;
        EXPECT_EQ(status.error_code() != StatusCode::PERMISSION_DENIED, allowed) << cell;
      };
      expect("-here", has_right && !is_servers);
      expect("-everywhere", has_right);
      expect("-elsewhere", has_right && row.scope == Scope::kAnyPopulation);
    }
  }
}

TEST_F(WholeAccessTest, TokensThatAreNotGood) {
  Allow("cms", {{"default", "viewer"}});
  Allow("late", {{"default", "viewer"}}, "expires = 2020-01-01");
  Allow("gone", {{"default", "viewer"}}, "revoked = true");
  Start();
  const v1::CountRequest request = CountOf("city = 'a'");
  const auto reason = [&](const std::string& authorization) {
    const grpc::Status status = CallWith(authorization, "SelectionService/Count", request);
    EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED) << authorization;
    EXPECT_THAT(status.error_message(), Not(HasSubstr("throng_of"))) << authorization;
    return ReasonOf(status);
  };
  EXPECT_EQ(reason(""), "NO_CREDENTIALS");
  EXPECT_EQ(reason("Bearer throng_of_nobody"), "BAD_TOKEN");
  EXPECT_EQ(reason("Bearer " + TokenOf("cms") + "x"), "BAD_TOKEN");
  EXPECT_EQ(reason("Bearer"), "BAD_TOKEN");
  EXPECT_EQ(reason("Bearer "), "BAD_TOKEN");
  EXPECT_EQ(reason("Basic " + TokenOf("cms")), "BAD_TOKEN");
  EXPECT_EQ(reason(TokenOf("cms")), "BAD_TOKEN");
  EXPECT_EQ(reason("Bearer " + std::string(1'000, 'a')), "BAD_TOKEN");
  EXPECT_EQ(reason("Bearer " + TokenOf("late")), "TOKEN_EXPIRED");
  EXPECT_EQ(reason("Bearer " + TokenOf("gone")), "TOKEN_REVOKED");
  EXPECT_TRUE(CallWith("Bearer " + TokenOf("cms"), "SelectionService/Count", request).ok());
  EXPECT_TRUE(CallWith("bearer " + TokenOf("cms"), "SelectionService/Count", request).ok());
}

TEST_F(WholeAccessTest, ARevokedTokenIsRefusedAtOnceAndAStreamWithItEnds) {
  Allow("load", {{"default", "loader"}});
  Start();
  const auto users = v1::UserService::NewStub(channel_);
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + TokenOf("load"));
  const auto stream = users->Load(&context);
  v1::LoadRequest header;
  header.mutable_header()->set_mode(v1::LOAD_MODE_UPSERT);
  header.mutable_header()->set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  ASSERT_TRUE(stream->Write(header));
  v1::LoadRequest batch;
  batch.mutable_batch()->set_batch_number(1);
  batch.mutable_batch()->mutable_ids()->mutable_numbers()->add_values(1'000);
  ASSERT_TRUE(stream->Write(batch));
  v1::LoadResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.progress().rows(), 1);
  access_text_.clear();
  WriteAccess();
  ASSERT_TRUE(access_->Reload().ok());
  batch.mutable_batch()->set_batch_number(2);
  stream->Write(batch);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(CountAs("load", CountOf("all()")), StatusCode::UNAUTHENTICATED);
}

// A population that the caller has no right in looks like one that is not there.
TEST_F(WholeAccessTest, OtherPopulationsDoNotShow) {
  Allow("here", {{"default", "viewer"}});
  Allow("there", {{"other", "viewer"}});
  Start();
  const auto failure = [&](const std::string& population) {
    const grpc::Status status =
        Call("here", "SelectionService/Count", CountOf("all()", "populations/" + population));
    EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED) << population;
    std::string message = status.error_message();
    const size_t place = message.find(population);
    return place == std::string::npos ? message : message.replace(place, population.size(), "X");
  };
  EXPECT_EQ(failure("other"), failure("unknown"));
  v1::ListPopulationsResponse list;
  ASSERT_TRUE(Call("there", "PopulationService/ListPopulations", Nothing(), &list).ok());
  ASSERT_EQ(list.populations_size(), 1);
  EXPECT_EQ(list.populations(0).name(), "populations/other");
  // Both selections of a call are looked at.
  v1::BreakdownRequest breakdown;
  breakdown.mutable_selection()->set_expression("all()");
  breakdown.add_tags("city");
  breakdown.mutable_baseline()->set_population("populations/other");
  EXPECT_EQ(Call("here", "InsightService/Breakdown", breakdown).error_code(),
            StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(CountAs("here", CountOf("all()", "other")), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CountAs("here", CountOf("all()", "populations//tags/x")), StatusCode::INVALID_ARGUMENT);
}

// What a tag above the caller's level and a tag that is not there have in common: everything.
TEST_F(WholeAccessTest, TagsAboveTheLevelDoNotExist) {
  Allow("low", {{"default", "viewer", 4}, {"default", "export", 4}, {"default", "portrait", 4}});
  Allow("high", {{"default", "viewer", 5}, {"default", "portrait", 5}});
  Start();
  EXPECT_EQ(CountAs("high", CountOf("income > 3")), StatusCode::OK);
  const auto same_failure = [&](const auto& make, const std::string& method) {
    const auto failure = [&](const std::string& tag) {
      const grpc::Status status = Call("low", method, make(tag));
      EXPECT_FALSE(status.ok()) << method << " of " << tag;
      std::string text = status.error_message() + ReasonOf(status);
      for (size_t at = text.find(tag); at != std::string::npos; at = text.find(tag)) {
        text.replace(at, tag.size(), "*");
      }
      return text;
    };
    EXPECT_EQ(failure("income"), failure("zzqwkx")) << method;
  };
  same_failure([](const std::string& tag) { return CountOf(tag + " > 3"); },
               "SelectionService/Count");
  same_failure([](const std::string& tag) { return CountOf("exists(" + tag + ")"); },
               "SelectionService/Explain");
  same_failure(
      [](const std::string& tag) {
        v1::BreakdownRequest request;
        request.mutable_selection()->set_expression("all()");
        request.add_tags(tag);
        return request;
      },
      "InsightService/Breakdown");
  same_failure(
      [](const std::string& tag) {
        v1::StatisticsRequest request;
        request.mutable_selection()->set_expression("all()");
        request.add_tags(tag);
        return request;
      },
      "InsightService/Statistics");
  same_failure(
      [](const std::string& tag) {
        v1::CurveRequest request;
        request.mutable_selection()->set_expression(tag + " > 3");
        request.set_tag(tag);
        return request;
      },
      "InsightService/Curve");
  same_failure(
      [](const std::string& tag) {
        v1::ExportMembersRequest request;
        request.mutable_selection()->set_expression("all()");
        request.add_tags(tag);
        return request;
      },
      "SelectionService/ExportMembers");
  same_failure(
      [](const std::string& tag) {
        v1::GetTagRequest request;
        request.set_name("populations/default/tags/" + tag);
        return request;
      },
      "TagService/GetTag");
  same_failure(
      [](const std::string& tag) {
        v1::ListTagValuesRequest request;
        request.set_name("populations/default/tags/" + tag);
        return request;
      },
      "TagService/ListTagValues");
}

TEST_F(WholeAccessTest, TagsAboveTheLevelAreNeitherOfferedNorListed) {
  Allow("low", {{"default", "viewer", 4}});
  Allow("high", {{"default", "viewer", 5}});
  Start();
  EXPECT_THAT(Call("low", "SelectionService/Count", CountOf("incom > 3")).error_message(),
              Not(HasSubstr("income")));
  EXPECT_THAT(Call("high", "SelectionService/Count", CountOf("incom > 3")).error_message(),
              HasSubstr("income"));
  v1::ListTagsRequest list;
  list.set_parent("populations/default");
  v1::ListTagsResponse tags;
  ASSERT_TRUE(Call("low", "TagService/ListTags", list, &tags).ok());
  ASSERT_EQ(tags.tags_size(), 1);
  EXPECT_EQ(tags.tags(0).name(), "populations/default/tags/city");
}

TEST_F(WholeAccessTest, PortraitsAndComparisonsShowWhatIsVisible) {
  Allow("low", {{"default", "viewer", 4}, {"default", "portrait", 4}});
  Allow("high", {{"default", "viewer", 9}, {"default", "portrait", 9}});
  Start();
  v1::GetPortraitRequest request;
  request.set_id("7");
  const auto tags_of = [&](const std::string& name) {
    v1::Portrait portrait;
    EXPECT_TRUE(Call(name, "UserService/GetPortrait", request, &portrait).ok());
    std::vector<std::string> tags;
    for (const auto& entry : portrait.entries()) tags.push_back(entry.tag());
    return tags;
  };
  EXPECT_THAT(tags_of("low"), ElementsAre("city"));
  EXPECT_THAT(tags_of("high"), ElementsAre("city", "income"));
  v1::CompareRequest compare;
  compare.mutable_selection()->set_expression("city = 'a'");
  v1::CompareResponse compared;
  ASSERT_TRUE(Call("low", "InsightService/Compare", compare, &compared).ok());
  EXPECT_THAT(compared.DebugString(), Not(HasSubstr("income")));
  ASSERT_TRUE(Call("high", "InsightService/Compare", compare, &compared).ok());
  EXPECT_THAT(compared.DebugString(), HasSubstr("income"));
}

TEST_F(WholeAccessTest, ACrowdIsAsSensitiveAsItsTags) {
  Allow("low", {{"default", "operator", 4}});
  Allow("high", {{"default", "operator", 5}});
  Start();
  v1::CreateCrowdRequest create;
  create.set_parent("populations/default");
  create.set_crowd_id("rich");
  create.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
  create.mutable_crowd()->set_expression("income > 50");
  ASSERT_TRUE(Call("high", "CrowdService/CreateCrowd", create).ok());
  create.set_crowd_id("upper");
  create.mutable_crowd()->set_expression("crowd('rich', live) and city = 'a'");
  ASSERT_TRUE(Call("high", "CrowdService/CreateCrowd", create).ok());
  for (const std::string crowd : {"rich", "upper"}) {
    v1::GetCrowdRequest get;
    get.set_name("populations/default/crowds/" + crowd);
    EXPECT_EQ(Call("high", "CrowdService/GetCrowd", get).error_code(), StatusCode::OK);
    EXPECT_EQ(Call("low", "CrowdService/GetCrowd", get).error_code(), StatusCode::NOT_FOUND);
    EXPECT_NE(CountAs("low", CountOf(fmt::format("crowd('{}', live)", crowd))), StatusCode::OK);
    EXPECT_EQ(CountAs("high", CountOf(fmt::format("crowd('{}', live)", crowd))), StatusCode::OK);
  }
  v1::ListCrowdsRequest list;
  list.set_parent("populations/default");
  v1::ListCrowdsResponse crowds;
  ASSERT_TRUE(Call("low", "CrowdService/ListCrowds", list, &crowds).ok());
  EXPECT_EQ(crowds.crowds_size(), 0);
}

TEST_F(WholeAccessTest, ALoaderDoesNotLowerTheSensitivityOfATag) {
  Allow("load", {{"default", "loader", 9}});
  Allow("boss", {{"default", "admin", 9}});
  Start();
  v1::UpdateTagRequest request;
  request.mutable_tag()->set_name("populations/default/tags/income");
  request.mutable_update_mask()->add_paths("sensitivity");
  EXPECT_EQ(Call("load", "TagService/UpdateTag", request).error_code(),
            StatusCode::PERMISSION_DENIED);
  request.mutable_update_mask()->set_paths(0, "owner");
  EXPECT_EQ(Call("load", "TagService/UpdateTag", request).error_code(), StatusCode::OK);
  request.mutable_update_mask()->set_paths(0, "sensitivity");
  EXPECT_EQ(Call("boss", "TagService/UpdateTag", request).error_code(), StatusCode::OK);
}

// The ids of a difference are an export, its numbers are not.
TEST_F(WholeAccessTest, IdsOfADifferenceTakeTheRightToExport) {
  Allow("view", {{"default", "viewer"}});
  Allow("export", {{"default", "exporter"}});
  Start();
  v1::DiffCrowdVersionsRequest request;
  request.set_name("populations/default/crowds/none");
  EXPECT_EQ(Call("view", "CrowdService/DiffCrowdVersions", request).error_code(),
            StatusCode::NOT_FOUND);
  request.set_side(v1::DiffCrowdVersionsRequest::SIDE_ADDED);
  EXPECT_EQ(Call("view", "CrowdService/DiffCrowdVersions", request).error_code(),
            StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Call("export", "CrowdService/DiffCrowdVersions", request).error_code(),
            StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace throng::service
