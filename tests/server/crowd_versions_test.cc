// Versions of crowds: computed on one data version, read, compared, kept and frozen.
#include <atomic>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "server/engine/crowds.h"
#include "tests/server/crowd_world.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;

class CrowdVersionsTest : public CrowdTest {};

TEST_F(CrowdVersionsTest, ACrowdIsMadeComputedAndRead) {
  const CrowdInfo created = Must(crowds().Create(context(),
                                                 {.name = "spring",
                                                  .rule = "city='Beijing'  AND views>=0",
                                                  .display_name = "Spring № 1",
                                                  .folder = "sale/2024",
                                                  .labels = {{"team", "crm"}}},
                                                 {}));
  EXPECT_EQ(created.definition.rule, "city = 'Beijing' and views >= 0");
  EXPECT_EQ(created.state, CrowdState::kNew);
  EXPECT_FALSE(created.newest.has_value());
  ExpectError(world_.CountError("crowd('spring')"), absl::StatusCode::kFailedPrecondition,
              "CROWD_NOT_REFRESHED", "selection.expression");
  EXPECT_NE(world_.CountError("crowd('spring')").message().find("crowd('spring', live)"),
            std::string::npos);
  EXPECT_EQ(Members("crowd('spring', live)"), (Texts{"u1", "u3"}));

  const RefreshResult result = world_.Refresh({"spring"});
  ASSERT_EQ(result.crowds.size(), 1u);
  const CrowdVersionInfo& computed = result.crowds[0].computed;
  EXPECT_EQ(computed.version.number, 1u);
  EXPECT_EQ(computed.version.computed_count, 2u);
  EXPECT_EQ(computed.current_count, 2u);
  EXPECT_EQ(computed.version.data_version, result.read_version);
  EXPECT_GT(result.data_version, result.read_version);
  EXPECT_EQ(computed.version.added, 2u);
  EXPECT_EQ(computed.version.removed, 0u);
  EXPECT_EQ(computed.version.reference_us, EngineWorld::kStartUs);
  EXPECT_EQ(Members("crowd('spring')"), (Texts{"u1", "u3"}));

  world_.Write("u4", {{"city", Text("Beijing")}, {"views", Whole(7)}});
  world_.Write("u1", {{"city", Text("Wuhan")}});
  EXPECT_EQ(Members("crowd('spring')"), (Texts{"u1", "u3"})) << "as it was computed";
  EXPECT_EQ(Members("crowd('spring', live)"), (Texts{"u3", "u4"}));
  const RefreshResult second = world_.Refresh({"spring"});
  EXPECT_EQ(second.crowds[0].computed.version.added, 1u);
  EXPECT_EQ(second.crowds[0].computed.version.removed, 1u);
  EXPECT_EQ(second.crowds[0].computed.version.previous, 1u);
  EXPECT_EQ(Members("crowd('spring')"), (Texts{"u3", "u4"}));
  EXPECT_EQ(Members("crowd('spring', 1)"), (Texts{"u1", "u3"}));
  EXPECT_EQ(Members("not crowd('spring') and exists(city)"), (Texts{"u1", "u2"}));

  world_.Reopen();
  EXPECT_EQ(Members("crowd('spring')"), (Texts{"u3", "u4"}));
  EXPECT_EQ(Members("crowd('spring', 1)"), (Texts{"u1", "u3"}));
  EXPECT_EQ(Members("crowd('spring', live)"), (Texts{"u3", "u4"}));
  const CrowdInfo after = world_.Get("spring");
  EXPECT_EQ(after.definition.display_name, "Spring № 1");
  EXPECT_EQ(after.definition.labels.at("team"), "crm");
  EXPECT_EQ(after.state, CrowdState::kReady);
  EXPECT_EQ(after.version_count, 2u);
  EXPECT_EQ(after.newest->version, second.crowds[0].computed.version);
}

TEST_F(CrowdVersionsTest, AnAnswerNamesTheVersionsThatItRead) {
  world_.Create("a", "views > 0");
  world_.Refresh({"a"});
  world_.Create("b", "crowd('a') or city = 'Wuhan'");
  world_.Create("c", "crowd('b', live) and not crowd('a', 1)");
  const CountResult counted =
      Must(world_.selections().Count(context(), {.what = "crowd('c', live) or crowd('a')"}));
  EXPECT_EQ(counted.count, 3u);
  ASSERT_EQ(counted.info.crowds.size(), 1u) << "each once, also those below live rules";
  EXPECT_EQ(counted.info.crowds[0].crowd, "a");
  EXPECT_EQ(counted.info.crowds[0].version, 1u);
  EXPECT_EQ(counted.info.canonical_expression, "crowd('c', live) or crowd('a')");
}

