// Expressions and requests that are refused, one test a kind: the words mark the place and say what
// would do, and nothing is changed. At each limit, and one past it.
#include <algorithm>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/refusal.h"

namespace throng::e2e {
namespace {

// Three users with a tag of every type.
class BadExpressionTest : public LiveServerTest {
 protected:
  void SetUp() override {
    const std::string schema = Write(
        "schema.toml", "id_column = \"user_id\"\n" + Tag("city", "CATEGORY") +
                           Tag("views", "INTEGER") + Tag("born", "DATE") + Tag("seen", "DATETIME") +
                           Tag("interests", "LABELS", "separator = \"|\"") + Tag("vip", "FLAG") +
                           Tag("rent", "DECIMAL", "scale = 2"));
    Load(throng(),
         Write("users.csv",
               "user_id,city,views,born,seen,interests,vip,rent\n"
               "1,Paris,5,2000-01-31,2024-05-01 10:00:00,a|b,1,10.50\n"
               "2,Rome,7,1999-12-31,,b,0,\n"
               "3,,,,,,,\n"),
         schema);
    ASSERT_EQ(throng().Count("all()"), 3);
  }

  // The error of `throng count EXPRESSION --json`, which exits 1.
  Json ErrorOf(const std::string& expression) {
    const CommandResult result = throng().Run({"count", expression, "--json"});
    EXPECT_EQ(result.exit_code, 1) << result;
    EXPECT_EQ(result.error_output, "") << result;
    return result.json()["error"];
  }

