// Counting and listing through the engine, against a small population of known answers.
#include "server/engine/selections.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

using Ids = std::vector<std::string>;

class SelectionsTest : public ::testing::Test {
 protected:
  SelectionsTest() { FillRental(&world_); }

  absl::StatusOr<CountResult> Count(const CallContext& context, const Selection& selection) {
    return world_.selections().Count(context, selection);
  }
  absl::Status Error(const Selection& selection) {
    return Count(world_.context(), selection).status();
  }

  EngineWorld world_;
};

TEST_F(SelectionsTest, KnownAnswers) {
  const std::vector<std::pair<std::string, Ids>> kCases = {
      {"all()", {"u1", "u2", "u3", "u4", "u5", "6"}},
      {"none()", {}},
      {"is_graduate", {"u1", "u2", "u5"}},
      {"not is_graduate", {"u3", "u4", "6"}},
      {"is_graduate = false", {"u3", "u4", "6"}},
      {"exists(is_graduate)", {"u1", "u2", "u3", "u4", "u5", "6"}},
      {"city = 'Beijing'", {"u1", "u3"}},
      {"city != 'Beijing'", {"u2", "u4"}},
      {"not city = 'Beijing'", {"u2", "u4", "u5", "6"}},
      {"city in ('Wuhan', 'Tianjin', 'Atlantis')", {"u2", "u4"}},
      {"city not in ('Wuhan', 'Atlantis')", {"u1", "u2", "u3"}},
      {"exists(city)", {"u1", "u2", "u3", "u4"}},
      {"interests = 'metro'", {"u1", "u2"}},
      {"interests != 'metro'", {"u3", "u4"}},
      {"interests in ('garden', 'pool')", {"u1", "u3", "u4"}},
      {"interests = 'garden' and interests = 'metro'", {"u1"}},
      {"views > 3", {"u1"}},
      {"views >= 3", {"u1", "u2"}},
      {"views between 0 and 3", {"u2", "u3"}},
      {"views < 2.5", {"u3", "u4"}},
      {"views = 2.5", {}},
      {"views != 3", {"u1", "u3", "u4"}},
      {"not (views > 3)", {"u2", "u3", "u4", "u5", "6"}},
      {"score = 1.25", {"u1"}},
      {"score > 1.249", {"u1", "u4"}},
      {"score <= -0.5", {"u2"}},
      {"birthday = '2000-02-29'", {"u1"}},
      {"birthday = today()", {"u3"}},
      {"birthday < today() - 24y", {"u1", "u2"}},
      {"seen = today()", {"u1"}},
      {"seen >= now() - 1h", {"u1"}},
      {"seen < '2024-03-15'", {"u2"}},
      {"exists(nobody)", {}},
      {"nobody != 'x'", {}},
      {"not exists(nobody)", {"u1", "u2", "u3", "u4", "u5", "6"}},
      {"ids('u4', 6, 'u99', 7)", {"u4", "6"}},
      {"not ids('u1', 'u2')", {"u3", "u4", "u5", "6"}},
      {"is_graduate and city = 'Beijing' or views = 0", {"u1", "u3"}},
      {"bucket('spring', 0, 1000000)", {"u1", "u2", "u3", "u4", "u5", "6"}},
      {"bucket('spring', 500, 500)", {}},
  };
  for (const auto& [expression, ids] : kCases) {
    EXPECT_EQ(world_.Count(expression), ids.size()) << expression;
    EXPECT_EQ(world_.Members({.what = expression}), ids) << expression;
    EXPECT_EQ(world_.Members({.what = expression}, 1), ids) << expression;
  }
}

TEST_F(SelectionsTest, AnEmptyInputInTheMiddleOfAUnionChangesNothing) {
  // The planner expects three users of `score > 1000`, so that it stands third of four.
  const std::string expression =
      "ids('u3', 'u4', 'u5') or ids('u4', 'u5', 6) or score > 1000 or ids('u1', 'u2')";
  EXPECT_EQ(world_.Members({.what = expression}), (Ids{"u1", "u2", "u3", "u4", "u5", "6"}));
}

TEST_F(SelectionsTest, SampleAndItsComplementAreEverybody) {
  const uint64_t in = world_.Count("sample(50%, 'salt')");
  EXPECT_EQ(in, world_.Count("bucket('salt', 0, 500000)"));
  EXPECT_EQ(6 - in, world_.Count("bucket('salt', 500000, 1000000)"));
}

