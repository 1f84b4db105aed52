// throngd import, and loads that are cut short and run again.
#include <signal.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/refusal.h"

namespace throng::e2e {
namespace {

class ImportTest : public LiveServerTest {
 protected:
  // The sample population with its schema.
  void MakeSample(int users) {
    throng().Ask({"sample", "--users", std::to_string(users), "--output-dir", File("sample")});
    file_ = File("sample/users.csv");
    schema_ = File("sample/schema.toml");
  }

  std::vector<std::string> Flags(const std::string& directory,
                                 const std::vector<std::string>& more = {}) const {
    std::vector<std::string> flags = {"import",     file_,     "--schema", schema_,
                                      "--data-dir", directory, "--json"};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  }
  static std::string Everything(const Throng& throng, const std::string& path) {
    std::string tags;
    Json listed = throng.Ask({"tags", "list"});
    for (const auto& tag : listed["tags"]) {
      tags += fmt::format("{}{}", tags.empty() ? "" : ",", tag.value("tag", ""));
    }
    throng.Ask({"export", "all()", "-o", path, "--force", "--format", "csv", "--tags", tags});
    return ReadFile(path);
  }
  // What a server on the directory holds.
  std::string EverythingIn(const std::string& directory) {
    ServerProcess server(directory);
    return Everything(server.client(), File("all.csv"));
  }

