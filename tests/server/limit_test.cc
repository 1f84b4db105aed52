// Expressions with a limit in every call that reads users: exactly so many, and the same ones.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/id_hash.h"
#include "server/engine/insights.h"
#include "server/engine/selections.h"
#include "tests/server/engine_world.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using Ids = std::vector<std::string>;

class LimitTest : public ::testing::Test {
 protected:
  LimitTest() { FillRental(&world_); }

  uint64_t Count(const std::string& expression) { return world_.Count(expression); }
  Ids Members(const std::string& expression) { return world_.Members({.what = expression}); }
  absl::Status Error(const std::string& expression) {
    return world_.selections().Count(world_.context(), {.what = expression}).status();
  }
  Insights& insights() { return world_.engine().insights(); }

  EngineWorld world_;
};

// Of two ids the one whose place under the salt is before the other's.
std::string First(const std::string& a, const std::string& b, const std::string& salt) {
  const auto place = [&](const std::string& id) {
    return index::PlaceOf(index::IdHash(id), index::SaltHash(salt));
  };
  return place(a) < place(b) ? a : b;
}

// Views are 5, 3, 0 and -7; u5 and 6 have none.
TEST_F(LimitTest, TopTakesTheFirstByNumber) {
  EXPECT_EQ(Members("all() top 1 by views desc"), Ids{"u1"});
  EXPECT_EQ(Members("all() top 2 by views desc"), (Ids{"u1", "u2"}));
  EXPECT_EQ(Members("all() top 2 by views asc"), (Ids{"u3", "u4"}));
  EXPECT_EQ(Members("all() top 2 by views"), (Ids{"u3", "u4"}));
  EXPECT_EQ(Members("is_graduate or views = 0 top 2 by views asc"), (Ids{"u2", "u3"}));
  EXPECT_EQ(Members("exists(birthday) top 1 by birthday desc"), Ids{"u3"});
  EXPECT_EQ(Members("exists(score) top 1 by score asc"), Ids{"u2"});
  EXPECT_EQ(Members("exists(seen) top 1 by seen desc"), Ids{"u1"});
}

TEST_F(LimitTest, UsersWithoutANumberComeLast) {
  for (const std::string direction : {"asc", "desc"}) {
    EXPECT_EQ(Members("all() top 4 by views " + direction), (Ids{"u1", "u2", "u3", "u4"}));
    const Ids five = Members("all() top 5 by views " + direction);
    EXPECT_EQ(five, (Ids{"u1", "u2", "u3", "u4", First("u5", "6", "")}));
    EXPECT_EQ(Count("all() top 6 by views " + direction), 6);
    EXPECT_EQ(Members("not exists(views) top 1 by views " + direction), Ids{First("u5", "6", "")});
  }
  // Nobody has the tag's value yet.
  world_.CreateTag({.name = "empty", .type = index::TagType::kInteger});
  EXPECT_EQ(Members("ids('u5', '6') top 1 by empty desc"), Ids{First("u5", "6", "")});
}

TEST_F(LimitTest, AnyTakesTheFirstBySalt) {
  for (const std::string salt : {"", "spring", "it's 春"}) {
    const std::string quoted = salt == "it's 春" ? "it''s 春" : salt;
    EXPECT_EQ(Members("ids('u1', 'u2') any 1 by '" + quoted + "'"), Ids{First("u1", "u2", salt)});
    EXPECT_EQ(Count("all() any 5 by '" + quoted + "'"), 5);
    EXPECT_EQ(Members("all() any 5 by '" + quoted + "'").size(), 5);
  }
}

TEST_F(LimitTest, AllWhereTheyAreFewer) {
  const Ids graduates = Members("is_graduate");
  for (const std::string limit : {"3", "4", "2147483647"}) {
    EXPECT_EQ(Members("is_graduate any " + limit + " by 's'"), graduates);
    EXPECT_EQ(Members("is_graduate top " + limit + " by views desc"), graduates);
    EXPECT_EQ(Count("is_graduate any " + limit + " by 's'"), 3);
  }
  EXPECT_EQ(Count("none() any 3 by 's'"), 0);
  EXPECT_TRUE(Members("none() top 3 by views desc").empty());
  EXPECT_EQ(EngineWorld().Count("all() any 3 by 's'"), 0);
  EXPECT_TRUE(EngineWorld().Members({.what = "all() any 3 by 's'"}).empty());
}

