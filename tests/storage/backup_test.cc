// Backups: digests that tell content from form, a manifest that is read back, and a restore that
// takes what was backed up and nothing else.
#include "storage/backup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/digest.h"
#include "storage/file_copy.h"
#include "storage/store.h"
#include "tests/storage/backup_fixture.h"
#include "tests/storage/random_commits.h"

namespace throng::storage {
namespace {

namespace fs = std::filesystem;

using BackupTest = BackupFixture;

TEST_F(BackupTest, RestoresWhatWasThereThen) {
  const absl::StatusOr<BackupInfo> made = Backup("monday");
  ASSERT_TRUE(made.ok()) << made.status();
  const index::SnapshotRef then = world().history().rbegin()->second;
  EXPECT_EQ(made->populations.at(0).data_version, then->data_version());
  EXPECT_EQ(made->populations.at(0).user_count, then->user_count());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(world().CommitRandom(random_).ok());
  ASSERT_TRUE(world().Fold().ok());
  EXPECT_EQ(world().Reopen(), "") << "the checkpoint left the store as it was";

  fs::create_directory(target());  // empty is as good as absent
  const absl::Status restored = Restore("monday");
  ASSERT_TRUE(restored.ok()) << restored;
  EXPECT_EQ(RestoredDifference(*then), "");
  EXPECT_FALSE(fs::exists(target() + "/restoring"));
}

TEST_F(BackupTest, TheLedgerOfErasuresGoesWithIt) {
  ASSERT_TRUE(WriteFileSynced(world().directory() + "/ERASED", "as it was then\n").ok());
  ASSERT_TRUE(Backup("monday").ok());
  ASSERT_TRUE(WriteFileSynced(world().directory() + "/ERASED", "later\n").ok());
  const absl::Status restored = Restore("monday");
  ASSERT_TRUE(restored.ok()) << restored;
  EXPECT_EQ(*ReadWholeFile(target() + "/ERASED"), "as it was then\n");
}

TEST_F(BackupTest, ListsTheOldestFirstAndTheDamaged) {
  EXPECT_TRUE(ListBackups(backups())->empty());
  ASSERT_TRUE(Backup("b").ok());
  ASSERT_TRUE(Backup("a").ok());
  const absl::StatusOr<BackupInfo> again = Backup("a");
  EXPECT_TRUE(absl::IsAlreadyExists(again.status())) << again.status();
  EXPECT_EQ(index::GetErrorDetail(again.status())->reason, "BACKUP_EXISTS");
  fs::create_directory(backups() + "/.c.partial");
  std::ofstream(backups() + "/b/BACKUP", std::ios::app) << "x";
  const auto list = ListBackups(backups());
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 2u);
  EXPECT_NE((*list)[0].damage, "");
  EXPECT_EQ((*list)[0].name, "b");
  EXPECT_EQ((*list)[1].name, "a");
  EXPECT_GT((*list)[1].bytes, 1'000u);
}

TEST_F(BackupTest, NamesAreChecked) {
  for (const std::string name : {"", ".", "..", ".x", "a/b", "a b", "-a"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckBackupName(name))) << name;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(CheckBackupName(std::string(64, 'a'))));
  for (const std::string name : {"a", "2026-11-22", "A_b.c", "0"}) {
    EXPECT_TRUE(CheckBackupName(name).ok()) << name;
  }
  EXPECT_TRUE(CheckBackupName(std::string(63, 'a')).ok());
}

TEST_F(BackupTest, OneThatIsCutShortIsNone) {
  for (int calls = 0; calls < 5; ++calls) {
    int left = calls;
    const absl::Status cut =
        Backup("a", [&] {
          return left-- > 0 ? absl::OkStatus() : absl::CancelledError("enough");
        }).status();
    EXPECT_TRUE(absl::IsCancelled(cut)) << cut;
    EXPECT_TRUE(ListBackups(backups())->empty());
  }
  EXPECT_TRUE(Backup("a").ok());
  EXPECT_EQ(ListBackups(backups())->size(), 1u);
  EXPECT_TRUE(Restore("a").ok());
}

// Any file of the backup, damaged or gone: it is named and nothing is restored.
TEST_F(BackupTest, ADamagedBackupIsRefused) {
  ASSERT_TRUE(Backup("whole").ok());
  const fs::path data = backups() + "/whole/data";
  for (const auto& entry : fs::directory_iterator(data)) {
    const std::string name = entry.path().filename().string();
    const absl::StatusOr<std::string> bytes = ReadWholeFile(entry.path().string());
    ASSERT_TRUE(bytes.ok());
    if (bytes->empty()) continue;
    std::string damaged = *bytes;
    damaged[random_() % damaged.size()] ^= 1;
    ASSERT_TRUE(WriteFileSynced(entry.path().string(), damaged).ok());
    const absl::Status refused = Restore("whole");
    EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
    EXPECT_NE(std::string(refused.message()).find(name), std::string::npos) << refused;
    EXPECT_TRUE(fs::is_empty(target())) << name;
    ASSERT_TRUE(WriteFileSynced(entry.path().string(), *bytes).ok());
  }
  fs::rename(data / "CURRENT", data / "CURRENT.away");
  const absl::Status missing = Restore("whole");
  EXPECT_NE(std::string(missing.message()).find("CURRENT is missing"), std::string::npos)
      << missing;
  fs::rename(data / "CURRENT.away", data / "CURRENT");
  EXPECT_TRUE(Restore("whole").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Restore("whole"))) << "not empty any more";
  EXPECT_TRUE(absl::IsNotFound(Restore("absent")));
}

