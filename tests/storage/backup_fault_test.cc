// Every change that a backup or a restore makes to the disk fails in its turn: the store that is
// backed up is undamaged, and what is half made is refused and can be made again.
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "fmt/format.h"
#include "storage/backup.h"
#include "storage/store.h"
#include "storage/verify.h"
#include "tests/storage/backup_fixture.h"
#include "tests/storage/failing_calls.h"

namespace throng::storage {
namespace {

namespace fs = std::filesystem;

// How often the disk fails: once, or from then on until it is mended.
class BackupFailEveryChangeTest : public BackupFixture,
                                  public ::testing::WithParamInterface<uint64_t> {
 protected:
  // Calls `work` with its n-th change failing. False when it makes fewer changes.
  template <typename Work>
  bool FailChange(uint64_t n, Work work) {
    FailCalls(n, GetParam(), n % 2 == 0 ? ENOSPC : EIO);
    work();
    HealCalls();
    return changing_calls() >= n;
  }

  static void ExpectDiskError(const absl::Status& status) {
    EXPECT_TRUE(absl::IsResourceExhausted(status) || absl::IsUnavailable(status)) << status;
  }
  static bool Says(const absl::Status& status, const std::string& words) {
    return std::string(status.message()).find(words) != std::string::npos;
  }

  // The store goes on, at once or after Resume(). A log whose sync failed while the checkpoint was
  // made is found out by the next commit.
  void ExpectStoreGoesOn() {
    absl::Status committed = world().CommitRandom(random_);
    if (!committed.ok()) {
      ExpectDiskError(committed);
      const absl::Status resumed = world().store().Resume();
      EXPECT_TRUE(resumed.ok()) << resumed;
      committed = world().CommitRandom(random_);
    }
    EXPECT_TRUE(committed.ok()) << committed;
  }

  // A backup that was not finished is none.
  void ExpectNoBackup(const std::string& name) {
    const auto list = ListBackups(backups());
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_TRUE(list->empty());
    EXPECT_FALSE(Restore(name).ok());
    for (const char* end : {"", "/"}) {
      const absl::Status partial = Restore(fmt::format(".{}.partial{}", name, end));
      EXPECT_TRUE(Says(partial, "not finished") && Says(partial, name)) << partial;
    }
    EXPECT_FALSE(fs::exists(target()));
  }

  // What a restore that failed left must not be taken for a data directory.
  void ExpectNothingToServe() {
    if (!fs::exists(target()) || fs::is_empty(target())) return;
    const absl::Status opened = Store::Open({.directory = target()}).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(opened)) << opened;
    EXPECT_TRUE(Says(opened, target()) && Says(opened, "not finished")) << opened;
    const absl::Status verified = Verify({.directory = target()}, parallel_).status();
    EXPECT_TRUE(Says(verified, target()) && Says(verified, "not finished")) << verified;
  }
};

TEST_P(BackupFailEveryChangeTest, ABackupIsWholeOrNone) {
  bool reached = true;
  uint64_t n = 0;
  while (reached) {
    SCOPED_TRACE(fmt::format("change {} fails", ++n));
    MakeWorld();
    absl::StatusOr<BackupInfo> made;
    reached = FailChange(n, [&] { made = Backup("monday"); });
    index::SnapshotRef backed_up = world().history().rbegin()->second;
    if (!made.ok()) {
      EXPECT_TRUE(reached);
      ExpectDiskError(made.status());
    }
    // One whose last step failed, the sync of its name, may be there whole.
    if (!made.ok() && !fs::exists(backups() + "/monday")) {
      ExpectNoBackup("monday");
      ExpectStoreGoesOn();
      backed_up = world().history().rbegin()->second;
      const absl::Status again = Backup("monday").status();
      ASSERT_TRUE(again.ok()) << again;
    }
    ExpectStoreGoesOn();
    EXPECT_EQ(world().Reopen(), "") << "the store that was backed up is undamaged";
    ASSERT_EQ(ListBackups(backups())->size(), 1u);
    if (made.ok() || n % 4 == 0) {
      const absl::Status restored = Restore("monday");
      ASSERT_TRUE(restored.ok()) << restored;
      EXPECT_EQ(RestoredDifference(*backed_up), "");
    }
    fs::remove_all(target());
    fs::remove_all(backups());
    if (HasFailure()) return;
  }
  EXPECT_GT(n, 50u);
  fmt::print("{} changes\n", n - 1);
}

TEST_P(BackupFailEveryChangeTest, ARestoreIsWholeOrRefusedAndRunAgain) {
  const absl::StatusOr<BackupInfo> made = Backup("monday");
  ASSERT_TRUE(made.ok()) << made.status();
  const index::SnapshotRef then = world().history().rbegin()->second;
  bool reached = true;
  uint64_t n = 0;
  while (reached) {
    SCOPED_TRACE(fmt::format("change {} fails", ++n));
    absl::Status restored;
    reached = FailChange(n, [&] { restored = Restore("monday"); });
    if (!restored.ok()) {
      EXPECT_TRUE(reached);
      ExpectDiskError(restored);
      ExpectNothingToServe();
      restored = Restore("monday");
      ASSERT_TRUE(restored.ok()) << restored;
    }
    EXPECT_EQ(RestoredDifference(*then), "");
    fs::remove_all(target());
    if (HasFailure()) return;
  }
  EXPECT_GT(n, 50u);
  fmt::print("{} changes\n", n - 1);
  EXPECT_EQ(ListBackups(backups())->at(0).damage, "");
}

INSTANTIATE_TEST_SUITE_P(OnceOrForGood, BackupFailEveryChangeTest,
                         ::testing::Values(uint64_t{1}, kEveryCall));

}  // namespace
}  // namespace throng::storage
