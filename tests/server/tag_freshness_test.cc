// Tags whose content is older than it should be: what is said, and that it survives a restart.
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/tags.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

class TagFreshnessTest : public ::testing::Test {
 protected:
  TagFreshnessTest() {
    world_.CreateTag({.name = "views", .type = index::TagType::kInteger, .freshness_s = 36 * 3600});
    world_.CreateTag({.name = "spend", .type = index::TagType::kInteger, .freshness_s = 60});
    world_.CreateTag({.name = "age", .type = index::TagType::kInteger});
    world_.Write("u1", {{"views", Whole(3)}, {"age", Whole(30)}});
  }

  std::vector<std::string> StaleTags(const Selection& selection) {
    std::vector<std::string> messages;
    for (const query::Warning& warning :
         Must(world_.selections().Count(world_.context(), selection)).info.warnings) {
      if (warning.reason == "TAG_STALE") messages.push_back(warning.message);
    }
    return messages;
  }

  EngineWorld world_;
};

TEST_F(TagFreshnessTest, WarnsOnceATagWhenItsContentIsTooOld) {
  const std::string expression = "views > 1 and age > 1 or views = 7 or spend = 1";
  world_.AdvanceClock(36 * kHourUs);
  EXPECT_TRUE(StaleTags({.what = expression}).empty());
  world_.AdvanceClock(1'000'000);
  const std::vector<std::string> stale = {
      "the content of tag \"views\" is 36 h old; it should be no older than 36 h"};
  EXPECT_EQ(StaleTags({.what = expression}), stale);
  EXPECT_EQ(StaleTags({.what = std::string("all() top 1 by views desc")}), stale);
  EXPECT_TRUE(StaleTags({.what = std::string("age > 1")}).empty());
  // At an earlier reference time it is not old.
  EXPECT_TRUE(
      StaleTags({.what = expression, .reference_us = EngineWorld::kStartUs + kHourUs}).empty());
  world_.Write("u1", {{"views", Whole(4)}});
  EXPECT_TRUE(StaleTags({.what = expression}).empty());
}

TEST_F(TagFreshnessTest, SurvivesARestartAndCanBeChanged) {
  world_.Reopen();
  EXPECT_EQ(
      Must(world_.engine().tags().Get(world_.context(), "default", "views")).definition.freshness_s,
      36u * 3600);
  world_.AdvanceClock(100 * 24 * kHourUs);
  EXPECT_EQ(StaleTags({.what = std::string("views > 1")}),
            (std::vector<std::string>{
                "the content of tag \"views\" is 100 days old; it should be no older than 36 h"}));
  MustBeOk(world_.engine()
               .tags()
               .Update(world_.context(), "default", {.name = "views", .freshness_s = 0}, {})
               .status());
  EXPECT_TRUE(StaleTags({.what = std::string("views > 1")}).empty());
  world_.Reopen();
  EXPECT_TRUE(StaleTags({.what = std::string("views > 1")}).empty());
}

TEST_F(TagFreshnessTest, HasALimit) {
  const auto create = [&](uint32_t seconds) {
    return world_.engine()
        .tags()
        .Create(world_.context(), "default",
                {.name = fmt::format("t{}", seconds), .freshness_s = seconds}, {})
        .status();
  };
  EXPECT_TRUE(create(index::kFreshnessSecondsMax).ok());
  EXPECT_EQ(FieldOf(create(index::kFreshnessSecondsMax + 1)), "tag.freshness");
}

}  // namespace
}  // namespace throng::engine
