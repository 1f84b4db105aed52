// Verify: a sound directory has no findings and is not changed; damage of every kind is named, all
// of it in one go.
#include "storage/verify.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "storage/keys.h"
#include "storage/store.h"
#include "tests/storage/raw_database.h"
#include "tests/storage/store_world.h"
#include "tests/testing/seed.h"

namespace throng::storage {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> FilesOf(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().filename().string()] = {std::istreambuf_iterator<char>(in),
                                               std::istreambuf_iterator<char>()};
  }
  return files;
}

void WriteFile(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Tags of all types, folded blocks, a REPLACE and commits that are only in the log; closed.
void Fill(StoreWorld& world, std::mt19937_64& random) {
  ASSERT_TRUE(world.Open().ok());
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(world.CommitRandom(random).ok());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ChangeCrowds(world, random).ok());
  ASSERT_TRUE(world.Fold().ok());
  ASSERT_TRUE(world.ReplaceRandom(random).ok());
  ASSERT_EQ(world.Reopen(), "");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(world.CommitRandom(random).ok());
  world.Close();
}

VerifyReport MustVerify(const std::string& directory) {
  index::Parallel parallel(2);
  absl::StatusOr<VerifyReport> report = Verify({.directory = directory}, parallel);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : VerifyReport();
}

std::string Text(const VerifyReport& report) {
  std::string text;
  for (const ReportedFinding& found : report.findings) {
    text += found.where + ": " + found.what + " [" + found.population + "/" + found.tag + "]\n";
  }
  return text;
}

class VerifyTest : public ::testing::Test {
 protected:
  void SetUp() override { Fill(world_, random_); }

  std::mt19937_64 random_{testing::TestSeed()};
  StoreWorld world_{{.high_water_interval_ms = 0}};
};

TEST_F(VerifyTest, ASoundDirectoryIsLeftAsItIs) {
  const auto before = FilesOf(world_.directory());
  const VerifyReport report = MustVerify(world_.directory());
  EXPECT_EQ(Text(report), "");
  EXPECT_EQ(report.findings_total, 0u);
  EXPECT_EQ(report.populations, 1u);
  EXPECT_GT(report.table_files, 0u);
  EXPECT_GT(report.values, 20u);
  EXPECT_EQ(report.log_records, 5u);
  EXPECT_TRUE(report.not_compared.empty());
  EXPECT_EQ(FilesOf(world_.directory()), before);
}

TEST_F(VerifyTest, RefusesWhatItCannotLookAt) {
  index::Parallel parallel(1);
  EXPECT_TRUE(absl::IsNotFound(Verify({.directory = "/nonexistent/x"}, parallel).status()));
  ASSERT_TRUE(world_.Open().ok());
  const absl::Status in_use = Verify({.directory = world_.directory()}, parallel).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(in_use)) << in_use;
}

// Every value in turn: damage is found, under the value's own name, and for blocks with the tag.
TEST_F(VerifyTest, FindsDamageInEveryKindOfValue) {
  const RawEntries entries = ReadRaw(world_.directory());
  std::map<std::string, int> kinds;
  for (const auto& [family, values] : entries) {
    for (const auto& [key, value] : values) {
      const std::string kind = family + std::to_string(family == "meta" ? key[4] : value[0]);
      if (++kinds[kind] > 2) continue;
      RawEntries damaged = entries;
      std::string& bytes = damaged[family][key];
      bytes[random_() % bytes.size()] ^= static_cast<char>(1 << (random_() % 8));
      WriteRaw(world_.directory(), damaged);
      const VerifyReport report = MustVerify(world_.directory());
      EXPECT_GE(report.findings_total, 1u) << kind;
      for (const Family one : kFamilies) {
        if (FamilyName(one) != family) continue;
        EXPECT_NE(Text(report).find(DescribeKey(one, key)), std::string::npos)
            << kind << ": " << Text(report);
      }
      if (family == "blocks" && *KeyU32(key, 4) != 0 && report.findings_total > 0) {
        EXPECT_NE(report.findings[0].tag, "") << Text(report);
      }
    }
  }
  EXPECT_GE(kinds.size(), 9u);
}

