// Settings of throngd: flags, environment, file, and what is wrong with them.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/child_process.h"
#include "tests/e2e/refusal.h"
#include "tests/e2e/run_command.h"
#include "tests/e2e/server_process.h"
#include "tests/e2e/test_files.h"
#include "tests/testing/temporary_directory.h"

namespace throng::e2e {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class SettingsTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& content) {
    const std::string path = directory_.File("throngd.toml");
    WriteFile(path, content);
    return path;
  }

 private:
  const testing::TemporaryDirectory directory_;
};

// A variable of the environment that goes with the test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_); }

 private:
  const char* const name_;
};

TEST_F(SettingsTest, FlagsGoOverTheEnvironmentAndThatOverTheFile) {
  const std::string file = Write(
      "data-dir = \"/of/file\"\nthreads = 3\nsync = \"interval\"\n"
      "insecure-listen-anywhere = true\n");
  const Variable threads("THRONGD_THREADS", "5");
  const Variable data("THRONGD_DATA_DIR", "/of/environment");
  const CommandResult result = RunServer({"--data-dir", "/of/flag", "check-config", file});
  EXPECT_EQ(result.exit_code, 0) << result;
  EXPECT_THAT(result.output, ContainsRegex("data-dir +flag +/of/flag\n"));
  EXPECT_THAT(result.output, ContainsRegex("threads +environment +5\n"));
  EXPECT_THAT(result.output, ContainsRegex("sync +file +interval\n"));
  EXPECT_THAT(result.output, ContainsRegex("insecure-listen-anywhere +file +true\n"));
  EXPECT_THAT(result.output, ContainsRegex("listen +default +127.0.0.1:7400\n"));
}

TEST_F(SettingsTest, TheFileThatComesWithThePackageIsSound) {
  const CommandResult result =
      RunServer({"check-config", THRONG_SOURCE_DIRECTORY "/deploy/throngd.toml"});
  EXPECT_EQ(result.exit_code, 0) << result;
  EXPECT_THAT(result.output, ContainsRegex("data-dir +file +/var/lib/throng/data\n"));
}

// Every setting is in the file that comes with the package, with its default.
TEST_F(SettingsTest, ThePackagesFileHasEveryDefault) {
  const std::string file = ReadFile(THRONG_SOURCE_DIRECTORY "/deploy/throngd.toml");
  const CommandResult result = RunServer({"--data-dir", "d", "check-config"});
  ASSERT_EQ(result.exit_code, 0) << result;
  int settings = 0;
  for (const std::string& line : LinesOf(result.output)) {
    const std::string key = line.substr(0, line.find(' '));
    ++settings;
    EXPECT_THAT(file, ContainsRegex(fmt::format("\n#?{} = ", key)));
  }
  EXPECT_GE(settings, 15);
}

TEST_F(SettingsTest, MistakesAreNamedWithTheirPlace) {
  struct Case {
    std::string file;
    std::vector<std::string> words;
  };
  const std::string data = "data-dir = \"d\"\n";
  const std::vector<Case> cases = {
      {data + "colour = 1\n", {"line 2", "no setting colour", "--help"}},
      {data + "data_dir = \"x\"\n", {"line 2", "data_dir", "did you mean data-dir?"}},
      {data + "metrics = \"x\"\n", {"line 2", "did you mean metrics-listen?"}},
      {data + "\nthreads = -1\n", {"line 3", "threads", "-1"}},
      {data + "threads = 1025\n", {"line 2", "threads", "1025"}},
      {data + "threads = \"many\"\n", {"line 2", "threads must be a whole number", "many"}},
      {data + "threads = 2.5\n", {"line 2", "threads must be a whole number", "2.5"}},
      {data + "threads = 010\n", {"line 2", "leading zero"}},
      {data + "sync = \"never\"\n", {"line 2", "sync", "never", "always"}},
      {data + "insecure-listen-anywhere = \"perhaps\"\n",
       {"line 2", "must be true or false", "perhaps"}},
      {data + "threads = [1, 2]\n", {"line 2", "threads must be a whole number", "a list"}},
      {data + "threads = 2026-01-01\n", {"line 2", "threads must be", "a time"}},
      {data + "audit-log = false\n", {"line 2", "audit-log must be a text in quotes", "false"}},
      {data + "listen = 7400\n", {"line 2", "listen must be a text in quotes", "7400"}},
      {data + "[server]\nthreads = 1\n", {"line 2", "no setting server"}},
      {data + "help = true\n", {"line 2", "no setting help"}},
      {data + "config = \"x\"\n", {"line 2", "no setting config"}},
      {data + "threads = 1\nthreads = 2\n", {"line 3"}},
      {data + "threads = \n", {"line 2"}},
      {data + "listen = \"0.0.0.0:7400\"\n", {"0.0.0.0:7400", "other machines"}},
      {data + "listen = \"nowhere\"\n", {"nowhere"}},
      {data + "metrics-listen = \"[::1]:7401\"\n", {"[::1]:7401", "IPv6"}},
      {"threads = 1\n", {"--data-dir is required"}},
  };
  for (const Case& bad : cases) {
    ExpectRefused(RunServer({"check-config", Write(bad.file)}), 2, bad.words);
    ExpectRefused(RunServer({"--config", Write(bad.file)}), 2, bad.words);
  }
  ExpectRefused(RunServer({"check-config", "/nowhere/throngd.toml"}), 2,
                {"/nowhere/throngd.toml", "no such file"});
  const Variable threads("THRONGD_THREADS", "none");
  ExpectRefused(RunServer({"--data-dir", "d", "check-config"}), 2, {"THRONGD_THREADS", "none"});
}

