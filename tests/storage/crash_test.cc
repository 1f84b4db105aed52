// Crashes, power cuts and failing disks: what was acknowledged stays, what was refused does not
// come back, nothing is ever half there.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "index/error.h"
#include "storage/store.h"
#include "tests/storage/random_commits.h"
#include "tests/storage/random_crowds.h"
#include "tests/storage/snapshot_difference.h"
#include "tests/storage/store_world.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/seed.h"

namespace throng::storage {
namespace {

using rocksdb::IOStatus;
using testing::FaultFileSystem;

struct FaultyWorld {
  explicit FaultyWorld(bool sync = true)
      : world({.sync = sync,
               .write_buffer_bytes = 1 << 16,
               .high_water_interval_ms = 0,
               .file_system = &hook}) {}

  std::shared_ptr<FaultFileSystem> files = std::make_shared<FaultFileSystem>();
  FileSystemHook hook{.file_system = files};
  StoreWorld world;
};

// Commits, crowds, a fold, a replace, commits, crowds, a fold, a restart. Stops at the first error.
absl::Status RunScenario(uint64_t seed, StoreWorld& world) {
  std::mt19937_64 random(seed);
  THRONG_RETURN_IF_ERROR(world.Open());
  for (int part = 0; part < 2; ++part) {
    for (int i = 0; i < 4; ++i) THRONG_RETURN_IF_ERROR(world.CommitRandom(random));
    THRONG_RETURN_IF_ERROR(ChangeCrowds(world, random));
    THRONG_RETURN_IF_ERROR(world.Fold());
    THRONG_RETURN_IF_ERROR(world.ReplaceRandom(random));
    THRONG_RETURN_IF_ERROR(world.CommitRandom(random));
    THRONG_RETURN_IF_ERROR(ChangeCrowds(world, random));
  }
  THRONG_RETURN_IF_ERROR(world.Fold());
  THRONG_RETURN_IF_ERROR(world.CommitRandom(random));
  return world.Open();
}

// What is wrong with what is found after a crash: it must be what was acknowledged, or that and the
// commit that was under way.
std::string CheckAfterCrash(StoreWorld& world) {
  const index::SnapshotRef acknowledged = world.history().empty()
                                              ? std::make_shared<const index::Snapshot>()
                                              : world.history().rbegin()->second;
  const index::SnapshotRef under_way = world.AfterRefused();
  const absl::Status opened = world.Open();
  if (!opened.ok()) return opened.ToString();
  const std::string difference = SnapshotDifference(world.snapshot(), *acknowledged);
  if (difference.empty() || under_way == nullptr) return difference;
  return SnapshotDifference(world.snapshot(), *under_way).empty() ? "" : difference;
}

uint64_t CountChanges(uint64_t seed) {
  FaultyWorld faulty;
  faulty.files->Heal();
  const absl::Status status = RunScenario(seed, faulty.world);
  EXPECT_TRUE(status.ok()) << status;
  faulty.world.Close();
  return faulty.files->changes();
}

class FailEveryChangeTest : public ::testing::TestWithParam<bool> {};

// From the n-th change on nothing reaches the disk; then the process dies, or the power fails.
TEST_P(FailEveryChangeTest, AcknowledgedCommitsAreThere) {
  const bool loses_power = GetParam();
  const uint64_t seed = testing::TestSeed();
  const uint64_t changes = CountChanges(seed);
  ASSERT_GT(changes, 50u);
  for (uint64_t n = 1; n <= changes; ++n) {
    FaultyWorld faulty;
    const bool is_full = n % 2 == 0;
    faulty.files->FailFrom(n, FaultFileSystem::kForever,
                           is_full ? IOStatus::NoSpace() : IOStatus::IOError("broken"));
    const absl::Status status = RunScenario(seed, faulty.world);
    faulty.files->CutPower();
    faulty.world.Close();
    if (loses_power) faulty.files->RestorePower();
    faulty.world.options().file_system = loses_power ? faulty.world.options().file_system : nullptr;
    faulty.files->Heal();
    EXPECT_EQ(CheckAfterCrash(faulty.world), "") << "change " << n << ": " << status;
    EXPECT_EQ(faulty.world.Reopen(), "") << "change " << n;
  }
}

INSTANTIATE_TEST_SUITE_P(KillOrPower, FailEveryChangeTest, ::testing::Bool());

// One change fails; the store resumes and goes on.
TEST(CrashTest, ResumesAfterAnySingleFailure) {
  const uint64_t seed = testing::TestSeed();
  const uint64_t changes = CountChanges(seed);
  const uint64_t step = 1 + changes / 100 * 2;
  for (uint64_t n = 1; n <= changes; n += step) {
    FaultyWorld faulty;
    StoreWorld& world = faulty.world;
    faulty.files->FailFrom(n, 1,
                           n / step % 2 == 0 ? IOStatus::NoSpace() : IOStatus::IOError("broken"));
    if (!world.Open().ok()) {
      const absl::Status again = world.Open();
      ASSERT_TRUE(again.ok()) << "change " << n << ": " << again;
    }
    std::mt19937_64 random(seed);
    const auto go_on = [&](const absl::Status& status, const char* what) {
      if (status.ok()) return;
      const absl::Status resumed = world.store().Resume();
      ASSERT_TRUE(resumed.ok()) << "change " << n << ": " << what << ": " << status << resumed;
    };
    for (int part = 0; part < 2; ++part) {
      for (int i = 0; i < 4; ++i) go_on(world.CommitRandom(random), "commit");
      go_on(ChangeCrowds(world, random), "crowds");
      go_on(world.Fold(), "fold");
      go_on(ChangeCrowds(world, random), "crowds");
      go_on(world.ReplaceRandom(random), "replace");
    }
    go_on(world.CommitRandom(random), "commit");
    faulty.files->Heal();
    EXPECT_EQ(world.Reopen(), "") << "change " << n;
  }
}

// The power fails at a random moment; without sync the last commits may be gone, but only those.
TEST(CrashTest, PowerCutsWithoutSyncLeaveAPrefix) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(20); ++round) {
    FaultyWorld faulty(/*sync=*/false);
    StoreWorld& world = faulty.world;
    world.options().high_water_interval_ms = round % 2 == 0 ? 0 : 1000;
    ASSERT_TRUE(world.Open().ok());
    faulty.files->FailFrom(random() % 60 + 1, FaultFileSystem::kForever,
                           IOStatus::IOError("broken"));
    for (int i = 0; i < 30; ++i) {
      const bool folds = random() % 6 == 0;
      if (!(folds ? world.Fold() : world.CommitRandom(random)).ok()) break;
    }
    const uint64_t acknowledged = world.snapshot().data_version();
    faulty.files->CutPower();
    world.Close();
    faulty.files->RestorePower();
    faulty.files->Heal();
    std::map<uint64_t, index::SnapshotRef> history = world.history();
    if (const index::SnapshotRef next = world.AfterRefused()) history[acknowledged + 1] = next;
    const absl::Status opened = world.Open();
    ASSERT_TRUE(opened.ok()) << "round " << round << ": " << opened;
    const uint64_t version = world.snapshot().data_version();
    ASSERT_TRUE(history.contains(version)) << "round " << round;
    EXPECT_EQ(SnapshotDifference(world.snapshot(), *history[version]), "") << "round " << round;
    if (world.options().high_water_interval_ms == 0) {
      EXPECT_GE(version + 1, acknowledged);  // the mark of the last one may have failed
    }
  }
}

