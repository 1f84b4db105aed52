// What the other storage tests cannot reach through a Store.
#include "storage/database.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "fmt/format.h"
#include "storage/store.h"
#include "tests/storage/store_world.h"

namespace throng::storage {
namespace {

constexpr int kKeys = 3'000;

std::string KeyOf(int n) { return fmt::format("k{:04}", n); }

// k0000 ... in table files, each with 4 KiB that do not compress.
void Fill(Database& database) {
  rocksdb::WriteBatch batch;
  uint64_t state = 1;
  for (int n = 0; n < kKeys; ++n) {
    std::string value;
    for (int i = 0; i < 512; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      value.append(reinterpret_cast<const char*>(&state), sizeof(state));
    }
    database.Put(Family::kBlocks, KeyOf(n), value, &batch);
  }
  ASSERT_TRUE(database.Write(&batch, /*sync=*/true).ok());
  ASSERT_TRUE(database.Scrub({.begin = "a", .end = "z"}).ok());
}

int KeysIn(const Database& database) {
  int keys = 0;
  RangeScan scan = database.Scan(Family::kBlocks, {.begin = "", .end = ""});
  for (; scan.Valid(); scan.Next()) ++keys;
  EXPECT_TRUE(scan.status().ok()) << scan.status();
  return keys;
}

// Inverts a byte in the middle of the largest table.
void DamageLargestTable(const std::string& directory) {
  std::filesystem::path largest;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".sst") continue;
    if (largest.empty() || entry.file_size() > std::filesystem::file_size(largest)) {
      largest = entry.path();
    }
  }
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(largest) / 2);
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(middle);
  const char byte = static_cast<char>(file.get());
  file.seekp(middle);
  file.put(static_cast<char>(~byte));
  ASSERT_TRUE(file.good());
}

TEST(DatabaseTest, DeleteAllDeletesTheRangeAndNothingElse) {
  TemporaryFolder folder;
  auto database = Database::Open({.directory = folder.path("data")});
  ASSERT_TRUE(database.ok()) << database.status();
  Fill(**database);
  const KeyRange range{.begin = KeyOf(1), .end = KeyOf(kKeys - 2)};
  ASSERT_TRUE((*database)->DeleteAll(Family::kBlocks, range).ok());
  EXPECT_EQ(KeysIn(**database), 3);
  EXPECT_TRUE((*database)->Get(Family::kBlocks, KeyOf(0)).ok());
  EXPECT_TRUE((*database)->Get(Family::kBlocks, KeyOf(kKeys - 2)).ok());
  ASSERT_TRUE((*database)->DeleteAll(Family::kBlocks, range).ok()) << "of an empty range";
  EXPECT_EQ(KeysIn(**database), 3);
}

// The content of a tag that is reloaded because it is damaged must go all the same.
TEST(DatabaseTest, DeleteAllDeletesWhatCannotBeRead) {
  TemporaryFolder folder;
  const std::string directory = folder.path("data");
  {
    auto database = Database::Open({.directory = directory});
    ASSERT_TRUE(database.ok()) << database.status();
    Fill(**database);
  }
  DamageLargestTable(directory);
  auto database = Database::Open({.directory = directory});
  ASSERT_TRUE(database.ok()) << database.status();
  RangeScan scan = (*database)->Scan(Family::kBlocks, {.begin = "", .end = ""});
  while (scan.Valid()) scan.Next();
  ASSERT_TRUE(absl::IsDataLoss(scan.status())) << scan.status();
  const absl::Status deleted =
      (*database)->DeleteAll(Family::kBlocks, {.begin = KeyOf(0), .end = KeyOf(kKeys)});
  ASSERT_TRUE(deleted.ok()) << deleted;
  EXPECT_EQ(KeysIn(**database), 0);
}

}  // namespace
}  // namespace throng::storage