TEST_F(LimitTest, ErrorsNameTheField) {
  const auto expect = [&](const std::string& expression, std::string_view reason) {
    const absl::Status status = Error(expression);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), "selection.expression") << status;
  };
  expect("all() top 0 by views", "VALUE_OUT_OF_RANGE");
  expect("all() any 2147483648 by 's'", "VALUE_OUT_OF_RANGE");
  expect("(all() any 1 by 's') and is_graduate", "MISPLACED_LIMIT");
  expect("all() top 1 by city", "NOT_ORDERED");
  expect("all() top 1 by viws", "UNKNOWN_TAG");
}

TEST_F(LimitTest, ATagBeyondTheCallersLevelDoesNotExist) {
  world_.CreateTag({.name = "salary", .type = index::TagType::kInteger, .sensitivity = 7});
  const auto count = [&](int level, const std::string& tag) {
    return world_.selections()
        .Count(EngineWorld::Seeing(level), {.what = "all() top 1 by " + tag})
        .status();
  };
  EXPECT_TRUE(count(7, "salary").ok());
  EXPECT_EQ(index::GetErrorDetail(count(7, "salery"))->suggestion, "salary");
  for (const std::string tag : {"salary", "salery"}) {
    EXPECT_EQ(ReasonOf(count(6, tag)), "UNKNOWN_TAG");
    EXPECT_EQ(index::GetErrorDetail(count(6, tag))->suggestion, "");
  }
}

TEST_F(LimitTest, EveryCallReadsTheSameUsers) {
  const Selection top{.what = "all() top 2 by views desc"};  // u1 and u2
  EXPECT_EQ(world_.Members(top, 1), (Ids{"u1", "u2"}));
  uint64_t total = 0;
  Ids exported;
  const ExportSink sink{.start =
                            [&](const ExportStart& start) {
                              total = start.total;
                              return absl::OkStatus();
                            },
                        .frame =
                            [&](const ExportFrame& frame) {
                              exported.insert(exported.end(), frame.ids.begin(), frame.ids.end());
                              return absl::OkStatus();
                            },
                        .roaring = [](const std::string&) { return absl::OkStatus(); }};
  ASSERT_TRUE(world_.selections().Export(world_.context(), top, {}, sink).ok());
  EXPECT_EQ(total, 2);
  EXPECT_EQ(exported, (Ids{"u1", "u2"}));

  const BreakdownResult breakdown =
      Must(insights().Breakdown(world_.context(), {.what = "all()"},
                                {.tags = {"city"}, .baseline = std::get<std::string>(top.what)}));
  EXPECT_EQ(breakdown.count, 6);
  EXPECT_EQ(breakdown.baseline_count, 2);
  EXPECT_EQ(Must(insights().Breakdown(world_.context(), top, {.tags = {"city"}})).count, 2);
  const StatisticsResult statistics =
      Must(insights().Statistics(world_.context(), top, {.tags = {"views"}}));
  EXPECT_EQ(statistics.count, 2);
  const CrossTabResult cross = Must(insights().CrossTab(
      world_.context(), top, {.rows = {.tag = "city"}, .columns = {.tag = "is_graduate"}}));
  EXPECT_EQ(cross.count, 2);
  const OverlapResult overlap = Must(
      insights().Overlap(world_.context(), {.selections = {{"top", std::get<std::string>(top.what)},
                                                           {"last", "all() top 5 by views asc"},
                                                           {"all", "all()"}}}));
  EXPECT_EQ(overlap.selections[0].count, 2);
  EXPECT_EQ(overlap.selections[1].count, 5);
  EXPECT_EQ(overlap.pairs[1], 2);
  EXPECT_EQ(overlap.union_count, 6);
}

