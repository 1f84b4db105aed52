// Crowds as resources: what each call does, what it refuses, and that nothing has changed then.
#include "server/engine/crowds.h"

#include <map>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/crowd_view.h"
#include "tests/server/crowd_world.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;

class CrowdsTest : public CrowdTest {};

TEST_F(CrowdsTest, RenamingBreaksNoReference) {
  world_.Create("inner", "is_graduate");
  world_.Create("outer", "crowd('inner', live) and city = 'Beijing'");
  Must(crowds().Update(context(), {.name = "inner", .new_name = "it's inner"}, {}));
  EXPECT_EQ(world_.Get("outer").definition.rule, "crowd('it''s inner', live) and city = 'Beijing'");
  EXPECT_EQ(world_.Get("outer").references, Texts{"it's inner"});
  EXPECT_EQ(world_.Get("it's inner").used_by, Texts{"outer"});
  EXPECT_EQ(Members("crowd('outer', live)"), Texts{"u1"});
  ExpectError(crowds().Get(context(), "default", "inner").status(), absl::StatusCode::kNotFound,
              "UNKNOWN_CROWD", "name");
  world_.Create("inner", "none()");
  EXPECT_EQ(Members("crowd('outer', live)"), Texts{"u1"}) << "another one of the old name";
  world_.Reopen();
  EXPECT_EQ(world_.Get("outer").definition.rule, "crowd('it''s inner', live) and city = 'Beijing'");
}

TEST_F(CrowdsTest, CyclesAreRefusedWithTheirPath) {
  world_.Create("a", "all()");
  world_.Create("b", "crowd('a')");
  world_.Create("c", "crowd('b', live) or crowd('b')");
  const auto update = [&](const std::string& name, const std::string& rule) {
    return crowds().Update(context(), {.name = name, .rule = rule}, {}).status();
  };
  const absl::Status cycle = update("a", "is_graduate and crowd('c')");
  ExpectError(cycle, absl::StatusCode::kInvalidArgument, "CROWD_CYCLE", "crowd.rule");
  EXPECT_NE(cycle.message().find("a -> c -> b -> a"), std::string::npos) << cycle;
  const absl::Status self = update("a", "not crowd('a')");
  EXPECT_NE(self.message().find("a -> a"), std::string::npos) << self;
  EXPECT_EQ(world_.Get("a").definition.rule, "all()");
  EXPECT_TRUE(update("c", "crowd('a')").ok());
  EXPECT_TRUE(update("b", "crowd('c')").ok()) << "the other way round is fine then";
}

TEST_F(CrowdsTest, ChainsAreOfSixteenCrowds) {
  world_.Create("c1", "all()");
  for (uint32_t i = 2; i <= kCrowdDepthMax; ++i) {
    world_.Create(fmt::format("c{}", i), fmt::format("crowd('c{}', live)", i - 1));
  }
  EXPECT_EQ(world_.Count("crowd('c16', live)"), 6u);
  const absl::Status deeper = world_.TryCreate("c17", "crowd('c16')").status();
  ExpectError(deeper, absl::StatusCode::kInvalidArgument, "CROWDS_TOO_DEEP", "crowd.rule");
  // From below as well: the first of the chain gets something to rest on.
  world_.Create("base", "all()");
  ExpectError(crowds().Update(context(), {.name = "c1", .rule = "crowd('base')"}, {}).status(),
              absl::StatusCode::kInvalidArgument, "CROWDS_TOO_DEEP", "crowd.rule");
  EXPECT_TRUE(crowds().Update(context(), {.name = "c2", .rule = "crowd('base')"}, {}).ok());
}

TEST_F(CrowdsTest, UnknownCrowdsOfferTheNearestName) {
  world_.Create("spring_sale", "all()");
  const absl::Status unknown = world_.CountError("is_graduate and crowd('spring_sael')");
  ExpectError(unknown, absl::StatusCode::kInvalidArgument, "UNKNOWN_CROWD", "selection.expression");
  const index::ErrorDetail detail = *index::GetErrorDetail(unknown);
  EXPECT_EQ(detail.suggestion, "spring_sale");
  EXPECT_EQ(detail.column, 23);
  ExpectError(world_.TryCreate("x", "crowd('spring_sael')").status(),
              absl::StatusCode::kInvalidArgument, "UNKNOWN_CROWD", "crowd.rule");
  const absl::Status get = crowds().Get(context(), "default", "spring_sal").status();
  EXPECT_EQ(index::GetErrorDetail(get)->suggestion, "spring_sale");
  ExpectError(world_.TryRefresh({"spring_sale", "x"}).status(), absl::StatusCode::kNotFound,
              "UNKNOWN_CROWD", "crowds[1]");
  EXPECT_EQ(world_.Get("spring_sale").version_count, 0u) << "all or nothing";
  ExpectError(world_.CountError("crowd('#1')"), absl::StatusCode::kInvalidArgument, "UNKNOWN_CROWD",
              "selection.expression");
}

