// Breakdowns: counts, shares and TGI of known answers, and what is refused.
#include "server/engine/insights.h"

#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

class InsightsTest : public ::testing::Test {
 protected:
  InsightsTest() { FillRental(&world_); }

  absl::StatusOr<BreakdownResult> Break(const std::string& expression,
                                        const BreakdownRequest& request) {
    return world_.engine().insights().Breakdown(world_.context(), {.what = expression}, request);
  }
  void ExpectError(const BreakdownRequest& request, std::string_view reason,
                   std::string_view field) {
    const absl::Status status = Break("all()", request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  }

  EngineWorld world_;
};

// "Beijing 1 50% / 2 33% = 150"
std::string Print(const BreakdownRow& row) {
  return fmt::format("{} {} {:.0f}% / {} {:.0f}% = {}", row.value, row.count, row.share * 100,
                     row.baseline_count, row.baseline_share * 100,
                     row.tgi.has_value() ? fmt::format("{:.0f}", *row.tgi) : "none");
}
std::vector<std::string> Print(const std::vector<BreakdownRow>& rows) {
  std::vector<std::string> lines;
  for (const BreakdownRow& row : rows) lines.push_back(Print(row));
  return lines;
}
using Lines = std::vector<std::string>;

TEST_F(InsightsTest, CountsValuesAgainstEverybody) {
  const BreakdownResult result =
      *Break("is_graduate", {.tags = {"city", "interests", "is_graduate", "nobody"}});
  EXPECT_EQ(result.count, 3);
  EXPECT_EQ(result.baseline_count, 6);
  ASSERT_EQ(result.tags.size(), 4);

  const TagBreakdown& city = result.tags[0];
  EXPECT_EQ(city.tag, "city");
  EXPECT_EQ(Print(city.rows), (Lines{"Beijing 1 33% / 2 33% = 100", "Tianjin 1 33% / 1 17% = 200",
                                     "Wuhan 0 0% / 1 17% = 0"}));
  EXPECT_EQ(Print(city.missing), " 1 33% / 2 33% = 100");
  EXPECT_EQ(Print(city.others), " 0 0% / 0 0% = none");
  EXPECT_EQ(city.others_values, 0);

  const TagBreakdown& interests = result.tags[1];
  EXPECT_EQ(Print(interests.rows), (Lines{"metro 2 67% / 2 33% = 200", "garden 1 33% / 2 33% = 100",
                                          "a|b\\c 0 0% / 1 17% = 0", "pool 0 0% / 1 17% = 0"}));
  EXPECT_EQ(Print(interests.missing), " 1 33% / 2 33% = 100");

  const TagBreakdown& flag = result.tags[2];
  EXPECT_EQ(Print(flag.rows), (Lines{"true 3 100% / 3 50% = 200", "false 0 0% / 3 50% = 0"}));
  EXPECT_EQ(Print(flag.missing), " 0 0% / 0 0% = none");

  EXPECT_EQ(result.tags[3].rows.size(), 0);
  EXPECT_EQ(Print(result.tags[3].missing), " 3 100% / 6 100% = 100");
}

TEST_F(InsightsTest, BaselineIsASelection) {
  const BreakdownResult result =
      *Break("views >= 3", {.tags = {"city"}, .baseline = std::string("exists(city)")});
  EXPECT_EQ(result.count, 2);
  EXPECT_EQ(result.baseline_count, 4);
  EXPECT_EQ(Print(result.tags[0].rows),
            (Lines{"Beijing 1 50% / 2 50% = 100", "Tianjin 1 50% / 1 25% = 200",
                   "Wuhan 0 0% / 1 25% = 0"}));
  EXPECT_EQ(Print(result.tags[0].missing), " 0 0% / 0 0% = none");
}

TEST_F(InsightsTest, BaselineMayMissWhatTheCrowdHas) {
  const BreakdownResult result =
      *Break("city = 'Wuhan'", {.tags = {"city"}, .baseline = std::string("is_graduate")});
  EXPECT_EQ(Print(result.tags[0].rows),
            (Lines{"Wuhan 1 100% / 0 0% = none", "Beijing 0 0% / 1 33% = 0",
                   "Tianjin 0 0% / 1 33% = 0"}));
}

TEST_F(InsightsTest, BaselineReadsTheSelectionsTime) {
  const Selection selection{.what = "all()", .time_zone = "Asia/Shanghai"};
  const BreakdownResult result = Must(world_.engine().insights().Breakdown(
      world_.context(), selection, {.tags = {"city"}, .baseline = std::string("seen = today()")}));
  EXPECT_EQ(result.baseline_count, 2);
}

TEST_F(InsightsTest, TopKLeavesTheRestInOthers) {
  const BreakdownResult result = *Break("all()", {.tags = {"interests"}, .top_k = 1});
  EXPECT_EQ(Print(result.tags[0].rows), Lines{"garden 2 33% / 2 33% = 100"});
  EXPECT_EQ(Print(result.tags[0].others), " 4 67% / 4 67% = 100");
  EXPECT_EQ(result.tags[0].others_values, 3);
}

TEST_F(InsightsTest, EmptyCrowdHasNoShares) {
  const BreakdownResult result =
      *Break("none()", {.tags = {"city"}, .baseline = std::string("none()")});
  EXPECT_EQ(result.count, 0);
  EXPECT_EQ(result.tags[0].rows.size(), 0);
  EXPECT_EQ(Print(result.tags[0].missing), " 0 0% / 0 0% = none");
  const BreakdownResult against_all = *Break("none()", {.tags = {"city"}});
  EXPECT_EQ(Print(against_all.tags[0].rows[0]), "Beijing 0 0% / 2 33% = 0");
}

TEST_F(InsightsTest, ErrorsNameTheField) {
  ExpectError({.tags = {}}, "NO_TAGS", "tags");
  ExpectError({.tags = {"city", "citty"}}, "UNKNOWN_TAG", "tags[1]");
  ExpectError({.tags = {"city", "views"}}, "NO_VALUES", "tags[1]");
  ExpectError({.tags = {"city", "nobody", "city"}}, "DUPLICATE_TAG", "tags[2]");
  ExpectError({.tags = {"city"}, .top_k = 0}, "VALUE_OUT_OF_RANGE", "top_k");
  ExpectError({.tags = {"city"}, .top_k = kBreakdownRowsMax + 1}, "VALUE_OUT_OF_RANGE", "top_k");
  EXPECT_TRUE(Break("all()", {.tags = {"city"}, .top_k = kBreakdownRowsMax}).ok());
  ExpectError({.tags = {"city"}, .baseline = std::string("city ==")}, "SYNTAX_ERROR",
              "baseline.expression");
  ExpectError({.tags = {"city"}, .baseline = query::Expression{query::Or{}}}, "INVALID_EXPRESSION",
              "baseline.tree");
}

TEST_F(InsightsTest, TagsEndAtTheirLimit) {
  BreakdownRequest request;
  for (uint32_t i = 0; i < kBreakdownTagsMax; ++i) {
    request.tags.push_back(fmt::format("flag{}", i));
    world_.CreateTag({.name = request.tags.back()});
  }
  const BreakdownResult result = *Break("all()", request);
  ASSERT_EQ(result.tags.size(), kBreakdownTagsMax);
  EXPECT_EQ(Print(result.tags.back().rows), Lines{"false 6 100% / 6 100% = 100"});
  request.tags.emplace_back("city");
  ExpectError(request, "TOO_MANY_TAGS", "tags");
}

TEST_F(InsightsTest, TagsBeyondTheCallersLevelDoNotExist) {
  const auto break_as = [&](int level, const BreakdownRequest& request) {
    return world_.engine()
        .insights()
        .Breakdown(EngineWorld::Seeing(level), {.what = "all()"}, request)
        .status();
  };
  EXPECT_TRUE(break_as(7, {.tags = {"income"}}).ok());
  for (const std::string name : {"income", "incom"}) {
    const absl::Status status = break_as(6, {.tags = {name}});
    EXPECT_EQ(ReasonOf(status), "UNKNOWN_TAG");
    EXPECT_EQ(index::GetErrorDetail(status)->suggestion, "");
  }
  const absl::Status baseline =
      break_as(6, {.tags = {"city"}, .baseline = std::string("income = 'low'")});
  EXPECT_EQ(ReasonOf(baseline), "UNKNOWN_TAG");
  EXPECT_EQ(FieldOf(baseline), "baseline.expression");
}

TEST_F(InsightsTest, EndsWhenCancelled) {
  CallContext context = CallContext::Internal();
  context.cancelled = [] { return true; };
  EXPECT_EQ(world_.engine()
                .insights()
                .Breakdown(context, {.what = "all()"}, {.tags = {"city"}})
                .status()
                .code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace throng::engine