  std::string file_;
  std::string schema_;
};

TEST_F(ImportTest, HoldsWhatALoadHolds) {
  MakeSample(20'000);
  Load(throng(), file_, schema_);
  const std::string loaded = Everything(throng(), File("loaded.csv"));
  EXPECT_GT(loaded.size(), 1'000'000u);
  const CommandResult imported = RunServer(Flags(File("imported")));
  ASSERT_EQ(imported.exit_code, 0) << imported;
  EXPECT_EQ(imported.json().value("rows", 0), 20'000) << imported;
  EXPECT_EQ(imported.json().value("users_created", 0), 20'000) << imported;
  EXPECT_EQ(RunServer({"verify", File("imported")}).exit_code, 0);
  EXPECT_TRUE(EverythingIn(File("imported")) == loaded);

  const CommandResult again = RunServer(Flags(File("imported"), {"--mode", "upsert"}));
  EXPECT_EQ(again.json().value("users_created", -1), 0) << again;
  EXPECT_TRUE(EverythingIn(File("imported")) == loaded);
}

TEST_F(ImportTest, ReplacesTheContentOfItsTags) {
  file_ = Write("users.csv", "u,city\n1,Paris\n2,Rome\n");
  schema_ = Write("schema.toml", "id_column = \"u\"\n" + Tag("city", "CATEGORY"));
  ASSERT_EQ(RunServer(Flags(File("imported"))).exit_code, 0);
  Write("users.csv", "u,city\n2,Paris\n");
  ASSERT_EQ(RunServer(Flags(File("imported"))).exit_code, 0);
  ServerProcess server(File("imported"));
  ExpectCounts(server.client(), {{"all()", 2}, {"city = 'Paris'", 1}, {"exists(city)", 1}});
}

TEST_F(ImportTest, ABadFileIsRefusedAndTheOldContentStays) {
  file_ = Write("users.csv", "u,age\n1,30\n2,40\n");
  schema_ = Write("schema.toml", "id_column = \"u\"\n" + Tag("age", "INTEGER"));
  ASSERT_EQ(RunServer(Flags(File("imported"))).exit_code, 0);
  Write("users.csv", "u,age\n1,31\n2,old\n");
  const CommandResult refused = RunServer(Flags(File("imported")));
  EXPECT_EQ(refused.exit_code, 1) << refused;
  EXPECT_NE(refused.error_output.find("users.csv:3: column 'age': value 'old'"), std::string::npos)
      << refused;
  Write("users.csv", "u,age\n1,32\n2,old\n");
  EXPECT_EQ(RunServer(Flags(File("other"), {"--max-errors", "1"})).exit_code, 0);
  {
    ServerProcess server(File("imported"));
    ExpectCounts(server.client(), {{"age = 30", 1}, {"age = 40", 1}});
  }
  ServerProcess server(File("other"));
  ExpectCounts(server.client(), {{"all()", 1}, {"age = 32", 1}});
}

// What the engine refuses after it has taken batches, and before it takes any.
TEST_F(ImportTest, WhatTheEngineRefusesIsSaidAndTheOldContentStays) {
  std::string users = "u,age\n";
  for (int i = 0; i < 200; ++i) users += fmt::format("{},30\n", i);
  file_ = Write("users.csv", users);
  schema_ = Write("schema.toml", "id_column = \"u\"\n" + Tag("age", "INTEGER"));
  ASSERT_EQ(RunServer(Flags(File("imported"))).exit_code, 0);

  Write("users.csv", "u,age\n1,31\n2,31\nstranger,31\n");
  const CommandResult unknown =
      RunServer(Flags(File("imported"), {"--unknown-ids", "error", "--batch-rows", "1"}));
  EXPECT_EQ(unknown.exit_code, 1) << unknown;
  EXPECT_EQ(unknown.json()["error"]["reason"], "TOO_MANY_ERRORS") << unknown;
  EXPECT_NE(unknown.error_output.find("users.csv:4"), std::string::npos) << unknown;
  const CommandResult fewer = RunServer(Flags(File("imported"), {"--unknown-ids", "skip"}));
  EXPECT_EQ(fewer.json()["error"]["reason"], "COVERAGE_FALL") << fewer;
  const CommandResult no_type =
      RunServer(Flags(File("imported"), {"--id-type", "phone", "--unknown-ids", "skip"}));
  EXPECT_EQ(no_type.exit_code, 1) << no_type;
  Write("users.csv", "u,age\n1,31\n2,31\n3,\"31\n");
  const CommandResult torn = RunServer(Flags(File("imported"), {"--batch-rows", "1"}));
  EXPECT_EQ(torn.exit_code, 1) << torn;
  const CommandResult piped = RunServer(
      {"import", "-", "--schema", schema_, "--mode", "upsert", "--data-dir", File("imported")});
  EXPECT_EQ(piped.exit_code, 2) << piped;
  EXPECT_NE(piped.error_output.find("--no-check"), std::string::npos) << piped;
  ServerProcess server(File("imported"));
  ExpectCounts(server.client(), {{"all()", 200}, {"age = 30", 200}, {"age = 31", 0}});
}

TEST_F(ImportTest, RefusesAPlaceThatItCannotUse) {
  file_ = Write("users.csv", "u,age\n1,30\n");
  schema_ = Write("schema.toml", "id_column = \"u\"\n" + Tag("age", "INTEGER"));
  const CommandResult locked = RunServer(Flags(File("data")));
  EXPECT_EQ(locked.exit_code, 2) << locked;
  EXPECT_NE(locked.output.find(File("data")), std::string::npos) << locked;
  EXPECT_NE(locked.output.find("in use"), std::string::npos) << locked;
  const CommandResult unknown = RunServer(Flags(File("other"), {"--population", "nobody"}));
  EXPECT_EQ(unknown.exit_code, 1) << unknown;
  EXPECT_EQ(unknown.json()["error"]["reason"], "UNKNOWN_POPULATION") << unknown;
  const CommandResult no_file =
      RunServer({"import", File("nothing.csv"), "--schema", schema_, "--data-dir", File("other")});
  EXPECT_EQ(no_file.exit_code, 2) << no_file;
  EXPECT_EQ(RunServer({"import", file_, "--schema", schema_}).exit_code, 2) << "no --data-dir";
}

TEST_F(ImportTest, CutShortAndRunAgainEndsAsIfItHadNotBeen) {
  MakeSample(150'000);
  ASSERT_EQ(RunServer(Flags(File("whole"))).exit_code, 0);
  const std::string whole = EverythingIn(File("whole"));
  // The engine has made the directory, so that the load is about to run or runs.
  std::vector<std::string> command = Flags(File("cut"), {"--batch-rows", "500"});
  command.insert(command.begin(), ProgramPath("throngd"));
  {
    ChildProcess import(command);
    while (!FileExists(File("cut/CURRENT")) && !import.exit_code()) {
      import.Wait(std::chrono::milliseconds(1));
    }
    import.Wait(std::chrono::milliseconds(100));
    import.Signal(SIGKILL);
    ASSERT_TRUE(import.Wait(std::chrono::seconds(60)));
    EXPECT_EQ(import.exit_code(), 128 + SIGKILL) << "it ended before it was killed";
  }
  const CommandResult again = RunServer(Flags(File("cut")));
  ASSERT_EQ(again.exit_code, 0) << again;
  EXPECT_EQ(RunServer({"verify", File("cut")}).exit_code, 0);
  EXPECT_TRUE(EverythingIn(File("cut")) == whole);
}

// The server dies in the middle of an UPSERT; the same command ends in the same state, and with a
// load id it does not apply again what was committed.
TEST_F(ImportTest, ALoadCutShortGoesOnUnderItsLoadId) {
  MakeSample(100'000);
  Load(throng(), file_, schema_);
  const std::string whole = Everything(throng(), File("loaded.csv"));
  const std::vector<std::string> flags = {"load",         file_,  "--schema",  schema_,
                                          "--batch-rows", "1000", "--load-id", "nightly"};
  {
    ServerProcess server(File("cut"));
    ChildProcess load(server.client().CommandLine(flags));
    while (server.client().Count("all()") < 5'000 && !load.exit_code()) {
      load.Wait(std::chrono::milliseconds(1));
    }
    server.Kill();
    ASSERT_TRUE(load.Wait(std::chrono::seconds(60)));
    EXPECT_EQ(load.exit_code(), 1) << "it ended before the server was killed";
  }
  ServerProcess server(File("cut"));
  EXPECT_LT(server.client().Count("all()"), 100'000);
  Json again = server.client().Ask(flags);
  EXPECT_GE(again.value("batches_repeated", 0), 5) << again;
  EXPECT_TRUE(Everything(server.client(), File("all.csv")) == whole);
}

}  // namespace
}  // namespace throng::e2e
