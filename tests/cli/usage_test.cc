// The frame of the command line: usage, help, exit codes and the values of flags.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "cli/flag_checks.h"
#include "cli/schema.h"
#include "cli/selection_options.h"
#include "cli/value_text.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

using nlohmann::json;

TEST(UnreachableTest, IsExitOneAndNamesTheServer) {
  const CliRun run = RunThrong({"--server", "127.0.0.1:1", "count", "x"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err.rfind("error: the server at 127.0.0.1:1 cannot be reached", 0), 0U) << run.err;
}

// A machine may be too busy to answer a connection at once: it is waited for, not given up.
TEST(UnreachableTest, ASilentServerIsWaitedForUntilTheTimeout) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_GE(listener, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 16), 0);  // connections are taken by the kernel, and never answered
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string server = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const CliRun run = RunThrong({"--server", server, "--timeout", "1s", "count", "x"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find("did not answer in time"), std::string::npos) << run.err;
  close(listener);
}

TEST(UsageTest, IsExitTwo) {
  const std::vector<std::vector<std::string>> cases = {
      {"nope"},
      {"--nope"},
      {"count"},
      {"count", "a", "b"},
      {"count", "a", "--file", "b"},
      {"count", "--file", "/nonexistent/file"},
      {"count", "a", "--at", "yesterday"},
      {"count", "a", "--read-version", "-1"},
      {"count", "a", "--read-version", "010"},
      {"count", "a", "--read-version", "18446744073709551616"},
      {"insight", "a", "--by", "b", "--top", "4294967296"},
      {"members", "a", "--page-size", "-5"},
      {"tags", "update", "a", "--sensitivity", "1.5"},
      {"count", "a", "--timeout", "soon"},
      {"insight", "a"},
      {"insight", "a", "--by", "a,,b"},
      {"insight", "a", "--by", "\"a"},
      {"crosstab", "a", "--rows", "b"},
      {"crosstab", "a", "--rows", "b", "--columns", "c", "--shares", "some"},
      {"crosstab", "a", "--rows", "b", "--columns", "c", "--row-edges", "1,,2"},
      {"crosstab", "a", "--rows", "b", "--columns", "c", "--top-rows", "-1"},
      {"compare"},
      {"compare", "a", "--by", "a,,b"},
      {"compare", "a", "--confidence", "100%"},
      {"compare", "a", "--confidence", "0.95"},
      {"count", "a", "--sample", "1%", "--confidence", "0%"},
      {"statistics", "a"},
      {"statistics", "a", "--tags", "b,,c"},
      {"statistics", "a", "--tags", "b", "--by", "year"},
      {"statistics", "a", "--tags", "b", "--bins", "-1"},
      {"statistics", "a", "--tags", "b", "--edges", "1,,2"},
      {"statistics", "a", "--tags", "b,c", "--edges", "1,2"},
      {"statistics", "a", "--tags", "b", "--percentiles", ""},
      {"overlap"},
      {"overlap", "a"},
      {"overlap", "=all()"},
      {"overlap", "--file", "/nonexistent/file"},
      {"overlap", "a=all()", "--at", "yesterday"},
      {"tags"},
      {"tags", "get"},
      {"tags", "create", "a"},
      {"tags", "create", "a", "--type", "TEXT"},
      {"tags", "update", "a", "--state", "gone"},
      {"tags", "values", "a", "--limit", "0"},
      {"populations", "create"},
      {"portrait"},
      {"format"},
      {"ping", "--wait", "forever"},
  };
  for (const auto& arguments : cases) {
    const CliRun run = RunThrong(arguments);
    EXPECT_EQ(run.exit_code, 2) << testing::PrintToString(arguments);
    EXPECT_EQ(run.err.rfind("error: ", 0), 0U) << run.err;
    EXPECT_EQ(run.out, "");
  }
}

TEST(UsageTest, NamesTheWordThatIsWrongAndTheNearestRight) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"cuont", "x"}, "error: there is no command \"cuont\"; did you mean count?"},
      {{"tags", "lst"}, "error: there is no command \"lst\"; did you mean list?"},
      {{"split", "show", "x"}, "error: there is no command \"show\"; there are: create, get,"},
      {{"tags"}, "error: throng tags is followed by one of: list, get, "},
      {{"count", "x", "--read-verison", "3"},
       "error: there is no flag --read-verison; did you mean --read-version?"},
      {{"tags", "create", "a", "--tpye=FLAG"},
       "error: there is no flag --tpye; did you mean --type?"},
      {{"count", "x", "--populaton", "p"},
       "error: there is no flag --populaton; did you mean --population?"},
      {{"count", "x", "--qqqqqqqq"}, "error: there is no flag --qqqqqqqq\n"},
      {{"count", "a", "b"}, "error: nothing is expected at \"b\""},
      {{"split", "create", "s", "c", "--arm", "A:10", "--arm", "B=1"},
       "error: --arm: the weight of \"A:10\" follows =, not \":\": A=10"},
  };
  for (const auto& [arguments, message] : cases) {
    const CliRun run = RunThrong(arguments);
    EXPECT_EQ(run.exit_code, 2) << testing::PrintToString(arguments);
    EXPECT_EQ(run.err.rfind(message, 0), 0U) << run.err;
  }
}

