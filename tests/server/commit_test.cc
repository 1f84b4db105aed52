// Commits through the one door: shared syncs, and what a disk that refuses leaves behind.
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/id_chunk.h"
#include "server/engine/load_session.h"
#include "server/engine/universe.h"
#include "storage/file_system_hook.h"
#include "tests/server/engine_world.h"
#include "tests/server/holding_store.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/temporary_directory.h"

namespace throng::engine {
namespace {

constexpr uint32_t kCity = 1;

// A universe on a store whose disk can be made to fail.
class CommitWorld {
 public:
  explicit CommitWorld(bool sync = true, uint64_t replace_changes_bytes_max = 256 << 20)
      : sync_(sync), replace_changes_bytes_max_(replace_changes_bytes_max) {
    Open();
    MustBeOk(universe_
                 ->Commit([](const index::Snapshot&, index::CommitRecord* record) {
                   record->definitions.push_back(
                       {.id = kCity, .name = "city", .type = index::TagType::kCategory});
                   return absl::OkStatus();
                 })
                 .status());
  }

  testing::FaultFileSystem& files() { return *files_; }
  storage::Store& store() { return *store_; }
  HoldingStore& holding_store() { return *store_; }
  Universe& universe() { return *universe_; }
  std::shared_ptr<Universe> shared_universe() { return universe_; }

  void Open() {
    universe_.reset();
    store_.reset();
    store_ =
        std::make_unique<HoldingStore>(Must(storage::Store::Open({.directory = directory_.path(),
                                                                  .sync = sync_,
                                                                  .sync_interval_ms = 1,
                                                                  .file_system = &hook_})));
    if (store().populations().empty()) {
      MustBeOk(store().CreatePopulation("default", "", "user_id").status());
    }
    const storage::Population population = store().populations().front();
    universe_ = std::make_shared<Universe>(
        population, Must(store().Load(population.id, parallel_, {})),
        UniverseEnvironment{.store = &store(),
                            .parallel = &parallel_,
                            .write_parallel = &write_parallel_,
                            .clock_us = [] { return EngineWorld::kStartUs; },
                            .replace_changes_bytes_max = replace_changes_bytes_max_});
  }

  // Until the disk had no change for a while.
  void AwaitQuiet() const {
    uint64_t before = 0;
    do {
      before = files_->changes();
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    } while (files_->changes() != before);
  }

  void CutPowerAndOpen() {
    files_->CutPower();
    universe_.reset();
    store_.reset();
    files_->RestorePower();
    Open();
  }

  // Creates user `id`, who lives in `city`.
  absl::StatusOr<index::SnapshotRef> Add(const std::string& id, const std::string& city) {
    return universe_->Commit([&](const index::Snapshot& newest, index::CommitRecord* record) {
      const index::ValueDictionary& values = *newest.catalogue().FindById(kCity)->values;
      record->new_users.push_back(id);
      if (!values.Find(city)) {
        record->new_values.push_back({.tag = kCity, .first_code = values.size(), .values = {city}});
      }
      record->tag_changes.push_back({.tag = kCity,
                                     .ordinals = {newest.ordinal_end()},
                                     .cells = {values.Find(city).value_or(values.size())}});
      return absl::OkStatus();
    });
  }

  // What the next commit would build on, durable or not.
  uint64_t HeadVersion() {
    uint64_t version = 0;
    const auto looked =
        universe_->Commit([&](const index::Snapshot& newest, index::CommitRecord*) -> absl::Status {
          version = newest.data_version();
          return absl::CancelledError("looked only");
        });
    EXPECT_TRUE(absl::IsCancelled(looked.status()));
    return version;
  }

  // The city of each user, as a reader sees it.
  std::map<std::string, std::string> Read() const {
    std::map<std::string, std::string> cities;
    const index::SnapshotRef snapshot = universe_->newest();
    for (uint32_t ordinal = 0; ordinal < snapshot->ordinal_end(); ++ordinal) {
      const std::string id = snapshot->ids().text(ordinal);
      EXPECT_EQ(snapshot->ids().Find(index::MakeIdKey(id)), ordinal) << id;
      const index::TagShard* shard = snapshot->shard(kCity, 0);
      const int64_t code = shard->column->Get(ordinal).value();
      EXPECT_TRUE(index::Contains(shard->values[static_cast<size_t>(code)], ordinal));
      cities[id] =
          snapshot->catalogue().FindById(kCity)->values->value(static_cast<uint32_t>(code));
    }
    return cities;
  }