TEST_F(CrowdVersionsTest, FreezingTurnsARuleIntoItsUsers) {
  world_.Create("base", "is_graduate");
  world_.Create("frozen", "crowd('base', live)");
  const CrowdInfo info = Must(crowds().Freeze(context(), {.names = {"frozen"}}, {}));
  EXPECT_EQ(info.state, CrowdState::kFrozen);
  EXPECT_EQ(info.newest->current_count, 3u);
  EXPECT_EQ(info.definition.rule, "crowd('base', live)");
  EXPECT_TRUE(info.references.empty());
  MustBeOk(world_.TryDelete("base").status());
  world_.Write("u3", {{"is_graduate", Flag(true)}});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Members("crowd('frozen')"), (Texts{"u1", "u2", "u5"}));
    EXPECT_EQ(Members("crowd('frozen', live)"), (Texts{"u1", "u2", "u5"}));
    ExpectError(world_.TryRefresh({"frozen"}).status(), absl::StatusCode::kFailedPrecondition,
                "CROWD_FROZEN", "crowds[0]");
    ExpectError(crowds().Update(context(), {.name = "frozen", .rule = "all()"}, {}).status(),
                absl::StatusCode::kFailedPrecondition, "CROWD_FROZEN", "crowd.rule");
    if (round == 0) world_.Reopen();
  }
  EXPECT_TRUE(crowds().Update(context(), {.name = "frozen", .owner = "me"}, {}).ok());
}

// However late the rule changes: what is frozen are the users of the rule that stands beside them.
TEST_F(CrowdVersionsTest, ARuleThatChangesWhileItIsFrozenIsNotMixed) {
  int refused = 0;
  for (int moment = 0; moment < 12; ++moment) {
    const std::string name = "f" + std::to_string(moment);
    world_.Create(name, "is_graduate");
    std::atomic<int> checks = 0;
    CallContext slow = context();
    slow.cancelled = [&] {
      if (checks++ != moment) return false;
      MustBeOk(crowds().Update(context(), {.name = name, .rule = "views > 2"}, {}).status());
      return false;
    };
    const auto frozen = crowds().Freeze(slow, {.names = {name}}, {});
    if (!frozen.ok()) {
      ++refused;
      ExpectError(frozen.status(), absl::StatusCode::kAborted, "CROWD_CHANGED", "crowds[0]");
      EXPECT_EQ(world_.Get(name).version_count, 0u);
      continue;
    }
    EXPECT_EQ(Members("crowd('" + name + "')"), Members(frozen->definition.rule));
  }
  EXPECT_GT(refused, 0);
}

TEST_F(CrowdVersionsTest, ARuleMayEndInALimit) {
  world_.Create("best", "exists(views) top 2 by views desc");
  EXPECT_EQ(Members("crowd('best', live)"), (Texts{"u1", "u2"}));
  EXPECT_EQ(Members("crowd('best', live) and city = 'Tianjin'"), Texts{"u2"});
  world_.Refresh({"best"});
  world_.Write("u4", {{"views", Whole(100)}});
  EXPECT_EQ(Members("crowd('best')"), (Texts{"u1", "u2"}));
  EXPECT_EQ(Members("crowd('best', live) top 1 by views asc"), Texts{"u1"});
  world_.Create("rest", "not crowd('best', live)");
  EXPECT_EQ(Members("crowd('rest', live)"), (Texts{"u2", "u3", "u5", "6"}));
}

