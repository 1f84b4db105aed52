// Filters of lists of crowds: what matches, and what is not understood.
#include "server/engine/crowd_filter.h"

#include <memory>
#include <string>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/error.h"
#include "server/engine/crowd_requests.h"

namespace throng::engine {
namespace {

index::CrowdEntry Entry() {
  index::CrowdEntry entry;
  entry.definition = std::make_shared<const index::CrowdDefinition>(
      index::CrowdDefinition{.id = 1,
                             .name = "Spring sale",
                             .kind = index::CrowdKind::kUpload,
                             .owner = "Ann's team",
                             .folder = "sale/2024",
                             .labels = {{"team", "crm"}, {"empty", ""}}});
  entry.versions = std::make_shared<const std::vector<index::CrowdVersion>>();
  return entry;
}

TEST(CrowdFilterTest, Matches) {
  const std::pair<const char*, bool> kCases[] = {
      {"", true},
      {"  ", true},
      {"name = 'Spring sale'", true},
      {"name = \"Spring sale\"", true},
      {"name = Spring", false},
      {"name:spring", true},
      {"name : 'G S'", true},
      {"name != x", true},
      {"kind = UPLOAD", true},
      {"kind != UPLOAD", false},
      {"state = NEW", true},
      {"state = READY", false},
      {"folder = sale", false},
      {"folder = sale/2024", true},
      {"folder:sale", true},
      {"folder:sal", false},
      {"folder:'sale/'", true},
      {"owner = 'Ann\\'s team'", true},
      {"owner:ANN", true},
      {"labels.team = crm", true},
      {"labels.team != crm", false},
      {"labels.other != crm", false},
      {"labels.empty = ''", true},
      {"labels:team", true},
      {"labels:other", false},
      {"NOT labels:other", true},
      {"-labels:other", true},
      {"NOT NOT labels:team", true},
      {"kind = RULE OR kind = UPLOAD", true},
      {"kind = RULE AND kind = UPLOAD", false},
      // OR binds tighter than AND, as in AIP-160.
      {"kind = RULE AND name:spring OR labels:team", false},
      {"(kind = RULE AND name:spring) OR labels:team", true},
      {"name:spring AND (kind = RULE OR state = NEW)", true},
  };
  for (const auto& [text, matches] : kCases) {
    const absl::StatusOr<CrowdFilter> filter = CrowdFilter::Parse(text);
    ASSERT_TRUE(filter.ok()) << text << ": " << filter.status();
    EXPECT_EQ(filter->Matches(Entry()), matches) << text;
  }
}

TEST(CrowdFilterTest, WhatIsNotUnderstoodIsNamed) {
  const std::pair<const char*, int> kCases[] = {
      {"colour = red", 1},       {"name", 5},        {"name = ", 8},
      {"name > x", 6},           {"kind = rule", 8}, {"kind:RULE", 6},
      {"state = GONE", 9},       {"labels = x", 10}, {"labels.a:b", 10},
      {"name = 'x", 8},          {"(name = x", 10},  {"name = x)", 9},
      {"name = x name = y", 10}, {"AND", 1},         {"name = ü OR colour = 1", 13},
      {"name = x AND", 13},
  };
  for (const auto& [text, column] : kCases) {
    const absl::Status status = CrowdFilter::Parse(text).status();
    ASSERT_TRUE(absl::IsInvalidArgument(status)) << text << ": " << status;
    const index::ErrorDetail detail = *index::GetErrorDetail(status);
    EXPECT_EQ(detail.reason, "BAD_FILTER") << text;
    EXPECT_EQ(detail.field, "filter");
    EXPECT_EQ(detail.column, column) << text << ": " << status;
  }
}

TEST(CrowdFilterTest, IsBounded) {
  std::string tests = "name = a";
  for (int i = 1; i < kFilterTestsMax; ++i) tests += " OR name = a";
  EXPECT_TRUE(CrowdFilter::Parse(tests).ok());
  EXPECT_FALSE(CrowdFilter::Parse(fmt::format("{} OR name = a", tests)).ok());
  const auto nested = [](int depth) {
    return fmt::format("{}name = a{}", std::string(static_cast<size_t>(depth), '('),
                       std::string(static_cast<size_t>(depth), ')'));
  };
  EXPECT_TRUE(CrowdFilter::Parse(nested(kFilterDepthMax - 1)).ok());
  EXPECT_FALSE(CrowdFilter::Parse(nested(kFilterDepthMax)).ok());
  EXPECT_FALSE(CrowdFilter::Parse(std::string(4'096, '(')).ok());
  const std::string longest = fmt::format("name = {}", std::string(kCrowdFilterBytesMax - 7, 'x'));
  EXPECT_TRUE(CrowdFilter::Parse(longest).ok());
  EXPECT_EQ(index::GetErrorDetail(CrowdFilter::Parse(fmt::format("{}x", longest)).status())->reason,
            "FILTER_TOO_LONG");
  EXPECT_FALSE(CrowdFilter::Parse("name = \xff").ok());
}

}  // namespace
}  // namespace throng::engine
