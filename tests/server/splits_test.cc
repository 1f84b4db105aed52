// Splits as resources: what each call does, what it refuses, and that nothing has changed then.
#include "server/engine/splits.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/server/crowd_world.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;
using Ranges = std::vector<BucketRange>;

class SplitsTest : public CrowdTest {
 protected:
  SplitsTest() {
    world_.Create("base", "all()");
    world_.Refresh({"base"});
  }

  Splits splits() { return crowds().splits(); }
  absl::StatusOr<SplitInfo> Try(const CreateSplit& create, const WriteOptions& options = {}) {
    return splits().Create(context(), create, options);
  }
  SplitInfo Create(const std::string& name, const std::vector<NewArm>& arms,
                   uint32_t share = index::kBuckets, uint32_t holdout = 0) {
    return Must(Try(
        {.name = name, .source = "base", .share = share, .arms = arms, .holdout_weight = holdout}));
  }
  absl::StatusOr<SplitInfo> TryAward(const std::string& name, const std::string& winner,
                                     const WriteOptions& options = {}) {
    return splits().Award(context(), "default", name, winner, options);
  }
  SplitInfo Get(const std::string& name) { return Must(splits().Get(context(), "default", name)); }
  size_t CrowdCount() {
    return Must(crowds().List(context(), {.show_deleted = true})).crowds.size();
  }
  static constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  static constexpr auto kState = absl::StatusCode::kFailedPrecondition;
};