// A setting of the package's file: its key, and its default as it stands there.
std::vector<std::pair<std::string, std::string>> SettingsOfThePackage() {
  static const std::regex kSetting("#?([a-z-]+) = (.+)");
  std::vector<std::pair<std::string, std::string>> settings;
  for (const std::string& line :
       LinesOf(ReadFile(THRONG_SOURCE_DIRECTORY "/deploy/throngd.toml"))) {
    std::smatch found;
    if (std::regex_match(line, found, kSetting)) settings.emplace_back(found[1], found[2]);
  }
  return settings;
}

TEST_F(SettingsTest, EveryDefaultOfThePackagesFileIsTaken) {
  std::string all;
  for (const auto& [key, value] : SettingsOfThePackage()) {
    all += fmt::format("{} = {}\n", key, value);
  }
  const CommandResult result = RunServer({"check-config", Write(all)});
  EXPECT_EQ(result.exit_code, 0) << result;
  EXPECT_THAT(result.output, ContainsRegex("connections-max +file +10000\n"));
}

// No setting takes a value of another type, least of all as the name of a file.
TEST_F(SettingsTest, EverySettingWantsItsOwnType) {
  for (const auto& [key, value] : SettingsOfThePackage()) {
    const bool is_text = value.front() == '"';
    const bool is_flag = value == "true" || value == "false";
    const std::string wanted = is_text   ? "a text in quotes"
                               : is_flag ? "true or false"
                                         : "a whole number";
    std::vector<std::string> wrong = {is_text || is_flag ? "1" : "1.5"};
    if (!is_text) wrong.push_back("\"1\"");
    if (!is_flag) wrong.push_back("true");
    for (const std::string& other : wrong) {
      const std::string file = Write(fmt::format("# of another type\n{} = {}\n", key, other));
      ExpectRefused(RunServer({"--data-dir", "d", "check-config", file}), 2,
                    {file + ", line 2", fmt::format("{} must be {}", key, wanted)});
    }
  }
}

// 030 is 24 to some: whoever writes it means 30.
TEST_F(SettingsTest, NumbersAreDecimal) {
  for (const std::string text : {"030", "-030", "0x1e", "00"}) {
    ExpectRefused(RunServer({"--data-dir", "d", "--drain-seconds=" + text, "check-config"}), 2,
                  {"--drain-seconds", text, "not a whole number in decimal"});
    const Variable drain("THRONGD_DRAIN_SECONDS", text.c_str());
    ExpectRefused(RunServer({"--data-dir", "d", "check-config"}), 2,
                  {"THRONGD_DRAIN_SECONDS", text, "not a whole number in decimal"});
  }
  ExpectRefused(RunServer({"--data-dir", "d", "--result-bytes-max=01048576", "check-config"}), 2,
                {"--result-bytes-max", "without the zeros in front"});
  const CommandResult result =
      RunServer({"--data-dir", "d", "--drain-seconds=0", "--threads=10", "check-config"});
  EXPECT_EQ(result.exit_code, 0) << result;
  EXPECT_THAT(result.output, ContainsRegex("drain-seconds +flag +0\n"));
}

// `THRONGD_ACCESS_FILE=` of some environment must not take the file's protection away.
TEST_F(SettingsTest, AnEmptyVariableIsAsNone) {
  const std::string file =
      Write("data-dir = \"d\"\nport-file = \"/of/file\"\naccess-file = \"/nowhere/access.toml\"\n");
  const Variable port("THRONGD_PORT_FILE", "");
  const Variable threads("THRONGD_THREADS", "");
  {
    const Variable access("THRONGD_ACCESS_FILE", "");
    ExpectRefused(RunServer({"check-config", file}), 2, {"/nowhere/access.toml"});
  }
  const CommandResult result = RunServer({"--access-file", "", "check-config", file});
  EXPECT_EQ(result.exit_code, 0) << result;
  EXPECT_THAT(result.output, ContainsRegex("port-file +file +/of/file\n"));
  EXPECT_THAT(result.output, ContainsRegex("threads +default +0\n"));
}

