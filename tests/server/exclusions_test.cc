// Standing exclusions: what they take, in every call that takes a selection, what is refused, and
// random ones against sets of ids.
#include "server/engine/exclusions.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/insights.h"
#include "tests/server/crowd_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using query::CrowdRef;
using Texts = std::vector<std::string>;

CrowdRef Newest(const std::string& name) { return {.name = name}; }
CrowdRef Live(const std::string& name) { return {.name = name, .live = true}; }
CrowdRef Version(const std::string& name, uint32_t version) {
  return {.name = name, .version = version};
}

class ExclusionsTest : public CrowdTest {
 protected:
  ExclusionsTest() {
    world_.Create("graduates", "is_graduate");   // u1 u2 u5
    world_.Create("local", "city = 'Beijing'");  // u1 u3
    world_.Create("nobody", "city = 'Nowhere'");
    world_.Refresh({"graduates", "local", "nobody"});
  }

  absl::StatusOr<CountResult> TryCount(const std::string& what,
                                       const std::vector<CrowdRef>& exclude) {
    return world_.selections().Count(context(), {.what = what, .exclude = exclude});
  }
  CountResult Count(const std::string& what, const std::vector<CrowdRef>& exclude) {
    return Must(TryCount(what, exclude));
  }
};

// On the thread that asks: what memory alone answers, and no error.
TEST_F(ExclusionsTest, WhatIsMoreThanALookAtMemoryIsNotCountedAtOnce) {
  // It has a share of time, which what else is done on the machine may use up.
  const auto counted = [&](const Selection& selection, int attempts) {
    std::optional<CountResult> result;
    for (int i = 0; i < attempts && !result.has_value(); ++i) {
      if (i > 0) std::this_thread::sleep_for(kQuickWindow);
      result = world_.selections().CountNow(context(), selection);
    }
    return result;
  };
  const auto now = [&](const Selection& selection, int attempts = 50) {
    const std::optional<CountResult> result = counted(selection, attempts);
    return result.has_value() ? static_cast<int>(result->count) : -1;
  };
  const auto once = [&](const Selection& selection) { return now(selection, 1); };
  EXPECT_EQ(now({.what = "is_graduate"}), 3);
  EXPECT_EQ(now({.what = "crowd('graduates') and crowd('local')"}), 1);
  EXPECT_EQ(now({.what = "is_graduate top 2 by views desc"}),
            static_cast<int>(Count("is_graduate top 2 by views desc", {}).count));
  EXPECT_EQ(once({.what = "crowd('graduates', live)"}), -1);
  EXPECT_EQ(once({.what = "not (city = 'Beijing' or crowd('graduates', 1))"}), -1);
  EXPECT_EQ(once({.what = "is_graduate and city = 'no such city'"}), -1) << "it has a suggestion";
  EXPECT_EQ(once({.what = "crowd('no_such_crowd')"}), -1);
  EXPECT_EQ(once({.what = "all()", .exclude = {Newest("local")}}), -1);
  EXPECT_EQ(once({.what = "no_such_tag"}), -1);
  EXPECT_EQ(once({.population = "none", .what = "all()"}), -1);
  CallContext late = context();
  late.deadline = std::chrono::steady_clock::now();
  EXPECT_FALSE(world_.selections().CountNow(late, {.what = "is_graduate"}).has_value());
  const std::optional<CountResult> result = counted({.what = "crowd('local')"}, 50);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->info.crowds, Count("crowd('local')", {}).info.crowds);
}