TEST_F(CrowdsTest, WhatOthersUseIsNotDeleted) {
  world_.Create("base", "all()");
  world_.Create("u1", "crowd('base')");
  world_.Create("u2", "crowd('base', live)");
  const absl::Status used = world_.TryDelete("base").status();
  ExpectError(used, absl::StatusCode::kFailedPrecondition, "CROWD_IN_USE", "name");
  EXPECT_NE(used.message().find("\"u1\", \"u2\""), std::string::npos) << used;
  MustBeOk(world_.TryDelete("u1").status());
  MustBeOk(world_.TryDelete("u2").status());
  EXPECT_EQ(Must(world_.TryDelete("base")).state, CrowdState::kDeleted);
  ExpectError(crowds().Undelete(context(), "default", "u1", {}).status(),
              absl::StatusCode::kFailedPrecondition, "CROWD_DELETED", "name");
  Must(crowds().Undelete(context(), "default", "base", {}));
  EXPECT_EQ(Must(crowds().Undelete(context(), "default", "u1", {})).state, CrowdState::kNew);
}

TEST_F(CrowdsTest, DeletedCrowdsWaitAndThenGo) {
  world_.Create("gone", "all()");
  world_.Refresh({"gone"});
  const uint32_t id = world_.Get("gone").definition.id;
  MustBeOk(crowds().Delete(context(), "default", "gone", "", 5 * kDayUs, {}).status());
  ExpectError(world_.CountError("crowd('gone')"), absl::StatusCode::kFailedPrecondition,
              "CROWD_DELETED", "selection.expression");
  ExpectError(world_.TryRefresh({"gone"}).status(), absl::StatusCode::kFailedPrecondition,
              "CROWD_DELETED", "crowds[0]");
  ExpectError(world_.TryCreate("gone", "none()").status(), absl::StatusCode::kAlreadyExists,
              "CROWD_EXISTS", "crowd.name");
  ExpectError(crowds().Update(context(), {.name = "gone", .owner = "me"}, {}).status(),
              absl::StatusCode::kFailedPrecondition, "CROWD_DELETED", "name");
  world_.AdvanceClock(5 * kDayUs - 1);
  MustBeOk(crowds().PurgeExpired());
  world_.Reopen();
  Must(crowds().Undelete(context(), "default", "gone", {}));
  EXPECT_EQ(world_.Count("crowd('gone')"), 6u) << "with its versions";
  MustBeOk(crowds().Delete(context(), "default", "gone", "", 5 * kDayUs, {}).status());
  world_.AdvanceClock(5 * kDayUs);
  MustBeOk(crowds().PurgeExpired());
  ExpectError(crowds().Get(context(), "default", "gone").status(), absl::StatusCode::kNotFound,
              "UNKNOWN_CROWD", "name");
  EXPECT_GT(world_.Create("gone", "none()").definition.id, id) << "an id is never used again";
  ExpectError(crowds().Delete(context(), "default", "gone", "", -1, {}).status(),
              absl::StatusCode::kInvalidArgument, "BAD_KEPT_TIME", "kept_time");
  ExpectError(crowds().Delete(context(), "default", "gone", "", kCrowdKeptUsMax + 1, {}).status(),
              absl::StatusCode::kInvalidArgument, "BAD_KEPT_TIME", "kept_time");
  MustBeOk(crowds().Delete(context(), "default", "gone", "", kCrowdKeptUsMax, {}).status());
}