TEST_F(LimitTest, ExplainEndsWithTheLimit) {
  const ExplainResult result = Must(world_.selections().Explain(
      world_.context(), {.what = "exists(city) and views >= 0 top 2 by views desc"},
      {.analyze = true}));
  EXPECT_EQ(result.count, 2);
  ASSERT_EQ(result.waterfall.size(), 3);
  EXPECT_EQ(result.waterfall[0].left, 4);
  EXPECT_EQ(result.waterfall[1].left, 3);
  EXPECT_EQ(result.waterfall[2].text, "top 2 by views desc");
  EXPECT_EQ(result.waterfall[2].left, 2);
  ASSERT_EQ(result.conditions.size(), 2);
  EXPECT_EQ(result.conditions[1].without, 4);  // of the expression inside
  EXPECT_EQ(result.nodes[0].actual_users, 3);
  ASSERT_EQ(result.stages.size(), 5);
  EXPECT_EQ(result.stages[0].text, "exists(city) and views >= 0 top 2 by views desc");
  EXPECT_EQ(result.stages[4].name, "limit");
  EXPECT_EQ(result.stages[4].text, "top 2 by views desc");
  // Whoever has so many views has a city.
  ASSERT_EQ(result.info.warnings.size(), 1);
  EXPECT_EQ(result.info.warnings[0].reason, "REDUNDANT_CONDITION");
}

TEST_F(LimitTest, ExplainSaysWhereTheyAreFewer) {
  const ExplainOptions options{.conditions_only = true};
  const auto explain = [&](const std::string& expression) {
    return Must(world_.selections().Explain(world_.context(), {.what = expression}, options));
  };
  const ExplainResult fewer = explain("is_graduate any 4 by 's'");
  EXPECT_EQ(fewer.count, 3);
  ASSERT_EQ(fewer.waterfall.size(), 2);
  EXPECT_EQ(fewer.waterfall[0].text, "is_graduate");
  EXPECT_EQ(fewer.waterfall[1].left, 3);
  ASSERT_EQ(fewer.info.warnings.size(), 1);
  EXPECT_EQ(fewer.info.warnings[0].reason, "LIMIT_NOT_REACHED");
  EXPECT_EQ(fewer.info.warnings[0].message,
            "there are 3 users now: all of them are fewer than [any 4 by 's'] asks for");
  EXPECT_EQ(fewer.info.warnings[0].span.column, 13);
  EXPECT_TRUE(explain("is_graduate any 3 by 's'").info.warnings.empty());
}

TEST_F(LimitTest, CurvesAreOfWhatTheLimitIsTakenOf) {
  const CurveRequest request{.tag = "views"};
  const CurveResult plain =
      Must(insights().Curve(world_.context(), {.what = "views > 2"}, request));
  const CurveResult limited =
      Must(insights().Curve(world_.context(), {.what = "views > 2 top 1 by views desc"}, request));
  EXPECT_EQ(limited.count, 2);
  ASSERT_EQ(limited.points.size(), plain.points.size());
  EXPECT_EQ(limited.points[0].count, plain.points[0].count);
  ASSERT_EQ(limited.info.warnings.size(), 1);
  EXPECT_EQ(limited.info.warnings[0].reason, "LIMIT_LEFT_OUT");
  EXPECT_TRUE(plain.info.warnings.empty());
}

TEST_F(LimitTest, ErasedUsersMakeRoom) {
  ASSERT_EQ(Members("all() top 2 by views desc"), (Ids{"u1", "u2"}));
  Must(world_.engine().erasures().Erase(world_.context(), {.users = {{"", "u1"}}}));
  EXPECT_EQ(Members("all() top 2 by views desc"), (Ids{"u2", "u3"}));
  EXPECT_EQ(Count("all() any 6 by 's'"), 5);
}