TEST_F(CrowdVersionsTest, TimesOfRules) {
  world_.Create("own", "birthday = today()");
  MustBeOk(crowds()
               .Create(context(),
                       {.name = "fixed",
                        .rule = "birthday = today()",
                        .time_zone = "Asia/Shanghai",
                        .reference_us = 946'655'999'000'000},  // 1999-12-31 23:59:59 there
                       {})
               .status());
  EXPECT_EQ(Members("crowd('own', live)"), Texts{"u3"});
  EXPECT_EQ(Members("crowd('fixed', live)"), Texts{"u2"});
  EXPECT_TRUE(world_.Members({.what = "crowd('own', live)", .reference_us = 0}).empty());
  EXPECT_EQ(world_.Members({.what = "crowd('fixed', live)", .reference_us = 0}), Texts{"u2"});
  const RefreshResult result = world_.Refresh({"own", "fixed"});
  EXPECT_EQ(result.crowds[0].computed.version.reference_us, EngineWorld::kStartUs);
  EXPECT_EQ(result.crowds[1].computed.version.reference_us, 946'655'999'000'000);
  EXPECT_EQ(result.rules_computed, 2u) << "equal texts, other times";
  ExpectError(crowds()
                  .Create(context(), {.name = "z", .rule = "all()", .time_zone = "Mars/Base"}, {})
                  .status(),
              absl::StatusCode::kInvalidArgument, "UNKNOWN_TIME_ZONE", "crowd.time_zone");
}

TEST_F(CrowdVersionsTest, ManyAreComputedInOrderAndEqualRulesOnce) {
  world_.Create("a", "is_graduate");
  world_.Create("b", "crowd('a') and city = 'Beijing'");
  world_.Create("c", "crowd('b') or city = 'Wuhan'");
  world_.Create("same", "is_graduate");
  const RefreshResult result = world_.Refresh({"c", "b", "same", "a"});
  ASSERT_EQ(result.crowds.size(), 4u);
  EXPECT_EQ(result.crowds[0].name, "c");
  EXPECT_EQ(result.crowds[0].computed.current_count, 2u);
  EXPECT_EQ(result.crowds[1].computed.current_count, 1u);
  EXPECT_EQ(result.crowds[3].computed.current_count, 3u);
  EXPECT_EQ(result.rules_computed, 3u);
  for (const RefreshedCrowd& crowd : result.crowds) {
    EXPECT_EQ(crowd.computed.version.data_version, result.read_version);
  }
  EXPECT_EQ(Members("crowd('c')"), (Texts{"u1", "u4"}));
  // Of one of them alone the others are as they were computed last.
  world_.Write("u1", {{"is_graduate", Flag(false)}});
  EXPECT_EQ(world_.Refresh({"c"}).crowds[0].computed.current_count, 2u);
  EXPECT_EQ(world_.Refresh({"a", "b", "c"}).crowds[2].computed.current_count, 1u);
  ExpectError(world_.TryRefresh({"a", "a"}).status(), absl::StatusCode::kInvalidArgument,
              "DUPLICATE_CROWD", "crowds[1]");
  ExpectError(world_.TryRefresh({}).status(), absl::StatusCode::kInvalidArgument, "REQUIRED",
              "crowds");
  ExpectError(world_.TryRefresh(Texts(kRefreshCrowdsMax + 1, "a")).status(),
              absl::StatusCode::kInvalidArgument, "TOO_MANY_CROWDS", "crowds");
}

TEST_F(CrowdVersionsTest, OldVersionsGoUnlessPinned) {
  MustBeOk(
      crowds().Create(context(), {.name = "k", .rule = "views > 0", .keep_last = 2}, {}).status());
  const auto numbers = [&] {
    std::vector<uint32_t> found;
    for (const CrowdVersionInfo& version : Must(crowds().ListVersions(context(), "default", "k"))) {
      found.push_back(version.version.number);
    }
    return found;
  };
  world_.Refresh({"k"});
  EXPECT_TRUE(Must(crowds().Pin(context(), "default", "k", 1, true, {})).version.pinned);
  for (int i = 0; i < 3; ++i) world_.Refresh({"k"});
  EXPECT_EQ(numbers(), (std::vector<uint32_t>{4, 3, 1}));
  ExpectError(world_.CountError("crowd('k', 2)"), absl::StatusCode::kFailedPrecondition,
              "CROWD_VERSION_GONE", "selection.expression");
  EXPECT_EQ(Members("crowd('k', 1)"), (Texts{"u1", "u2"}));
  // Not from version 1 on, as if there had been no 2.
  ExpectError(crowds().DiffVersions(context(), {.name = "k", .to = 3}).status(),
              absl::StatusCode::kFailedPrecondition, "CROWD_VERSION_GONE", "from");
  EXPECT_EQ(Must(crowds().DiffVersions(context(), {.name = "k"})).from, 3u);
  EXPECT_EQ(Must(crowds().DiffVersions(context(), {.name = "k", .from = 1, .to = 3})).added, 0u);
  MustBeOk(crowds().Pin(context(), "default", "k", 1, false, {}).status());
  world_.Refresh({"k"});
  EXPECT_EQ(numbers(), (std::vector<uint32_t>{5, 4}));
  ExpectError(crowds().Pin(context(), "default", "k", 1, true, {}).status(),
              absl::StatusCode::kNotFound, "UNKNOWN_VERSION", "version");
  // A budget that not even one version fits in leaves the newest.
  Must(crowds().Update(context(), {.name = "k", .byte_budget = 1}, {}));
  world_.Refresh({"k"});
  EXPECT_EQ(numbers(), std::vector<uint32_t>{6});
}

