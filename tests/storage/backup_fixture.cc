#include "tests/storage/backup_fixture.h"

#include <filesystem>
#include <memory>
#include <system_error>

#include "index/error.h"
#include "storage/store.h"
#include "tests/storage/snapshot_difference.h"

namespace throng::storage {
namespace {

absl::Status WriteCheckpoint(Store& store, const std::string& checkpoint) {
  THRONG_RETURN_IF_ERROR(store.PrepareCheckpoint());
  return store.Checkpoint(checkpoint);
}

}  // namespace

void BackupFixture::MakeWorld() {
  world_ = std::make_unique<StoreWorld>(StoreOptions{.high_water_interval_ms = 0});
  ASSERT_TRUE(world().Open().ok());
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(world().CommitRandom(random_).ok());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ChangeCrowds(world(), random_).ok());
  ASSERT_TRUE(world().Fold().ok());
  ASSERT_TRUE(world().ReplaceRandom(random_).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(world().CommitRandom(random_).ok());
}

absl::StatusOr<BackupInfo> BackupFixture::Backup(const std::string& name,
                                                 const std::function<absl::Status()>& check) {
  const std::string checkpoint = world().directory() + "/CHECKPOINT";
  std::error_code ignored;
  for (const char* left : {"", ".tmp"}) std::filesystem::remove_all(checkpoint + left, ignored);
  THRONG_RETURN_IF_ERROR(WriteCheckpoint(world().store(), checkpoint));
  const Population population = world().store().populations().front();
  absl::StatusOr<BackupInfo> made =
      WriteBackup({.checkpoint = checkpoint,
                   .directory = backups(),
                   .name = name,
                   .created_us = 1'700'000'000'000'000,
                   .populations = {DigestOf(population, world().snapshot(), parallel_)},
                   .check = check});
  std::filesystem::remove_all(checkpoint, ignored);
  return made;
}

absl::Status BackupFixture::Restore(const std::string& name) {
  return RestoreBackup(backups() + "/" + name, target(), parallel_).status();
}

std::string BackupFixture::RestoredDifference(const index::Snapshot& expected) {
  const auto store = Store::Open({.directory = target()});
  if (!store.ok()) return store.status().ToString();
  const auto loaded = (*store)->Load(1, parallel_, nullptr);
  if (!loaded.ok()) return loaded.status().ToString();
  return SnapshotDifference(*loaded->snapshot, expected);
}

}  // namespace throng::storage
