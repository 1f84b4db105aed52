// Curves of known answers, their ends and limits, and what is refused.
#include "server/engine/curve.h"

#include <optional>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/insights.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

class CurveTest : public ::testing::Test {
 protected:
  CurveTest() { FillRental(&world_); }

  absl::StatusOr<CurveResult> Ask(const std::string& expression, const CurveRequest& request) {
    return world_.engine().insights().Curve(world_.context(), {.what = expression}, request);
  }
  CurveResult Curve(const std::string& expression, const CurveRequest& request) {
    return Must(Ask(expression, request));
  }
  void ExpectError(const std::string& expression, const CurveRequest& request,
                   std::string_view reason, std::string_view field) {
    const absl::Status status = Ask(expression, request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  }

  EngineWorld world_;
};

std::string Print(const CurvePoint& point) {
  return fmt::format("{}:{}", point.threshold, point.count);
}
// "> 3: 2 of -8:4 -7:3 ..."
std::string Print(const CurveResult& curve) {
  std::string text = fmt::format(
      "{} {}: {} of", curve.operator_text,
      curve.threshold.has_value() ? fmt::format("{}", *curve.threshold) : "none", curve.count);
  for (const CurvePoint& point : curve.points) text += ' ' + Print(point);
  return text;
}

// Views are 5, 3, 0 and -7; two users have none.
TEST_F(CurveTest, HasAPointAValueAndBothEnds) {
  EXPECT_EQ(Print(Curve("views > 2", {.tag = "views"})), "> 2: 2 of -8:4 -7:3 0:2 3:1 5:0");
  EXPECT_EQ(Print(Curve("views >= 2", {.tag = "views"})), ">= 2: 2 of -7:4 0:3 3:2 5:1 6:0");
  EXPECT_EQ(Print(Curve("views < 2", {.tag = "views"})), "< 2: 2 of -7:0 0:1 3:2 5:3 6:4");
  EXPECT_EQ(Print(Curve("views <= 2", {.tag = "views"})), "<= 2: 2 of -8:0 -7:1 0:2 3:3 5:4");
  EXPECT_TRUE(Curve("views <= 2", {.tag = "views"}).every_value);
}

TEST_F(CurveTest, KeepsTheOtherBound) {
  const std::string between = "views between 0 and 4";
  EXPECT_EQ(Print(Curve(between, {.tag = "views"})), ">= 0: 2 of -7:3 0:2 3:1 4:0");
  EXPECT_EQ(Print(Curve(between, {.tag = "views", .bound = CurveBound::kUpper})),
            "<= 4: 2 of -1:0 0:1 3:2 5:3");
  // A bound that no number meets keeps everybody out.
  EXPECT_EQ(Print(Curve("views between 9 and 4", {.tag = "views"})),
            ">= none: 0 of -7:3 0:2 3:1 4:0");
}

TEST_F(CurveTest, LeavesTheRestOfTheExpression) {
  // u1, u2 and u5 are graduates, u3 is not and views 0.
  EXPECT_EQ(Print(Curve("is_graduate and views > 4", {.tag = "views"})), "> 4: 1 of 2:2 3:1 5:0");
  EXPECT_EQ(Print(Curve("is_graduate or views > 4", {.tag = "views"})), "> 4: 3 of -8:5 -7:4 0:3");
  // Under a not users without views stay in.
  EXPECT_EQ(Print(Curve("not views > 4", {.tag = "views"})), "> 4: 5 of -8:2 -7:3 0:4 3:5 5:6");
  EXPECT_EQ(Print(Curve("city = 'Wuhan' and views > 4 or views < 0", {.condition = 2})),
            "> 4: 1 of 4:1");
}

TEST_F(CurveTest, OfEveryOrderedType) {
  const CurveResult score = Curve("score >= 1.25", {.tag = "score"});
  EXPECT_EQ(Print(score), ">= 125: 2 of -50:3 125:2 1000:1 1001:0");
  EXPECT_EQ(score.scale, 2);
  const CurveResult birthday = Curve("birthday < '2000-01-01'", {.tag = "birthday"});
  EXPECT_EQ(birthday.type, index::TagType::kDate);
  ASSERT_EQ(birthday.points.size(), 4);
  EXPECT_EQ(birthday.threshold, 10'957);
  EXPECT_EQ(birthday.count, 1);
  // A day and a half in microseconds: more values than are counted one by one.
  const CurveResult seen = Curve("seen >= '2024-03-15'", {.tag = "seen", .reach = 1});
  EXPECT_EQ(seen.count, 1);
  ASSERT_EQ(seen.points.size(), 3);
  EXPECT_EQ(seen.points[0].count, 2);
  EXPECT_EQ(seen.points[2].count, 0);
  EXPECT_TRUE(seen.every_value);
  ASSERT_TRUE(seen.reached.has_value());
  EXPECT_EQ(seen.reached->count, 1);
}

// The years 1 and 9999 are the ends of what is a date: no threshold lies beyond them.
TEST_F(CurveTest, EndsWithWhatADateCanBe) {
  constexpr int64_t kFirstDay = -719'162;  // 0001-01-01
  constexpr int64_t kLastDay = 2'932'896;  // 9999-12-31
  world_.Write("first", {{"birthday", Date(1, 1, 1)}});
  world_.Write("last", {{"birthday", Date(9999, 12, 31)}});
  const auto ends = [&](const std::string& expression) {
    const CurveResult curve = Curve(expression, {.tag = "birthday"});
    return fmt::format("{} {}", Print(curve.points.front()), Print(curve.points.back()));
  };
  EXPECT_EQ(ends("birthday >= '2000-01-01'"), fmt::format("{}:5 {}:1", kFirstDay, kLastDay));
  EXPECT_EQ(ends("birthday < '2000-01-01'"), fmt::format("{}:0 {}:4", kFirstDay, kLastDay));
  EXPECT_EQ(ends("birthday > '2000-01-01'"), fmt::format("{}:4 {}:0", kFirstDay, kLastDay));
  EXPECT_EQ(ends("birthday <= '2000-01-01'"), fmt::format("{}:1 {}:5", kFirstDay, kLastDay));
  const CurveResult nobody = Curve("birthday < '0001-01-01'", {.tag = "birthday"});
  EXPECT_EQ(nobody.threshold, kFirstDay);
  EXPECT_EQ(nobody.count, 0);
  // The end that can be said is.
  world_.Write("u1", {{"birthday", Date(9999, 12, 30)}});
  EXPECT_EQ(ends("birthday between '2000-01-01' and '9999-12-30'"),
            fmt::format("{}:4 {}:0", kFirstDay, kLastDay));
}

TEST_F(CurveTest, EndsWithWhatATimeCanBe) {
  constexpr int64_t kDayUs = 86'400'000'000;
  constexpr int64_t kFirst = -719'162 * kDayUs;
  constexpr int64_t kLast = 2'932'897 * kDayUs - 1;
  world_.Write("first", {{"seen", Micros(kFirst)}});
  world_.Write("last", {{"seen", Micros(kLast)}});
  for (const char* expression : {"seen > '2024-01-01'", "seen >= '2024-01-01'",
                                 "seen < '2024-01-01'", "seen <= '2024-01-01'"}) {
    const CurveResult curve = Curve(expression, {.tag = "seen", .reach = 3});
    ASSERT_GE(curve.points.size(), 2) << expression;
    EXPECT_EQ(curve.points.front().threshold, kFirst) << expression;
    EXPECT_EQ(curve.points.back().threshold, kLast) << expression;
    EXPECT_TRUE(curve.threshold.has_value()) << expression;
  }
  EXPECT_EQ(Curve("seen < '0001-01-01'", {.tag = "seen"}).threshold, kFirst);
  EXPECT_EQ(Curve("seen > '9999-12-31'", {.tag = "seen"}).threshold, kLast);
  // East of Greenwich the year 1 begins before it does in UTC.
  const Selection east{.what = "seen < '0001-01-01'", .time_zone = "Asia/Shanghai"};
  const CurveResult before =
      Must(world_.engine().insights().Curve(world_.context(), east, {.tag = "seen"}));
  EXPECT_FALSE(before.threshold.has_value());
  EXPECT_EQ(before.count, 0);
}

TEST_F(CurveTest, ReachesANumberOfUsers) {
  const auto reach = [&](const std::string& expression, uint64_t users) {
    const CurveResult curve = Curve(expression, {.tag = "views", .reach = users});
    return fmt::format("{} {}", curve.reached.has_value() ? Print(*curve.reached) : "none",
                       Print(*curve.nearest));
  };
  EXPECT_EQ(reach("views > 4", 3), "-7:3 -7:3");
  EXPECT_EQ(reach("views > 4", 0), "5:0 5:0");
  EXPECT_EQ(reach("views > 4", 9), "none -8:4");
  EXPECT_EQ(reach("not views > 4", 1), "-8:2 -8:2");
  world_.Write("u7", {{"views", Whole(3)}});
  EXPECT_EQ(reach("views > 4", 2), "0:3 0:3");  // 3 and 1 are as near: the larger count
}

TEST_F(CurveTest, ThinsPointsToTheLimit) {
  for (int i = 0; i < 51; ++i) {
    world_.Write(fmt::format("v{}", i), {{"views", Whole(1'000 + i)}});
  }
  const CurveResult all = Curve("views > 4", {.tag = "views", .points_max = 56});
  EXPECT_EQ(all.points.size(), 56);
  EXPECT_TRUE(all.every_value);
  const CurveResult thin = Curve("views > 4", {.tag = "views", .points_max = 55});
  EXPECT_LE(thin.points.size(), 55);
  EXPECT_FALSE(thin.every_value);
  const CurveResult two = Curve("views > 4", {.tag = "views", .points_max = 2});
  ASSERT_EQ(two.points.size(), 2);
  EXPECT_EQ(Print(two.points[0]), Print(all.points.front()));
  EXPECT_EQ(Print(two.points[1]), Print(all.points.back()));
  ExpectError("views > 4", {.tag = "views", .points_max = 1}, "VALUE_OUT_OF_RANGE", "points");
  EXPECT_TRUE(Ask("views > 4", {.tag = "views", .points_max = kCurvePointsMax}).ok());
  ExpectError("views > 4", {.tag = "views", .points_max = kCurvePointsMax + 1},
              "VALUE_OUT_OF_RANGE", "points");
}

// Values apart by more than are counted one by one.
TEST_F(CurveTest, CutsWideStepsWhereTheCountIsReached) {
  constexpr int64_t kFar = int64_t{1} << 60;
  for (int i = 0; i < 4; ++i) {
    world_.Write(fmt::format("w{}", i), {{"views", Whole(kFar + i)}});
  }
  const CurveResult wide = Curve("views > 4", {.tag = "views"});
  EXPECT_EQ(wide.count, 5);
  EXPECT_FALSE(wide.every_value);
  EXPECT_EQ(wide.points.back().threshold, kFar + 3);
  const CurveResult cut = Curve("views > 4", {.tag = "views", .reach = 2});
  EXPECT_EQ(Print(*cut.reached), fmt::format("{}:2", kFar + 1));
}

TEST_F(CurveTest, ErrorsNameTheField) {
  ExpectError("views > 4", {}, "REQUIRED", "tag");
  ExpectError("views > 4", {.tag = "score"}, "NO_SUCH_CONDITION", "tag");
  ExpectError("views = 4", {.tag = "views"}, "NO_SUCH_CONDITION", "tag");
  ExpectError("views > 4 or views < 1", {.tag = "views"}, "AMBIGUOUS_CONDITION", "condition");
  ExpectError("views > 4", {.condition = 2}, "NO_SUCH_CONDITION", "condition");
  ExpectError("is_graduate", {.condition = 1}, "NOT_A_RANGE", "condition");
  ExpectError("views > 4", {.condition = 1, .tag = "score"}, "NOT_A_RANGE", "condition");
  ExpectError("views > 4", {.tag = "views", .bound = CurveBound::kUpper}, "NO_SUCH_BOUND", "bound");
}

TEST_F(CurveTest, TagsBeyondTheCallersLevelDoNotExist) {
  world_.CreateTag({.name = "salary", .type = index::TagType::kInteger, .sensitivity = 7});
  const auto ask = [&](int level, const std::string& expression) {
    return world_.engine()
        .insights()
        .Curve(EngineWorld::Seeing(level), {.what = expression}, {.tag = "salary"})
        .status();
  };
  EXPECT_TRUE(ask(7, "salary > 3").ok());
  EXPECT_EQ(ReasonOf(ask(6, "salary > 3")), "UNKNOWN_TAG");
  // The same as for a tag that is not there.
  EXPECT_EQ(ReasonOf(ask(6, "views > 3")), "NO_SUCH_CONDITION");
}

TEST_F(CurveTest, WorksWithoutUsersAndEndsWhenCancelled) {
  EngineWorld empty;
  empty.CreateTag({.name = "views", .type = index::TagType::kInteger});
  const CurveResult curve = Must(empty.engine().insights().Curve(
      empty.context(), {.what = "views > 3"}, {.tag = "views", .reach = 1}));
  EXPECT_EQ(Print(curve), "> 3: 0 of 3:0");
  EXPECT_FALSE(curve.reached.has_value());
  CallContext context = CallContext::Internal();
  context.cancelled = [] { return true; };
  EXPECT_EQ(world_.engine()
                .insights()
                .Curve(context, {.what = "views > 3"}, {.tag = "views"})
                .status()
                .code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace throng::engine
