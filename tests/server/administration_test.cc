// Statistics, and backups made while a writer commits all the time.
#include "server/engine/administration.h"

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "index/parallel.h"
#include "storage/backup.h"
#include "tests/server/engine_world.h"
#include "tests/testing/temporary_directory.h"

namespace throng::engine {
namespace {

TEST(AdministrationTest, StatsCountWhatHappened) {
  EngineWorld world;
  FillRental(&world);
  const ServerStats stats = Must(world.engine().administration().Stats(world.context(), ""));
  EXPECT_TRUE(stats.write_state.error.ok());
  ASSERT_EQ(stats.populations.size(), 1u);
  const PopulationStats& population = stats.populations[0];
  EXPECT_EQ(population.name, "default");
  EXPECT_EQ(population.user_count, 6u);
  EXPECT_EQ(population.tag_count, 9u);
  EXPECT_EQ(population.commits.count, population.data_version);
  EXPECT_GE(population.commits.longest, population.commits.mean());
  EXPECT_GT(population.commits.total.count(), 0);
  EXPECT_EQ(population.folded_version, 0u);
  EXPECT_GT(population.log_bytes, 0u);
  EXPECT_FALSE(population.last_fold.has_value());
  EXPECT_GT(population.memory.total(), 0u);
  EXPECT_EQ(population.leased_versions, 0u);
  EXPECT_EQ(population.oldest_leased_version, 0u);

  world.Count("all()");  // leases the newest version
  world.Write("u9", {});
  world.Count("all()");
  const PopulationStats later =
      Must(world.engine().administration().Stats(world.context(), "default")).populations.at(0);
  EXPECT_EQ(later.leased_versions, 2u);
  EXPECT_EQ(later.oldest_leased_version, population.data_version);
  EXPECT_EQ(later.user_count, 7u);

  world.Reopen();  // folds
  const PopulationStats again =
      Must(world.engine().administration().Stats(world.context(), "default")).populations.at(0);
  EXPECT_EQ(again.folded_version, later.data_version);
  EXPECT_EQ(again.log_bytes, 0u);
  EXPECT_EQ(again.commits.count, 0u);
  EXPECT_EQ(again.commits.mean().count(), 0);
}

size_t SumOf(const PopulationStats& stats) {
  size_t sum = stats.universe.memory.total() + stats.memory.ids + stats.memory.linked_ids;
  for (const TagStats& tag : stats.tags) sum += tag.memory.total();
  return sum;
}

TEST(AdministrationTest, MemoryOfTagsAddsUpToAllOfIt) {
  EngineWorld world;
  FillRental(&world);
  const Administration& administration = world.engine().administration();
  const auto stats_of = [&](const CallContext& context, uint32_t tags_max) {
    return Must(administration.Stats(context, "default", tags_max)).populations.at(0);
  };
  const PopulationStats all = stats_of(world.context(), 100);
  ASSERT_EQ(all.tags.size(), all.tag_count);
  EXPECT_EQ(SumOf(all), all.memory.total());
  EXPECT_TRUE(all.universe.tag.empty());
  EXPECT_EQ(all.universe.user_count, all.user_count);
  for (size_t i = 0; i < all.tags.size(); ++i) {
    const TagStats& tag = all.tags[i];
    const size_t larger = i == 0 ? all.memory.total() : all.tags[i - 1].memory.total();
    EXPECT_LE(tag.memory.total(), larger);
    const bool is_flag = tag.type == index::TagType::kFlag;
    const uint64_t users = world.Count(is_flag ? tag.tag : "exists(" + tag.tag + ")");
    EXPECT_EQ(tag.user_count, users) << tag.tag;
    EXPECT_EQ(tag.value_count > 0, index::HasDictionary(tag.type) && users > 0) << tag.tag;
    EXPECT_EQ(tag.memory.code_columns > 0, tag.type == index::TagType::kCategory && users > 0);
  }

  const PopulationStats some = stats_of(world.context(), 2);
  ASSERT_EQ(some.tags.size(), 2u);
  EXPECT_EQ(some.tags[1].tag, all.tags[1].tag);
  EXPECT_TRUE(stats_of(world.context(), 0).tags.empty());

  world.CreateTag({.name = "salary", .type = index::TagType::kInteger, .sensitivity = 5});
  world.Write("u1", {{"salary", Whole(7)}});
  EXPECT_EQ(stats_of(world.context(), 100).tags.size(), all.tags.size() + 1);
  for (const TagStats& tag : stats_of(EngineWorld::Seeing(4), 100).tags) {
    EXPECT_NE(tag.tag, "salary");
  }
}

TEST(AdministrationTest, OlderVersionsAreToldWithWhatOnlyTheyHold) {
  EngineWorld world;
  world.CreateTag({.name = "vip", .type = index::TagType::kFlag});
  world.Write("u1", {{"vip", Flag(true)}});
  const auto older = [&] {
    return Must(world.engine().administration().Stats(world.context(), "default"))
        .populations.at(0)
        .older_versions;
  };
  MustBeOk(world.engine().administration().Fold());  // of the same version as the lease
  world.Count("vip");
  const uint64_t leased = world.Write("u2", {}) - 1;
  world.AdvanceClock(1'000'000);
  const uint64_t bytes = older().bytes;
  EXPECT_GE(older().count, 1u);
  EXPECT_EQ(older().oldest_version, leased);
  EXPECT_EQ(older().oldest_age, std::chrono::seconds(1));
  world.Write("u1", {{"vip", Flag(false)}});
  EXPECT_GT(older().bytes, bytes);

  world.AdvanceClock(100'000'000);  // beyond every lease
  world.Write("u2", {{"vip", Flag(true)}});
  MustBeOk(world.engine().administration().Fold());  // frees what has expired
  EXPECT_EQ(older().count, 0u);
  EXPECT_EQ(older().oldest_version, 0u);
  EXPECT_EQ(older().bytes, 0u);
}

TEST(AdministrationTest, StatsRefuseWhatIsNotThere) {
  EngineWorld world;
  const auto stats = world.engine().administration().Stats(world.context(), "nobody");
  EXPECT_EQ(ReasonOf(stats.status()), "UNKNOWN_POPULATION");
}

TEST(AdministrationTest, BackupsNeedADirectoryAndAName) {
  EngineWorld without;
  Administration& nowhere = without.engine().administration();
  EXPECT_EQ(ReasonOf(nowhere.CreateBackup(without.context(), "a").status()), "NO_BACKUP_DIRECTORY");
  EXPECT_EQ(ReasonOf(nowhere.ListBackups(without.context()).status()), "NO_BACKUP_DIRECTORY");

  const testing::TemporaryDirectory backups;
  EngineWorld world({.backup_directory = backups.File("deep/backups")});
  Administration& administration = world.engine().administration();
  EXPECT_TRUE(Must(administration.ListBackups(world.context())).empty());
  const absl::Status bad = administration.CreateBackup(world.context(), "a/b").status();
  EXPECT_EQ(ReasonOf(bad), "BAD_NAME");
  EXPECT_EQ(FieldOf(bad), "backup_id");
  MustBeOk(administration.CreateBackup(world.context(), "a").status());
  EXPECT_EQ(ReasonOf(administration.CreateBackup(world.context(), "a").status()), "BACKUP_EXISTS");
  CallContext cancelled;
  cancelled.cancelled = [] { return true; };
  EXPECT_TRUE(absl::IsCancelled(administration.CreateBackup(cancelled, "b").status()));
  EXPECT_EQ(Must(administration.ListBackups(world.context())).size(), 1u);
}

// Each backup holds exactly one version: what the writer knew of it then.
TEST(AdministrationTest, BackupsUnderARunningWriterAreOfOneVersion) {
  const testing::TemporaryDirectory backups;
  EngineWorld world({.backup_directory = backups.path(), .fold_log_bytes = 20'000});
  world.CreateTag({.name = "city", .type = index::TagType::kCategory});
  MustBeOk(world.engine().populations().Create(world.context(), {.name = "second"}, "").status());
  std::map<uint64_t, uint64_t> users_at = {{1, 0}};  // by version; read when the writer is done
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> written = 0;
  std::thread writer([&] {
    while (!stop) {
      const uint64_t n = ++written;
      users_at[world.Write("u" + std::to_string(n), {{"city", Text(n % 2 ? "odd" : "even")}})] = n;
    }
  });
  std::vector<storage::BackupInfo> made;
  for (int i = 0; i < 3; ++i) {
    const uint64_t before = written;
    while (written < before + 20) std::this_thread::yield();
    made.push_back(Must(world.engine().administration().CreateBackup(
        world.context(), "backup" + std::to_string(i))));
  }
  stop = true;
  writer.join();
  index::Parallel parallel(2);
  for (const storage::BackupInfo& backup : made) {
    const testing::TemporaryDirectory restored;
    const std::string directory = restored.File("data");
    MustBeOk(storage::RestoreBackup(backups.File(backup.name), directory, parallel).status());
    const auto engine = Must(Engine::Open({.directory = directory, .sync = false}));
    const CountResult all =
        Must(engine->selections().Count(world.context(), {.what = "exists(city)"}));
    const CountResult odd =
        Must(engine->selections().Count(world.context(), {.what = "city = 'odd'"}));
    ASSERT_EQ(backup.populations.size(), 2u);
    EXPECT_EQ(all.info.data_version, backup.populations[0].data_version);
    ASSERT_TRUE(users_at.contains(all.info.data_version));
    EXPECT_EQ(all.count, users_at[all.info.data_version]);
    EXPECT_EQ(odd.count, (all.count + 1) / 2);
    EXPECT_EQ(Must(engine->populations().List(world.context())).size(), 2u);
  }
}

}  // namespace
}  // namespace throng::engine
