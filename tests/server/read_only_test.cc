// A disk that fails: writes are refused at once, reads go on, and when the disk is well again
// writes do too, with exactly what was acknowledged in memory and on disk.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/server/engine_world.h"
#include "tests/testing/failing_disk.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using testing::FailingDisk;

EngineOptions Options(FailingDisk& disk) {
  return {.query_threads = 2,
          .fold_log_bytes = 4'000,
          .resume_pause_ms = 1,
          .resume_pause_ms_max = 8,
          .file_system = disk.hook()};
}

absl::Status WriteUser(EngineWorld& world, const std::string& id,
                       const std::string& request_id = "") {
  WriteUsersRequest request{.unknown_ids = UnknownIds::kCreate, .request_id = request_id};
  request.users.emplace_back().id = id;
  request.users.back().changes.push_back({"city", SetValue{Text("city of " + id)}});
  return world.engine().writer().WriteUsers(world.context(), request).status();
}

// Until a write is taken again; it creates `id`.
absl::Status WriteOnceWell(EngineWorld& world, const std::string& id) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  absl::Status status = WriteUser(world, id);
  while (!status.ok() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    status = WriteUser(world, id);
  }
  return status;
}

TEST(ReadOnlyTest, AFullDiskRefusesWritesUntilThereIsRoom) {
  FailingDisk disk;
  EngineWorld world(Options(disk));
  Administration& administration = world.engine().administration();
  world.CreateTag({.name = "city", .type = index::TagType::kCategory});
  MustBeOk(WriteUser(world, "u1", "request 1"));
  EXPECT_EQ(administration.write_state().since_us, 0);

  disk.Fail(FailingDisk::Error::kFull);
  for (int i = 0; i < 3; ++i) {
    const absl::Status refused = WriteUser(world, "u2", "request 2");
    EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
    EXPECT_EQ(ReasonOf(refused), "DISK_FULL") << refused;
  }
  EXPECT_EQ(
      ReasonOf(world.engine().populations().Create(world.context(), {.name = "p"}, "").status()),
      "DISK_FULL");
  EXPECT_EQ(world.Count("all()"), 1u);
  EXPECT_GT(administration.write_state().since_us, 0);
  // A retry of what was acknowledged is answered.
  EXPECT_TRUE(WriteUser(world, "u1", "request 1").ok());

  disk.Heal();
  MustBeOk(WriteOnceWell(world, "u3"));
  EXPECT_TRUE(administration.write_state().error.ok());
  EXPECT_EQ(administration.write_state().since_us, 0);
  EXPECT_GT(administration.write_state().resume_attempts, 0u);
  MustBeOk(WriteUser(world, "u2", "request 2"));  // was refused, so the id is free
  EXPECT_EQ(world.Count("city = 'city of u2'"), 1u);
  EXPECT_EQ(world.Count("all()"), 3u);
  world.Reopen();
  EXPECT_EQ(world.Count("exists(city)"), 3u);
}

TEST(ReadOnlyTest, WatchersHearOfEveryChange) {
  FailingDisk disk;
  EngineWorld world(Options(disk));
  world.CreateTag({.name = "city", .type = index::TagType::kCategory});
  Administration& administration = world.engine().administration();
  std::atomic<int> stopped = 0;
  std::atomic<int> writable = 0;
  administration.WatchWriteState(
      [&](const storage::WriteState& state) { ++(state.error.ok() ? writable : stopped); });
  EXPECT_EQ(writable, 1) << "told at once";
  for (int round = 1; round <= 3; ++round) {
    disk.Fail(FailingDisk::Error::kBroken);
    EXPECT_EQ(ReasonOf(WriteUser(world, "x")), "READ_ONLY");
    while (stopped < round) std::this_thread::yield();
    disk.Heal();
    while (writable < round + 1) std::this_thread::yield();
    EXPECT_EQ(stopped, round);
    EXPECT_EQ(writable, round + 1);
    MustBeOk(WriteUser(world, "y"));
  }
  administration.WatchWriteState(nullptr);
  disk.Fail(FailingDisk::Error::kBroken);
  EXPECT_FALSE(WriteUser(world, "x").ok());
  disk.Heal();
  MustBeOk(WriteOnceWell(world, "z"));
  EXPECT_EQ(stopped, 3);
}