 private:
  const bool sync_;
  const uint64_t replace_changes_bytes_max_;
  const testing::TemporaryDirectory directory_;
  const std::shared_ptr<testing::FaultFileSystem> files_ =
      std::make_shared<testing::FaultFileSystem>();
  storage::FileSystemHook hook_{.file_system = files_};
  index::Parallel parallel_{2};
  index::Parallel write_parallel_{2, /*nice=*/1};
  std::unique_ptr<HoldingStore> store_;
  std::shared_ptr<Universe> universe_;
};

TEST(CommitTest, CommitsOfManyThreadsAllLandOnce) {
  constexpr int kThreads = 8;
  constexpr int kCommits = 25;
  CommitWorld world;
  std::map<std::string, std::string> expected;
  std::vector<std::thread> threads;
  std::atomic<uint64_t> versions = 0;
  for (int t = 0; t < kThreads; ++t) {
    for (int i = 0; i < kCommits; ++i)
      expected[fmt::format("u{}x{}", t, i)] = fmt::format("c{}", i);
    threads.emplace_back([&world, &versions, t] {
      uint64_t last = 0;
      for (int i = 0; i < kCommits; ++i) {
        const auto next = world.Add(fmt::format("u{}x{}", t, i), fmt::format("c{}", i));
        ASSERT_TRUE(next.ok()) << next.status();
        // Acknowledged: visible to everybody, in its own version.
        EXPECT_GE(world.universe().newest()->data_version(), (*next)->data_version());
        EXPECT_GT((*next)->data_version(), last);
        last = (*next)->data_version();
        versions += last;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  constexpr uint64_t kLast = 1 + kThreads * kCommits;
  EXPECT_EQ(world.universe().newest()->data_version(), kLast);
  EXPECT_EQ(versions.load(), kLast * (kLast + 1) / 2 - 1) << "every version once";
  EXPECT_EQ(world.Read(), expected);
  world.Open();
  EXPECT_EQ(world.Read(), expected);
}

// One of 64 cells is built by its caller, a larger one by a thread that stands back.
TEST(CommitTest, ManyCellsAreBuiltByOthers) {
  CommitWorld world;
  const std::thread::id caller = std::this_thread::get_id();
  for (const size_t cells : {size_t{0}, size_t{64}, size_t{65}}) {
    std::thread::id builder;
    MustBeOk(world.universe()
                 .Commit(
                     [&](const index::Snapshot&, index::CommitRecord* record) {
                       builder = std::this_thread::get_id();
                       record->new_users.push_back(fmt::format("u{}", cells));
                       return absl::OkStatus();
                     },
                     cells)
                 .status());
    EXPECT_EQ(builder == caller, cells <= 64) << cells;
    EXPECT_TRUE(world.universe().newest()->ids().Find(index::MakeIdKey(fmt::format("u{}", cells))));
  }
  const auto refused = world.universe().Commit(
      [](const index::Snapshot&, index::CommitRecord*) { return absl::AbortedError("no"); }, 65);
  EXPECT_TRUE(absl::IsAborted(refused.status()));
}

// What only an old snapshot holds is freed by the next commit.
TEST(CommitTest, OldSnapshotsGoWithTheNextCommit) {
  CommitWorld world;
  const std::weak_ptr<const index::Snapshot> old = world.universe().newest();
  MustBeOk(world.Add("u1", "c1").status());
  MustBeOk(world.Add("u2", "c2").status());
  MustBeOk(world.Add("u3", "c3").status());
  EXPECT_TRUE(old.expired());
}

// While one write is held up, as many commits wait as one group takes, and one more.
TEST(CommitTest, AGroupHasALimitAndTheRestIsTheNext) {
  for (const size_t waiting : {kGroupCommitsMax, kGroupCommitsMax + 1}) {
    CommitWorld world;
    world.holding_store().Hold();
    std::map<std::string, std::string> expected = {{"first", "c"}};
    std::vector<std::thread> threads;
    threads.emplace_back([&] { MustBeOk(world.Add("first", "c").status()); });
    world.holding_store().AwaitHeld();
    for (size_t i = 0; i < waiting; ++i) {
      const std::string id = fmt::format("u{}", i);
      expected[id] = "c";
      threads.emplace_back([&world, id] { MustBeOk(world.Add(id, "c").status()); });
    }
    while (world.HeadVersion() < 2 + waiting) std::this_thread::yield();
    EXPECT_EQ(world.universe().newest()->data_version(), 1u) << "nothing is durable, nothing seen";
    world.holding_store().Release();
    for (std::thread& thread : threads) thread.join();
    std::vector<size_t> groups = {1, kGroupCommitsMax};
    if (waiting > kGroupCommitsMax) groups.push_back(1);
    EXPECT_EQ(world.holding_store().groups(), groups);
    EXPECT_EQ(world.universe().newest()->data_version(), 2 + waiting);
    EXPECT_EQ(world.Read(), expected);
    world.CutPowerAndOpen();
    EXPECT_EQ(world.Read(), expected);
  }
}

// Fails the n-th change of the disk, for every n that the commits of some threads reach.
TEST(CommitTest, WhatTheDiskRefusedIsNeverSeen) {
  constexpr int kThreads = 4;
  bool failed_once = false;
  for (uint64_t n = 1; n <= 12; ++n) {
    SCOPED_TRACE(fmt::format("change {} fails", n));
    CommitWorld world;
    std::map<std::string, std::string> expected;
    MustBeOk(world.Add("first", "c0").status());
    expected["first"] = "c0";
    world.files().FailFrom(n, testing::FaultFileSystem::kForever, rocksdb::IOStatus::NoSpace());
    index::Mutex mutex;
    std::vector<std::string> refused;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 3; ++i) {
          const std::string id = fmt::format("u{}x{}", t, i);
          const std::string city = fmt::format("c{}", t);
          const auto next = world.Add(id, city);
          index::MutexLock lock(mutex);
          if (next.ok()) {
            expected[id] = city;
          } else {
            EXPECT_TRUE(absl::IsResourceExhausted(next.status()) ||
                        absl::IsUnavailable(next.status()))
                << next.status();
            refused.push_back(id);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    failed_once |= !refused.empty();
    EXPECT_EQ(world.Read(), expected);
    EXPECT_FALSE(refused.empty() && n == 1);
    world.files().Heal();
    MustBeOk(world.store().Resume());
    EXPECT_EQ(world.Read(), expected);
    // What was refused can be written now; its old trace in the dictionary is gone.
    for (const std::string& id : refused) {
      ASSERT_TRUE(world.Add(id, "again").ok());
      expected[id] = "again";
    }
    EXPECT_EQ(world.Read(), expected);
    world.Open();
    EXPECT_EQ(world.Read(), expected);
  }
  EXPECT_TRUE(failed_once);
}

TEST(ReplaceTest, AFallInCoverageWantsConfirmation) {
  EngineWorld world;
  world.LoadNumbers(1, 200);
  world.CreateTag({.name = "score", .type = index::TagType::kInteger});
  const auto replace = [&](uint32_t users, bool confirms) -> absl::Status {
    auto load = Must(world.engine().writer().StartLoad(
        world.context(),
        {.mode = LoadMode::kReplace, .tags = {"score"}, .confirms_coverage_fall = confirms}));
    std::vector<uint64_t> ids(users);
    std::iota(ids.begin(), ids.end(), 1);
    const std::vector<int64_t> scores(users, users);
    ColumnBatch batch{.number = 1};
    batch.ids = std::span<const uint64_t>(ids);
    TagColumn& column = batch.columns.emplace_back();
    column.tag = "score";
    column.values = IntegersView{scores};
    MustBeOk(load->Write(world.context(), batch).status());
    return load->Finish(world.context()).status();
  };
  const auto covered = [&] {
    return Must(world.selections().Count(world.context(), {.what = "exists(score)"})).count;
  };
  MustBeOk(replace(99, false));
  MustBeOk(replace(10, false));  // 99 had it: too few to ask
  MustBeOk(replace(100, false));
  EXPECT_EQ(ReasonOf(replace(10, false)), "COVERAGE_FALL");  // 100 had it
  MustBeOk(replace(200, false));
  MustBeOk(replace(160, false));
  EXPECT_EQ(covered(), 160);
  const absl::Status fallen = replace(127, false);
  EXPECT_EQ(fallen.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(fallen), "COVERAGE_FALL");
  EXPECT_EQ(covered(), 160) << "the old content stays";
  MustBeOk(replace(128, false));  // 80 %
  MustBeOk(replace(1, true));
  EXPECT_EQ(covered(), 1);
}

// What one user's city takes while a REPLACE of the tag is under way.
constexpr uint64_t kNotedBytes =
    sizeof(PendingReplace::Change) + sizeof(uint32_t) + sizeof(int64_t);
constexpr int kNotedMax = 4;

std::unique_ptr<LoadSession> StartReplaceOfCities(CommitWorld& world) {
  return Must(StartSession(world.shared_universe(), CallContext::Internal(),
                           {.mode = LoadMode::kReplace, .tags = {"city"}}));
}

absl::Status WriteCityOf(const std::string& id, LoadSession& load) {
  const std::vector<uint32_t> ends = {static_cast<uint32_t>(id.size())};
  const std::vector<uint32_t> codes = {0};
  ColumnBatch batch{.number = 1, .ids = TextsView{.data = id, .ends = ends}, .columns = {}};
  batch.columns.push_back({.tag = "city", .values = CodedView{{"new"}, codes}});
  return load.Write(CallContext::Internal(), batch).status();
}

// As many changes as are kept, and one more, which is found by a batch or only at the end.
TEST(ReplaceTest, IsLostWhenOthersChangeTooMuchMeanwhile) {
  for (const bool writes_again : {false, true}) {
    for (const int changes : {kNotedMax, kNotedMax + 1}) {
      SCOPED_TRACE(fmt::format("{} changes, writes again: {}", changes, writes_again));
      CommitWorld world(/*sync=*/true, kNotedMax * kNotedBytes);
      MustBeOk(world.Add("first", "old").status());
      auto load = StartReplaceOfCities(world);
      MustBeOk(WriteCityOf("first", *load));
      std::map<std::string, std::string> expected = {{"first", "old"}};
      for (int i = 0; i < changes; ++i) {
        expected[fmt::format("u{}", i)] = "old";
        MustBeOk(world.Add(fmt::format("u{}", i), "old").status());
      }
      const bool is_lost = changes > kNotedMax;
      if (writes_again) {
        EXPECT_EQ(WriteCityOf("first", *load).ok(), !is_lost);
      }
      const absl::Status ended = load->Finish(CallContext::Internal()).status();
      if (is_lost) {
        EXPECT_TRUE(absl::IsAborted(ended)) << ended;
        EXPECT_EQ(ReasonOf(ended), "REPLACE_OVERTAKEN");
      } else {
        MustBeOk(ended);
        expected["first"] = "new";
      }
      EXPECT_EQ(world.Read(), expected);
      load.reset();
      MustBeOk(WriteCityOf("first", *StartReplaceOfCities(world)));  // the tag is free again
    }
  }
}

// What the disk refused of the others' changes is not counted.
TEST(ReplaceTest, IsNotLostByWhatNeverWas) {
  CommitWorld world(/*sync=*/true, kNotedMax * kNotedBytes);
  MustBeOk(world.Add("first", "old").status());
  auto load = StartReplaceOfCities(world);
  MustBeOk(WriteCityOf("first", *load));
  for (int i = 0; i < kNotedMax; ++i) {
    world.files().FailFrom(1, testing::FaultFileSystem::kForever, rocksdb::IOStatus::NoSpace());
    EXPECT_FALSE(world.Add(fmt::format("refused{}", i), "old").ok());
    world.files().Heal();
    MustBeOk(world.store().Resume());
  }
  for (int i = 0; i < kNotedMax; ++i) MustBeOk(world.Add(fmt::format("u{}", i), "old").status());
  const absl::Status again = WriteCityOf("first", *load);
  EXPECT_TRUE(again.ok()) << again;
}

TEST(ReplaceTest, EndsWhenItHasTakenTooLong) {
  EngineWorld world;
  world.LoadNumbers(1, 1);
  world.CreateTag({.name = "score", .type = index::TagType::kInteger});
  const LoadHeader header{.mode = LoadMode::kReplace, .tags = {"score"}};
  const std::vector<uint64_t> ids = {1};
  const std::vector<int64_t> scores = {7};
  ColumnBatch batch{.number = 1};
  batch.ids = std::span<const uint64_t>(ids);
  batch.columns.push_back({.tag = "score", .values = IntegersView{scores}});
  auto load = Must(world.engine().writer().StartLoad(world.context(), header));
  world.AdvanceClock(kReplaceUsMax);
  MustBeOk(load->Write(world.context(), batch).status());
  world.AdvanceClock(1);
  const absl::Status ended = load->Write(world.context(), batch).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(ended)) << ended;
  EXPECT_EQ(ReasonOf(ended), "STREAM_TOO_LONG");
  load.reset();
  load = Must(world.engine().writer().StartLoad(world.context(), header));
  MustBeOk(load->Write(world.context(), batch).status());
  MustBeOk(load->Finish(world.context()).status());
  EXPECT_EQ(world.Count("score = 7"), 1u);
}

// A commit that is acknowledged at once survives a power cut when the next sync was done, and may
// be gone before.
TEST(CommitTest, SyncAtIntervalsReachesTheDisk) {
  CommitWorld world(/*sync=*/false);
  MustBeOk(world.Add("first", "c0").status());
  world.files().Heal();  // counts from here
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (world.files().changes() == 0 && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_GT(world.files().changes(), 0u) << "nobody syncs";
  world.AwaitQuiet();
  world.CutPowerAndOpen();
  EXPECT_EQ(world.Read(), (std::map<std::string, std::string>{{"first", "c0"}}));
}

}  // namespace
}  // namespace throng::engine