// Why a file cannot be read, not that it is not there.
TEST_F(SettingsTest, AFileThatCannotBeReadIsSaid) {
  const testing::TemporaryDirectory directory;
  const std::string file = Write("data-dir = \"d\"\n");
  ExpectRefused(RunServer({"check-config", directory.path()}), 2,
                {directory.path(), "is a directory"});
  ExpectRefused(RunServer({"check-config", "/dev/null"}), 2, {"/dev/null", "a device"});
  ExpectRefused(RunServer({"check-config", file + "/more"}), 2, {file, "Not a directory"});
  if (geteuid() == 0) return;  // who may read everything
  ASSERT_EQ(chmod(file.c_str(), 0), 0);
  ExpectRefused(RunServer({"check-config", file}), 2, {file, "Permission denied"});
}

TEST_F(SettingsTest, TheAuditLogsPlaceIsCheckedAndNothingIsMade) {
  const testing::TemporaryDirectory directory;
  const auto check = [&](const std::string& path) {
    return RunServer(
        {"check-config", Write(fmt::format("data-dir = \"d\"\naudit-log = \"{}\"\n", path))});
  };
  const std::string audit = directory.File("audit");
  EXPECT_EQ(check(audit).exit_code, 0);
  EXPECT_THAT(NamesIn(directory.path()), ::testing::IsEmpty());
  ExpectRefused(check(audit + "/none"), 2, {audit + "/none", "No such file"});
  ExpectRefused(check(directory.path()), 2, {directory.path(), "Is a directory"});
  WriteFile(audit + ".key", "no key");
  ExpectRefused(check(audit), 2, {"audit.key"});
}

TEST_F(SettingsTest, AServerRunsByItsFile) {
  const testing::TemporaryDirectory directory;
  const std::string data = directory.File("data");
  const std::string file = Write("threads = 1\nsync = \"interval\"\ndrain-seconds = 1\n");
  ServerProcess server(data, {"--config", file});
  EXPECT_EQ(server.client().Count("all()"), 0);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_THAT(server.process().error_output(), HasSubstr("event=sync_at_intervals"));
  EXPECT_THAT(server.process().error_output(), HasSubstr("seconds_max=1"));
}

TEST_F(SettingsTest, LimitsAreReadAgainOnSighup) {
  const testing::TemporaryDirectory directory;
  const std::string file = Write("slow-query-ms = 0\n");
  ServerProcess server(directory.File("data"), {"--config", file});
  Write("slow-query-ms = \"soon\"\n");
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(server.Logs("event=reload_failed what=limits reason=signal"));
  EXPECT_THAT(server.log(), HasSubstr("slow-query-ms must be a whole number"));
  EXPECT_THAT(server.log(), HasSubstr("not \\\"soon\\\""));
  Write("slow-query-ms = 1\n");
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(server.Logs("event=reloaded what=limits reason=signal"));
  EXPECT_EQ(server.client().Count("all()"), 0);
  EXPECT_EQ(server.Stop(), 0);
}

// A server that has so many descriptors; it listens when this returns.
class FewDescriptors {
 public:
  FewDescriptors(int descriptors, const std::vector<std::string>& flags)
      : process_(CommandLine(descriptors, directory_.File("data"), flags)) {
    EXPECT_TRUE(AwaitLog(process_, "event=serving")) << log();
  }

  std::string log() const { return process_.error_output(); }

 private:
  static std::vector<std::string> CommandLine(int descriptors, const std::string& data,
                                              const std::vector<std::string>& flags) {
    std::vector<std::string> line = {"/bin/sh",
                                     "-c",
                                     fmt::format("ulimit -n {} && exec \"$@\"", descriptors),
                                     "sh",
                                     ProgramPath("throngd"),
                                     "--data-dir",
                                     data,
                                     "--listen",
                                     "127.0.0.1:0"};
    line.insert(line.end(), flags.begin(), flags.end());
    return line;
  }

  const testing::TemporaryDirectory directory_;
  ChildProcess process_;
};

TEST_F(SettingsTest, ConnectionsAreAsManyAsThereAreDescriptorsFor) {
  EXPECT_THAT(FewDescriptors(800, {}).log(),
              ContainsRegex("event=connections_limited connections_max=32 settings_say=10000 "
                            "descriptors=800 message=\".*LimitNOFILE.* 10768"));
  EXPECT_THAT(FewDescriptors(700, {}).log(), HasSubstr("connections_max=16 "));
  EXPECT_THAT(FewDescriptors(800, {"--connections-max", "32"}).log(),
              Not(HasSubstr("event=connections_limited")));
}

}  // namespace
}  // namespace throng::e2e