TEST_F(ExclusionsTest, LossesAreInTheOrderGiven) {
  const CountResult result =
      Count("all()", {Newest("graduates"), Newest("local"), Newest("nobody")});
  EXPECT_EQ(result.count, 2u);  // u4, 6
  ASSERT_TRUE(result.exclusions.has_value());
  EXPECT_EQ(result.exclusions->gross, 6u);
  EXPECT_EQ(result.exclusions->reachable, 2u);
  ASSERT_EQ(result.exclusions->losses.size(), 3u);
  EXPECT_EQ(result.exclusions->losses[0].overlap, 3u);
  EXPECT_EQ(result.exclusions->losses[0].loss, 3u);
  EXPECT_EQ(result.exclusions->losses[1].overlap, 2u);
  EXPECT_EQ(result.exclusions->losses[1].loss, 1u) << "u1 was lost to the first";
  EXPECT_EQ(result.exclusions->losses[2].loss, 0u);
  EXPECT_EQ(result.exclusions->losses[1].crowd, Newest("local"));
  EXPECT_EQ(result.info.crowds.size(), 3u) << "versions that were read";
  EXPECT_EQ(result.info.canonical_expression,
            "all() and not crowd('graduates') and not crowd('local') and not crowd('nobody')");
  EXPECT_EQ(world_.Count(result.info.canonical_expression), 2u);
  const CountResult other = Count("all()", {Newest("local"), Newest("graduates")});
  EXPECT_EQ(other.exclusions->losses[0].loss, 2u);
  EXPECT_EQ(other.exclusions->losses[1].loss, 2u);
  EXPECT_FALSE(Count("all()", {}).exclusions.has_value());
}

TEST_F(ExclusionsTest, VersionsAndLiveRules) {
  world_.Write("u4", {{"is_graduate", Flag(true)}});
  EXPECT_EQ(Count("all()", {Newest("graduates")}).count, 3u);
  EXPECT_EQ(Count("all()", {Live("graduates")}).count, 2u);
  world_.Refresh({"graduates"});
  EXPECT_EQ(Count("all()", {Newest("graduates")}).count, 2u);
  EXPECT_EQ(Count("all()", {Version("graduates", 1)}).count, 3u);
  world_.Erase("u1");
  const CountResult after = Count("all()", {Version("graduates", 1), Newest("graduates")});
  EXPECT_EQ(after.count, 2u);
  EXPECT_EQ(after.exclusions->gross, 5u);
  EXPECT_EQ(after.exclusions->losses[0].overlap, 2u) << "without the erased user";
  EXPECT_EQ(after.exclusions->losses[1].loss, 1u);
}

// An expression with an and, an or and a not at its root, and nested ones.
TEST_F(ExclusionsTest, EveryCallLeavesThemOut) {
  const std::vector<std::pair<std::string, Texts>> cases = {
      {"views > -10 and city = 'Beijing'", {"u3"}},
      {"city = 'Wuhan' or is_graduate", {"u4"}},
      {"not is_graduate", {"6", "u3", "u4"}},
      {"city in ('Beijing','Tianjin','Wuhan')", {"u3", "u4"}},
      {"all()", {"6", "u3", "u4"}}};
  for (const auto& [what, expected] : cases) {
    const Selection selection{.what = what, .exclude = {Newest("graduates")}};
    Texts members = world_.Members(selection, 1);
    std::sort(members.begin(), members.end());
    EXPECT_EQ(members, expected) << what;
    const uint64_t size = expected.size();
    EXPECT_EQ(Count(what, selection.exclude).count, size) << what;
    const ExplainResult explained =
        Must(world_.selections().Explain(context(), selection, {.analyze = true}));
    EXPECT_EQ(explained.count, size) << what;
    EXPECT_EQ(explained.waterfall.back().text, "not crowd('graduates')") << what;
    EXPECT_EQ(explained.waterfall.back().left, size) << what;
    EXPECT_EQ(explained.conditions.back().text, "crowd('graduates')") << what;
    Insights& insights = world_.engine().insights();
    EXPECT_EQ(Must(insights.Breakdown(context(), selection, {.tags = {"city"}})).count, size);
    EXPECT_EQ(Must(insights.Statistics(context(), selection, {.tags = {"views"}})).count, size);
    EXPECT_EQ(Must(insights.Compare(context(), selection, {.tags = {"city"}})).count, size);
    EXPECT_EQ(Must(insights.CrossTab(context(), selection,
                                     {.rows = {.tag = "city"}, .columns = {.tag = "income"}}))
                  .count,
              size);
    size_t exported = 0;
    MustBeOk(world_.selections().Export(
        context(), selection, {},
        {.start = [](const ExportStart&) { return absl::OkStatus(); },
         .frame =
             [&](ExportFrame frame) {
               exported += frame.ids.size() + frame.numbers.size();
               return absl::OkStatus();
             },
         .roaring = [](const std::string&) { return absl::OkStatus(); }}));
    EXPECT_EQ(exported, size) << what;
    const UserReasons why =
        Must(world_.engine().memberships().Why(context(), selection, {.id = "u2"}));
    EXPECT_FALSE(why.is_member);
    EXPECT_EQ(why.conditions.back().condition.text, "crowd('graduates')");
    EXPECT_FALSE(why.conditions.back().met);
  }
}

