#include "tests/style/source_file.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace throng::style {
namespace {

TEST(BlankTest, BlanksCommentsAndKeepsPlaces) {
  EXPECT_EQ(BlankCommentsAndLiterals("a; // b\nc"), "a;     \nc");
  EXPECT_EQ(BlankCommentsAndLiterals("a /* b\nc */ d"), "a     \n     d");
}

TEST(BlankTest, BlanksLiterals) {
  EXPECT_EQ(BlankCommentsAndLiterals(R"(f("a\"}", '{', '\'');)"), R"(f("    ", ' ', '  ');)");
  EXPECT_EQ(BlankCommentsAndLiterals("x = R\"y(\")\" {)y\"; z"), "x = R\"         \"; z");
}

TEST(BlankTest, DigitSeparatorsAreNotLiterals) {
  EXPECT_EQ(BlankCommentsAndLiterals("n = 10'000; {"), "n = 10'000; {");
}

TEST(BlankTest, TextThatEndsInTheMiddleIsBlankedToItsEnd) {
  EXPECT_EQ(BlankCommentsAndLiterals("a /* b"), "a     ");
  EXPECT_EQ(BlankCommentsAndLiterals("a \"b\\"), "a \" \\");
}

TEST(SplitLinesTest, CountsALastLineWithoutAnEnd) {
  EXPECT_THAT(SplitLines("a\n\nb"), testing::ElementsAre("a", "", "b"));
  EXPECT_THAT(SplitLines("a\n"), testing::ElementsAre("a"));
  EXPECT_THAT(SplitLines(""), testing::IsEmpty());
}

TEST(LoadTreeTest, RefusesAFolderThatIsNotTheRoot) {
  EXPECT_EQ(LoadTree("/nowhere").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace throng::style