TEST_F(LimitTest, EndsWhenCancelled) {
  for (const std::string expression : {"all() top 2 by views desc", "all() any 2 by 's'"}) {
    int questions = 0;
    for (int patience = 0; questions >= patience; ++patience) {
      questions = 0;
      CallContext context = CallContext::Internal();
      context.cancelled = [&] { return ++questions > patience; };
      const auto page =
          world_.selections().ListMembers(context, {.what = expression}, kPageSizeMax, "");
      if (questions > patience) {
        EXPECT_EQ(page.status().code(), absl::StatusCode::kCancelled);
      } else {
        EXPECT_TRUE(page.ok());
        EXPECT_GE(patience, 4);
      }
    }
  }
}

// Ids and numbers decide, not the order in which users came, nor deltas, nor a restart, nor who
// was erased between.
TEST(LimitOrderTest, TheSameUsersHoweverTheyWereLoaded) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  constexpr uint32_t kUsers = 60'000;  // more than are ranked one by one
  const std::vector<testing::PlainTag> tags{
      {.name = "spend", .type = testing::PlainType::kInteger}};
  std::vector<uint32_t> users(kUsers);
  for (uint32_t i = 0; i < kUsers; ++i) users[i] = i;
  const auto load = [&](EngineWorld* world) {
    world->CreateTags(tags);
    testing::PlainBatch batch;
    batch.columns.resize(1);
    for (const uint32_t user : users) {
      batch.ids.push_back(fmt::format("u{}", user));
      batch.columns[0].kinds.push_back(user % 7 == 0 ? testing::CellKind::kClear
                                                     : testing::CellKind::kSet);
      batch.columns[0].numbers.push_back(user % 7 == 0 ? 0 : user % 40);
    }
    world->Load(batch, tags);
  };
  EngineWorld first;
  load(&first);
  std::shuffle(users.begin(), users.end(), random);
  EngineWorld second;
  load(&second);
  const auto members = [](EngineWorld& world, const std::string& expression) {
    Ids ids = world.Members({.what = expression});
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  const std::vector<std::string> expressions{
      "all() top 10000 by spend desc", "all() top 40001 by spend asc", "all() top 55000 by spend",
      "spend > 3 any 12345 by 'spring'", "all() any 1 by ''"};
  for (const std::string& expression : expressions) {
    const Ids expected = members(first, expression);
    EXPECT_EQ(members(second, expression), expected) << seed << ": " << expression;
    EXPECT_EQ(expected.size(), first.Count(expression)) << expression;
  }
  // Cleared and written again, one by one: in deltas.
  const Ids before = members(second, expressions[0]);
  second.Write("u1", {{"spend", Whole(99)}});
  EXPECT_EQ(members(second, "all() top 1 by spend desc"), Ids{"u1"});
  second.Write("u1", {{"spend", Whole(1)}});
  EXPECT_EQ(members(second, expressions[0]), before) << seed;
  second.Reopen();
  for (const std::string& expression : expressions) {
    EXPECT_EQ(members(second, expression), members(first, expression))
        << seed << ": " << expression;
  }
  EraseRequest erase;
  std::shuffle(users.begin(), users.end(), random);
  for (size_t i = 0; i < 900; ++i) erase.users.push_back({"", fmt::format("u{}", users[i])});
  for (EngineWorld* world : {&first, &second}) {
    MustBeOk(world->engine().erasures().Erase(world->context(), erase).status());
  }
  for (const std::string& expression : expressions) {
    const Ids left = members(first, expression);
    EXPECT_EQ(members(second, expression), left) << seed << ": " << expression;
    EXPECT_EQ(second.Count(expression), left.size()) << seed << ": " << expression;
    for (const TypedId& erased : erase.users) {
      ASSERT_FALSE(std::binary_search(left.begin(), left.end(), erased.id))
          << seed << ": " << expression << " has " << erased.id;
    }
  }
  // Others take the places of the erased: it stays so many users while there are so many.
  EXPECT_EQ(second.Count(expressions[0]), 10'000u);
  EXPECT_EQ(second.Count("all() any 2147483647 by ''"), kUsers - erase.users.size());
}

}  // namespace
}  // namespace throng::engine
