// The rules on Throng's own sources: one failure for each place that breaks one.
#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/style/include_rules.h"
#include "tests/style/source_file.h"
#include "tests/style/text_rules.h"

namespace throng::style {
namespace {

class TreeTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::vector<SourceFile>> tree = LoadTree(THRONG_SOURCE_DIR);
    ASSERT_TRUE(tree.ok()) << tree.status();
    files_ = *std::move(tree);
  }

  // Fails once for each place that `check` finds.
  template <typename Check>
  void ExpectNone(Check check) const {
    for (const SourceFile& file : files_) {
      for (const Finding& finding : check(file)) ADD_FAILURE() << ToString(finding);
    }
  }

  std::vector<SourceFile> files_;
};

TEST_F(TreeTest, SeesTheSources) {
  std::vector<std::string> paths;
  for (const SourceFile& file : files_) paths.push_back(file.path);
  EXPECT_THAT(paths, testing::IsSupersetOf({"CMakeLists.txt", "index/error.h", "query/expression.h",
                                            "proto/throng/v1/user.proto", "quickstart.sh",
                                            "tests/style/tree_test.cc"}));
}

TEST_F(TreeTest, IncludesFollowTheDesign) { ExpectNone(CheckIncludes); }

TEST_F(TreeTest, FilesFollowTheStyle) { ExpectNone(CheckFile); }

}  // namespace
}  // namespace throng::style