TEST_F(SplitsTest, ArmsAreCrowds) {
  const SplitInfo split = Create("copy", {{"A", 3}, {"B", 3}}, 1'000'000, 1);
  ASSERT_EQ(split.arms.size(), 3u);
  EXPECT_EQ(split.source, "base");
  EXPECT_EQ(split.winner, "");
  EXPECT_EQ(split.rest(), 0u);
  EXPECT_EQ(split.salt, fmt::format("copy/{}", split.arms[0].crowd.definition.id));
  EXPECT_EQ(split.arms[0].arm.ranges, (Ranges{{0, 428'572}}));
  EXPECT_EQ(split.arms[2].arm.ranges, (Ranges{{857'143, 1'000'000}}));
  EXPECT_EQ(split.arms[2].arm.arm, "holdout");
  EXPECT_EQ(split.arms[2].arm.role, ArmRole::kHoldout);
  const CrowdInfo arm = world_.Get("copy.B");
  EXPECT_EQ(arm.definition.kind, index::CrowdKind::kSplit);
  EXPECT_EQ(arm.state, CrowdState::kNew);
  EXPECT_EQ(arm.references, Texts{"base"});
  EXPECT_EQ(arm.definition.rule,
            fmt::format("crowd('base') and bucket('{}', 428572, 857143)", split.salt));
  EXPECT_EQ(Must(crowds().List(context(), {.filter = "kind = SPLIT"})).crowds.size(), 3u);
  EXPECT_EQ(world_.Get("base").used_by, (Texts{"copy.A", "copy.B", "copy.holdout"}));
}

TEST_F(SplitsTest, EachUserIsInOneArm) {
  const SplitInfo split = Create("copy", {{"A"}, {"B"}}, 1'000'000, 1);
  const RefreshResult result = world_.Refresh({"copy.A", "copy.B", "copy.holdout"});
  std::set<std::string> all;
  uint64_t sum = 0;
  for (const RefreshedCrowd& arm : result.crowds) {
    const Texts members = Members(fmt::format("crowd('{}')", arm.name));
    EXPECT_EQ(members.size(), arm.computed.current_count);
    EXPECT_EQ(members, Members(fmt::format("crowd('{}', live)", arm.name)));
    sum += members.size();
    all.insert(members.begin(), members.end());
    ASSERT_EQ(arm.computed.version.reads.size(), 1u) << "the source's version";
  }
  EXPECT_EQ(sum, 6u);
  EXPECT_EQ(all.size(), 6u);
  for (const SplitArm& arm : split.arms) {
    for (const std::string& id : Members(fmt::format("crowd('{}')", arm.crowd.definition.name))) {
      const uint32_t bucket = index::BucketOf(index::IdHash(id), index::SaltHash(split.salt));
      EXPECT_GE(bucket, arm.arm.ranges[0].from);
      EXPECT_LT(bucket, arm.arm.ranges[0].to);
    }
  }
  EXPECT_EQ(Members("crowd('base') and not crowd('copy.A') and not crowd('copy.B') and "
                    "not crowd('copy.holdout')"),
            Texts{});
}

TEST_F(SplitsTest, ArmsAreRefreshedAfterTheirSource) {
  Create("copy", {{"A"}, {"B"}});
  world_.Write("new1", {});
  world_.Write("new2", {});
  const RefreshResult result = world_.Refresh({"copy.A", "copy.B", "base"});
  EXPECT_EQ(result.crowds[0].computed.current_count + result.crowds[1].computed.current_count, 8u);
  EXPECT_EQ(result.crowds[0].computed.version.reads[0].number, 2u) << "of the same call";
  // Alone, an arm takes what the source has.
  world_.Write("new3", {});
  const RefreshResult alone = world_.Refresh({"copy.A", "copy.B"});
  EXPECT_EQ(alone.crowds[0].computed.current_count + alone.crowds[1].computed.current_count, 8u);
}

TEST_F(SplitsTest, ASourceWithoutAVersionIsSaid) {
  world_.Create("raw", "all()");
  Must(Try({.name = "s", .source = "raw", .arms = {{"A"}, {"B"}}}));
  ExpectError(world_.TryRefresh({"s.A"}).status(), kState, "CROWD_NOT_REFRESHED", "crowds[0]");
  EXPECT_TRUE(world_.TryRefresh({"s.A", "s.B", "raw"}).ok());
}

TEST_F(SplitsTest, TheWinnerGetsTheRestAndNobodyMoves) {
  world_.LoadNumbers(1'000, 3'000);
  world_.Refresh({"base"});
  Create("race", {{"A"}, {"B"}, {"C"}, {"D"}}, 100'000);
  const Texts names = {"race.A", "race.B", "race.C", "race.D"};
  world_.Refresh(names);
  std::map<std::string, Texts> before;
  for (const std::string& name : names) before[name] = Members(fmt::format("crowd('{}')", name));
  EXPECT_EQ(Get("race").rest(), 900'000u);
  const SplitInfo awarded = Must(TryAward("race", "C"));
  EXPECT_EQ(awarded.winner, "C");
  EXPECT_EQ(awarded.rest(), 0u);
  EXPECT_EQ(awarded.arms[2].arm.ranges, (Ranges{{50'000, 75'000}, {100'000, 1'000'000}}));
  world_.Refresh(names);
  uint64_t sum = 0;
  for (const std::string& name : names) {
    const Texts now = Members(fmt::format("crowd('{}')", name));
    sum += now.size();
    const std::set<std::string> in(now.begin(), now.end());
    for (const std::string& id : before[name]) EXPECT_TRUE(in.contains(id)) << id << " " << name;
    if (name != "race.C") {
      EXPECT_EQ(now, before[name]);
    }
  }
  EXPECT_EQ(sum, 3'006u);
  ExpectError(TryAward("race", "A").status(), kState, "SPLIT_AWARDED", "name");
  ExpectError(TryAward("race", "C").status(), kState, "SPLIT_AWARDED", "name");
}

TEST_F(SplitsTest, AwardsAreRefused) {
  Create("whole", {{"A"}, {"B"}}, 1'000'000);
  ExpectError(TryAward("whole", "A").status(), kState, "NOTHING_LEFT", "name");
  Create("race", {{"A"}, {"B"}}, 100'000, 1);
  ExpectError(TryAward("race", "holdout").status(), kInvalid, "HOLDOUT_CANNOT_WIN", "winner");
  ExpectError(TryAward("race", "C").status(), absl::StatusCode::kNotFound, "UNKNOWN_ARM", "winner");
  ExpectError(TryAward("rase", "A").status(), absl::StatusCode::kNotFound, "UNKNOWN_SPLIT", "name");
  EXPECT_EQ(index::GetErrorDetail(TryAward("rase", "A").status())->suggestion, "race");
  Must(crowds().Freeze(context(), {.names = {"race.A"}}, {}));
  ExpectError(TryAward("race", "A").status(), kState, "CROWD_FROZEN", "name");
  EXPECT_EQ(Get("race").winner, "");
  const SplitInfo would = Must(TryAward("race", "B", {.validate_only = true}));
  EXPECT_EQ(would.winner, "B");
  EXPECT_EQ(Get("race").winner, "") << "nothing has changed";
}

TEST_F(SplitsTest, Limits) {
  const size_t before = CrowdCount();
  const auto refuse = [&](const CreateSplit& create, std::string_view reason,
                          std::string_view field) {
    ExpectError(Try(create).status(), kInvalid, reason, field);
  };
  const auto arms = [](size_t count) {
    std::vector<NewArm> made;
    for (size_t i = 0; i < count; ++i) made.push_back({fmt::format("a{}", i)});
    return made;
  };
  refuse({.name = "s", .source = "base"}, "TOO_FEW_ARMS", "arms");
  refuse({.name = "s", .source = "base", .holdout_weight = 1}, "TOO_FEW_ARMS", "arms");
  refuse({.name = "s", .source = "base", .arms = arms(1)}, "TOO_FEW_ARMS", "arms");
  refuse({.name = "s", .source = "base", .arms = arms(31)}, "TOO_MANY_ARMS", "arms");
  refuse({.name = "s", .source = "base", .arms = {{"A", 0}, {"B"}}}, "VALUE_OUT_OF_RANGE",
         "arms[0].weight");
  refuse({.name = "s", .source = "base", .arms = {{"A"}, {"B", 1'000'001}}}, "VALUE_OUT_OF_RANGE",
         "arms[1].weight");
  refuse({.name = "s", .source = "base", .arms = arms(2), .holdout_weight = 4'294'967'295},
         "VALUE_OUT_OF_RANGE", "holdout_weight");
  refuse({.name = "s", .source = "base", .share = 0, .arms = arms(2)}, "VALUE_OUT_OF_RANGE",
         "share");
  refuse({.name = "s", .source = "base", .share = 1'000'001, .arms = arms(2)}, "VALUE_OUT_OF_RANGE",
         "share");
  refuse({.name = "s", .source = "base", .share = 1, .arms = arms(2)}, "ARM_WITHOUT_BUCKETS",
         "arms[1]");
  refuse({.name = "s", .source = "base", .arms = {{"A"}, {"A"}}}, "DUPLICATE_ARM", "arms[1].name");
  refuse({.name = "s", .source = "base", .arms = {{"A"}, {"holdout"}}, .holdout_weight = 1},
         "DUPLICATE_ARM", "arms[1].name");
  refuse({.name = "s", .source = "base", .arms = {{"A"}, {""}}}, "REQUIRED", "arms[1].name");
  refuse({.name = "s", .source = "base", .salt = std::string(129, 'x'), .arms = arms(2)},
         "SALT_TOO_LONG", "salt");
  refuse({.name = "s", .source = "base", .salt = "\xff", .arms = arms(2)}, "INVALID_UTF8", "salt");
  EXPECT_EQ(FieldOf(Try({.name = "a/b", .source = "base", .arms = arms(2)}).status()), "name");
  EXPECT_EQ(FieldOf(Try({.name = "s", .source = "base", .arms = {{"A"}, {"b/c"}}}).status()),
            "arms[1].name");
  EXPECT_EQ(CrowdCount(), before) << "nothing was made";

  EXPECT_EQ(Create("two", arms(2)).arms.size(), 2u);
  EXPECT_EQ(Create("thirty", arms(30), 1'000'000, 1'000'000).arms.size(), 31u);
  EXPECT_EQ(Create("control", {{"A", 1'000'000}}, 1'000'000, 1).arms[1].arm.buckets(), 1u);
  Must(Try({.name = "salted", .source = "base", .salt = std::string(128, 'x'), .arms = arms(2)}));
  Must(Try({.name = "smallest", .source = "base", .share = 2, .arms = arms(2)}));
}

TEST_F(SplitsTest, NamesThatAreTakenAndSourcesThatAreNot) {
  Create("copy", {{"A"}, {"B"}});
  ExpectError(Try({.name = "copy", .source = "base", .arms = {{"A", 9}, {"B"}}}).status(),
              absl::StatusCode::kAlreadyExists, "SPLIT_EXISTS", "name");
  world_.Create("other.B", "all()");
  const size_t before = CrowdCount();
  ExpectError(Try({.name = "other", .source = "base", .arms = {{"A"}, {"B"}}}).status(),
              absl::StatusCode::kAlreadyExists, "CROWD_EXISTS", "arms[1].name");
  ExpectError(Try({.name = "x", .source = "bose", .arms = {{"A"}, {"B"}}}).status(),
              absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "source");
  world_.Create("gone", "all()");
  Must(world_.TryDelete("gone"));
  ExpectError(Try({.name = "x", .source = "gone", .arms = {{"A"}, {"B"}}}).status(), kState,
              "CROWD_DELETED", "source");
  EXPECT_EQ(CrowdCount(), before + 1) << "no arm of a split that was refused";
  // Renaming an arm's crowd keeps it an arm, and frees the name.
  Must(crowds().Update(context(), {.name = "copy.A", .new_name = "control"}, {}));
  EXPECT_EQ(Get("copy").arms[0].crowd.definition.name, "control");
  EXPECT_EQ(Get("copy").arms[0].arm.arm, "A");
  Must(crowds().Update(context(), {.name = "base", .new_name = "basis"}, {}));
  EXPECT_EQ(Get("copy").source, "basis");
  EXPECT_EQ(Get("copy").arms[0].arm.ranges, (Ranges{{0, 500'000}})) << "weights stay";
}

TEST_F(SplitsTest, RetriesChangeNothing) {
  const WriteOptions first{.request_id = "r1", .payload_hash = 1};
  const CreateSplit create{
      .name = "copy", .source = "base", .share = 100'000, .arms = {{"A"}, {"B"}}};
  const SplitInfo made = Must(Try(create, first));
  const SplitInfo again = Must(Try(create, first));
  EXPECT_EQ(again.salt, made.salt);
  EXPECT_EQ(again.arms[1].crowd.definition.id, made.arms[1].crowd.definition.id);
  ExpectError(Try(create, {.request_id = "r1", .payload_hash = 2}).status(), kInvalid,
              "REQUEST_ID_REUSED", "request_id");
  const WriteOptions award{.request_id = "r2", .payload_hash = 3};
  EXPECT_EQ(Must(TryAward("copy", "A", award)).winner, "A");
  EXPECT_EQ(Must(TryAward("copy", "A", award)).winner, "A");
  EXPECT_EQ(world_.Get("copy.A").definition.revision, 2u) << "awarded once";
  const SplitInfo would = Must(
      Try({.name = "not yet", .source = "base", .arms = {{"A"}, {"B"}}}, {.validate_only = true}));
  EXPECT_EQ(would.arms[1].crowd.definition.name, "not yet.B");
  ExpectError(splits().Get(context(), "default", "not yet").status(), absl::StatusCode::kNotFound,
              "UNKNOWN_SPLIT", "name");
}

TEST_F(SplitsTest, SourcesAndArmsInUseStay) {
  Create("copy", {{"A"}, {"B"}});
  const absl::Status in_use = world_.TryDelete("base").status();
  ExpectError(in_use, kState, "CROWD_IN_USE", "name");
  EXPECT_NE(in_use.message().find("\"copy.A\", \"copy.B\""), std::string::npos) << in_use;
  ExpectError(world_.TryDelete("copy.A").status(), kState, "ARM_OF_SPLIT", "name");
  world_.Create("above", "crowd('copy.B') and is_graduate");
  const auto drop = [&] {
    return splits().Delete(context(), "default", "copy", kCrowdKeptUs, {}).status();
  };
  ExpectError(drop(), kState, "CROWD_IN_USE", "name");
  EXPECT_EQ(world_.Get("copy.A").state, CrowdState::kNew) << "none of them was deleted";
  Must(world_.TryDelete("above"));
  MustBeOk(drop());
  EXPECT_EQ(world_.Get("copy.A").state, CrowdState::kDeleted);
  EXPECT_TRUE(Get("copy").deleted());
  ExpectError(drop(), kState, "SPLIT_DELETED", "name");
  ExpectError(TryAward("copy", "A").status(), kState, "SPLIT_DELETED", "name");
  EXPECT_TRUE(Must(splits().List(context(), "default", false)).empty());
  EXPECT_EQ(Must(splits().List(context(), "default", true)).size(), 1u);
  MustBeOk(world_.TryDelete("base").status());
  // Undeleting goes from below.
  EXPECT_EQ(ReasonOf(crowds().Undelete(context(), "default", "copy.A", {}).status()),
            "CROWD_DELETED");
  Must(crowds().Undelete(context(), "default", "base", {}));
  Must(crowds().Undelete(context(), "default", "copy.A", {}));
  EXPECT_FALSE(Get("copy").deleted());
}

TEST_F(SplitsTest, ArmsCanBeSplitFrozenPinnedAndCompared) {
  Create("copy", {{"A"}, {"B"}});
  world_.Refresh({"copy.A", "copy.B"});
  Must(Try({.name = "nested", .source = "copy.A", .salt = "other", .arms = {{"X"}, {"Y"}}}));
  const RefreshResult nested = world_.Refresh({"nested.Y", "nested.X", "copy.A"});
  EXPECT_EQ(nested.crowds[0].computed.current_count + nested.crowds[1].computed.current_count,
            nested.crowds[2].computed.current_count);
  Must(crowds().Pin(context(), "default", "copy.A", 1, true, {}));
  EXPECT_EQ(Must(crowds().DiffVersions(context(), {.name = "copy.A"})).added, 0u);
  const Texts before = Members("crowd('copy.B')");
  const CrowdInfo frozen = Must(crowds().Freeze(context(), {.names = {"copy.B"}}, {}));
  EXPECT_EQ(frozen.state, CrowdState::kFrozen);
  EXPECT_TRUE(frozen.references.empty());
  for (int i = 0; i < 20; ++i) world_.Write(fmt::format("new{}", i), {});
  world_.Refresh({"base"});
  EXPECT_EQ(Members("crowd('copy.B', live)"), before) << "what it is for good";
  ExpectError(world_.TryRefresh({"copy.B"}).status(), kState, "CROWD_FROZEN", "crowds[0]");
  ExpectError(crowds().Update(context(), {.name = "copy.A", .rule = "all()"}, {}).status(), kState,
              "NOT_A_RULE", "crowd.rule");
  EXPECT_EQ(Get("copy").source, "base");
}

TEST_F(SplitsTest, SplitsOfWhatIsNotVisibleAreNotThere) {
  world_.Create("rich", "income = 'high'");
  world_.Refresh({"rich"});
  Must(Try({.name = "secret", .source = "rich", .arms = {{"A"}, {"B"}}}));
  world_.Refresh({"secret.A"});
  const CallContext low = EngineWorld::Seeing(6);
  const auto is_unknown = [&](const absl::Status& status, std::string_view reason) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
    EXPECT_EQ(ReasonOf(status), reason);
    EXPECT_EQ(index::GetErrorDetail(status)->suggestion, "");
  };
  is_unknown(splits().Get(low, "default", "secret").status(), "UNKNOWN_SPLIT");
  is_unknown(splits().Award(low, "default", "secret", "A", {}).status(), "UNKNOWN_SPLIT");
  is_unknown(splits().Delete(low, "default", "secret", 0, {}).status(), "UNKNOWN_SPLIT");
  is_unknown(splits().Balance(low, {.split = "secret"}).status(), "UNKNOWN_SPLIT");
  is_unknown(
      splits().Create(low, {.name = "x", .source = "rich", .arms = {{"A"}, {"B"}}}, {}).status(),
      "UNKNOWN_CROWD");
  EXPECT_TRUE(Must(splits().List(low, "default", true)).empty());
  EXPECT_EQ(crowds().Get(low, "default", "secret.A").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Must(splits().List(EngineWorld::Seeing(7), "default", false)).size(), 1u);
}

TEST_F(SplitsTest, SplitsOutliveARestart) {
  world_.LoadNumbers(1'000, 500);
  world_.Refresh({"base"});
  const SplitInfo made = Create("race", {{"A"}, {"B"}}, 100'000, 2);
  world_.Refresh({"race.A", "race.B", "race.holdout"});
  Must(TryAward("race", "B"));
  world_.Refresh({"race.B"});
  const Texts members = Members("crowd('race.B')");
  for (int fold = 0; fold < 2; ++fold) {
    world_.Reopen();
    const SplitInfo read = Get("race");
    EXPECT_EQ(read.salt, made.salt);
    EXPECT_EQ(read.winner, "B");
    EXPECT_EQ(read.arms[1].crowd.newest->version.number, 2u);
    EXPECT_EQ(Members("crowd('race.B')"), members);
    EXPECT_EQ(Members("crowd('race.B', live)"), members);
    MustBeOk(world_.engine().administration().Fold());
  }
}

}  // namespace
}  // namespace throng::engine
