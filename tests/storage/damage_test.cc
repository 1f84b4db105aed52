// Damaged files and values: refused with the name of what is damaged, or loaded as they were.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "storage/envelope.h"
#include "storage/keys.h"
#include "storage/store.h"
#include "tests/storage/raw_database.h"
#include "tests/storage/snapshot_difference.h"
#include "tests/storage/store_world.h"
#include "tests/testing/seed.h"

namespace throng::storage {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void WriteFile(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

bool Contains(const absl::Status& status, std::string_view text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

// A world with folded blocks in table files, and commits that are only in the log.
void Fill(StoreWorld& world, std::mt19937_64& random) {
  ASSERT_TRUE(world.Open().ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(world.CommitRandom(random).ok());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ChangeCrowds(world, random).ok());
  ASSERT_TRUE(world.Fold().ok());
  ASSERT_TRUE(world.ReplaceRandom(random).ok());
  ASSERT_EQ(world.Reopen(), "");  // flushes to table files
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(world.CommitRandom(random).ok());
  world.Close();
}

// Opens a copy of the world's directory with one file changed.
absl::Status OpenDamaged(const StoreWorld& world, const fs::path& file, const std::string& bytes,
                         std::string* difference) {
  TemporaryFolder folder;
  const std::string directory = folder.path("copy");
  fs::copy(world.directory(), directory, fs::copy_options::recursive);
  WriteFile(fs::path(directory) / file.filename(), bytes);
  index::Parallel parallel(1);
  auto store = Store::Open({.directory = directory});
  if (!store.ok()) return store.status();
  absl::StatusOr<LoadedPopulation> loaded = (*store)->Load(1, parallel, nullptr);
  if (!loaded.ok()) return loaded.status();
  *difference = SnapshotDifference(*loaded->snapshot, world.snapshot());
  return absl::OkStatus();
}

std::vector<fs::path> FilesOf(const StoreWorld& world) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(world.directory())) {
    const std::string name = entry.path().filename().string();
    if (name != "LOCK" && !name.starts_with("LOG") && entry.file_size() > 0) {
      files.push_back(entry.path());
    }
  }
  return files;
}

// The mark is written with every commit here, so that a lost record is always noticed.
TEST(DamageTest, FlippedBytesOfFilesAreRefusedOrHarmless) {
  std::mt19937_64 random(testing::TestSeed());
  StoreWorld world({.high_water_interval_ms = 0});
  Fill(world, random);
  int refused = 0;
  for (const fs::path& file : FilesOf(world)) {
    const std::string bytes = ReadFile(file);
    for (int round = 0; round < testing::TestRounds(12); ++round) {
      std::string damaged = bytes;
      damaged[random() % damaged.size()] ^= static_cast<char>(1 << (random() % 8));
      std::string difference;
      const absl::Status status = OpenDamaged(world, file, damaged, &difference);
      EXPECT_EQ(difference, "") << file.filename();
      if (status.ok()) continue;
      ++refused;
      EXPECT_GT(status.message().size(), 20u) << "the error should name something: " << status;
    }
  }
  EXPECT_GT(refused, 10);
}

TEST(DamageTest, TruncatedFilesAreRefusedOrHarmless) {
  std::mt19937_64 random(testing::TestSeed());
  StoreWorld world({.high_water_interval_ms = 0});
  Fill(world, random);
  for (const fs::path& file : FilesOf(world)) {
    const std::string bytes = ReadFile(file);
    for (int round = 0; round < testing::TestRounds(6); ++round) {
      std::string difference;
      const std::string shorter = bytes.substr(0, random() % bytes.size());
      const absl::Status status = OpenDamaged(world, file, shorter, &difference);
      EXPECT_EQ(difference, "") << file.filename() << " cut to " << shorter.size();
    }
  }
}

// A torn tail behind the mark is what a crash leaves: the state before it is found, whole.
TEST(DamageTest, TornTailsBehindTheMarkLeaveAPrefix) {
  std::mt19937_64 random(testing::TestSeed());
  StoreWorld world({.high_water_interval_ms = 1'000'000});
  ASSERT_TRUE(world.Open().ok());
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(world.CommitRandom(random).ok());
  // As kill -9 leaves it: copied while it is open, so that no mark is written at the end.
  TemporaryFolder folder;
  for (int round = 0; round < testing::TestRounds(30); ++round) {
    const std::string directory = folder.path(std::to_string(round));
    fs::copy(world.directory(), directory, fs::copy_options::recursive);
    for (const auto& entry : fs::directory_iterator(directory)) {
      if (entry.path().extension() != ".log" || entry.file_size() < 1000) continue;
      fs::resize_file(entry.path(), entry.file_size() - random() % (entry.file_size() / 2));
    }
    index::Parallel parallel(1);
    auto store = Store::Open({.directory = directory});
    ASSERT_TRUE(store.ok()) << store.status();
    const absl::StatusOr<LoadedPopulation> loaded = (*store)->Load(1, parallel, nullptr);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    const index::SnapshotRef expected = world.history().at(loaded->snapshot->data_version());
    EXPECT_EQ(SnapshotDifference(*loaded->snapshot, *expected), "");
  }
}

// What Open or Load says once `spoil` has changed the entries of a filled world.
template <typename Spoil>
absl::Status LoadSpoiled(Spoil spoil) {
  std::mt19937_64 random(testing::TestSeed());
  StoreWorld world({.high_water_interval_ms = 0});
  Fill(world, random);
  RawEntries entries = ReadRaw(world.directory());
  spoil(entries, world);
  WriteRaw(world.directory(), entries);
  return world.Open();
}

TEST(DamageTest, AMissingRecordIsNamed) {
  const absl::Status middle =
      LoadSpoiled([](RawEntries& entries, StoreWorld&) { entries["log"].erase(LogKey(1, 15)); });
  EXPECT_TRUE(absl::IsDataLoss(middle)) << middle;
  EXPECT_TRUE(Contains(middle, "log: population 1, version 15: it is missing")) << middle;
  const absl::Status last = LoadSpoiled([](RawEntries& entries, StoreWorld&) {
    entries["log"].erase(std::prev(entries["log"].end()));
  });
  EXPECT_TRUE(absl::IsDataLoss(last)) << last;
  EXPECT_TRUE(Contains(last, "version 17 was acknowledged")) << last;
}

TEST(DamageTest, EveryDamagedOrMissingValueIsNamed) {
  std::mt19937_64 random(testing::TestSeed());
  StoreWorld world({.high_water_interval_ms = 0});
  Fill(world, random);
  const RawEntries entries = ReadRaw(world.directory());
  int spoiled = 0;
  for (const auto& [family, values] : entries) {
    for (const auto& [key, value] : values) {
      if (random() % 3 != 0) continue;
      // Requests are read when they are asked for.
      const bool is_request = family == "meta" && key.size() > 4 && (key[4] == 6 || key[4] == 7);
      // A scrub leaves it behind; nobody reads it.
      const bool is_keeper = family == "log" && key == LogKey(0, 0);
      if (is_request || is_keeper) continue;
      RawEntries damaged = entries;
      const bool is_missing = random() % 3 == 0;
      if (is_missing) {
        damaged[family].erase(key);
      } else {
        std::string& bytes = damaged[family][key];
        bytes[random() % bytes.size()] ^= static_cast<char>(1 << (random() % 8));
      }
      WriteRaw(world.directory(), damaged);
      const std::string difference = world.Reopen();
      ++spoiled;
      EXPECT_TRUE(difference.find("DATA_LOSS") != std::string::npos)
          << family << " " << DescribeKey(Family::kMeta, key) << (is_missing ? " gone: " : ": ")
          << difference;
      world.Close();
    }
  }
  EXPECT_GT(spoiled, 10);
  WriteRaw(world.directory(), entries);
}

TEST(DamageTest, SwappedValuesAreNamed) {
  std::string first;
  const absl::Status status = LoadSpoiled([&](RawEntries& entries, StoreWorld&) {
    auto a = entries["blocks"].begin();
    auto b = std::next(a);
    std::swap(a->second, b->second);
    first = DescribeKey(Family::kBlocks, a->first);
  });
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(Contains(status, "blocks: population 1, tag ")) << status;
}

TEST(DamageTest, ANewerVersionIsRefused) {
  const absl::Status status = LoadSpoiled([](RawEntries& entries, StoreWorld&) {
    entries["meta"][FormatKey()] = [] {
      std::string value = "throng";
      value += std::string("\x02\0\0\0\0\0\0\0", 8);
      const uint64_t checksum = Checksum(FormatKey(), 0, value);
      for (int shift = 0; shift < 64; shift += 8) value += static_cast<char>(checksum >> shift);
      return value;
    }();
  });
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_TRUE(Contains(status, "format version 2")) << status;
  EXPECT_TRUE(Contains(status, "up to 1")) << status;
}

TEST(DamageTest, MissingFilesAreNamed) {
  for (const std::string name : {"CURRENT", "HIGH_WATER"}) {
    std::mt19937_64 random(testing::TestSeed());
    StoreWorld world;
    Fill(world, random);
    fs::remove(fs::path(world.directory()) / name);
    const absl::Status status = world.Open();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_TRUE(Contains(status, name)) << status;
  }
}

TEST(DamageTest, ADatabaseThatIsNotOursIsRefused) {
  const absl::Status status =
      LoadSpoiled([](RawEntries& entries, StoreWorld&) { entries["meta"].erase(FormatKey()); });
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(Contains(status, "no format version")) << status;
}

}  // namespace
}  // namespace throng::storage