TEST_F(CrowdVersionsTest, VersionsAreCompared) {
  world_.Create("d", "views >= 0");  // u1 u2 u3
  ExpectError(crowds().DiffVersions(context(), {.name = "d"}).status(),
              absl::StatusCode::kFailedPrecondition, "CROWD_NOT_REFRESHED", "name");
  world_.Refresh({"d"});
  world_.Write("u1", {{"views", Whole(-1)}});
  world_.Write("u5", {{"views", Whole(1)}});
  world_.Write("6", {{"views", Whole(1)}});
  world_.Refresh({"d"});
  CrowdDifference first = Must(crowds().DiffVersions(context(), {.name = "d", .page_size = 1}));
  EXPECT_EQ(first.from, 1u);
  EXPECT_EQ(first.to, 2u);
  EXPECT_EQ(first.added, 2u);
  EXPECT_EQ(first.removed, 1u);
  EXPECT_EQ(first.ids, Texts{"u5"});
  const CrowdDifference second = Must(crowds().DiffVersions(
      context(), {.name = "d", .page_size = 1, .page_token = first.next_page_token}));
  EXPECT_EQ(second.ids, Texts{"6"});
  EXPECT_EQ(second.next_page_token, "");
  const DiffCrowdVersions removed{
      .name = "d", .side = DiffCrowdVersions::Side::kRemoved, .page_size = 10};
  EXPECT_EQ(Must(crowds().DiffVersions(context(), removed)).ids, Texts{"u1"});
  const CrowdDifference back =
      Must(crowds().DiffVersions(context(), {.name = "d", .from = 2, .to = 1}));
  EXPECT_EQ(back.added, 1u);
  EXPECT_EQ(back.removed, 2u);
  EXPECT_EQ(Must(crowds().DiffVersions(context(), {.name = "d", .to = 1})).added, 3u);
  ExpectError(crowds()
                  .DiffVersions(context(), {.name = "d",
                                            .side = DiffCrowdVersions::Side::kRemoved,
                                            .page_size = 1,
                                            .page_token = first.next_page_token})
                  .status(),
              absl::StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN", "page_token");
  ExpectError(crowds().DiffVersions(context(), {.name = "d", .to = 9}).status(),
              absl::StatusCode::kNotFound, "UNKNOWN_VERSION", "to");
  ExpectError(
      crowds().DiffVersions(context(), {.name = "d", .page_size = kDifferencePageMax + 1}).status(),
      absl::StatusCode::kInvalidArgument, "BAD_PAGE_SIZE", "page_size");
}

TEST_F(CrowdVersionsTest, TheErasedAreInNoVersion) {
  world_.Create("e", "is_graduate");  // u1 u2 u5
  world_.Refresh({"e"});
  world_.Refresh({"e"});
  world_.Erase("u2");
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(Members("crowd('e')"), (Texts{"u1", "u5"}));
    EXPECT_EQ(Members("crowd('e', 1)"), (Texts{"u1", "u5"}));
    for (const CrowdVersionInfo& version : Must(crowds().ListVersions(context(), "default", "e"))) {
      EXPECT_EQ(version.version.computed_count, 3u);
      EXPECT_EQ(version.current_count, 2u);
    }
    if (round == 0) MustBeOk(world_.engine().administration().Fold());
    if (round == 1) world_.Reopen();
  }
  EXPECT_EQ(world_.Refresh({"e"}).crowds[0].computed.version.removed, 0u);
}

}  // namespace
}  // namespace throng::engine
