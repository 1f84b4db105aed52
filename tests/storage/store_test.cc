#include "storage/store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>

#include "tests/storage/random_commits.h"
#include "tests/storage/snapshot_difference.h"
#include "tests/storage/store_world.h"
#include "tests/testing/seed.h"

namespace throng::storage {
namespace {

constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;

bool Contains(const absl::Status& status, std::string_view text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

TEST(StoreTest, PopulationsStay) {
  TemporaryFolder folder;
  const StoreOptions options{.directory = folder.path("a/b")};
  {
    auto store = Store::Open(options);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_TRUE((*store)->populations().empty());
    EXPECT_EQ((*store)->CreatePopulation("renters", "Renters", "user_id")->id, 1u);
    EXPECT_EQ((*store)->CreatePopulation("owners", "", "phone")->id, 2u);
    EXPECT_TRUE(absl::IsAlreadyExists((*store)->CreatePopulation("owners", "", "phone").status()));
    EXPECT_TRUE(absl::IsInvalidArgument((*store)->CreatePopulation("\xff", "", "phone").status()));
  }
  auto store = Store::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_EQ((*store)->populations().size(), 2u);
  EXPECT_EQ((*store)->populations()[0].display_name, "Renters");
  EXPECT_EQ((*store)->populations()[1].primary_id_type, "phone");
  index::Parallel parallel(1);
  EXPECT_TRUE(absl::IsNotFound((*store)->Load(3, parallel, nullptr).status()));
}

// Commits, folds, replaces and restarts in random order: what is loaded is what was applied.
TEST(StoreTest, RandomHistoriesSurviveRestarts) {
  std::mt19937_64 random(testing::TestSeed());
  for (int history = 0; history < testing::TestRounds(6); ++history) {
    StoreWorld world({.sync = false, .write_buffer_bytes = 1 << 16});
    ASSERT_TRUE(world.Open().ok());
    for (int step = 0; step < 50; ++step) {
      absl::Status status;
      switch (random() % 10) {
        case 0:
          status = world.Fold();
          break;
        case 1:
          status = world.ReplaceRandom(random);
          break;
        case 2:
          ASSERT_EQ(world.Reopen(), "") << "history " << history << ", step " << step;
          break;
        default:
          status = world.CommitRandom(random);
      }
      ASSERT_TRUE(status.ok()) << status;
    }
    EXPECT_EQ(world.Reopen(), "");
    EXPECT_TRUE(world.Fold().ok());
    EXPECT_EQ(world.store().log_bytes(world.population()), 0u);
    EXPECT_EQ(world.Reopen(), "");
    EXPECT_EQ(world.loaded().replayed_records, 0u);
  }
}

TEST(StoreTest, FoldWithoutTheFoldedSnapshotWritesEverything) {
  std::mt19937_64 random(testing::TestSeed());
  StoreWorld world;
  ASSERT_TRUE(world.Open().ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(world.CommitRandom(random).ok());
  ASSERT_TRUE(world.Fold().ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(world.CommitRandom(random).ok());
  ASSERT_TRUE(world.store().Fold(world.population(), world.snapshot(), nullptr).ok());
  EXPECT_EQ(world.Reopen(), "");
}

TEST(StoreTest, UsersOfSeveralShards) {
  StoreWorld world({.sync = false});
  ASSERT_TRUE(world.Open().ok());
  index::CommitRecord record{.version = 1, .time_us = 5};
  record.definitions = {{.id = 1, .name = "n", .type = index::TagType::kInteger},
                        {.id = 2, .name = "f", .type = index::TagType::kFlag}};
  index::TagChange numbers{.tag = 1};
  index::TagChange flags{.tag = 2};
  for (uint32_t i = 0; i < index::kShardSize + 70'000; ++i) {
    record.new_users.push_back(std::to_string(i + 5'000'000'000));
    numbers.ordinals.push_back(i);
    numbers.cells.push_back(i % 1000);
    if (i % 3 != 0) continue;
    flags.ordinals.push_back(i);
    flags.cells.push_back(1);
  }
  record.tag_changes = {std::move(numbers), std::move(flags)};
  ASSERT_TRUE(world.Commit(record).ok());
  EXPECT_EQ(world.Reopen(), "");
  ASSERT_TRUE(world.Fold().ok());
  EXPECT_EQ(world.Reopen(), "");
  EXPECT_EQ(world.snapshot().user_count(), index::kShardSize + 70'000);
}

TEST(StoreTest, ProgressEndsAtItsTotal) {
  std::mt19937_64 random(testing::TestSeed());
  StoreWorld world;
  ASSERT_TRUE(world.Open().ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(world.CommitRandom(random).ok());
  ASSERT_TRUE(world.Fold().ok());
  ASSERT_TRUE(world.CommitRandom(random).ok());
  world.Close();
  auto store = Store::Open(world.options());
  ASSERT_TRUE(store.ok()) << store.status();
  index::Parallel parallel(2);
  std::atomic<uint64_t> last_done = 0;
  std::atomic<uint64_t> last_total = 1;
  const auto progress = [&](uint64_t done, uint64_t total) {
    EXPECT_LE(done, total);
    last_done = done;
    last_total = total;
  };
  ASSERT_TRUE((*store)->Load(1, parallel, progress).ok());
  EXPECT_EQ(last_done, last_total);
  EXPECT_GT(last_total, 0u);
}

TEST(StoreTest, RequestsAreAnsweredForADay) {
  int64_t now = 100 * kHourUs;
  StoreWorld world({.now_us = [&] { return now; }});
  ASSERT_TRUE(world.Open().ok());
  index::CommitRecord record{.version = 1, .time_us = now};
  record.requests = {{.scope = "s", .request_id = "r", .payload_hash = 5, .response = "done"}};
  ASSERT_TRUE(world.Commit(record).ok());
  const auto find = [&] { return world.store().FindRequest(world.population(), "s", "r"); };
  ASSERT_TRUE(find().ok()) << find().status();
  EXPECT_EQ(find()->response, "done");
  EXPECT_EQ(find()->payload_hash, 5u);
  EXPECT_TRUE(absl::IsNotFound(world.store().FindRequest(1, "s", "other").status()));
  EXPECT_TRUE(absl::IsNotFound(world.store().FindRequest(2, "s", "r").status()));
  ASSERT_TRUE(world.Fold().ok());
  EXPECT_EQ(world.Reopen(), "");
  EXPECT_TRUE(find().ok());
  now += 24 * kHourUs - 1;
  EXPECT_TRUE(find().ok());
  now += 1;
  EXPECT_TRUE(absl::IsNotFound(find().status()));
  // A fold forgets the expired one, but not the same id used again.
  record = {.version = 2, .time_us = now, .requests = record.requests};
  record.requests[0].response = "again";
  ASSERT_TRUE(world.Commit(record).ok());
  now += 1;
  ASSERT_TRUE(world.Fold().ok());
  ASSERT_TRUE(find().ok());
  EXPECT_EQ(find()->response, "again");
  now += 24 * kHourUs + 1;
  ASSERT_TRUE(world.Commit({.version = 3, .time_us = now}).ok());
  ASSERT_TRUE(world.Fold().ok());
  now -= 24 * kHourUs;
  EXPECT_TRUE(absl::IsNotFound(find().status())) << "the fold should have deleted it";
}

TEST(StoreTest, RefusesCommitsThatContradictThemselves) {
  StoreWorld world;
  ASSERT_TRUE(world.Open().ok());
  EXPECT_TRUE(absl::IsInvalidArgument(world.Commit({.version = 2})));
  EXPECT_TRUE(absl::IsInvalidArgument(
      world.Commit({.version = 1, .tag_changes = {{.tag = 1, .ordinals = {1, 2}, .cells = {1}}}})));
  ASSERT_TRUE(world.Commit({.version = 1}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(world.Commit({.version = 1})));
  EXPECT_TRUE(absl::IsNotFound(world.store().Append(7, {.version = 1})));
  EXPECT_TRUE(world.Commit({.version = 2}).ok());
}

TEST(StoreTest, LockedDirectory) {
  StoreWorld world;
  ASSERT_TRUE(world.Open().ok());
  const auto second = Store::Open({.directory = world.directory()});
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status())) << second.status();
  EXPECT_TRUE(Contains(second.status(), "is in use by another process")) << second.status();
  EXPECT_TRUE(Contains(second.status(), world.directory()));
}

TEST(StoreTest, AReplaceNeedsItsContent) {
  std::mt19937_64 random(testing::TestSeed());
  StoreWorld world;
  ASSERT_TRUE(world.Open().ok());
  index::TagDefinition tag{.id = 1, .name = "flag", .type = index::TagType::kFlag};
  index::CommitRecord record{.version = 1, .definitions = {tag}};
  record.new_users = {"a", "b", "c"};
  ASSERT_TRUE(world.Commit(record).ok());
  tag.generation = 2;
  EXPECT_TRUE(absl::IsInvalidArgument(world.Commit({.version = 2, .definitions = {tag}})));
  tag.generation = 1;
  EXPECT_TRUE(absl::IsInvalidArgument(
      world.store().WriteGeneration(world.population(), tag, index::TagContent())));
}

// A REPLACE that was aborted leaves nothing in the next one, in the same process and after a
// restart.
TEST(StoreTest, AbortedReplacesLeaveNothing) {
  StoreWorld world;
  ASSERT_TRUE(world.Open().ok());
  index::TagDefinition tag{.id = 1, .name = "flag", .type = index::TagType::kFlag};
  index::CommitRecord record{.version = 1, .definitions = {tag}};
  for (uint32_t i = 0; i < index::kShardSize + 10; ++i) {
    record.new_users.push_back(std::to_string(i));
  }
  ASSERT_TRUE(world.Commit(record).ok());
  const auto content_of = [](std::vector<uint32_t> ordinals) {
    index::TagChange change{.tag = 1, .ordinals = std::move(ordinals)};
    change.cells.assign(change.ordinals.size(), 1);
    const auto staged = index::ApplyToContent(nullptr, index::TagType::kFlag, change, 1);
    auto content = std::make_shared<index::TagContent>();
    for (const auto& shard : staged->shards) {
      auto copy = shard == nullptr ? nullptr : std::make_shared<index::TagShard>(*shard);
      if (copy != nullptr) copy->version = 0;
      content->shards.push_back(std::move(copy));
    }
    return content;
  };
  tag.generation = 2;
  // Aborted: it had users in both shards.
  ASSERT_TRUE(world.store().WriteGeneration(1, tag, *content_of({1, 2, index::kShardSize})).ok());
  for (const bool restarts : {false, true}) {
    if (restarts) {
      ASSERT_EQ(world.Reopen(), "");
    }
    const auto content = content_of({3});
    ASSERT_TRUE(world.store().WriteGeneration(1, tag, {}).ok());
    ASSERT_TRUE(world.store().WriteGeneration(1, tag, *content).ok());
    if (!restarts) continue;  // aborted as well
    const index::CommitRecord flip{.version = 2, .definitions = {tag}};
    ASSERT_TRUE(world.store().Append(1, flip).ok());
    const auto expected = index::ReplaceContents(world.snapshot(), flip, {content});
    ASSERT_TRUE(world.Open().ok());
    EXPECT_EQ(SnapshotDifference(world.snapshot(), *expected), "");
    ASSERT_TRUE(world.Fold().ok());
    EXPECT_EQ(world.Reopen(), "");
    EXPECT_EQ(world.snapshot().content(1)->ValueCardinality(0), 1u);
  }
}

TEST(StoreTest, AppendsWhileFolding) {
  std::mt19937_64 random(testing::TestSeed());
  StoreWorld world({.sync = false});
  ASSERT_TRUE(world.Open().ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(world.CommitRandom(random).ok());
  const index::SnapshotRef folded = world.loaded().folded;
  const index::SnapshotRef snapshot = world.history().rbegin()->second;
  std::thread folding([&] {
    const absl::Status status = world.store().Fold(world.population(), *snapshot, folded.get());
    EXPECT_TRUE(status.ok()) << status;
  });
  for (int i = 0; i < 30; ++i) {
    const absl::Status status = world.CommitRandom(random);
    EXPECT_TRUE(status.ok()) << status;
  }
  folding.join();
  EXPECT_EQ(world.Reopen(), "");
  EXPECT_EQ(world.loaded().replayed_records, 30u);
}

}  // namespace
}  // namespace throng::storage