TEST(CrashTest, ADiskThatIsFullIsReadOnlyUntilResumed) {
  std::mt19937_64 random(testing::TestSeed());
  FaultyWorld faulty;
  StoreWorld& world = faulty.world;
  ASSERT_TRUE(world.Open().ok());
  index::CommitRecord record{.version = 1, .time_us = 4'000'000'000'000'000};
  record.requests = {{.scope = "s", .request_id = "first", .payload_hash = 1, .response = "yes"}};
  record.new_users = {"u1", "u2"};
  ASSERT_TRUE(world.Commit(record).ok());

  faulty.files->FailFrom(1, FaultFileSystem::kForever, IOStatus::NoSpace());
  record = {.version = 2, .time_us = 4'000'000'000'000'000, .first_ordinal = 2};
  record.new_users = {"u3"};
  record.requests = {{.scope = "s", .request_id = "second", .payload_hash = 1, .response = "no"}};
  const absl::Status full = world.Commit(record);
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_NE(full.ToString().find("disk full"), std::string::npos) << full;
  EXPECT_TRUE(absl::IsResourceExhausted(world.Commit(record)));
  EXPECT_TRUE(absl::IsResourceExhausted(world.Fold()));
  EXPECT_TRUE(absl::IsResourceExhausted(world.store().Resume()));
  EXPECT_TRUE(world.store().FindRequest(1, "s", "first").ok()) << "reads go on";

  faulty.files->Heal();
  EXPECT_TRUE(absl::IsResourceExhausted(world.Commit(record))) << "only Resume() ends it";
  const absl::Status resumed = world.store().Resume();
  ASSERT_TRUE(resumed.ok()) << resumed;
  EXPECT_TRUE(absl::IsNotFound(world.store().FindRequest(1, "s", "second").status()));
  record.new_users = {"u4"};
  record.requests.clear();
  EXPECT_TRUE(world.Commit(record).ok());
  EXPECT_EQ(world.Reopen(), "");
  EXPECT_EQ(world.snapshot().ids().text(2), "u4");
  EXPECT_TRUE(world.store().Resume().ok()) << "nothing to resume";
}

// Holds up whoever opens a database, once it is told to, until it may go on.
class SlowOpen : public FaultFileSystem {
 public:
  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           rocksdb::IODebugContext* debug) override {
    if (path.find("/MANIFEST-") != std::string::npos && is_slow.exchange(false)) {
      opening.set_value();
      go_on.get_future().wait();
    }
    return FaultFileSystem::NewWritableFile(path, options, file, debug);
  }

  std::atomic<bool> is_slow = false;
  std::promise<void> opening;
  std::promise<void> go_on;
};

// This test hangs where a refusal waits for Resume().
TEST(CrashTest, WritesAreRefusedAtOnceWhileItResumes) {
  std::mt19937_64 random(testing::TestSeed());
  auto files = std::make_shared<SlowOpen>();
  FileSystemHook hook{.file_system = files};
  std::atomic<int> changes = 0;
  StoreWorld world({.file_system = &hook, .on_write_state = [&] { ++changes; }});
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitRandom(random).ok());
  EXPECT_TRUE(world.store().write_state().error.ok());
  files->FailFrom(1, 1, IOStatus::IOError("broken"));
  EXPECT_TRUE(absl::IsUnavailable(world.CommitRandom(random)));
  EXPECT_EQ(changes, 1);
  EXPECT_GT(world.store().write_state().since_us, 0);

  files->is_slow = true;
  std::thread resuming([&] { EXPECT_TRUE(world.store().Resume().ok()); });
  files->opening.get_future().wait();
  const absl::Status refused = world.CommitRandom(random);
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_EQ(index::GetErrorDetail(refused)->reason, "READ_ONLY");
  EXPECT_TRUE(absl::IsUnavailable(world.Fold()));
  EXPECT_TRUE(absl::IsUnavailable(world.store().CreatePopulation("p", "", "u").status()));
  EXPECT_TRUE(absl::IsUnavailable(world.store().FindRequest(1, "s", "r").status()));
  EXPECT_TRUE(absl::IsUnavailable(world.store().write_state().error));
  files->go_on.set_value();
  resuming.join();
  EXPECT_EQ(changes, 2);
  EXPECT_EQ(world.store().write_state().resume_attempts, 1u);
  EXPECT_EQ(world.store().write_state().since_us, 0);
  EXPECT_TRUE(world.CommitRandom(random).ok());
  EXPECT_EQ(world.Reopen(), "");
}