TEST(UsageTest, IsJsonWhereThatWasAskedFor) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"count", "--json"}, std::vector<std::string>{"tags", "--json"}}) {
    const CliRun run = RunThrong(arguments);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(json::parse(run.out)["error"]["reason"], "USAGE");
    EXPECT_EQ(run.err, "");
  }
}

TEST(HelpTest, EveryCommandHasExamples) {
  const std::vector<std::vector<std::string>> commands = {{},
                                                          {"count"},
                                                          {"explain"},
                                                          {"curve"},
                                                          {"insight"},
                                                          {"crosstab"},
                                                          {"split"},
                                                          {"split", "create"},
                                                          {"split", "balance"},
                                                          {"allocate"},
                                                          {"overlap"},
                                                          {"compare"},
                                                          {"statistics"},
                                                          {"export"},
                                                          {"members"},
                                                          {"why"},
                                                          {"portrait"},
                                                          {"tags"},
                                                          {"tags", "list"},
                                                          {"tags", "get"},
                                                          {"tags", "create"},
                                                          {"tags", "update"},
                                                          {"tags", "values"},
                                                          {"populations"},
                                                          {"populations", "list"},
                                                          {"populations", "get"},
                                                          {"populations", "create"},
                                                          {"parse"},
                                                          {"format"},
                                                          {"ping"}};
  for (std::vector<std::string> command : commands) {
    command.push_back("--help");
    const CliRun run = RunThrong(command);
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_NE(run.out.find("Examples:\n  throng "), std::string::npos) << run.out;
  }
  const CliRun bare = RunThrong({});
  EXPECT_EQ(bare.exit_code, 0);
  EXPECT_NE(bare.out.find("Usage: throng"), std::string::npos);
  EXPECT_EQ(RunThrong({"--version"}).out.rfind("throng ", 0), 0U);
}

TEST(SplitNamesTest, KeepsQuotedCommas) {
  EXPECT_EQ(*SplitNames("a"), (std::vector<std::string>{"a"}));
  EXPECT_EQ(*SplitNames("a,b c"), (std::vector<std::string>{"a", "b c"}));
  EXPECT_EQ(*SplitNames("\"a,b\",\"c\"\"d\""), (std::vector<std::string>{"a,b", "c\"d"}));
  for (const char* bad : {"", ",", "a,", "\"", "\"a,b"}) EXPECT_FALSE(SplitNames(bad).ok()) << bad;
}

TEST(ValueTextTest, NamesOfTypesAndStatesGoBothWays) {
  for (int type = 1; type <= 7; ++type) {
    const auto each = static_cast<v1::TagType>(type);
    EXPECT_EQ(ParseTagType(TagTypeName(each)), each);
  }
  EXPECT_EQ(ParseTagType("date_time"), v1::TAG_TYPE_DATE_TIME);
  EXPECT_EQ(ParseTagType("Labels"), v1::TAG_TYPE_LABELS);
  EXPECT_EQ(ParseTagType("text"), std::nullopt);
  for (int state = 1; state <= 3; ++state) {
    const auto each = static_cast<v1::TagState>(state);
    EXPECT_EQ(ParseTagState(TagStateName(each)), each);
  }
  EXPECT_EQ(ParseTagState(""), std::nullopt);
}

TEST(FlagChecksTest, TakeWholeNumbersAndDurations) {
  for (const char* good : {"0", "7", "18446744073709551615"}) {
    EXPECT_EQ(CheckWholeNumber(good), "") << good;
  }
  for (const char* bad : {"", "-1", "+1", "010", "0x10", "1.5", "1 ", "18446744073709551616"}) {
    EXPECT_NE(CheckWholeNumber(bad), "") << bad;
  }
  for (const char* good : {"0", "30s", "500ms", "1m30s"})
    EXPECT_EQ(CheckDuration(good), "") << good;
  for (const char* bad : {"", "30", "-1s", "soon"}) EXPECT_NE(CheckDuration(bad), "") << bad;
}

TEST(EnvironmentTest, NamesServerAndPopulationUnlessFlagsDo) {
  FakeServer server;
  setenv("THRONG_SERVER", server.address().c_str(), 1);
  setenv("THRONG_POPULATION", "owners", 1);
  EXPECT_EQ(RunThrong({"count", "x"}).exit_code, 0);
  EXPECT_EQ(server.count_request.selection().population(), "populations/owners");
  EXPECT_EQ(RunThrong({"count", "x", "--population", "renters"}).exit_code, 0);
  EXPECT_EQ(server.count_request.selection().population(), "populations/renters");
  unsetenv("THRONG_SERVER");
  unsetenv("THRONG_POPULATION");
}

TEST(TimeoutTest, IsTheDeadlineOfACall) {
  FakeServer server;
  server.delay = absl::Seconds(20);
  const CliRun run = server.Run({"count", "x", "--timeout", "50ms", "--json"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(json::parse(run.out)["error"]["code"], "DEADLINE_EXCEEDED");
}

}  // namespace
}  // namespace throng::cli