TEST_F(SelectionsTest, ZoneDecidesWhichDayItIs) {
  // u2 was seen at 23:30 UTC of the day before, which is the reference day in Shanghai.
  const Selection today{.what = "seen = today()", .time_zone = "Asia/Shanghai"};
  EXPECT_EQ(world_.Members(today), (Ids{"u1", "u2"}));
  const CountResult result = *Count(world_.context(), today);
  EXPECT_EQ(result.info.time_zone, "Asia/Shanghai");
  EXPECT_EQ(result.info.reference_us, EngineWorld::kStartUs);
  const Selection before{.what = "seen = today()",
                         .reference_us = EngineWorld::kStartUs - 86'400'000'000};
  EXPECT_EQ(world_.Members(before), Ids{"u2"});
}

TEST_F(SelectionsTest, InfoSaysWhatWasRead) {
  const CountResult result = *Count(world_.context(), {.what = "NOT(city='Nowhere')"});
  EXPECT_EQ(result.count, 6);
  EXPECT_EQ(result.info.canonical_expression, "not city = 'Nowhere'");
  EXPECT_TRUE(result.info.exact);
  ASSERT_FALSE(result.info.warnings.empty());
  EXPECT_EQ(result.info.warnings[0].reason, "UNKNOWN_VALUE");
  const uint64_t version = world_.Write("u9", {});
  EXPECT_EQ(Count(world_.context(), {.what = "all()"})->info.data_version, version);
}

TEST_F(SelectionsTest, TreesMeanWhatTheirTextMeans) {
  query::Condition condition{.tag = "city", .test = query::AnyOf{{Text("Beijing")}}};
  const Selection tree{.what = query::Expression{condition}};
  EXPECT_EQ(world_.Members(tree), (Ids{"u1", "u3"}));
  EXPECT_EQ(Count(world_.context(), tree)->info.canonical_expression, "city = 'Beijing'");
}

TEST_F(SelectionsTest, ErrorsNameTheField) {
  const auto expect = [&](const Selection& selection, absl::StatusCode code,
                          std::string_view reason, std::string_view field) {
    const absl::Status status = Error(selection);
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  };
  const auto kInvalid = absl::StatusCode::kInvalidArgument;
  expect({.what = "city ="}, kInvalid, "SYNTAX_ERROR", "selection.expression");
  expect({.what = "citty = 'x'"}, kInvalid, "UNKNOWN_TAG", "selection.expression");
  expect({.what = "city = 3"}, kInvalid, "WRONG_VALUE_TYPE", "selection.expression");
  expect({.what = "city > 'x'"}, kInvalid, "NOT_ORDERED", "selection.expression");
  expect({.what = "views"}, kInvalid, "NOT_A_FLAG", "selection.expression");
  expect({.what = "birthday = '2023-02-29'"}, kInvalid, "BAD_DATE", "selection.expression");
  expect({.what = query::Expression{query::Condition{.tag = "citty", .test = query::Exists{}}}},
         kInvalid, "UNKNOWN_TAG", "selection.tree");
  expect({.what = "all()", .time_zone = "Mars/Phobos"}, kInvalid, "UNKNOWN_TIME_ZONE",
         "selection.time_zone");
  expect({.population = "owners", .what = "all()"}, absl::StatusCode::kNotFound,
         "UNKNOWN_POPULATION", "population");
  EXPECT_FALSE(Error({.what = query::Expression{query::And{}}}).ok());
}

TEST_F(SelectionsTest, DepthAndListsEndAtTheirLimits) {
  const auto nested = [](int nots) {
    query::Expression expression{query::AllUsers{}};
    for (int i = 0; i < nots; ++i) {
      query::Not negation;
      negation.operand.push_back(std::move(expression));
      expression = query::Expression{std::move(negation)};
    }
    return expression;
  };
  const int deepest = query::ExpressionLimits().depth_max - 1;  // all() is a level itself
  EXPECT_EQ(Count(world_.context(), {.what = nested(deepest)})->count, 0);
  EXPECT_EQ(ReasonOf(Error({.what = nested(deepest + 1)})), "EXPRESSION_TOO_DEEP");

  query::IdSet ids{.numbers = std::vector<uint64_t>(query::ExpressionLimits().list_values_max, 6)};
  EXPECT_EQ(Count(world_.context(), {.what = query::Expression{ids}})->count, 1);
  ids.ids.emplace_back("u1");
  const absl::Status status = Error({.what = query::Expression{std::move(ids)}});
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_VALUES");
  EXPECT_EQ(FieldOf(status), "selection.tree");
}

TEST_F(SelectionsTest, TagsBeyondTheCallersLevelDoNotExist) {
  const CallContext context = EngineWorld::Seeing(6);
  EXPECT_EQ(Count(EngineWorld::Seeing(7), {.what = "income = 'high'"})->count, 2);
  const absl::Status hidden = Count(context, {.what = "income = 'high'"}).status();
  const absl::Status absent = Count(context, {.what = "imcone = 'high'"}).status();
  const absl::Status near = Count(context, {.what = "incom = 'high'"}).status();
  EXPECT_EQ(hidden.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(hidden), "UNKNOWN_TAG");
  // Neither the error for the name itself nor one for a name near it gives it away.
  EXPECT_EQ(index::GetErrorDetail(hidden)->suggestion, "");
  EXPECT_EQ(index::GetErrorDetail(near)->suggestion, "");
  EXPECT_EQ(index::GetErrorDetail(hidden)->expected, index::GetErrorDetail(absent)->expected);
  const absl::Status seen = Count(EngineWorld::Seeing(7), {.what = "incom = 'high'"}).status();
  EXPECT_EQ(index::GetErrorDetail(seen)->suggestion, "income");
}

TEST_F(SelectionsTest, DeadlinesAndCancellation) {
  CallContext late = CallContext::Internal();
  late.deadline = std::chrono::steady_clock::now();
  CallContext cancelled = CallContext::Internal();
  cancelled.cancelled = [] { return true; };
  for (const auto& [context, code] : {std::pair(late, absl::StatusCode::kDeadlineExceeded),
                                      std::pair(cancelled, absl::StatusCode::kCancelled)}) {
    EXPECT_EQ(Count(context, {.what = "is_graduate"}).status().code(), code);
    EXPECT_EQ(world_.selections().ListMembers(context, {.what = "all()"}, 10, "").status().code(),
              code);
    EXPECT_EQ(world_.selections().Explain(context, {.what = "all()"}, {}).status().code(), code);
  }
}

TEST_F(SelectionsTest, CancellationEndsAQueryUnderWay) {
  // The context is asked before every shard: whichever question is answered with "cancelled", the
  // query ends with it. Beyond the last question it succeeds.
  int questions = 0;
  for (int patience = 0; questions >= patience; ++patience) {
    questions = 0;
    CallContext context = CallContext::Internal();
    context.cancelled = [&] { return ++questions > patience; };
    const absl::StatusOr<CountResult> result = Count(context, {.what = "is_graduate"});
    if (questions > patience) {
      EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
    } else {
      EXPECT_TRUE(result.ok());
      EXPECT_GE(patience, 2);
    }
  }
}

TEST_F(SelectionsTest, ReadVersionSeesThePast) {
  const CountResult before = *Count(world_.context(), {.what = "city = 'Beijing'"});
  ASSERT_EQ(before.count, 2);
  world_.Write("u5", {{"city", Text("Beijing")}});
  world_.Write("u7", {{"city", Text("Beijing")}});
  const Selection then{.what = "city = 'Beijing'", .read_version = before.info.data_version};
  EXPECT_EQ(Count(world_.context(), then)->count, 2);
  EXPECT_EQ(Count(world_.context(), then)->info.data_version, before.info.data_version);
  EXPECT_EQ(world_.Members(then), (Ids{"u1", "u3"}));
  EXPECT_EQ(world_.Count("city = 'Beijing'"), 4);
  // Users who came later are unknown there, even by id.
  const Selection later{.what = "ids('u7')", .read_version = before.info.data_version};
  EXPECT_EQ(Count(world_.context(), later)->count, 0);
}

TEST_F(SelectionsTest, VersionsThatWereNotHandedOutOrHaveExpiredAreGone) {
  const uint64_t version = Count(world_.context(), {.what = "all()"})->info.data_version;
  const uint64_t unread = world_.Write("u7", {});
  world_.Write("u8", {});
  const auto expect_gone = [&](uint64_t gone) {
    const absl::Status status = Error({.what = "all()", .read_version = gone});
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_EQ(ReasonOf(status), "VERSION_GONE");
  };
  expect_gone(unread);
  expect_gone(unread + 1000);
  // Each use renews the lease.
  world_.AdvanceClock(40'000'000);
  EXPECT_EQ(Count(world_.context(), {.what = "all()", .read_version = version})->count, 6);
  world_.AdvanceClock(40'000'000);
  EXPECT_EQ(Count(world_.context(), {.what = "all()", .read_version = version})->count, 6);
  world_.AdvanceClock(60'000'000);
  expect_gone(version);
}

TEST_F(SelectionsTest, UsersWithoutAnyTagCount) {
  EngineWorld empty;
  EXPECT_EQ(empty.Count("all()"), 0);
  EXPECT_EQ(empty.Count("not none()"), 0);
  EXPECT_EQ(empty.Members({.what = "all()"}), Ids{});
  empty.Write("u1", {});
  EXPECT_EQ(empty.Count("not none()"), 1);
}

}  // namespace
}  // namespace throng::engine
