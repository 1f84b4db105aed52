#include "cli/error_output.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

struct PlaceCase {
  const char* text;
  std::uint32_t line;
  std::uint32_t column;
  std::uint32_t length;
  const char* marked;
};

TEST(MarkPlaceTest, UnderlinesThePlace) {
  const PlaceCase cases[] = {
      {"citty = 'x'", 1, 1, 5, "  citty = 'x'\n  ^~~~~\n"},
      {"a and citty", 1, 7, 5, "  a and citty\n        ^~~~~\n"},
      {"a", 1, 1, 1, "  a\n  ^\n"},
      // The end of the text, and past it.
      {"a and", 1, 6, 0, "  a and\n       ^\n"},
      {"a and", 1, 60, 3, "  a and\n       ^\n"},
      {"", 1, 1, 0, "  \n  ^\n"},
      // A place that goes on in the next line ends with its own.
      {"ab\ncd", 1, 2, 9, "  ab\n   ^\n"},
      {"a and\r\n  citty", 2, 3, 5, "    citty\n    ^~~~~\n"},
      // Columns count code points; CJK takes two columns a code point.
      {"城市 = '北京' x", 1, 6, 4, "  城市 = '北京' x\n         ^~~~~~\n"},
      // A combining accent takes none.
      {"e\u0301 = 1", 1, 4, 1, "  e\u0301 = 1\n    ^\n"},
      // Tabs go to multiples of eight.
      {"a\tb", 1, 3, 1, "  a       b\n          ^\n"},
      {"\t\tb", 1, 2, 2, "                  b\n          ^~~~~~~~~\n"},
      // Nothing of the expression steers the terminal.
      {"a\x1b", 1, 2, 1, "  a\\u{1b}\n   ^~~~~~\n"},
      // No such line or column.
      {"a", 0, 0, 0, ""},
      {"a", 2, 1, 1, ""},
      {"a", 1, 0, 1, ""},
  };
  for (const PlaceCase& each : cases) {
    EXPECT_EQ(MarkPlace(each.text, each.line, each.column, each.length), each.marked)
        << each.text << " " << each.line << ":" << each.column << "+" << each.length;
  }
}

TEST(MarkPlaceTest, CutsLongLinesAroundThePlace) {
  const std::string text = std::string(5000, 'a') + "BAD" + std::string(5000, 'z');
  const std::string marked = MarkPlace(text, 1, 5001, 3);
  EXPECT_EQ(marked, "  ..." + std::string(40, 'a') + "BAD" + std::string(57, 'z') + "...\n" +
                        std::string(45, ' ') + "^~~\n");
}

TEST(MarkPlaceTest, ShowsTheStartOfALongLineWithoutACutBefore) {
  const std::string marked = MarkPlace("BAD" + std::string(5000, 'z'), 1, 1, 3);
  EXPECT_EQ(marked, "  BAD" + std::string(97, 'z') + "...\n  ^~~\n");
}

v1::ErrorDetail UnknownTag() {
  v1::ErrorDetail detail;
  detail.set_reason("UNKNOWN_TAG");
  detail.set_field("selection.expression");
  detail.set_line(1);
  detail.set_column(5);
  detail.set_length(5);
  detail.set_expected("a tag");
  detail.set_suggestion("city");
  return detail;
}

TEST(RenderFailureTest, ShowsPlaceExpectationAndSuggestion) {
  const grpc::Status status =
      MakeStatus(grpc::StatusCode::INVALID_ARGUMENT, "unknown tag \"citty\"", UnknownTag());
  EXPECT_EQ(RenderFailure(status, "db1:7400", "not citty = 'x'"),
            "error: unknown tag \"citty\"\n"
            "  not citty = 'x'\n"
            "      ^~~~~\n"
            "expected: a tag\n"
            "did you mean: city\n");
}

TEST(RenderFailureTest, SaysNothingTwice) {
  const grpc::Status status = MakeStatus(
      grpc::StatusCode::INVALID_ARGUMENT,
      "line 1, column 5: unknown tag \"citty\"; expected a tag; did you mean city?", UnknownTag());
  EXPECT_EQ(RenderFailure(status, "db1:7400", "not citty = 'x'"),
            "error: unknown tag \"citty\"\n"
            "  not citty = 'x'\n"
            "      ^~~~~\n"
            "expected: a tag\n"
            "did you mean: city\n");
}

TEST(RenderFailureTest, NamesTheLineOfALongerText) {
  v1::ErrorDetail detail = UnknownTag();
  detail.set_line(3);
  detail.clear_expected();
  const grpc::Status status = MakeStatus(grpc::StatusCode::INVALID_ARGUMENT, "unknown tag", detail);
  EXPECT_EQ(RenderFailure(status, "db1:7400", "a\nand\nnot citty"),
            "error: unknown tag (line 3, column 5)\n"
            "  not citty\n"
            "      ^~~~~\n"
            "did you mean: city\n");
}

TEST(RenderFailureTest, LivesWithoutDetailAndWithABrokenOne) {
  const grpc::Status plain(grpc::StatusCode::NOT_FOUND, "no such user");
  EXPECT_EQ(RenderFailure(plain, "db1:7400", "a"), "error: no such user\n");
  const grpc::Status broken(grpc::StatusCode::NOT_FOUND, "no such user", "\xff\xff garbage");
  EXPECT_EQ(RenderFailure(broken, "db1:7400", "a"), "error: no such user\n");
  EXPECT_EQ(ErrorDetailOf(broken).reason(), "");
  const grpc::Status silent(grpc::StatusCode::ABORTED, "");
  EXPECT_EQ(RenderFailure(silent, "db1:7400", ""), "error: ABORTED\n");
}

TEST(RenderFailureTest, NamesTheServerThatCannotBeReached) {
  const grpc::Status gone(grpc::StatusCode::UNAVAILABLE, "connection refused");
  EXPECT_EQ(RenderFailure(gone, "db1:7400", ""),
            "error: the server at db1:7400 cannot be reached or is not ready: "
            "connection refused\n");
  const grpc::Status late(grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded");
  EXPECT_EQ(RenderFailure(late, "db1:7400", ""),
            "error: the server at db1:7400 did not answer in time (--timeout)\n");
}

TEST(RenderWarningTest, ShowsThePlace) {
  v1::Warning warning;
  warning.set_message("no user has 'Bejing'");
  warning.set_line(1);
  warning.set_column(8);
  warning.set_length(8);
  EXPECT_EQ(RenderWarning(warning, "city = 'Bejing'"),
            "warning: no user has 'Bejing'\n"
            "  city = 'Bejing'\n"
            "         ^~~~~~~~\n");
}

TEST(CodeNameTest, NamesEveryCode) {
  EXPECT_EQ(CodeName(grpc::StatusCode::CANCELLED), "CANCELLED");
  EXPECT_EQ(CodeName(grpc::StatusCode::INVALID_ARGUMENT), "INVALID_ARGUMENT");
  EXPECT_EQ(CodeName(grpc::StatusCode::DEADLINE_EXCEEDED), "DEADLINE_EXCEEDED");
  EXPECT_EQ(CodeName(grpc::StatusCode::RESOURCE_EXHAUSTED), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(CodeName(grpc::StatusCode::DATA_LOSS), "DATA_LOSS");
  EXPECT_EQ(CodeName(grpc::StatusCode::UNAUTHENTICATED), "UNAUTHENTICATED");
  EXPECT_EQ(CodeName(77), "CODE_77");
}

}  // namespace
}  // namespace throng::cli
