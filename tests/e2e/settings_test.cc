// Settings of throngd: flags, environment, file, and what is wrong with them.
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/refusal.h"
#include "tests/e2e/server_process.h"
#include "tests/e2e/test_files.h"
#include "tests/testing/temporary_directory.h"

namespace throng::e2e {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

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
      {data + "threads = \"many\"\n", {"line 2", "threads", "many"}},
      {data + "threads = 2.5\n", {"line 2", "threads", "2.5"}},
      {data + "sync = \"never\"\n", {"line 2", "sync", "never", "always"}},
      {data + "insecure-listen-anywhere = \"perhaps\"\n", {"line 2", "perhaps"}},
      {data + "threads = [1, 2]\n", {"line 2", "threads must be a text, a number"}},
      {data + "[server]\nthreads = 1\n", {"line 2", "no setting server"}},
      {data + "help = true\n", {"line 2", "no setting help"}},
      {data + "config = \"x\"\n", {"line 2", "no setting config"}},
      {data + "threads = 1\nthreads = 2\n", {"line 3"}},
      {data + "threads = \n", {"line 2"}},
      {data + "listen = \"0.0.0.0:7400\"\n", {"0.0.0.0:7400", "other machines"}},
      {data + "listen = \"nowhere\"\n", {"nowhere"}},
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

// Whether the log of the server has the line within a minute.
bool Logs(ServerProcess& server, const std::string& line) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < end) {
    if (server.process().error_output().find(line) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST_F(SettingsTest, LimitsAreReadAgainOnSighup) {
  const testing::TemporaryDirectory directory;
  const std::string file = Write("slow-query-ms = 0\n");
  ServerProcess server(directory.File("data"), {"--config", file});
  Write("slow-query-ms = \"soon\"\n");
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(Logs(server, "event=reload_failed what=limits"));
  EXPECT_THAT(server.process().error_output(), HasSubstr("slow-query-ms"));
  Write("slow-query-ms = 1\n");
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(Logs(server, "event=reloaded what=limits"));
  EXPECT_EQ(server.client().Count("all()"), 0);
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace throng::e2e
