// Pages of members: their order, their tokens, and one data version from first to last.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "server/engine/selections.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

using Ids = std::vector<std::string>;

class MemberPagesTest : public ::testing::Test {
 protected:
  MemberPagesTest() { FillRental(&world_); }

  absl::StatusOr<MembersPage> Page(const Selection& selection, uint32_t size,
                                   const std::string& token = "") {
    return world_.selections().ListMembers(world_.context(), selection, size, token);
  }
  void ExpectBadToken(const Selection& selection, const std::string& token) {
    const absl::Status status = Page(selection, 2, token).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), "BAD_PAGE_TOKEN");
    EXPECT_EQ(FieldOf(status), "page_token");
  }

  EngineWorld world_;
};

TEST_F(MemberPagesTest, EndWithTheLastMember) {
  const Selection graduates{.what = "is_graduate"};
  const MembersPage first = *Page(graduates, 2);
  EXPECT_EQ(first.ids, (Ids{"u1", "u2"}));
  EXPECT_EQ(first.total, 3);
  ASSERT_NE(first.next_page_token, "");
  const MembersPage last = *Page(graduates, 2, first.next_page_token);
  EXPECT_EQ(last.ids, Ids{"u5"});
  EXPECT_EQ(last.total, 3);
  EXPECT_EQ(last.next_page_token, "");
  // A page that the members fill exactly is the last one.
  EXPECT_EQ(Page(graduates, 3)->next_page_token, "");
}

TEST_F(MemberPagesTest, SizesEndAtTheirLimits) {
  EXPECT_EQ(Page({.what = "all()"}, 1)->ids.size(), 1);
  EXPECT_EQ(Page({.what = "all()"}, kPageSizeMax)->ids.size(), 6);
  for (const uint32_t size : {0u, kPageSizeMax + 1}) {
    const absl::Status status = Page({.what = "all()"}, size).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FieldOf(status), "page_size");
  }
}

TEST_F(MemberPagesTest, LargestPageIsFull) {
  world_.LoadNumbers(1'000'000, kPageSizeMax + 1);
  const Selection loaded{.what = "all() and not ids('u1','u2','u3','u4','u5','6')"};
  const MembersPage page = *Page(loaded, kPageSizeMax);
  ASSERT_EQ(page.ids.size(), kPageSizeMax);
  EXPECT_EQ(page.ids.front(), "1000000");
  EXPECT_EQ(page.total, kPageSizeMax + 1);
  EXPECT_EQ(Page(loaded, kPageSizeMax, page.next_page_token)->ids, Ids{"1100000"});
  // Pages that end within, at and behind the end of a chunk of 65,536 ordinals.
  for (const uint32_t size : {9'999u, 65'530u, 65'536u}) {
    const Ids all = world_.Members(loaded, size);
    ASSERT_EQ(all.size(), kPageSizeMax + 1) << size;
    for (size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], std::to_string(1'000'000 + i));
  }
}

TEST_F(MemberPagesTest, OneDataVersionFromFirstToLast) {
  const Selection selection{.what = "city = 'Beijing' or views < 1"};
  const MembersPage first = *Page(selection, 1);
  EXPECT_EQ(first.ids, Ids{"u1"});
  world_.Write("u3", {{"city", Text("Wuhan")}, {"views", Whole(9)}});
  world_.Write("u5", {{"city", Text("Beijing")}});
  const MembersPage second = *Page(selection, 9, first.next_page_token);
  EXPECT_EQ(second.ids, (Ids{"u3", "u4"}));
  EXPECT_EQ(second.info.data_version, first.info.data_version);
  EXPECT_EQ(world_.Members(selection), (Ids{"u1", "u4", "u5"}));
}

TEST_F(MemberPagesTest, OneReferenceTimeFromFirstToLast) {
  const Selection selection{.what = "seen >= now() - 24h"};
  const MembersPage first = *Page(selection, 1);
  EXPECT_EQ(first.ids, Ids{"u1"});
  world_.AdvanceClock(50'000'000);
  const MembersPage second = *Page(selection, 1, first.next_page_token);
  EXPECT_EQ(second.ids, Ids{"u2"});
  EXPECT_EQ(second.info.reference_us, first.info.reference_us);
}

TEST_F(MemberPagesTest, TokensBelongToTheirSelection) {
  const Selection selection{.what = "not is_graduate"};
  const std::string token = Page(selection, 1)->next_page_token;
  // The same selection, written otherwise.
  EXPECT_EQ(Page({.what = "NOT (is_graduate)"}, 1, token)->ids, Ids{"u4"});
  ExpectBadToken({.what = "is_graduate"}, token);
  ExpectBadToken({.what = "not is_graduate", .time_zone = "Asia/Shanghai"}, token);
  ExpectBadToken({.what = "not is_graduate", .reference_us = 17}, token);
  ExpectBadToken({.what = "not is_graduate", .read_version = 1}, token);
  MustBeOk(world_.engine().populations().Create(world_.context(), {.name = "owners"}, "").status());
  MustBeOk(world_.engine()
               .tags()
               .Create(world_.context(), "owners", {.name = "is_graduate"}, {})
               .status());
  EXPECT_FALSE(Page({.population = "owners", .what = "not is_graduate"}, 1, token).ok());
}

TEST_F(MemberPagesTest, DamagedTokensAreRefused) {
  const Selection selection{.what = "all()"};
  const std::string token = Page(selection, 1)->next_page_token;
  ExpectBadToken(selection, "x");
  ExpectBadToken(selection, token.substr(1));
  ExpectBadToken(selection, token + token);
  ExpectBadToken(selection, std::string(10'000, 'A'));
  for (size_t i = 0; i + 1 < token.size(); ++i) {
    std::string damaged = token;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    ExpectBadToken(selection, damaged);
  }
}

TEST_F(MemberPagesTest, TokensOutliveTheirVersionOnlyAsAnError) {
  const Selection selection{.what = "all()"};
  const std::string token = Page(selection, 1)->next_page_token;
  world_.Write("u9", {});
  world_.AdvanceClock(61'000'000);
  const absl::Status status = Page(selection, 1, token).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "VERSION_GONE");
}

}  // namespace
}  // namespace throng::engine
