#include "server/service/resource_name.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/service/status_matchers.h"

namespace throng::service {
namespace {

TEST(ResourceNameTest, TagNamesHoldAnyTextButSlashes) {
  for (const std::string tag : {"city", "emp.var.rate", "城市", "a b", "\"q\"", ".", "tags"}) {
    const absl::StatusOr<TagName> name = ParseTagName(FormatTagName("default", tag), "name");
    ASSERT_TRUE(name.ok()) << tag << ": " << name.status();
    EXPECT_EQ(name->population, "default");
    EXPECT_EQ(name->tag, tag);
  }
}

TEST(ResourceNameTest, RefusesWhatIsNoTagName) {
  for (const std::string name :
       {"", "city", "populations/", "populations/p", "populations/p/", "populations/p/tags",
        "populations/p/tags/", "populations//tags/x", "populations/p/tags/x/",
        "/populations/p/tags/x", "populations/p/tags/x/y", "populations/p/crowds/x",
        "Populations/p/tags/x"}) {
    EXPECT_EQ(ReasonOf(ParseTagName(name, "tag.name").status()), "BAD_RESOURCE_NAME at tag.name")
        << name;
  }
}

TEST(ResourceNameTest, Populations) {
  EXPECT_EQ(*ParsePopulationName(FormatPopulationName("renters"), "name"), "renters");
  EXPECT_EQ(*ParsePopulationNameOrDefault("", "population"), "default");
  for (const std::string name :
       {"", "renters", "populations/", "populations/a/", "populations/a/b"}) {
    EXPECT_EQ(ReasonOf(ParsePopulationName(name, "parent").status()), "BAD_RESOURCE_NAME at parent")
        << name;
  }
}

TEST(ResourceNameTest, LongNamesAreNotEchoed) {
  const absl::Status status = ParseTagName(std::string(100'000, 'x'), "name").status();
  EXPECT_LT(status.message().size(), 500u);
}

}  // namespace
}  // namespace throng::service
