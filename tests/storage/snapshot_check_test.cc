// Each contradiction that no checksum can tell is named; what is sound is not.
#include "storage/snapshot_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "index/mutex.h"
#include "tests/storage/random_commits.h"
#include "tests/testing/seed.h"

namespace throng::storage {
namespace {

using index::TagShard;
using index::TagType;

std::string Found(const index::Snapshot& snapshot) {
  index::Parallel parallel(2);
  index::Mutex mutex;
  std::string text;
  CheckSnapshot(snapshot, parallel, [&](const Contradiction& found) {
    index::MutexLock lock(mutex);
    text += found.where + ": " + found.what + "\n";
  });
  return text;
}

TEST(SnapshotCheckTest, RandomSnapshotsAreSound) {
  std::mt19937_64 random(testing::TestSeed());
  index::Parallel parallel(2);
  index::SnapshotRef snapshot = std::make_shared<const index::Snapshot>();
  for (int i = 0; i < 60; ++i) {
    const index::CommitRecord record = RandomCommit(*snapshot, random);
    snapshot = index::Apply(*snapshot, record, parallel);
    ASSERT_EQ(Found(*snapshot), "") << "version " << snapshot->data_version() << ", "
                                    << record.erased_users.size() << " users erased";
  }
}

// Ten users; "city" (CATEGORY, id 1): 0 to 4 in a, 5 to 7 in b; "views" (INTEGER, id 2): 0 to 7.
index::SnapshotRef Sound() {
  index::Parallel parallel(1);
  index::CommitRecord record{.version = 1};
  record.definitions = {{.id = 1, .name = "city", .type = TagType::kCategory},
                        {.id = 2, .name = "views", .type = TagType::kInteger}};
  record.new_values = {{.tag = 1, .values = {"a", "b"}}};
  for (int i = 0; i < 10; ++i) record.new_users.push_back("u" + std::to_string(i));
  record.tag_changes = {
      {.tag = 1, .ordinals = {0, 1, 2, 3, 4, 5, 6, 7}, .cells = {0, 0, 0, 0, 0, 1, 1, 1}},
      {.tag = 2, .ordinals = {0, 1, 2, 3, 4, 5, 6, 7}, .cells = {9, 8, 7, 6, 5, 4, 3, 2}}};
  return index::Apply(index::Snapshot(), record, parallel);
}

// The sound snapshot with the one shard of a tag spoiled.
std::string FoundWhere(uint32_t tag, const std::function<void(TagShard*)>& spoil) {
  const index::SnapshotRef sound = Sound();
  std::vector<index::TagContentRef> contents = sound->contents();
  auto shard = std::make_shared<TagShard>(*sound->shard(tag, 0));
  spoil(shard.get());
  contents[tag] =
      std::make_shared<const index::TagContent>(index::TagContent{.shards = {std::move(shard)}});
  return Found(index::Snapshot(1, sound->shared_catalogue(), sound->ids(), std::move(contents)));
}

void Change(std::vector<index::BitChange> changes, index::BitmapShardRef* bitmap) {
  *bitmap = index::ApplyChanges(*bitmap, changes);
}

TEST(SnapshotCheckTest, NamesWhatContradicts) {
  EXPECT_EQ(Found(*Sound()), "");
  const auto with_value = [](uint32_t code, std::vector<index::BitChange> changes) {
    return [=](TagShard* shard) {
      index::BitmapShardRef bitmap = shard->values[code];
      Change(changes, &bitmap);
      shard->values.Set(code, bitmap);
    };
  };
  EXPECT_NE(FoundWhere(1, with_value(1, {index::SetBit(0)}))
                .find("tag 1, shard 0: in two values of a CATEGORY: 1 users"),
            std::string::npos);
  EXPECT_NE(FoundWhere(1, with_value(1, {index::SetBit(10), index::SetBit(900'000)}))
                .find("tag 1, shard 0: users that do not exist: 2 users"),
            std::string::npos);
  EXPECT_NE(FoundWhere(1, with_value(0, {index::ClearBit(0)})).find("who has a value differs"),
            std::string::npos);
  EXPECT_NE(FoundWhere(1,
                       [](TagShard* shard) {
                         const index::Cell cell{.offset = 0, .present = true, .value = 1};
                         shard->column = index::ApplyCells(shard->column, {&cell, 1});
                       })
                .find("the column of codes differs from the values: 1 users"),
            std::string::npos);
  EXPECT_NE(FoundWhere(2, [](TagShard* shard) { Change({index::ClearBit(3)}, &shard->exists); })
                .find("tag 2, shard 0: who has a value differs from the values: 1 users"),
            std::string::npos);
  EXPECT_NE(FoundWhere(index::kUniverseTag, with_value(0, {index::SetBit(70'000)}))
                .find("universe, shard 0: 1 users have no id"),
            std::string::npos);
}

TEST(SnapshotCheckTest, ErasedIdsContradictNothing) {
  const index::SnapshotRef sound = Sound();
  EXPECT_EQ(Found(index::Snapshot(1, sound->shared_catalogue(), sound->ids().Without({2, 9}),
                                  sound->contents())),
            "");
}

TEST(SnapshotCheckTest, NamesIdsThatStandTwice) {
  const index::SnapshotRef sound = Sound();
  const index::IdDictionary twice = sound->ids().With({"u3"});
  const std::string found =
      Found(index::Snapshot(1, sound->shared_catalogue(), twice, sound->contents()));
  EXPECT_NE(found.find("ids: chunk 0: 1 ids belong to another user as well"), std::string::npos)
      << found;
}

}  // namespace
}  // namespace throng::storage