TEST_F(ExclusionsTest, BaselinesAndOverlapsHaveTheirOwn) {
  Insights& insights = world_.engine().insights();
  const Selection everybody{.what = "all()"};
  BreakdownRequest breakdown{.tags = {"city"}, .baseline = "all()"};
  breakdown.baseline_exclude = {Newest("local")};
  EXPECT_EQ(Must(insights.Breakdown(context(), everybody, breakdown)).baseline_count, 4u);
  CompareRequest compare{.baseline = "all()", .tags = {"city"}};
  compare.baseline_exclude = {Newest("local")};
  EXPECT_EQ(Must(insights.Compare(context(), everybody, compare)).baseline_count, 4u);
  const OverlapResult overlap = Must(insights.Overlap(
      context(),
      {.selections = {{"a", "all()", {Newest("graduates")}}, {"b", "all()", {Newest("local")}}}}));
  EXPECT_EQ(overlap.selections[0].count, 3u);
  EXPECT_EQ(overlap.selections[1].count, 4u);
  EXPECT_EQ(overlap.pair(0, 1), 2u);
  compare.baseline_exclude = {Newest("gone")};
  ExpectError(insights.Compare(context(), everybody, compare).status(), absl::StatusCode::kNotFound,
              "UNKNOWN_CROWD", "baseline.exclude[0]");
  ExpectError(
      insights
          .Overlap(context(), {.selections = {{"a", "all()"}, {"b", "all()", {Newest("gone")}}}})
          .status(),
      absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "selections[1].selection.exclude[0]");
}

// Everybody but the excluded is not everybody, whose counts are stored.
TEST_F(ExclusionsTest, ABaselineOfNothingButExclusions) {
  Insights& insights = world_.engine().insights();
  const Selection crowd{.what = "is_graduate"};
  BreakdownRequest breakdown{.tags = {"city"}};
  BreakdownRequest written{.tags = {"city"}, .baseline = "all()"};
  breakdown.baseline_exclude = written.baseline_exclude = {Newest("local")};
  const BreakdownResult result = Must(insights.Breakdown(context(), crowd, breakdown));
  const BreakdownResult expected = Must(insights.Breakdown(context(), crowd, written));
  EXPECT_EQ(result.baseline_count, 4u);
  ASSERT_EQ(result.tags[0].rows.size(), expected.tags[0].rows.size());
  for (size_t i = 0; i < result.tags[0].rows.size(); ++i) {
    EXPECT_EQ(result.tags[0].rows[i].value, expected.tags[0].rows[i].value);
    EXPECT_EQ(result.tags[0].rows[i].baseline_count, expected.tags[0].rows[i].baseline_count);
  }
  EXPECT_EQ(result.tags[0].missing.baseline_count, expected.tags[0].missing.baseline_count);

  CompareRequest compare{.tags = {"city"}};
  CompareRequest compare_written{.baseline = "all()", .tags = {"city"}};
  compare.baseline_exclude = compare_written.baseline_exclude = {Newest("local")};
  const CompareResult compared = Must(insights.Compare(context(), crowd, compare));
  const CompareResult wanted = Must(insights.Compare(context(), crowd, compare_written));
  EXPECT_EQ(compared.baseline_count, 4u);
  EXPECT_EQ(compared.common, wanted.common);
  EXPECT_EQ(compared.baseline_expression, wanted.baseline_expression);
  EXPECT_EQ(compared.info.crowds.size(), wanted.info.crowds.size());
  const ComparedTag& city = compared.tags[0];
  ASSERT_EQ(city.rows.size(), wanted.tags[0].rows.size());
  for (size_t i = 0; i < city.rows.size(); ++i) {
    EXPECT_EQ(city.rows[i].value, wanted.tags[0].rows[i].value);
    EXPECT_EQ(city.rows[i].baseline_count, wanted.tags[0].rows[i].baseline_count);
  }
  EXPECT_EQ(city.missing.baseline_count, wanted.tags[0].missing.baseline_count);
}

