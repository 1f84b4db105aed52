#include "tests/style/cpp_scanner.h"

#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace throng::style {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Functions(std::string_view text) {
  std::vector<std::string> functions;
  for (const FunctionOutline& f : ScanCpp(MakeSourceFile("index/a.h", text)).functions) {
    functions.push_back(fmt::format("{} {}-{}", f.name, f.first_line, f.last_line));
  }
  return functions;
}

std::vector<std::string> Types(std::string_view text) {
  std::vector<std::string> types;
  for (const TypeOutline& t : ScanCpp(MakeSourceFile("index/a.h", text)).types) {
    types.push_back(fmt::format("{} {}", t.name, t.public_methods));
  }
  return types;
}

TEST(CppScannerTest, FindsFunctionsInNamespacesAndTypes) {
  EXPECT_THAT(Functions("namespace a::b {\nint F(int x) {\n  return x;\n}\n}\n"),
              ElementsAre("F 2-4"));
  EXPECT_THAT(Functions("class A {\n public:\n  int size() const { return 1; }\n};\n"
                        "void A::G() {\n  if (x) {\n    y({1, 2});\n  }\n}\n"),
              ElementsAre("size 3-3", "A::G 5-9"));
}

TEST(CppScannerTest, ASignatureOfManyLinesBelongsToTheFunction) {
  EXPECT_THAT(
      Functions("\n\nabsl::StatusOr<std::vector<int>> F(\n    int a,\n    B b = {}) {\n}\n"),
      ElementsAre("F 3-6"));
  EXPECT_THAT(Functions("A::A(int a)\n    : a_(a), b_{a} {\n  F();\n}\n"), ElementsAre("A::A 1-4"));
}

TEST(CppScannerTest, LambdasCountWithTheirFunction) {
  EXPECT_THAT(Functions("void F() {\n  auto g = [](int x) {\n    return x;\n  };\n}\n"),
              ElementsAre("F 1-5"));
}

TEST(CppScannerTest, FindsTemplatesOperatorsAndTests) {
  EXPECT_THAT(Functions("template <class T, class U = std::less<T>>\nT Max(T a) {\n}\n"),
              ElementsAre("Max 1-3"));
  EXPECT_THAT(Functions("bool operator<(A a, B b) {\n}\n"), ElementsAre("operator< 1-2"));
  EXPECT_THAT(Functions("TEST(ATest, B) {\n}\n"), ElementsAre("TEST 1-2"));
}

TEST(CppScannerTest, ValuesAreNotFunctions) {
  EXPECT_THAT(Functions("constexpr Row kRows[] = {\n    {1, F(2)},\n};\n"), IsEmpty());
  EXPECT_THAT(Functions("enum class E : int { kA, kB };\nstd::vector<int> v{1};\n"), IsEmpty());
}

TEST(CppScannerTest, BracesInLiteralsCommentsAndMacrosDoNotCount) {
  EXPECT_THAT(Functions("void F() {\n  g(\"{\", '{');  // {\n}\nvoid G() {}\n"),
              ElementsAre("F 1-3", "G 4-4"));
  EXPECT_THAT(Functions("#define X(a) \\\n  if (a) {\nvoid F() {\n}\n"), ElementsAre("F 3-4"));
}

TEST(CppScannerTest, CountsPublicMethodsOnly) {
  EXPECT_THAT(
      Types("class A {\n public:\n  A();\n  explicit A(int a);\n  ~A();\n  int F() const;\n"
            "  int size() const { return 1; }\n  bool operator==(const A&) const;\n"
            "  friend void H(A);\n  static A Make(int x = F());\n"
            "  std::function<void(int)> callback;\n\n private:\n  void G();\n  int a_;\n};\n"),
      ElementsAre("A 3"));
}

TEST(CppScannerTest, AStructIsPublicAndAnAttributeIsNotItsName) {
  EXPECT_THAT(Types("struct B : public A {\n  int x = F(1);\n  int G();\n};\n"),
              ElementsAre("B 1"));
  EXPECT_THAT(
      Types("class CAPABILITY(\"mutex\") Mutex {\n public:\n  void Lock() ACQUIRE();\n};\n"),
      ElementsAre("Mutex 1"));
}

TEST(CppScannerTest, UnbalancedBracesEndTheScan) {
  EXPECT_THAT(Functions("void F() {\n}\n}\n}\nvoid G() {\n}\n"), ElementsAre("F 1-2"));
}

}  // namespace
}  // namespace throng::style
