// A store with some content, and backups of it beside it.
//
//   TEST_F(BackupFixture, Restores) {
//     ASSERT_TRUE(Backup("monday").ok());
//     EXPECT_TRUE(Restore("monday").ok());   // into target()
//   }
#ifndef THRONG_TESTS_STORAGE_BACKUP_FIXTURE_H_
#define THRONG_TESTS_STORAGE_BACKUP_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/parallel.h"
#include "storage/backup.h"
#include "tests/storage/store_world.h"
#include "tests/testing/seed.h"

namespace throng::storage {

// Not thread-safe.
class BackupFixture : public ::testing::Test {
 protected:
  void SetUp() override { MakeWorld(); }

  // Another store, with other content.
  void MakeWorld();
  StoreWorld& world() { return *world_; }
  std::string backups() const { return folder_.path("backups"); }
  std::string target() const { return folder_.path("restored"); }

  // As the engine makes one: a checkpoint, its copy, and the checkpoint is gone. `check` may end
  // it.
  absl::StatusOr<BackupInfo> Backup(
      const std::string& name,
      const std::function<absl::Status()>& check = [] { return absl::OkStatus(); });
  absl::Status Restore(const std::string& name);
  // How the store in target() differs from `expected`; empty: it does not.
  std::string RestoredDifference(const index::Snapshot& expected);

  std::mt19937_64 random_{testing::TestSeed()};
  TemporaryFolder folder_;
  index::Parallel parallel_{2};

 private:
  std::unique_ptr<StoreWorld> world_;
};

}  // namespace throng::storage

#endif  // THRONG_TESTS_STORAGE_BACKUP_FIXTURE_H_