TEST_F(ExclusionsTest, ALimitIsTakenOfTheReachable) {
  const Selection top{.what = "all() top 2 by views desc", .exclude = {Newest("graduates")}};
  Texts members = world_.Members(top);
  std::sort(members.begin(), members.end());
  EXPECT_EQ(members, (Texts{"u3", "u4"})) << "two who may be reached, not what two leave";
  const CountResult count = Must(world_.selections().Count(context(), top));
  EXPECT_EQ(count.count, 2u);
  EXPECT_EQ(count.exclusions->gross, 6u);
  EXPECT_EQ(count.exclusions->reachable, 3u);
}

TEST_F(ExclusionsTest, SamplesAndPages) {
  const Selection selection{.what = "all()", .exclude = {Newest("graduates")}};
  const CountResult sampled =
      Must(world_.selections().CountSample(context(), selection, {.millionths = 500'000}));
  EXPECT_FALSE(sampled.exclusions.has_value());
  const MembersPage first = Must(world_.selections().ListMembers(context(), selection, 1, ""));
  EXPECT_EQ(first.total, 3u);
  Selection other = selection;
  other.exclude = {Newest("local")};
  EXPECT_EQ(
      ReasonOf(
          world_.selections().ListMembers(context(), other, 1, first.next_page_token).status()),
      "BAD_PAGE_TOKEN");
}

TEST_F(ExclusionsTest, WhatIsRefused) {
  const auto refuse = [&](const std::vector<CrowdRef>& exclude, absl::StatusCode code,
                          std::string_view reason, std::string_view field) {
    ExpectError(TryCount("all()", exclude).status(), code, reason, field);
  };
  refuse({Newest("local"), Newest("gradautes")}, absl::StatusCode::kNotFound, "UNKNOWN_CROWD",
         "selection.exclude[1]");
  EXPECT_EQ(index::GetErrorDetail(TryCount("all()", {Newest("gradautes")}).status())->suggestion,
            "graduates");
  world_.Create("new", "all()");
  refuse({Newest("new")}, absl::StatusCode::kFailedPrecondition, "CROWD_NOT_REFRESHED",
         "selection.exclude[0]");
  refuse({Version("local", 9)}, absl::StatusCode::kFailedPrecondition, "CROWD_VERSION_GONE",
         "selection.exclude[0]");
  Must(world_.TryDelete("nobody"));
  refuse({Newest("nobody")}, absl::StatusCode::kFailedPrecondition, "CROWD_DELETED",
         "selection.exclude[0]");
  const std::vector<CrowdRef> most(kExclusionsMax, Newest("local"));
  EXPECT_EQ(Count("all()", most).count, 4u);
  std::vector<CrowdRef> more = most;
  more.push_back(Newest("local"));
  refuse(more, absl::StatusCode::kInvalidArgument, "TOO_MANY_EXCLUSIONS", "selection.exclude");
  world_.Create("rich", "income = 'high'");
  world_.Refresh({"rich"});
  const absl::Status hidden =
      world_.selections()
          .Count(EngineWorld::Seeing(6), {.what = "all()", .exclude = {Newest("rich")}})
          .status();
  ExpectError(hidden, absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "selection.exclude[0]");
  EXPECT_EQ(index::GetErrorDetail(hidden)->suggestion, "");
}

// With an exclusion the expression is a level deeper, unless it is an `and`: what is said to have
// been understood parses back.
TEST_F(ExclusionsTest, DepthsAtTheLimit) {
  const auto nots = [](int depth) {
    query::Expression expression{query::AllUsers()};
    for (int i = 1; i < depth; ++i) {
      query::Not negation;
      negation.operand.push_back(std::move(expression));
      expression = {std::move(negation)};
    }
    return expression;
  };
  const auto count = [&](query::Expression expression, const std::vector<CrowdRef>& exclude) {
    return world_.selections().Count(context(),
                                     {.what = std::move(expression), .exclude = exclude});
  };
  const int most = query::ExpressionLimits().depth_max;
  const std::vector<CrowdRef> exclude = {Newest("graduates")};
  const CountResult below = Must(count(nots(most - 1), exclude));
  EXPECT_EQ(world_.Count(below.info.canonical_expression), below.count);
  EXPECT_TRUE(count(nots(most), {}).ok());
  ExpectError(count(nots(most), exclude).status(), absl::StatusCode::kInvalidArgument,
              "EXPRESSION_TOO_DEEP", "selection.exclude");
  ExpectError(count(nots(most + 1), exclude).status(), absl::StatusCode::kInvalidArgument,
              "EXPRESSION_TOO_DEEP", "selection.tree");
  query::And both;
  both.operands.push_back(nots(most - 1));
  both.operands.push_back({query::AllUsers()});
  const CountResult beside = Must(count({std::move(both)}, exclude));
  EXPECT_EQ(world_.Count(beside.info.canonical_expression), beside.count);
}

// Sets of ids by hand: several data versions, erased users, any expression.
TEST_F(ExclusionsTest, RandomExclusionsAgreeWithSets) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  CrowdWorld world({.query_threads = 2});
  testing::PopulationGenerator generator({}, seed);
  world.CreateTags(generator.tags());
  world.Load(generator.NextUsers(3'000), generator.tags());
  testing::ExpressionGenerator expressions(generator.expression_tags(), {.depth_max = 2}, seed + 1);
  const auto ids = [&](const std::string& what, uint64_t version) {
    const Texts members = world.Members({.what = what, .read_version = version});
    return std::set<std::string>(members.begin(), members.end());
  };
  const Texts names = {"x0", "x1", "x2", "x3"};
  for (size_t i = 0; i < names.size(); ++i) {
    world.Create(names[i], fmt::format("bucket('x{}', 0, {})", i, 100'000 + 150'000 * i));
  }
  for (int round = 0; round < testing::TestRounds(12); ++round) {
    world.Refresh(names);
    world.Load(generator.MakeUpdate(200), generator.tags());
    const Texts everybody = world.Members({.what = "all()"});
    world.Erase(everybody[random() % everybody.size()]);
    const uint64_t version =
        Must(world.selections().Count(world.context(), {.what = "none()"})).info.data_version;
    world.Load(generator.NextUsers(50), generator.tags());  // newer than what is read
    const query::Expression expression = expressions.Next();
    Selection selection{.what = expression, .read_version = version};
    Selection plain = selection;
    std::set<std::string> left;
    for (const std::string& id : world.Members(plain)) left.insert(id);
    const std::set<std::string> gross = left;
    std::vector<uint64_t> losses;
    std::vector<uint64_t> overlaps;
    const size_t exclusions = random() % 6;
    for (size_t i = 0; i < exclusions; ++i) {
      const std::string& name = names[random() % names.size()];
      const bool live = random() % 2 == 0;
      selection.exclude.push_back(live ? Live(name) : Newest(name));
      uint64_t loss = 0;
      uint64_t overlap = 0;
      for (const std::string& id :
           ids(fmt::format("crowd('{}'{})", name, live ? ", live" : ""), version)) {
        overlap += gross.contains(id) ? 1 : 0;
        loss += left.erase(id);
      }
      overlaps.push_back(overlap);
      losses.push_back(loss);
    }
    const CountResult result = Must(world.selections().Count(world.context(), selection));
    const std::string what =
        fmt::format("seed {}, round {}: {}", seed, round, result.info.canonical_expression);
    ASSERT_EQ(result.count, left.size()) << what;
    const Texts members = world.Members(selection, 500);
    ASSERT_EQ(std::set<std::string>(members.begin(), members.end()), left) << what;
    const ExplainResult explained =
        Must(world.selections().Explain(world.context(), selection, {}));
    ASSERT_EQ(explained.count, left.size()) << what;
    if (exclusions == 0) continue;
    ASSERT_EQ(result.exclusions->gross, gross.size()) << what;
    uint64_t sum = 0;
    for (size_t i = 0; i < exclusions; ++i) {
      ASSERT_EQ(result.exclusions->losses[i].overlap, overlaps[i]) << what << ", " << i;
      ASSERT_EQ(result.exclusions->losses[i].loss, losses[i]) << what << ", " << i;
      sum += losses[i];
    }
    ASSERT_EQ(sum, result.exclusions->gross - result.exclusions->reachable) << what;
  }
}

}  // namespace
}  // namespace throng::engine
