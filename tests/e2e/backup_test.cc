// Backup, restore, verify and stats, by the programs as people run them.
#include <filesystem>
#include <fstream>
#include <string>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/refusal.h"

namespace throng::e2e {
namespace {

namespace fs = std::filesystem;

class BackupTest : public LiveServerTest {
 protected:
  // Users 0 to `users` - 1: half of them in Paris, half in Rome.
  std::string Users(int users) {
    std::string text = "user_id,city,views\n";
    for (int i = 0; i < users; ++i) {
      text += fmt::format("{},{},{}\n", i, i % 2 == 0 ? "Paris" : "Rome", i % 10);
    }
    return Write(fmt::format("users{}.csv", users), text);
  }
  std::string Schema() {
    return Write("schema.toml",
                 "id_column = \"user_id\"\n" + Tag("city", "CATEGORY") + Tag("views", "INTEGER"));
  }
  // Flips a bit in the middle of the largest file that ends so.
  static std::string Damage(const std::string& directory, const std::string& end) {
    fs::path largest;
    for (const auto& entry : fs::directory_iterator(directory)) {
      if (!entry.path().string().ends_with(end)) continue;
      if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
    }
    std::string bytes = ReadFile(largest.string());
    bytes[bytes.size() / 2] ^= 1;
    WriteFile(largest.string(), bytes);
    return largest.filename().string();
  }
};

TEST_F(BackupTest, RestoresWhatWasBackedUp) {
  ExpectRefused(throng().Run({"backup", "create", "x"}), 1, {"--backup-dir"});
  ServerProcess with(File("backed"), {"--backup-dir", File("backups")});
  const Throng client = with.client();
  Load(client, Users(1'000), Schema());
  const uint64_t version = client.DataVersion();
  Json made = client.Ask({"backup", "create", "monday"});
  EXPECT_EQ(made["backup"], "monday") << made;
  EXPECT_EQ(made["populations"][0]["data_version"], version) << made;
  EXPECT_EQ(made["populations"][0]["user_count"], 1'000) << made;
  Load(client, Users(1'500), Schema());
  ExpectRefused(client.Run({"backup", "create", "monday"}), 1, {"monday"});
  ExpectRefused(client.Run({"backup", "create", "../monday"}), 1, {"../monday", "letters"});
  EXPECT_EQ(client.Ask({"backup", "list"})["backups"].size(), 1u);
  EXPECT_EQ(with.Stop(), 0);

  const CommandResult restored = RunServer({"restore", File("backups/monday"), File("restored")});
  EXPECT_EQ(restored.exit_code, 0) << restored;
  EXPECT_EQ(RunServer({"verify", File("restored")}).exit_code, 0);
  ServerProcess again(File("restored"));
  ExpectCounts(again.client(), {{"all()", 1'000}, {"city = 'Rome'", 500}, {"views > 7", 200}});
  EXPECT_EQ(again.client().DataVersion(), version);
  ExpectRefused(RunServer({"restore", File("backups/monday"), File("restored")}), 2,
                {File("restored"), "not empty"});
  ExpectRefused(RunServer({"restore", File("backups/friday"), File("other")}), 2,
                {File("backups/friday")});
}

TEST_F(BackupTest, ADamagedBackupIsRefused) {
  ServerProcess with(File("backed"), {"--backup-dir", File("backups")});
  Load(with.client(), Users(1'000), Schema());
  with.client().Ask({"backup", "create", "monday"});
  const std::string damaged = Damage(File("backups/monday/data"), ".sst");
  ExpectRefused(RunServer({"restore", File("backups/monday"), File("restored")}), 1,
                {damaged, "not as it was backed up"});
  EXPECT_TRUE(fs::is_empty(File("restored")));
}

// As a kill leaves it while it copies, and while it moves up what it copied.
TEST_F(BackupTest, ARestoreThatWasKilledIsRefusedAndRunAgain) {
  ServerProcess with(File("backed"), {"--backup-dir", File("backups")});
  Load(with.client(), Users(1'000), Schema());
  with.client().Ask({"backup", "create", "monday"});
  fs::create_directories(File("restored/restoring"));
  for (const char* moved : {"", "HIGH_WATER"}) {
    if (*moved != '\0') WriteFile(fmt::format("{}/{}", File("restored"), moved), "x");
    ExpectRefused(RunServer({"--data-dir", File("restored"), "--listen", "127.0.0.1:0"}), 1,
                  {File("restored"), "not finished", "restore again"});
    ExpectRefused(RunServer({"verify", File("restored")}), 2, {File("restored"), "not finished"});
  }
  const CommandResult restored = RunServer({"restore", File("backups/monday"), File("restored")});
  EXPECT_EQ(restored.exit_code, 0) << restored;
  ServerProcess again(File("restored"));
  EXPECT_EQ(again.client().Count("all()"), 1'000);
}

TEST_F(BackupTest, VerifySaysWhatIsDamaged) {
  Load(throng(), Users(20'000), Schema());
  ExpectRefused(RunServer({"verify", File("data")}), 2, {File("data"), "in use"});
  EXPECT_EQ(server().Stop(), 0);
  const CommandResult sound = RunServer({"verify", File("data"), "--json"});
  EXPECT_EQ(sound.exit_code, 0) << sound;
  EXPECT_EQ(sound.json()["sound"], true) << sound;
  ServerProcess(File("data")).Stop();  // makes tables of the log
  const std::string damaged = Damage(File("data"), ".sst");
  const CommandResult found = RunServer({"verify", File("data"), "--json"});
  EXPECT_EQ(found.exit_code, 1) << found;
  Json report = found.json();
  EXPECT_EQ(report["sound"], false) << report;
  EXPECT_GE(report["findings_total"], 1) << report;
  ExpectRefused(RunServer({"verify", File("data")}), 1, {damaged});
  ExpectRefused(RunServer({"verify", File("absent")}), 2, {File("absent")});
  ExpectRefused(RunServer({"verify"}), 2, {"DIR"});
}

TEST_F(BackupTest, StatsTellOfThePopulation) {
  Load(throng(), Users(1'000), Schema());
  Json stats = throng().Ask({"stats"});
  EXPECT_EQ(stats["write_state"]["writable"], true) << stats;
  EXPECT_EQ(stats["populations"][0]["population"], "default") << stats;
  EXPECT_EQ(stats["populations"][0]["user_count"], 1'000) << stats;
  EXPECT_EQ(stats["populations"][0]["commits"], throng().DataVersion()) << stats;
  EXPECT_GT(stats["populations"][0]["memory_bytes"]["total"], 0) << stats;
  const Json& population = stats["populations"][0];
  uint64_t sum = population["universe_memory_bytes"]["total"].get<uint64_t>() +
                 population["memory_bytes"]["dictionary"].get<uint64_t>();
  for (const Json& tag : population["tags"]) {
    sum += tag["memory_bytes"]["total"].get<uint64_t>();
  }
  EXPECT_EQ(population["tags"].size(), population["tag_count"]) << stats;
  EXPECT_EQ(population["memory_bytes"]["total"], sum) << stats;
  const CommandResult table = throng().Run({"stats"});
  EXPECT_EQ(table.exit_code, 0) << table;
  EXPECT_NE(table.output.find("writes   accepted"), std::string::npos) << table;
  EXPECT_NE(table.output.find("(all users)"), std::string::npos) << table;
  EXPECT_NE(table.output.find("value dictionaries"), std::string::npos) << table;
}

}  // namespace
}  // namespace throng::e2e