  // The same for an expression too long for a command line.
  CommandResult CountFile(const std::string& expression) {
    return throng().Run({"count", "--file", Write("expression.txt", expression), "--json"});
  }
};

struct BadExpression {
  std::string expression;
  std::string reason;
  int column = 0;
  int length = 0;
};

TEST_F(BadExpressionTest, EachNamesItsReasonAndPlace) {
  const PopulationState before(throng());
  const std::vector<BadExpression> cases = {
      {"citty = 'Paris'", "UNKNOWN_TAG", 1, 5},
      {"vip and citty = 'Paris'", "UNKNOWN_TAG", 9, 5},
      {"views = 'five'", "WRONG_VALUE_TYPE", 9, 6},
      {"city = 5", "WRONG_VALUE_TYPE", 8, 1},
      {"vip = 'yes'", "WRONG_VALUE_TYPE", 7, 5},
      {"city > 'A'", "NOT_ORDERED", 1, 10},
      {"vip > true", "NOT_ORDERED", 1, 10},
      {"interests between 'a' and 'b'", "NOT_ORDERED", 1, 29},
      {"city", "NOT_A_FLAG", 1, 4},
      {"born = '2023-02-29'", "BAD_DATE", 8, 12},
      {"seen > '2024-05-01 25:00'", "BAD_DATE", 8, 18},
      {"views betwen 1 and 5", "SYNTAX_ERROR", 7, 6},
      {"views > ", "SYNTAX_ERROR", 9, 0},
      {"(vip", "SYNTAX_ERROR", 5, 0},
      {"vip)", "SYNTAX_ERROR", 4, 1},
      {"", "SYNTAX_ERROR", 1, 0},
      {"crowd('x')", "UNKNOWN_CROWD", 7, 3},
      {"views = 123456789012345678901234567890123456789", "VALUE_OUT_OF_RANGE", 9, 39},
      {"bucket('s', 5, 2000000)", "VALUE_OUT_OF_RANGE", 16, 7},
      {"sample(101%, 's')", "VALUE_OUT_OF_RANGE", 8, 4},
      {"vip top 0 by views", "VALUE_OUT_OF_RANGE", 9, 1},
      {"(vip any 1 by 's')", "MISPLACED_LIMIT", 6, 3},
      {"vip top 1 by city", "NOT_ORDERED", 14, 4},
      {"born > today() - 100001d", "VALUE_OUT_OF_RANGE", 18, 7},
      {"ids(18446744073709551616)", "VALUE_OUT_OF_RANGE", 5, 20},
  };
  for (const BadExpression& bad : cases) {
    SCOPED_TRACE(bad.expression);
    Json error = ErrorOf(bad.expression);
    EXPECT_EQ(error["code"], "INVALID_ARGUMENT") << error;
    EXPECT_EQ(error["reason"], bad.reason) << error;
    EXPECT_EQ(error["field"], "selection.expression") << error;
    EXPECT_EQ(error["line"], 1) << error;
    EXPECT_EQ(error["column"], bad.column) << error;
    EXPECT_EQ(error["length"], bad.length) << error;
    EXPECT_NE(error["message"], "") << error;
  }
  EXPECT_EQ(PopulationState(throng()), before);
}

TEST_F(BadExpressionTest, TheReadableFormMarksThePlace) {
  ExpectRefused(throng().Run({"count", "vip and citty = 'Paris'"}), 1,
                {"error: there is no tag \"citty\"\n",
                 "\n  vip and citty = 'Paris'\n          ^~~~~\n", "did you mean: city\n"});
  ExpectRefused(
      throng().Run({"count", "views betwen 1 and 5"}), 1,
      {"\n  views betwen 1 and 5\n        ^~~~~~\n", "expected: ", "did you mean: between\n"});
  ExpectRefused(throng().Run({"count", "-"}, "vip and\n  citty = 'x'\n"), 1,
                {"line 2, column 3", "\n    citty = 'x'\n    ^~~~~\n"});
  // A column counts code points, and the mark stands under what is seen.
  ExpectRefused(throng().Run({"count", "city = '北京' and x = 1"}), 1,
                {"\n  city = '北京' and x = 1\n                    ^\n"});
  Json error = ErrorOf("city = '北京' and x = 1");
  EXPECT_EQ(error["column"], 17);
}

TEST_F(BadExpressionTest, WarningsChangeNothing) {
  const CommandResult result = throng().Run({"count", "city = 'Pariss'"});
  EXPECT_EQ(result.exit_code, 0) << result;
  EXPECT_NE(result.error_output.find("warning: "), std::string::npos) << result;
  EXPECT_NE(result.error_output.find("Paris"), std::string::npos) << result;
  EXPECT_EQ(result.output.substr(0, 7), "0 users") << result;
  const auto reason_of = [&](const std::string& expression) {
    Json answer = throng().Ask({"count", expression});
    return answer["warnings"].empty() ? "" : answer["warnings"][0]["reason"].get<std::string>();
  };
  EXPECT_EQ(reason_of("city = 'Pariss'"), "UNKNOWN_VALUE");
  EXPECT_EQ(reason_of("ids(1, 99)"), "UNKNOWN_IDS");
  EXPECT_EQ(reason_of("views = 2.5"), "INEXACT_LITERAL");
  EXPECT_EQ(reason_of("city = 'Paris' and city = 'Rome'"), "ALWAYS_EMPTY");
  EXPECT_EQ(reason_of("vip or not vip"), "ALWAYS_EVERYBODY");
  EXPECT_EQ(reason_of("city != 'Paris'"), "NEGATED_MISSING");
  EXPECT_EQ(reason_of("city = 'Paris'"), "");
}

std::string Repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST_F(BadExpressionTest, SixtyFourLevelsAndOneMore) {
  // An even number of nots changes nothing; a condition is a level of its own.
  EXPECT_EQ(throng().Count(Repeated("not ", 63) + "vip"), 2);
  EXPECT_EQ(throng().Count(Repeated("(", 63) + "vip" + Repeated(")", 63)), 1);
  std::string chains = "vip";
  for (int i = 1; i < 64; ++i) chains = fmt::format("({} {} vip)", chains, i % 2 ? "and" : "or");
  EXPECT_EQ(throng().Count(chains), 1);
  for (const std::string& deep :
       {Repeated("not ", 64) + "vip", Repeated("(", 64) + "vip" + Repeated(")", 64),
        "(" + chains + " and vip)"}) {
    SCOPED_TRACE(deep);
    Json error = ErrorOf(deep);
    EXPECT_EQ(error["reason"], "EXPRESSION_TOO_DEEP") << error;
    EXPECT_EQ(error["limit"], 64) << error;
    EXPECT_EQ(error["requested"], 65) << error;
  }
  // Far beyond, nothing recurses.
  EXPECT_EQ(CountFile(Repeated("(", 500'000)).json()["error"]["reason"], "EXPRESSION_TOO_DEEP");
}

// 64 levels are more messages within one another than protobuf's own JSON or a stub takes.
TEST_F(BadExpressionTest, ADeepTreeComesBackAsText) {
  const std::string text = Repeated("not ", 63) + "vip";
  const CommandResult parsed = throng().Run({"parse", text, "--json"});
  ASSERT_EQ(parsed.exit_code, 0) << parsed;
  const CommandResult formatted = throng().Run({"format", "-"}, parsed.output);
  EXPECT_EQ(formatted.exit_code, 0) << formatted;
  EXPECT_EQ(formatted.output, text + "\n");
  EXPECT_EQ(formatted.error_output, "");
}

TEST_F(BadExpressionTest, TenThousandNodesAndOneMore) {
  // A chain is a node, and each of its operands.
  const std::string most = "vip" + Repeated(" or vip", 9'998);
  const CommandResult counted = CountFile(most);
  EXPECT_EQ(counted.exit_code, 0) << counted;
  EXPECT_EQ(counted.json()["count"], 1);
  const CommandResult refused = CountFile(most + " or vip");
  EXPECT_EQ(refused.exit_code, 1);
  Json error = refused.json()["error"];
  EXPECT_EQ(error["reason"], "TOO_MANY_NODES") << error;
  EXPECT_EQ(error["limit"], 10'000) << error;
}

// A million literals in a text of as many bytes as may be; then a literal more, then a byte more.
TEST_F(BadExpressionTest, AMillionLiteralsInTextAndOneMore) {
  constexpr size_t kTextBytesMax = 32 << 20;
  std::string list = "views in (7";
  for (int i = 10; i < 1'000'009; ++i) list += fmt::format(",{}", i);
  const CommandResult many = CountFile(list + ",9)");
  EXPECT_EQ(many.exit_code, 1) << many;
  EXPECT_EQ(many.json()["error"]["reason"], "TOO_MANY_VALUES") << many;
  EXPECT_EQ(many.json()["error"]["limit"], 1'000'000) << many;

  const std::string most = list + ")" + std::string(kTextBytesMax - list.size() - 1, ' ');
  const CommandResult counted = CountFile(most);
  EXPECT_EQ(counted.exit_code, 0) << counted;
  EXPECT_EQ(counted.json()["count"], 1);
  const CommandResult refused = CountFile(most + " ");
  EXPECT_EQ(refused.exit_code, 1) << refused;
  Json error = refused.json()["error"];
  EXPECT_EQ(error["reason"], "EXPRESSION_TOO_LONG") << error;
  EXPECT_EQ(error["limit"], kTextBytesMax) << error;
  EXPECT_EQ(error["requested"], kTextBytesMax + 1) << error;
}

TEST_F(BadExpressionTest, AMillionLiteralsAndOneMore) {
  const auto tree = [](int literals) {
    std::string ids = "\"0\"";
    for (int i = 1; i < literals; ++i) ids += fmt::format(",\"{}\"", i % 10);
    return "{\"idSet\":{\"ids\":[" + ids + "]}}";
  };
  const CommandResult formatted =
      throng().Run({"format", Write("most.json", tree(1'000'000)), "--json"});
  EXPECT_EQ(formatted.exit_code, 0) << formatted;
  const std::string text = formatted.json()["expression"];
  EXPECT_EQ(std::count(text.begin(), text.end(), ','), 999'999);
  const CommandResult refused =
      throng().Run({"format", Write("more.json", tree(1'000'001)), "--json"});
  EXPECT_EQ(refused.exit_code, 1) << refused;
  Json error = refused.json()["error"];
  EXPECT_EQ(error["reason"], "TOO_MANY_VALUES") << error;
  EXPECT_EQ(error["limit"], 1'000'000) << error;
  EXPECT_EQ(error["requested"], 1'000'001) << error;
}

TEST_F(BadExpressionTest, OtherThingsThatAreNotThere) {
  const PopulationState before(throng());
  ExpectRefused(throng().Run({"portrait", "99"}), 1, {"99"});
  ExpectRefused(throng().In("nowhere").Run({"count", "all()"}), 1, {"nowhere"});
  ExpectRefused(throng().Run({"tags", "get", "citty"}), 1, {"citty"});
  ExpectRefused(throng().Run({"tags", "values", "citty"}), 1, {"citty"});
  ExpectRefused(throng().Run({"insight", "all()", "--by", "citty"}), 1, {"citty", "city"});
  ExpectRefused(throng().Run({"insight", "all()", "--by", "city", "--baseline", "x = 1"}), 1,
                {"\n  x = 1\n  ^\n"});
  ExpectRefused(
      throng().Run({"export", "all()", "-o", File("x.csv"), "--format", "csv", "--tags", "citty"}),
      1, {"citty"});
  EXPECT_FALSE(FileExists(File("x.csv")));
  ExpectRefused(throng().Run({"count", "all()", "--zone", "Mars/Olympus"}), 1,
                {"time zone", "IANA"});
  ExpectRefused(throng().Run({"count", "all()", "--read-version", "987654321"}), 1, {"987654321"});
  Json gone = throng().Run({"count", "all()", "--read-version", "987654321", "--json"}).json();
  EXPECT_EQ(gone["error"]["reason"], "VERSION_GONE") << gone;
  EXPECT_EQ(PopulationState(throng()), before);
}

TEST_F(BadExpressionTest, PageTokensOfOthers) {
  const std::vector<std::string> page = {"members", "all()", "--page-size", "2"};
  Json first = throng().Ask(page);
  const std::string token = first.value("next_page_token", "");
  ASSERT_NE(token, "");
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& bad) {
    std::vector<std::string> line = arguments;
    line.insert(line.end(), {"--page-token", bad, "--json"});
    const CommandResult result = throng().Run(line);
    EXPECT_EQ(result.exit_code, 1) << result;
    EXPECT_EQ(result.json()["error"]["reason"], "BAD_PAGE_TOKEN") << result;
  };
  refused(page, "rubbish");
  refused(page, token + "A");
  refused(page, std::string(1, token[0] == 'A' ? 'B' : 'A') + token.substr(1));
  refused({"members", "vip", "--page-size", "2"}, token);
  std::vector<std::string> next = page;
  next.insert(next.end(), {"--page-token", token});
  EXPECT_EQ(throng().Ask(next)["ids"].size(), 1);
}

}  // namespace
}  // namespace throng::e2e
