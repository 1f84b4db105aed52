// Portraits: all tags of one user, and only what the caller may see.
#include "server/engine/portraits.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;

class PortraitsTest : public ::testing::Test {
 protected:
  PortraitsTest() { FillRental(&world_); }

  absl::StatusOr<Portrait> Get(std::string_view id, uint64_t read_version = 0) {
    return world_.engine().portraits().Get(world_.context(), "default", id, read_version);
  }

  EngineWorld world_;
};

Texts TagsOf(const Portrait& portrait) {
  Texts tags;
  for (const PortraitEntry& entry : portrait.entries) tags.push_back(entry.tag);
  return tags;
}

TEST_F(PortraitsTest, HasEveryTagOfTheUser) {
  const Portrait portrait = *Get("u1");
  EXPECT_EQ(portrait.id, "u1");
  ASSERT_EQ(TagsOf(portrait), (Texts{"birthday", "city", "income", "interests", "is_graduate",
                                     "score", "seen", "views"}));
  const auto& entries = portrait.entries;
  EXPECT_EQ(std::get<int64_t>(entries[0].value), 11'016);
  EXPECT_EQ(std::get<Texts>(entries[1].value), Texts{"Beijing"});
  EXPECT_EQ(entries[1].display_name, "City");
  EXPECT_EQ(entries[1].type, index::TagType::kCategory);
  EXPECT_EQ(std::get<Texts>(entries[3].value), (Texts{"garden", "metro"}));
  EXPECT_TRUE(std::get<bool>(entries[4].value));
  EXPECT_EQ(std::get<int64_t>(entries[5].value), 125);
  EXPECT_EQ(entries[5].scale, 2);
  EXPECT_EQ(std::get<int64_t>(entries[6].value), EngineWorld::kStartUs - 60'000'000);
  EXPECT_EQ(std::get<int64_t>(entries[7].value), 5);
}

TEST_F(PortraitsTest, LeavesOutWhatTheUserHasNot) {
  EXPECT_EQ(TagsOf(*Get("u5")), Texts{"is_graduate"});
  EXPECT_EQ(TagsOf(*Get("6")), Texts{});
  world_.Write("u5", {{"is_graduate", Flag(false)}});
  EXPECT_EQ(TagsOf(*Get("u5")), Texts{});
}

TEST_F(PortraitsTest, LeavesOutWhatTheCallerMayNotSee) {
  const Portrait portrait =
      Must(world_.engine().portraits().Get(EngineWorld::Seeing(6), "default", "u3", 0));
  EXPECT_EQ(TagsOf(portrait), (Texts{"birthday", "city", "interests", "views"}));
}

TEST_F(PortraitsTest, ReadsAVersion) {
  const uint64_t before = Get("u5")->data_version;
  world_.Write("u5", {{"city", Text("Wuhan")}});
  world_.Write("u9", {});
  EXPECT_EQ(TagsOf(*Get("u5", before)), Texts{"is_graduate"});
  EXPECT_EQ(TagsOf(*Get("u5")), (Texts{"city", "is_graduate"}));
  EXPECT_EQ(Get("u9", before).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(Get("u5", before + 1'000).status()), "VERSION_GONE");
}

TEST_F(PortraitsTest, ErrorsSayWhatIsWrong) {
  const auto expect = [&](std::string_view id, absl::StatusCode code, std::string_view reason) {
    const absl::Status status = Get(id).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason);
    EXPECT_EQ(FieldOf(status), "id");
  };
  expect("u99", absl::StatusCode::kNotFound, "UNKNOWN_USER");
  expect("U1", absl::StatusCode::kNotFound, "UNKNOWN_USER");
  expect("06", absl::StatusCode::kNotFound, "UNKNOWN_USER");
  expect("", absl::StatusCode::kInvalidArgument, "EMPTY_ID");
  expect(std::string(128, 'x'), absl::StatusCode::kNotFound, "UNKNOWN_USER");
  expect(std::string(129, 'x'), absl::StatusCode::kInvalidArgument, "ID_TOO_LONG");
  expect("\xff", absl::StatusCode::kInvalidArgument, "INVALID_UTF8");
  EXPECT_EQ(world_.engine().portraits().Get(world_.context(), "owners", "u1", 0).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace throng::engine
