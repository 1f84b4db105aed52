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

// A version has one name, whatever somebody makes of its number.
TEST(ResourceNameTest, NumbersHaveOneForm) {
  const std::string crowd = "populations/p/crowds/c/versions/";
  EXPECT_EQ(ParseCrowdVersionName(crowd + "7", "name")->version, 7u);
  EXPECT_EQ(ParseCrowdVersionName(crowd + "10", "name")->version, 10u);
  for (const std::string number : {"", "07", "00", "+7", "-7", "7 ", "7a", "4294967296"}) {
    EXPECT_EQ(ReasonOf(ParseCrowdVersionName(crowd + number, "name").status()),
              "BAD_RESOURCE_NAME at name")
        << number;
  }
  EXPECT_FALSE(ParseUploadName("populations/p/crowds/c/uploads/07", "name").ok());
}

TEST(ResourceNameTest, LongNamesAreNotEchoed) {
  const absl::Status status = ParseTagName(std::string(100'000, 'x'), "name").status();
  EXPECT_LT(status.message().size(), 500u);
}

}  // namespace
}  // namespace throng::service
