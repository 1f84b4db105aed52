// Sums and extremes of known answers through the engine, and what is refused.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "server/engine/insights.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

class StatisticsTest : public ::testing::Test {
 protected:
  StatisticsTest() { FillRental(&world_); }

  absl::StatusOr<StatisticsResult> Ask(const std::string& expression,
                                       const std::vector<std::string>& tags) {
    return world_.engine().insights().Statistics(world_.context(), {.what = expression}, tags);
  }
  void ExpectError(const std::vector<std::string>& tags, std::string_view reason,
                   std::string_view field) {
    const absl::Status status = Ask("all()", tags).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  }

  EngineWorld world_;
};

// "views: 3 of 4, sum 8, 0 to 5, average 2.7"
std::string Print(const NumberStatistics& tag) {
  const query::TagStatistics& figures = tag.figures;
  if (!figures.min) return fmt::format("{}: {} of {}", figures.tag, 0, figures.users);
  const absl::StatusOr<int64_t> sum = figures.Sum();
  return fmt::format("{}: {} of {}, sum {}, {} to {}, average {:.1f}", figures.tag,
                     figures.with_value, figures.users, sum.ok() ? fmt::format("{}", *sum) : "?",
                     *figures.min, *figures.max, *figures.Average());
}

TEST_F(StatisticsTest, SumsOfKnownAnswers) {
  const StatisticsResult all = *Ask("all()", {"views", "score", "birthday"});
  EXPECT_EQ(all.count, 6u);
  ASSERT_EQ(all.tags.size(), 3u);
  EXPECT_EQ(Print(all.tags[0]), "views: 4 of 6, sum 1, -7 to 5, average 0.2");
  EXPECT_EQ(Print(all.tags[1]), "score: 3 of 6, sum 1075, -50 to 1000, average 358.3");
  EXPECT_EQ(all.tags[1].type, index::TagType::kDecimal);
  EXPECT_EQ(all.tags[1].scale, 2);
  // 1999-12-31, 2000-02-29 and 2024-03-15 in days since 1970.
  EXPECT_EQ(Print(all.tags[2]), "birthday: 3 of 6, sum 41769, 10956 to 19797, average 13923.0");
  EXPECT_EQ(Print(Ask("is_graduate", {"views"})->tags[0]),
            "views: 2 of 3, sum 8, 3 to 5, average 4.0");
  EXPECT_EQ(Print(Ask("city = 'Wuhan'", {"seen"})->tags[0]), "seen: 0 of 1");
  EXPECT_EQ(Ask("none()", {"views"})->count, 0u);
}

TEST_F(StatisticsTest, ASumBeyond64BitsIsAnErrorOfTheSumAlone) {
  const int64_t largest = std::numeric_limits<int64_t>::max();
  world_.CreateTag({.name = "big", .type = index::TagType::kInteger});
  world_.Write("u1", {{"big", Whole(largest)}});
  EXPECT_EQ(*Ask("all()", {"big"})->tags[0].figures.Sum(), largest);
  world_.Write("u2", {{"big", Whole(1)}});
  const query::TagStatistics figures = Ask("all()", {"big"})->tags[0].figures;
  EXPECT_EQ(figures.Sum().status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(figures.Sum().status()), "SUM_OUT_OF_RANGE");
  EXPECT_EQ(figures.max, largest);
}

TEST_F(StatisticsTest, WhatIsRefused) {
  ExpectError({}, "NO_TAGS", "tags");
  ExpectError(std::vector<std::string>(kStatisticsTagsMax + 1, "views"), "TOO_MANY_TAGS", "tags");
  ExpectError(std::vector<std::string>(kStatisticsTagsMax, "views"), "DUPLICATE_TAG", "tags[1]");
  ExpectError({"views", "city"}, "NO_NUMBERS", "tags[1]");
  ExpectError({"is_graduate"}, "NO_NUMBERS", "tags[0]");
  ExpectError({"vews"}, "UNKNOWN_TAG", "tags[0]");
}

TEST_F(StatisticsTest, ATagBeyondTheCallersLevelDoesNotExist) {
  world_.CreateTag({.name = "salary", .type = index::TagType::kInteger, .sensitivity = 7});
  world_.Write("u1", {{"salary", Whole(9)}});
  const auto ask = [&](int level, const std::string& tag) {
    return world_.engine().insights().Statistics(EngineWorld::Seeing(level), {.what = "all()"},
                                                 {tag});
  };
  EXPECT_EQ(*ask(7, "salary")->tags[0].figures.Sum(), 9);
  EXPECT_EQ(ReasonOf(ask(6, "salary").status()), "UNKNOWN_TAG");
}

}  // namespace
}  // namespace throng::engine