// What a REPLACE wrote unsynced before the error may be gone: it does not become content.
TEST(CrashTest, AReplaceDoesNotOutliveAnError) {
  std::mt19937_64 random(testing::TestSeed());
  FaultyWorld faulty;
  StoreWorld& world = faulty.world;
  ASSERT_TRUE(world.Open().ok());
  while (world.snapshot().catalogue().by_name().empty()) {
    ASSERT_TRUE(world.CommitRandom(random).ok());
  }
  index::TagDefinition next = world.snapshot().catalogue().by_name().begin()->second->definition;
  ++next.generation;
  ASSERT_TRUE(world.store().WriteGeneration(1, next, {}).ok());
  faulty.files->FailFrom(1, 1, IOStatus::IOError("broken"));
  EXPECT_FALSE(world.CommitRandom(random).ok());
  ASSERT_TRUE(world.store().Resume().ok());
  index::TagContent content;
  content.shards.resize(1);
  const absl::Status lost = world.store().WriteGeneration(1, next, content);
  EXPECT_TRUE(absl::IsAborted(lost)) << lost;
  index::CommitRecord flip{.version = world.snapshot().data_version() + 1,
                           .time_us = 1,
                           .definitions = {next},
                           .first_ordinal = world.snapshot().ordinal_end()};
  EXPECT_TRUE(absl::IsAborted(world.store().Append(1, flip)));
  EXPECT_TRUE(world.ReplaceRandom(random).ok()) << "from its beginning it works";
  EXPECT_EQ(world.Reopen(), "");
}

