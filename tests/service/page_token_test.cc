#include "server/service/page_token.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/service/service_limits.h"
#include "tests/service/status_matchers.h"
#include "throng/v1/tag.pb.h"

namespace throng::service {
namespace {

constexpr char kBadToken[] = "BAD_PAGE_TOKEN at page_token";

TEST(PageTokenTest, HoldsAnyPosition) {
  for (const std::string& position :
       {std::string("a"), std::string("\0\n\xff", 3), std::string(1'200, 'x')}) {
    EXPECT_EQ(*DecodePageToken(EncodePageToken(7, position), 7), position);
  }
  EXPECT_EQ(*DecodePageToken("", 7), "");
}

TEST(PageTokenTest, IsRefusedElsewhere) {
  const std::string token = EncodePageToken(7, "city");
  EXPECT_EQ(ReasonOf(DecodePageToken(token, 8).status()), kBadToken);
}

TEST(PageTokenTest, EveryChangedOrMissingCharacterIsSeen) {
  const std::string token = EncodePageToken(7, "city");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const absl::StatusOr<std::string> position = DecodePageToken(changed, 7);
    // The last character may hold bits that no byte uses.
    if (i + 1 == token.size() && position.ok() && *position == "city") continue;
    EXPECT_EQ(ReasonOf(position.status()), kBadToken) << i;
    EXPECT_EQ(ReasonOf(DecodePageToken(token.substr(0, i), i == 0 ? 0 : 7).status()),
              i == 0 ? "OK" : kBadToken);
  }
  EXPECT_EQ(ReasonOf(DecodePageToken("not base64 !", 7).status()), kBadToken);
  EXPECT_EQ(ReasonOf(DecodePageToken(std::string(kPageTokenBytesMax + 1, 'A'), 7).status()),
            kBadToken);
}

TEST(PageSizeTest, DefaultsCapsAndRefuses) {
  EXPECT_EQ(*PageSize(0, 100, 1'000), 100u);
  EXPECT_EQ(*PageSize(1, 100, 1'000), 1u);
  EXPECT_EQ(*PageSize(1'000, 100, 1'000), 1'000u);
  EXPECT_EQ(*PageSize(1'001, 100, 1'000), 1'000u);
  EXPECT_EQ(ReasonOf(PageSize(-1, 100, 1'000).status()), "BAD_PAGE_SIZE at page_size");
}

TEST(CutPageTest, PagesGiveEveryEntryOnceWhileOthersComeAndGo) {
  std::vector<std::string> names = {"a", "c", "e", "g", "i"};
  const auto position = [](const std::string& name) { return name; };
  const auto is_behind = [](const std::string& name, std::string_view after) {
    return name > after;
  };
  v1::ListTagsRequest request;
  request.set_parent("populations/default");
  request.set_page_size(2);
  std::vector<std::string> seen;
  do {
    const absl::StatusOr<Page> page = ToPage(request, 10, 10);
    ASSERT_TRUE(page.ok()) << page.status();
    std::string next;
    for (const std::string* name : CutPage(names, *page, position, is_behind, &next)) {
      seen.push_back(*name);
    }
    request.set_page_token(next);
    if (seen.size() == 2) names = {"b", "e", "g", "i"};  // "b" is behind us, "c" is gone
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "c", "e", "g", "i"}));
}

TEST(CutPageTest, ATokenBelongsToOneFilterButToAnyPageSize) {
  v1::ListTagsRequest request;
  request.set_parent("populations/default");
  const absl::StatusOr<Page> first = ToPage(request, 10, 10);
  ASSERT_TRUE(first.ok());
  request.set_page_token(EncodePageToken(first->list, "c"));
  request.set_page_size(5);
  EXPECT_EQ(ToPage(request, 10, 10)->after, "c");
  request.set_path_prefix("behaviour");
  EXPECT_EQ(ReasonOf(ToPage(request, 10, 10).status()), kBadToken);
}

}  // namespace
}  // namespace throng::service