// A REPLACE that had written to a disk that then failed must be repeated as a whole.
TEST(ReadOnlyTest, ReplacesKeepTheOldContent) {
  FailingDisk disk;
  EngineWorld world(Options(disk));
  world.CreateTag({.name = "city", .type = index::TagType::kCategory});
  world.CreateTag({.name = "views", .type = index::TagType::kInteger});
  std::vector<uint64_t> ids;
  std::vector<int64_t> views;
  const LoadHeader header{
      .mode = LoadMode::kReplace, .unknown_ids = UnknownIds::kCreate, .tags = {"views"}};
  int refused = 0;
  for (uint64_t n = 1; n <= 8; ++n) {
    ids.push_back(n);
    views.push_back(static_cast<int64_t>(n));
    const auto load = Must(world.engine().writer().StartLoad(world.context(), header));
    ColumnBatch batch{.number = 1};
    batch.ids = std::span<const uint64_t>(ids);
    batch.columns.push_back({.tag = "views", .values = IntegersView{views}});
    MustBeOk(load->Write(world.context(), batch).status());
    const uint64_t before = world.Count("exists(views)");
    disk.Fail(FailingDisk::Error::kBroken, n, 1);
    const bool is_done = load->Finish(world.context()).ok();
    disk.Heal();
    MustBeOk(WriteOnceWell(world, "1"));
    refused += is_done ? 0 : 1;
    EXPECT_EQ(world.Count("exists(views)"), is_done ? n : before) << n;
    world.Reopen();
    EXPECT_EQ(world.Count("exists(views)"), is_done ? n : before) << n;
  }
  EXPECT_GT(refused, 1);
}

// Writers in two threads, a disk that fails at random: what was acknowledged is there, what was
// refused is not, in memory and after a restart.
TEST(ReadOnlyTest, MemoryAndDiskHoldWhatWasAcknowledged) {
  std::mt19937_64 random(testing::TestSeed());
  FailingDisk disk;
  EngineWorld world(Options(disk));
  world.CreateTag({.name = "city", .type = index::TagType::kCategory});
  std::vector<std::string> acknowledged;
  for (int round = 0; round < testing::TestRounds(12); ++round) {
    std::vector<std::string> taken[2];
    std::atomic<bool> stop = false;
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 2; ++writer) {
      writers.emplace_back([&, writer] {
        for (int i = 0; !stop || i < 20; ++i) {
          const std::string id =
              "r" + std::to_string(round) + "w" + std::to_string(writer) + "i" + std::to_string(i);
          if (WriteUser(world, id).ok()) taken[writer].push_back(id);
        }
      });
    }
    for (int fault = 0; fault < 5; ++fault) {
      disk.Fail(random() % 2 == 0 ? FailingDisk::Error::kFull : FailingDisk::Error::kBroken,
                random() % 12 + 1, random() % 6 + 1);
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
    }
    stop = true;
    for (std::thread& writer : writers) writer.join();
    disk.Heal();
    for (const auto& ids : taken) acknowledged.insert(acknowledged.end(), ids.begin(), ids.end());
    acknowledged.push_back("end of " + std::to_string(round));
    MustBeOk(WriteOnceWell(world, acknowledged.back()));
    if (round % 4 == 3) world.Reopen();
    std::sort(acknowledged.begin(), acknowledged.end());
    std::vector<std::string> members = world.Members({.what = "exists(city)"});
    std::sort(members.begin(), members.end());
    EXPECT_EQ(members, acknowledged) << "round " << round;
    EXPECT_EQ(world.Count("all()"), acknowledged.size());
  }
}

}  // namespace
}  // namespace throng::engine
