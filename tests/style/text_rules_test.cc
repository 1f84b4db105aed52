#include "tests/style/text_rules.h"

#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace throng::style {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

using Check = std::vector<Finding> (*)(const SourceFile&);

std::vector<Finding> Apply(Check check, std::string_view path, std::string_view text) {
  return check(MakeSourceFile(path, text));
}

std::string Repeat(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(TextRulesTest, FileLengthAtTheLimitAndPastIt) {
  EXPECT_THAT(Apply(CheckFileLength, "index/a.cc", Repeat("\n", kFileLinesMax)), IsEmpty());
  EXPECT_THAT(Apply(CheckFileLength, "index/a.cc", Repeat("\n", kFileLinesMax + 1)), SizeIs(1));
  EXPECT_THAT(Apply(CheckFileLength, "index/a.h", Repeat("\n", kHeaderLinesMax)), IsEmpty());
  EXPECT_THAT(Apply(CheckFileLength, "index/a.h", Repeat("\n", kHeaderLinesMax + 1)), SizeIs(1));
}

TEST(TextRulesTest, LineWidthCountsCodePoints) {
  EXPECT_THAT(Apply(CheckLineWidth, "a.sh", Repeat("a ", kColumnsMax / 2) + "\n"), IsEmpty());
  EXPECT_THAT(Apply(CheckLineWidth, "a.sh", Repeat("a ", kColumnsMax / 2) + "b\n"), SizeIs(1));
  EXPECT_THAT(Apply(CheckLineWidth, "a.sh", Repeat("é ", kColumnsMax / 2) + "\n"), IsEmpty());
  EXPECT_THAT(Apply(CheckLineWidth, "a.sh", "# see " + Repeat("a", 120) + "\n"), IsEmpty());
}

TEST(TextRulesTest, FunctionLengthAtTheLimitAndPastIt) {
  const auto function = [](int lines) {
    return "void F() {\n" + Repeat("  g();\n", lines - 2) + "}\n";
  };
  EXPECT_THAT(Apply(CheckFunctionLength, "index/a.cc", function(kFunctionLinesMax)), IsEmpty());
  EXPECT_THAT(Apply(CheckFunctionLength, "index/a.cc", function(kFunctionLinesMax + 1)), SizeIs(1));
}

TEST(TextRulesTest, PublicMethodsAtTheLimitAndPastIt) {
  const auto type = [](int methods) {
    return "struct A {\n" + Repeat("  int F();\n", methods) + "};\n";
  };
  EXPECT_THAT(Apply(CheckPublicMethods, "index/a.h", type(kPublicMethodsMax)), IsEmpty());
  EXPECT_THAT(Apply(CheckPublicMethods, "index/a.h", type(kPublicMethodsMax + 1)), SizeIs(1));
}

TEST(TextRulesTest, HeadersOpenWithACommentAndAreGuarded) {
  constexpr std::string_view kForm = "{}#ifndef {}\n#define {}\n#endif  // {}\n";
  const auto header = [&](std::string_view comment, std::string_view guard) {
    return fmt::format(fmt::runtime(kForm), comment, guard, guard, guard);
  };
  EXPECT_THAT(
      Apply(CheckHeaderForm, "server/engine/a.h", header("// A.\n", "THRONG_SERVER_ENGINE_A_H_")),
      IsEmpty());
  EXPECT_THAT(Apply(CheckHeaderForm, "server/engine/a.h", header("", "THRONG_SERVER_ENGINE_A_H_")),
              SizeIs(1));
  EXPECT_THAT(Apply(CheckHeaderForm, "server/engine/a.h", header("// A.\n", "THRONG_A_H_")),
              SizeIs(1));
  EXPECT_THAT(Apply(CheckHeaderForm, "server/engine/a.h", "// A.\n#pragma once\n"), SizeIs(1));
  EXPECT_THAT(Apply(CheckHeaderForm, "server/engine/a.cc", ""), IsEmpty());
}

TEST(TextRulesTest, TypesInHeadersStateThreadSafety) {
  EXPECT_THAT(Apply(CheckThreadSafetyStated, "index/a.h", "class A {\n};\n"), SizeIs(1));
  EXPECT_THAT(Apply(CheckThreadSafetyStated, "index/a.h", "// Thread-safe.\nclass A {\n};\n"),
              IsEmpty());
  EXPECT_THAT(Apply(CheckThreadSafetyStated, "index/a.h", "int F();\n"), IsEmpty());
}

TEST(TextRulesTest, NamesSayWhatAThingIs) {
  EXPECT_THAT(Apply(CheckNames, "index/a.h", "class BlockManager {\n};\n"), SizeIs(1));
  EXPECT_THAT(Apply(CheckNames, "index/a.h", "struct StringUtils {\n};\n"), SizeIs(1));
  EXPECT_THAT(Apply(CheckNames, "index/string_util.h", ""), SizeIs(1));
  EXPECT_THAT(Apply(CheckNames, "index/common.h", ""), SizeIs(1));
  EXPECT_THAT(Apply(CheckNames, "index/IdSet.h", ""), SizeIs(1));
  EXPECT_THAT(Apply(CheckNames, "index/id-set.h", ""), SizeIs(1));
  EXPECT_THAT(Apply(CheckNames, "index/utilization.h", "struct CommonestValue {\n};\n"), IsEmpty());
}

TEST(TextRulesTest, DefaultIsRefusedInQueryOnly) {
  constexpr std::string_view kSwitch = "void F() {\n  switch (x) {\n    default:\n  }\n}\n";
  EXPECT_THAT(Apply(CheckNoDefault, "query/a.cc", kSwitch), SizeIs(1));
  EXPECT_THAT(Apply(CheckNoDefault, "cli/a.cc", kSwitch), IsEmpty());
  EXPECT_THAT(Apply(CheckNoDefault, "query/a.cc", "A() = default;  // default: none\n"), IsEmpty());
}

TEST(TextRulesTest, UnfinishedMarksAreRefused) {
  EXPECT_THAT(Apply(CheckNoUnfinishedMarks, "a.sh",
                    "# TO"
                    "DO: write\n"),
              SizeIs(1));
  EXPECT_THAT(Apply(CheckNoUnfinishedMarks, "query/a.cc",
                    "// FIX"
                    "ME\n"),
              SizeIs(1));
  EXPECT_THAT(Apply(CheckNoUnfinishedMarks, "a.sh", "# todo_list\n"), IsEmpty());
}

TEST(TextRulesTest, CMakeSpeaksOfTargets) {
  EXPECT_THAT(Apply(CheckCMakeTargets, "cmake/a.cmake", "add_compile_options(-O3)\n"), SizeIs(1));
  EXPECT_THAT(Apply(CheckCMakeTargets, "index/CMakeLists.txt", "include_directories(a)\n"),
              SizeIs(1));
  EXPECT_THAT(Apply(CheckCMakeTargets, "CMakeLists.txt", "set(CMAKE_CXX_FLAGS -O3)\n"), SizeIs(1));
  EXPECT_THAT(Apply(CheckCMakeTargets, "CMakeLists.txt",
                    "target_include_directories(a PRIVATE b)  # not include_directories\n"),
              IsEmpty());
}

TEST(TextRulesTest, CheckFileRunsEveryRule) {
  EXPECT_THAT(Apply(CheckFile, "query/common.h", "class A {\n};\n#define X switch (1) {\n"),
              SizeIs(testing::Ge(3)));
}

}  // namespace
}  // namespace throng::style