// A manifest of another state: the tag that differs is named.
TEST_F(BackupTest, ContentThatDiffersIsRefusedByTag) {
  ASSERT_TRUE(Backup("whole").ok());
  const std::string path = backups() + "/whole/BACKUP";
  absl::StatusOr<BackupManifest> manifest = DecodeManifest(*ReadWholeFile(path));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  ASSERT_FALSE(manifest->populations.at(0).tags.empty());
  auto& [tag, digest] = *manifest->populations[0].tags.begin();
  digest[0] = digest[0] == 'f' ? '0' : 'f';
  ASSERT_TRUE(WriteFileSynced(path, EncodeManifest(*manifest)).ok());
  const absl::Status refused = Restore("whole");
  EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
  EXPECT_NE(std::string(refused.message()).find("tag " + tag + " is not as backed up"),
            std::string::npos)
      << refused;
  EXPECT_TRUE(fs::is_empty(target()));
}

TEST_F(BackupTest, ManifestsAreReadBackOrRefused) {
  BackupManifest manifest{.created_us = 17, .files = {{"x y", 3, std::string(32, 'a')}}};
  manifest.populations = {
      {.id = 1,
       .name = "default",
       .data_version = 9,
       .user_count = 2,
       .ids = std::string(32, '0'),
       .universe = std::string(32, '1'),
       .tags = {{"a b", std::string(32, '2')}}},
      {.id = 2, .name = "empty", .ids = std::string(32, '3'), .universe = std::string(32, '4')}};
  const std::string text = EncodeManifest(manifest);
  const absl::StatusOr<BackupManifest> back = DecodeManifest(text);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->populations, manifest.populations);
  EXPECT_EQ(EncodeManifest(*back), text);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] ^= 1;
    EXPECT_FALSE(DecodeManifest(damaged).ok()) << i;
    EXPECT_FALSE(DecodeManifest(text.substr(0, i)).ok()) << i;
  }
}

// With a checksum that is right: nothing is read as another number.
TEST_F(BackupTest, ManifestsWithNumbersTooLargeAreRefused) {
  const std::string tail =
      fmt::format(" 7 2 {} {} default\n", std::string(32, '0'), std::string(32, '1'));
  const auto is_read = [](const std::string& text) {
    Digest digest;
    digest.Add(text);
    return DecodeManifest(text + "checksum " + digest.Hex() + "\n").ok();
  };
  const std::string first = "throng backup 1\ncreated ";
  EXPECT_TRUE(is_read(first + "9223372036854775807\npopulation 4294967295" + tail));
  EXPECT_FALSE(is_read(first + "9223372036854775808\npopulation 4294967295" + tail));
  EXPECT_FALSE(is_read(first + "9223372036854775807\npopulation 4294967296" + tail));
}

// Deltas and blocks are form: the same commits folded by a restart have the same digest; any other
// commit has not.
TEST_F(BackupTest, DigestsAreOfContent) {
  const Population population = world().store().populations().front();
  const PopulationDigest before = DigestOf(population, world().snapshot(), parallel_);
  ASSERT_TRUE(world().Fold().ok());
  ASSERT_EQ(world().Reopen(), "");
  EXPECT_EQ(DigestOf(population, world().snapshot(), parallel_), before);
  const auto& [name, entry] = *world().snapshot().catalogue().by_name().begin();
  const index::TagDefinition definition = entry->definition;
  index::CommitRecord record{.version = world().snapshot().data_version() + 1,
                             .time_us = definition.content_time_us,
                             .first_ordinal = world().snapshot().ordinal_end()};
  record.tag_changes.push_back(RandomChange(world().snapshot(), definition, entry->values->size(),
                                            world().snapshot().ordinal_end(), 200, random_));
  ASSERT_TRUE(world().Commit(record).ok());
  const PopulationDigest after = DigestOf(population, world().snapshot(), parallel_);
  EXPECT_EQ(after.ids, before.ids);
  EXPECT_EQ(after.universe, before.universe);
  for (const auto& [tag, digest] : before.tags) {
    EXPECT_EQ(after.tags.at(tag) == digest, tag != definition.name) << tag;
  }
}

}  // namespace
}  // namespace throng::storage