TEST_F(VerifyTest, NamesAllThatIsDamaged) {
  RawEntries entries = ReadRaw(world_.directory());
  std::vector<std::string> keys;
  for (auto& [key, value] : entries["blocks"]) {
    if (keys.size() >= 3 || *KeyU32(key, 4) == 0) continue;
    value[value.size() / 2] ^= 4;
    keys.push_back(DescribeKey(Family::kBlocks, key));
  }
  ASSERT_EQ(keys.size(), 3u);
  WriteRaw(world_.directory(), entries);
  const VerifyReport report = MustVerify(world_.directory());
  EXPECT_GE(report.findings_total, 3u);
  for (const std::string& key : keys) EXPECT_NE(Text(report).find(key), std::string::npos) << key;
  EXPECT_EQ(report.not_compared, std::vector<std::string>{"default"});

  index::Parallel parallel(1);
  const auto few = Verify({.directory = world_.directory(), .findings_max = 1}, parallel);
  ASSERT_TRUE(few.ok());
  EXPECT_EQ(few->findings.size(), 1u);
}

TEST_F(VerifyTest, FindsRecordsThatAreMissing) {
  RawEntries entries = ReadRaw(world_.directory());
  entries["log"].erase(std::prev(entries["log"].end()));
  WriteRaw(world_.directory(), entries);
  EXPECT_NE(Text(MustVerify(world_.directory())).find("was acknowledged"), std::string::npos);
  entries["log"].erase(std::next(entries["log"].begin(), 1));
  WriteRaw(world_.directory(), entries);
  EXPECT_NE(Text(MustVerify(world_.directory())).find("it is missing"), std::string::npos);
}

TEST_F(VerifyTest, NamesTablesThatAreDamagedOrCut) {
  std::string table;
  for (const auto& [name, bytes] : FilesOf(world_.directory())) {
    if (name.ends_with(".sst") && bytes.size() > 2'000) table = name;
  }
  ASSERT_NE(table, "");
  const fs::path path = fs::path(world_.directory()) / table;
  const std::string bytes = FilesOf(world_.directory())[table];
  std::string damaged = bytes;
  damaged[200] ^= 1;
  WriteFile(path, damaged);
  EXPECT_NE(Text(MustVerify(world_.directory())).find(table), std::string::npos);
  WriteFile(path, bytes.substr(0, bytes.size() / 2));
  EXPECT_NE(Text(MustVerify(world_.directory())).find(table), std::string::npos);
  fs::remove(path);
  const VerifyReport report = MustVerify(world_.directory());
  EXPECT_NE(Text(report).find(table), std::string::npos) << Text(report);
  WriteFile(path, bytes);
  EXPECT_EQ(Text(MustVerify(world_.directory())), "");
}

TEST_F(VerifyTest, NamesFilesBesideTheTables) {
  for (const std::string name : {"CURRENT", "HIGH_WATER", "MANIFEST"}) {
    for (const auto& [file, bytes] : FilesOf(world_.directory())) {
      if (!file.starts_with(name)) continue;
      const fs::path path = fs::path(world_.directory()) / file;
      std::string damaged = bytes;
      damaged[damaged.size() / 2] ^= 1;
      WriteFile(path, damaged);
      const VerifyReport report = MustVerify(world_.directory());
      EXPECT_GE(report.findings_total, 1u) << file;
      EXPECT_NE(Text(report).find(name), std::string::npos) << Text(report);
      WriteFile(path, bytes);
    }
  }
  EXPECT_EQ(Text(MustVerify(world_.directory())), "");
}

// Whatever keeps a store from being opened is a finding.
TEST_F(VerifyTest, FindsWhateverIsRefused) {
  int refused = 0;
  for (const auto& [name, bytes] : FilesOf(world_.directory())) {
    if (name.starts_with("LO") || bytes.empty()) continue;
    for (int round = 0; round < testing::TestRounds(6); ++round) {
      TemporaryFolder folder;
      const std::string copy = folder.path("copy");
      fs::copy(world_.directory(), copy, fs::copy_options::recursive);
      std::string damaged = bytes;
      if (round % 3 == 0) {
        damaged.resize(random_() % damaged.size());
      } else {
        damaged[random_() % damaged.size()] ^= static_cast<char>(1 << (random_() % 8));
      }
      WriteFile(fs::path(copy) / name, damaged);
      const VerifyReport report = MustVerify(copy);  // first: opening changes files
      index::Parallel parallel(1);
      auto store = Store::Open({.directory = copy});
      const absl::Status status =
          store.ok() ? (*store)->Load(1, parallel, nullptr).status() : store.status();
      if (status.ok()) continue;
      ++refused;
      EXPECT_GT(report.findings_total, 0u) << name << ", round " << round << ": " << status;
    }
  }
  EXPECT_GT(refused, 10);
}

}  // namespace
}  // namespace throng::storage