// What was written of a crowd's version before the error may be gone: it does not become one.
TEST(CrashTest, ASetOfACrowdDoesNotOutliveAnError) {
  std::mt19937_64 random(testing::TestSeed());
  FaultyWorld faulty;
  StoreWorld& world = faulty.world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitRandom(random).ok());
  const CrowdCommit commit = RandomCrowdCommit(world.snapshot(), random);
  ASSERT_EQ(commit.sets.size(), 1u);
  const auto& [id, users] = *commit.sets.begin();
  ASSERT_TRUE(world.store().WriteCrowdVersion(1, id, users.get()).ok());
  faulty.files->FailFrom(1, 1, IOStatus::IOError("broken"));
  EXPECT_FALSE(world.store().Append(1, commit.record).ok());
  ASSERT_TRUE(world.store().Resume().ok());
  const absl::Status lost = world.store().Append(1, commit.record);
  EXPECT_TRUE(absl::IsAborted(lost)) << lost;
  EXPECT_EQ(index::GetErrorDetail(lost)->reason, "CONTENT_LOST");
  ASSERT_TRUE(world.store().WriteCrowdVersion(1, id, users.get()).ok());
  EXPECT_TRUE(world.store().Append(1, commit.record).ok()) << "from its beginning it works";
}

// A sync that fails: the bytes may be in the file, but nobody was told, so they must not come back.
TEST(CrashTest, ARefusedCommitDoesNotComeBackAfterResume) {
  const uint64_t seed = testing::TestSeed();
  for (uint64_t n = 1; n <= 4; ++n) {
    std::mt19937_64 random(seed + n);
    FaultyWorld faulty;
    StoreWorld& world = faulty.world;
    ASSERT_TRUE(world.Open().ok());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(world.CommitRandom(random).ok());
    faulty.files->FailFrom(n, 1, IOStatus::IOError("broken"));
    static_cast<void>(world.CommitRandom(random));  // fails at its write, its sync, or not
    faulty.files->Heal();
    const absl::Status resumed = world.store().Resume();
    ASSERT_TRUE(resumed.ok()) << resumed;
    EXPECT_EQ(world.Reopen(), "") << n;
    ASSERT_TRUE(world.CommitRandom(random).ok());
    EXPECT_EQ(world.Reopen(), "") << n;
  }
}

}  // namespace
}  // namespace throng::storage
