// Checks of users in crowds: known answers, errors and limits.
#include "server/engine/crowd_membership.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "server/engine/memberships.h"
#include "tests/server/crowd_world.h"

namespace throng::engine {
namespace {

using enum MemberState;
using States = std::vector<MemberState>;

class CrowdMembershipTest : public CrowdTest {
 protected:
  CrowdMembershipTest() {
    world_.Create("graduates", "is_graduate");
    world_.Create("beijing", "city = 'Beijing'");
    world_.Create("rich", "income = 'high'");
    world_.Refresh({"graduates", "beijing", "rich"});
    world_.Create("empty", "all()");
  }

  Memberships& memberships() { return world_.engine().memberships(); }

  absl::StatusOr<CheckResult> TryCheck(std::string_view id,
                                       const std::vector<CrowdVersionRef>& crowds,
                                       bool skip_missing = false) {
    return memberships().Check(context(),
                               {.id = id, .crowds = crowds, .skip_missing = skip_missing});
  }
  States Check(std::string_view id, const std::vector<CrowdVersionRef>& crowds,
               bool skip_missing = false) {
    const CheckResult result = Must(TryCheck(id, crowds, skip_missing));
    return result.states;
  }
  States CheckBatch(const BatchCheckRequest& request) {
    return Must(memberships().BatchCheck(context(), request)).states;
  }
};

TEST_F(CrowdMembershipTest, OneUserInManyCrowds) {
  EXPECT_EQ(Check("u1", {{"graduates"}, {"beijing"}, {"rich"}}),
            (States{kMember, kMember, kMember}));
  EXPECT_EQ(Check("u2", {{"graduates"}, {"beijing"}, {"graduates"}}),
            (States{kMember, kNotMember, kMember}));
  EXPECT_EQ(Check("6", {{"beijing"}}), States{kNotMember});
  EXPECT_EQ(Check("nobody", {{"graduates"}, {"beijing"}}), (States{kUnknownUser, kUnknownUser}));
  const CheckResult result = Must(TryCheck("u1", {{"beijing"}}));
  const index::CrowdVersion newest = world_.Get("beijing").newest->version;
  EXPECT_EQ(result.versions[0],
            (CheckedVersion{newest.number, newest.data_version, newest.create_us}));
  EXPECT_EQ(result.data_version, world_.Get("beijing").data_version);
}

TEST_F(CrowdMembershipTest, VersionsAndLeasedDataVersions) {
  const uint64_t before =
      Must(world_.selections().Count(context(), {.what = "all()"})).info.data_version;
  world_.Write("u2", {{"city", Text("Beijing")}});
  world_.Refresh({"beijing"});
  EXPECT_EQ(Check("u2", {{"beijing"}, {"beijing", 1}, {"beijing", 2}}),
            (States{kMember, kNotMember, kMember}));
  const CrowdVersionRef beijing[] = {{"beijing"}};
  EXPECT_EQ(
      Must(memberships().Check(context(), {.id = "u2", .crowds = beijing, .read_version = before}))
          .states,
      States{kNotMember});
  EXPECT_EQ(CheckBatch({.crowd = {"beijing", 1}, .ids = std::vector<std::string_view>{"u2", "u1"}}),
            (States{kNotMember, kMember}));
  world_.Reopen();
  EXPECT_EQ(Check("u2", {{"beijing"}, {"beijing", 1}}), (States{kMember, kNotMember}));
}

TEST_F(CrowdMembershipTest, WhatIsMissingIsRefusedOrSkipped) {
  Must(world_.TryDelete("rich"));
  const std::vector<CrowdVersionRef> crowds = {
      {"beijing"}, {"beijin"}, {"empty"}, {"rich"}, {"graduates", 9}};
  struct Case {
    size_t crowd;
    absl::StatusCode code;
    std::string_view reason;
    std::string_view field;
  };
  const Case cases[] = {
      {1, absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "crowds[1].crowd"},
      {2, absl::StatusCode::kFailedPrecondition, "CROWD_NOT_REFRESHED", "crowds[1].crowd"},
      {3, absl::StatusCode::kFailedPrecondition, "CROWD_DELETED", "crowds[1].crowd"},
      {4, absl::StatusCode::kFailedPrecondition, "CROWD_VERSION_GONE", "crowds[1].version"},
  };
  for (const Case& one : cases) {
    const std::vector<CrowdVersionRef> asked = {crowds[0], crowds[one.crowd]};
    ExpectError(TryCheck("u1", asked).status(), one.code, one.reason, one.field);
    EXPECT_EQ(memberships().CheckNow(context(), {.id = "u1", .crowds = asked}), std::nullopt);
  }
  EXPECT_EQ(index::GetErrorDetail(TryCheck("u1", {{"beijin"}}).status())->suggestion, "beijing");
  EXPECT_EQ(Check("u1", crowds, true),
            (States{kMember, kNoVersion, kNoVersion, kNoVersion, kNoVersion}));
  EXPECT_EQ(Check("nobody", {{"beijing"}, {"x"}}, true), (States{kUnknownUser, kNoVersion}));
  const std::vector<std::string_view> ids = {"u1"};
  ExpectError(memberships().BatchCheck(context(), {.crowd = {"x"}, .ids = ids}).status(),
              absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "crowd.crowd");
}

TEST_F(CrowdMembershipTest, ACrowdOverAnInvisibleTagIsNotThere) {
  const CallContext restricted = EngineWorld::Seeing(3);
  const CrowdVersionRef crowds[] = {{"beijing"}, {"rich"}};
  const absl::Status unseen =
      memberships().Check(restricted, {.id = "u1", .crowds = crowds}).status();
  ExpectError(unseen, absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "crowds[1].crowd");
  const CrowdVersionRef unknown[] = {{"beijing"}, {"rich"}};
  Must(world_.TryDelete("rich"));
  EXPECT_EQ(memberships().Check(restricted, {.id = "u1", .crowds = unknown}).status(), unseen)
      << "a deleted one is no more visible";
  EXPECT_EQ(
      Must(memberships().Check(restricted, {.id = "u1", .crowds = crowds, .skip_missing = true}))
          .states,
      (States{kMember, kNoVersion}));
  const CrowdVersionRef near[] = {{"ric"}};
  EXPECT_EQ(
      index::GetErrorDetail(memberships().Check(restricted, {.id = "u1", .crowds = near}).status())
          ->suggestion,
      "");
}

TEST_F(CrowdMembershipTest, BadUsers) {
  ExpectError(TryCheck("", {{"beijing"}}).status(), absl::StatusCode::kInvalidArgument, "EMPTY_ID",
              "user.id");
  ExpectError(
      memberships()
          .Check(context(),
                 {.id_type = "fax", .id = "1", .crowds = std::vector<CrowdVersionRef>{{"beijing"}}})
          .status(),
      absl::StatusCode::kNotFound, "UNKNOWN_ID_TYPE", "user.id_type");
  const std::string too_long(2'000, 'x');
  const std::vector<std::string_view> ids = {"u1", "", "nobody", too_long, "\xff", "u2", "u1"};
  const BatchCheckResult batch =
      Must(memberships().BatchCheck(context(), {.crowd = {"beijing"}, .ids = ids}));
  EXPECT_EQ(batch.states, (States{kMember, kInvalidId, kUnknownUser, kInvalidId, kInvalidId,
                                  kNotMember, kMember}));
  EXPECT_EQ(batch.members, 2u);
  EXPECT_EQ(batch.unknown_users, 1u);
  EXPECT_EQ(batch.invalid_ids, 3u);
  const std::vector<uint64_t> numbers = {6, 7};
  EXPECT_EQ(CheckBatch({.crowd = {"beijing"}, .numbers = numbers}),
            (States{kNotMember, kUnknownUser}));
  ExpectError(memberships()
                  .BatchCheck(context(), {.crowd = {"beijing"}, .ids = ids, .numbers = numbers})
                  .status(),
              absl::StatusCode::kInvalidArgument, "IDS_AND_NUMBERS", "numbers");
}

TEST_F(CrowdMembershipTest, LimitsAtThemAndOnePast) {
  const std::vector<CrowdVersionRef> crowds(kCheckCrowdsMax + 1, CrowdVersionRef{"beijing"});
  const std::span<const CrowdVersionRef> all(crowds);
  const CheckResult most =
      Must(memberships().Check(context(), {.id = "u1", .crowds = all.first(kCheckCrowdsMax)}));
  EXPECT_EQ(std::count(most.states.begin(), most.states.end(), kMember), kCheckCrowdsMax);
  ExpectError(memberships().Check(context(), {.id = "u1", .crowds = all}).status(),
              absl::StatusCode::kResourceExhausted, "TOO_MANY_CROWDS", "crowds");
  ExpectError(TryCheck("u1", {}).status(), absl::StatusCode::kInvalidArgument, "REQUIRED",
              "crowds");
  const std::vector<std::string_view> many(kCheckUsersMax + 1, "u1");
  const std::span<const std::string_view> ids(many);
  EXPECT_EQ(Must(memberships().BatchCheck(context(),
                                          {.crowd = {"beijing"}, .ids = ids.first(kCheckUsersMax)}))
                .members,
            kCheckUsersMax);
  ExpectError(memberships().BatchCheck(context(), {.crowd = {"beijing"}, .ids = ids}).status(),
              absl::StatusCode::kResourceExhausted, "TOO_MANY_IDS", "ids");
  ExpectError(memberships().BatchCheck(context(), {.crowd = {"beijing"}}).status(),
              absl::StatusCode::kInvalidArgument, "REQUIRED", "ids");
  EXPECT_TRUE(memberships()
                  .CheckNow(context(), {.id = "u1", .crowds = all.first(kCheckNowCrowdsMax)})
                  .has_value());
  EXPECT_EQ(
      memberships().CheckNow(context(), {.id = "u1", .crowds = all.first(kCheckNowCrowdsMax + 1)}),
      std::nullopt);
}

TEST_F(CrowdMembershipTest, ACallThatIsGivenUpEnds) {
  CallContext context = this->context();
  context.cancelled = [] { return true; };
  const CrowdVersionRef crowds[] = {{"beijing"}};
  EXPECT_TRUE(
      absl::IsCancelled(memberships().Check(context, {.id = "u1", .crowds = crowds}).status()));
  const std::vector<std::string_view> ids = {"u1"};
  EXPECT_TRUE(absl::IsCancelled(
      memberships().BatchCheck(context, {.crowd = {"beijing"}, .ids = ids}).status()));
}

class CheckSessionTest : public CrowdMembershipTest {
 protected:
  States Ask(CheckSession& session, const std::vector<std::string_view>& ids) {
    MustBeOk(session.Check(ids, &answers_));
    return answers_.states;
  }

  CheckSession::Answers answers_;
};

TEST_F(CheckSessionTest, FollowsTheNewestVersions) {
  const std::unique_ptr<CheckSession> session =
      Must(memberships().OpenSession(context(), {.crowds = {"graduates", "beijing"}}));
  EXPECT_EQ(Ask(*session, {"u1", "u2", "", "nobody"}),
            (States{kMember, kMember, kMember, kNotMember, kInvalidId, kInvalidId, kUnknownUser,
                    kUnknownUser}));
  EXPECT_TRUE(answers_.versions_changed);
  EXPECT_EQ(session->versions()[1].number, 1u);
  EXPECT_EQ(Ask(*session, {}), States{});
  EXPECT_FALSE(answers_.versions_changed);
  const uint64_t before = answers_.data_version;
  world_.Write("u2", {{"city", Text("Beijing")}});
  EXPECT_EQ(Ask(*session, {"u2"}), (States{kMember, kNotMember})) << "until it is refreshed";
  EXPECT_FALSE(answers_.versions_changed);
  EXPECT_GT(answers_.data_version, before);
  world_.Refresh({"beijing"});
  EXPECT_EQ(Ask(*session, {"u2"}), (States{kMember, kMember}));
  EXPECT_TRUE(answers_.versions_changed);
  EXPECT_EQ(session->versions()[1].number, 2u);
  world_.Erase("u2");
  EXPECT_EQ(Ask(*session, {"u2"}), (States{kUnknownUser, kUnknownUser}));
  EXPECT_FALSE(answers_.versions_changed);
}

TEST_F(CheckSessionTest, EndsWithItsCrowdsUnlessMissingOnesAreSkipped) {
  const auto strict = Must(memberships().OpenSession(context(), {.crowds = {"beijing", "rich"}}));
  const auto skipping = Must(
      memberships().OpenSession(context(), {.crowds = {"rich", "later"}, .skip_missing = true}));
  EXPECT_EQ(Ask(*strict, {"u1"}), (States{kMember, kMember}));
  EXPECT_EQ(Ask(*skipping, {"u1"}), (States{kMember, kNoVersion}));
  Must(world_.TryDelete("rich"));
  const std::vector<std::string_view> ids = {"u1"};
  ExpectError(strict->Check(ids, &answers_), absl::StatusCode::kFailedPrecondition, "CROWD_DELETED",
              "crowds[1].crowd");
  world_.Create("later", "all()");
  world_.Refresh({"later"});
  EXPECT_EQ(Ask(*skipping, {"u1", ""}), (States{kNoVersion, kMember, kNoVersion, kInvalidId}));
  EXPECT_TRUE(answers_.versions_changed);
}

TEST_F(CheckSessionTest, LimitsOfAStep) {
  ExpectError(memberships().OpenSession(context(), {}).status(), absl::StatusCode::kInvalidArgument,
              "REQUIRED", "crowds");
  const auto session = Must(memberships().OpenSession(
      context(), {.crowds = std::vector<std::string>(kCheckStatesMax / 2'000, "beijing")}));
  std::vector<std::string_view> ids(2'000, "u1");
  EXPECT_EQ(Ask(*session, ids).size(), kCheckStatesMax);
  ids.push_back("u1");
  ExpectError(session->Check(ids, &answers_), absl::StatusCode::kResourceExhausted,
              "TOO_MANY_CHECKS", "checks");
  ids.resize(kCheckUsersMax + 1, "u1");
  ExpectError(session->Check(ids, &answers_), absl::StatusCode::kResourceExhausted, "TOO_MANY_IDS",
              "checks");
  std::vector<std::string> crowds(kCheckCrowdsMax, "beijing");
  EXPECT_TRUE(memberships().OpenSession(context(), {.crowds = crowds}).ok());
  crowds.emplace_back("beijing");
  ExpectError(memberships().OpenSession(context(), {.crowds = crowds}).status(),
              absl::StatusCode::kResourceExhausted, "TOO_MANY_CROWDS", "crowds");
}

}  // namespace
}  // namespace throng::engine