TEST_F(CrowdsTest, ARequestIdIsAnsweredOnce) {
  const WriteOptions once{.request_id = "r1", .payload_hash = 1};
  const CreateCrowd create{.name = "r", .rule = "is_graduate"};
  const uint32_t id = Must(crowds().Create(context(), create, once)).definition.id;
  EXPECT_EQ(Must(crowds().Create(context(), create, once)).definition.id, id);
  const RefreshCrowds refresh{.names = {"r"}};
  const RefreshResult first = Must(crowds().Refresh(context(), refresh, once));
  world_.Write("u3", {{"is_graduate", Flag(true)}});
  for (int round = 0; round < 2; ++round) {
    const RefreshResult again = Must(crowds().Refresh(context(), refresh, once));
    EXPECT_EQ(again.data_version, first.data_version);
    EXPECT_EQ(again.read_version, first.read_version);
    EXPECT_EQ(again.crowds[0].name, "r");
    EXPECT_EQ(again.crowds[0].computed.version.number, 1u);
    EXPECT_EQ(again.crowds[0].computed.version.computed_count, 3u);
    EXPECT_EQ(world_.Get("r").version_count, 1u);
    if (round == 0) world_.Reopen();
  }
  ExpectError(
      crowds().Refresh(context(), refresh, {.request_id = "r1", .payload_hash = 2}).status(),
      absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED", "request_id");
  // What changed nothing then changes nothing later either.
  const WriteOptions late{.request_id = "r2", .payload_hash = 1};
  MustBeOk(crowds().Update(context(), {.name = "r", .owner = ""}, late).status());
  MustBeOk(crowds().Pin(context(), "default", "r", 1, false, late).status());
  MustBeOk(crowds().Update(context(), {.name = "r", .owner = "b"}, {}).status());
  MustBeOk(crowds().Pin(context(), "default", "r", 1, true, {}).status());
  EXPECT_EQ(Must(crowds().Update(context(), {.name = "r", .owner = ""}, late)).definition.owner,
            "b");
  EXPECT_TRUE(Must(crowds().Pin(context(), "default", "r", 1, false, late)).version.pinned);
  MustBeOk(crowds().Delete(context(), "default", "r", "", kDayUs, once).status());
  EXPECT_EQ(Must(crowds().Delete(context(), "default", "r", "", kDayUs, once)).state,
            CrowdState::kDeleted);
}

TEST_F(CrowdsTest, NothingIsDoneToValidate) {
  const WriteOptions validate{.validate_only = true};
  EXPECT_EQ(
      Must(crowds().Create(context(), {.name = "v", .rule = "ALL()"}, validate)).definition.rule,
      "all()");
  EXPECT_FALSE(crowds().Get(context(), "default", "v").ok());
  const CrowdInfo created = world_.Create("v", "all()");
  MustBeOk(crowds().Update(context(), {.name = "v", .owner = "x"}, validate).status());
  MustBeOk(crowds().Delete(context(), "default", "v", "", 0, validate).status());
  EXPECT_EQ(Must(crowds().Refresh(context(), {.names = {"v"}}, validate))
                .crowds[0]
                .computed.current_count,
            6u);
  const CrowdInfo after = world_.Get("v");
  EXPECT_EQ(after.etag, created.etag);
  EXPECT_EQ(after.version_count, 0u);
  EXPECT_EQ(after.state, CrowdState::kNew);
}

TEST_F(CrowdsTest, AnEtagGuardsAgainstOthers) {
  const std::string etag = world_.Create("t", "all()").etag;
  const CrowdInfo changed =
      Must(crowds().Update(context(), {.name = "t", .etag = etag, .owner = "a"}, {}));
  EXPECT_NE(changed.etag, etag);
  EXPECT_EQ(changed.definition.revision, 2u);
  ExpectError(crowds().Update(context(), {.name = "t", .etag = etag, .owner = "b"}, {}).status(),
              absl::StatusCode::kAborted, "ETAG_MISMATCH", "etag");
  ExpectError(crowds().Delete(context(), "default", "t", etag, 0, {}).status(),
              absl::StatusCode::kAborted, "ETAG_MISMATCH", "etag");
  EXPECT_EQ(world_.Get("t").definition.owner, "a");
  EXPECT_EQ(Must(crowds().Update(context(), {.name = "t", .owner = "a"}, {})).etag, changed.etag)
      << "what changes nothing is no revision";
}

TEST_F(CrowdsTest, HiddenTagsHideTheCrowdsAboveThem) {
  world_.Create("rich", "income = 'high'");  // of sensitivity 7
  world_.Create("above", "crowd('rich', live) or all()");
  world_.Create("open", "all()");
  const CallContext low = EngineWorld::Seeing(6);
  const auto get = [&](const std::string& name) {
    return crowds().Get(low, "default", name).status();
  };
  ExpectError(get("rich"), absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "name");
  ExpectError(get("above"), absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "name");
  EXPECT_EQ(index::GetErrorDetail(get("rihc"))->suggestion, "");
  EXPECT_TRUE(get("open").ok());
  EXPECT_EQ(Must(crowds().List(low, {})).crowds.size(), 1u);
  const auto count = [&](const std::string& expression) {
    return world_.selections().Count(low, {.what = expression}).status();
  };
  ExpectError(count("crowd('rich', live)"), absl::StatusCode::kInvalidArgument, "UNKNOWN_CROWD",
              "selection.expression");
  ExpectError(crowds().Refresh(low, {.names = {"above"}}, {}).status(), absl::StatusCode::kNotFound,
              "UNKNOWN_CROWD", "crowds[0]");
  ExpectError(crowds().Create(low, {.name = "x", .rule = "crowd('rich')"}, {}).status(),
              absl::StatusCode::kInvalidArgument, "UNKNOWN_CROWD", "crowd.rule");
  ExpectError(crowds().Create(low, {.name = "rich", .rule = "all()"}, {}).status(),
              absl::StatusCode::kAlreadyExists, "CROWD_EXISTS", "crowd.name");
  // A version stays as sensitive as what it was computed from.
  world_.Refresh({"rich"});
  Must(crowds().Update(context(), {.name = "rich", .rule = "all()"}, {}));
  EXPECT_FALSE(get("rich").ok());
}

// Who uses a crowd, and how many do, is told to those who may see the users.
TEST_F(CrowdsTest, HiddenUsersOfACrowdAreNotCounted) {
  const CallContext low = EngineWorld::Seeing(6);
  world_.Create("open", "is_graduate");
  for (int i = 0; i < 3; ++i) {
    world_.Create(fmt::format("secret {}", i), "crowd('open') and income = 'low'");
  }
  const auto used = [&](const CallContext& caller) {
    const absl::Status status = crowds().Delete(caller, "default", "open", "", 0, {}).status();
    ExpectError(status, absl::StatusCode::kFailedPrecondition, "CROWD_IN_USE", "name");
    return status;
  };
  const auto requested = [](const absl::Status& status) {
    return index::GetErrorDetail(status)->requested;
  };
  EXPECT_EQ(used(low).message(), "crowd \"open\" is in use");
  EXPECT_EQ(requested(used(low)), 0u);
  EXPECT_TRUE(Must(crowds().Get(low, "default", "open")).used_by.empty());
  EXPECT_EQ(requested(used(context())), 3u);
  world_.Create("public", "crowd('open')");
  EXPECT_EQ(used(low).message(),
            "crowd \"open\" is used by \"public\": change or delete these first");
  EXPECT_EQ(requested(used(low)), 1u);
  // Of those that may be seen only some are named.
  for (int i = 0; i < 11; ++i) world_.Create(fmt::format("public {}", i), "crowd('open')");
  EXPECT_NE(used(low).message().find(" and 2 others"), std::string::npos) << used(low);
  EXPECT_EQ(requested(used(low)), 12u);
}

TEST_F(CrowdsTest, BadDefinitionsAreRefusedWithTheirField) {
  const auto create = [&](CreateCrowd crowd) {
    if (crowd.name.empty()) crowd.name = "x";
    if (std::get<std::string>(crowd.rule).empty()) crowd.rule = "all()";
    return crowds().Create(context(), crowd, {}).status();
  };
  const auto expect = [&](const CreateCrowd& crowd, std::string_view reason,
                          std::string_view field) {
    ExpectError(create(crowd), absl::StatusCode::kInvalidArgument, reason, field);
  };
  for (const std::string name : {"#7", "a/b", " a", "a\nb", "\xff"}) {
    expect({.name = name}, "BAD_CROWD", "crowd.name");
  }
  expect({.name = std::string(129, 'n')}, "TEXT_TOO_LONG", "crowd.name");
  expect({.display_name = std::string(4'097, 'd')}, "TEXT_TOO_LONG", "crowd.display_name");
  expect({.folder = "\xff"}, "BAD_CROWD", "crowd.folder");
  expect({.keep_last = 0}, "BAD_KEEP_LAST", "crowd.keep_last");
  expect({.keep_last = 101}, "BAD_KEEP_LAST", "crowd.keep_last");
  std::map<std::string, std::string> labels;
  for (size_t i = 0; i < index::kCrowdLabelsMax; ++i) labels[fmt::format("k{}", i)] = "v";
  EXPECT_TRUE(create({.name = "labels", .labels = labels}).ok());
  labels["one more"] = "v";
  expect({.labels = labels}, "TOO_MANY_LABELS", "crowd.labels");
  expect({.labels = {{std::string(64, 'k'), ""}}}, "TEXT_TOO_LONG", "crowd.labels");
  expect({.labels = {{"k", std::string(257, 'v')}}}, "TEXT_TOO_LONG", "crowd.labels");
  expect({.rule = "city ="}, "SYNTAX_ERROR", "crowd.rule");
  expect({.rule = "citty = 'x'"}, "UNKNOWN_TAG", "crowd.rule");
  expect({.rule = "city > 3"}, "NOT_ORDERED", "crowd.rule");
  std::string long_rule = "city = 'x'";
  while (long_rule.size() <= index::kCrowdRuleBytesMax) {
    long_rule += fmt::format(" or city = '{}'", std::string(10'000, 'x'));
  }
  expect({.rule = long_rule}, "RULE_TOO_LONG", "crowd.rule");
  EXPECT_TRUE(create({.name = std::string(128, 'n'),
                      .display_name = std::string(4'096, 'd'),
                      .labels = {{std::string(63, 'k'), std::string(256, 'v')}},
                      .keep_last = 100})
                  .ok());
  EXPECT_EQ(Must(crowds().List(context(), {})).crowds.size(), 2u);
}

TEST_F(CrowdsTest, UploadsAndSplitsHaveTheirPlace) {
  const CrowdInfo upload = Must(crowds().Create(
      context(), {.name = "u", .kind = index::CrowdKind::kUpload, .details = "opaque"}, {}));
  EXPECT_EQ(upload.definition.details, "opaque");
  ExpectError(world_.TryRefresh({"u"}).status(), absl::StatusCode::kFailedPrecondition,
              "CROWD_NOT_REFRESHED", "crowds[0]");
  ExpectError(world_.CountError("crowd('u', live)"), absl::StatusCode::kFailedPrecondition,
              "CROWD_NOT_REFRESHED", "selection.expression");
  MustBeOk(crowds()
               .Create(context(),
                       {.name = "arm",
                        .kind = index::CrowdKind::kSplit,
                        .references = {upload.definition.id}},
                       {})
               .status());
  EXPECT_EQ(ReasonOf(world_.TryDelete("u").status()), "CROWD_IN_USE");
  ExpectError(
      crowds()
          .Create(context(),
                  {.name = "arm of none", .kind = index::CrowdKind::kSplit, .references = {99}}, {})
          .status(),
      absl::StatusCode::kFailedPrecondition, "CROWD_DELETED", "crowd.references");
  ExpectError(crowds().Update(context(), {.name = "u", .rule = "all()"}, {}).status(),
              absl::StatusCode::kFailedPrecondition, "NOT_A_RULE", "crowd.rule");
}

TEST_F(CrowdsTest, ListsAreFilteredAndPaged) {
  for (int i = 0; i < 5; ++i) {
    Must(crowds().Create(context(),
                         {.name = fmt::format("c{}", i),
                          .rule = "all()",
                          .folder = i < 3 ? "sale/2024" : "sales",
                          .labels = {{"n", std::to_string(i)}}},
                         {}));
  }
  world_.Refresh({"c1", "c3"});
  MustBeOk(world_.TryDelete("c4").status());
  const auto names = [&](ListCrowds list) {
    Texts found;
    do {
      const CrowdPage page = Must(crowds().List(context(), list));
      for (const CrowdInfo& crowd : page.crowds) found.push_back(crowd.definition.name);
      list.page_token = page.next_page_token;
    } while (!list.page_token.empty());
    return found;
  };
  EXPECT_EQ(names({}), (Texts{"c0", "c1", "c2", "c3"}));
  EXPECT_EQ(names({.page_size = 1}), (Texts{"c0", "c1", "c2", "c3"}));
  EXPECT_EQ(names({.page_size = 4, .show_deleted = true}), (Texts{"c0", "c1", "c2", "c3", "c4"}));
  EXPECT_EQ(names({.filter = "state = DELETED"}), Texts{"c4"});
  EXPECT_EQ(names({.filter = "folder:sale AND state = READY"}), Texts{"c1"});
  EXPECT_EQ(names({.filter = "labels.n = 0 OR labels.n = 3"}), (Texts{"c0", "c3"}));
  EXPECT_EQ(names({.filter = "NOT name:C1 AND kind = RULE", .page_size = 2}),
            (Texts{"c0", "c2", "c3"}));
  const std::string token = Must(crowds().List(context(), {.page_size = 1})).next_page_token;
  ExpectError(
      crowds().List(context(), {.filter = "name:c", .page_size = 1, .page_token = token}).status(),
      absl::StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN", "page_token");
  ExpectError(crowds().List(context(), {.page_token = "%%"}).status(),
              absl::StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN", "page_token");
  for (const uint32_t size : {0u, kCrowdsPageMax + 1}) {
    ExpectError(crowds().List(context(), {.page_size = size}).status(),
                absl::StatusCode::kInvalidArgument, "BAD_PAGE_SIZE", "page_size");
  }
  ExpectError(crowds().List(context(), {.filter = "colour = 1"}).status(),
              absl::StatusCode::kInvalidArgument, "BAD_FILTER", "filter");
}

}  // namespace
}  // namespace throng::engine
