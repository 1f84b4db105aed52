#include "index/snapshot.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/index/random_sets.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

constexpr uint32_t kCity = 1;
constexpr uint32_t kInterests = 2;
constexpr uint32_t kViews = 3;
constexpr uint32_t kGraduate = 4;

// What a population should hold, in plain maps.
struct Model {
  uint32_t users = 0;
  std::map<uint32_t, int64_t> city;
  std::map<uint32_t, int64_t> views;
  std::set<uint32_t> graduates;
  std::map<uint32_t, std::set<uint32_t>> interests;
};

CommitRecord Definitions() {
  CommitRecord record{.version = 1};
  record.definitions = {{.id = kCity, .name = "city", .type = TagType::kCategory},
                        {.id = kInterests, .name = "interests", .type = TagType::kLabels},
                        {.id = kViews, .name = "views", .type = TagType::kInteger},
                        {.id = kGraduate, .name = "graduate", .type = TagType::kFlag}};
  for (uint32_t tag : {kCity, kInterests}) {
    NewValues values{.tag = tag};
    for (int i = 0; i < 12; ++i) values.values.push_back(std::to_string(i));
    record.new_values.push_back(std::move(values));
  }
  return record;
}

std::vector<uint32_t> RandomOrdinals(std::mt19937_64& random, uint32_t end, uint64_t count) {
  std::set<uint32_t> ordinals;
  while (count-- > 0) ordinals.insert(static_cast<uint32_t>(random() % end));
  return {ordinals.begin(), ordinals.end()};
}

TagChange RandomCells(std::mt19937_64& random, uint32_t tag, std::vector<uint32_t> ordinals,
                      int64_t values, std::map<uint32_t, int64_t>* model) {
  TagChange change{.tag = tag, .ordinals = std::move(ordinals)};
  for (uint32_t ordinal : change.ordinals) {
    const bool cleared = random() % 6 == 0;
    const auto value = static_cast<int64_t>(random() % static_cast<uint64_t>(values));
    change.cells.push_back(value);
    change.cleared.push_back(cleared);
    if (cleared) {
      model->erase(ordinal);
    } else {
      (*model)[ordinal] = value;
    }
  }
  return change;
}

TagChange RandomLabels(std::mt19937_64& random, std::vector<uint32_t> ordinals, Model* model) {
  TagChange change{.tag = kInterests, .ordinals = std::move(ordinals)};
  for (uint32_t ordinal : change.ordinals) {
    std::set<uint32_t>& labels = model->interests[ordinal];
    const bool replaced = random() % 2 == 0;
    if (replaced) labels.clear();
    for (uint64_t i = random() % 4; i > 0; --i) {
      const auto code = static_cast<uint32_t>(random() % 12);
      const bool add = random() % 3 != 0;
      change.label_changes.push_back(code << 1 | (add ? 1 : 0));
      if (add) {
        labels.insert(code);
      } else {
        labels.erase(code);
      }
    }
    change.label_ends.push_back(static_cast<uint32_t>(change.label_changes.size()));
    change.replaced.push_back(replaced);
    if (labels.empty()) model->interests.erase(ordinal);
  }
  return change;
}

CommitRecord RandomCommit(std::mt19937_64& random, uint64_t version, Model* model) {
  CommitRecord record{
      .version = version, .time_us = static_cast<int64_t>(version), .first_ordinal = model->users};
  for (uint64_t i = random() % 3 == 0 ? random() % 90'000 : random() % 5; i > 0; --i) {
    record.new_users.push_back(std::to_string(1'000'000 + model->users++));
  }
  if (model->users == 0) return record;
  const auto pick = [&] {
    return RandomOrdinals(random, model->users, random() % 4 == 0 ? 20'000 : random() % 50);
  };
  record.tag_changes.push_back(RandomCells(random, kCity, pick(), 12, &model->city));
  record.tag_changes.push_back(RandomCells(random, kViews, pick(), 1'000, &model->views));
  record.tag_changes.push_back(RandomLabels(random, pick(), model));
  std::map<uint32_t, int64_t> flags;
  record.tag_changes.push_back(RandomCells(random, kGraduate, pick(), 2, &flags));
  const TagChange& graduate = record.tag_changes.back();
  for (size_t i = 0; i < graduate.ordinals.size(); ++i) {
    if (!graduate.cleared[i] && graduate.cells[i] != 0) {
      model->graduates.insert(graduate.ordinals[i]);
    } else {
      model->graduates.erase(graduate.ordinals[i]);
    }
  }
  return record;
}

std::set<uint32_t> Users(const Snapshot& snapshot, uint32_t tag, int code) {
  std::set<uint32_t> users;
  auto scratch = std::make_unique<ChunkScratch>();
  for (uint32_t s = 0; s < snapshot.shard_count(); ++s) {
    const TagShard* shard = snapshot.shard(tag, s);
    if (shard == nullptr) continue;
    const BitmapShardRef& bitmap =
        code < 0 ? shard->exists : shard->values[static_cast<size_t>(code)];
    for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
      ForEach(Load(bitmap, chunk, *scratch), [&](uint32_t offset) {
        users.insert(users.end(), s << kShardBits | chunk << kChunkBits | offset);
      });
    }
  }
  return users;
}

template <typename Map, typename Test>
std::set<uint32_t> Keys(const Map& map, Test test) {
  std::set<uint32_t> keys;
  for (const auto& [key, value] : map) {
    if (test(value)) keys.insert(keys.end(), key);
  }
  return keys;
}

void ExpectSame(const Snapshot& snapshot, const Model& model) {
  const auto any = [](const auto&) { return true; };
  ASSERT_EQ(snapshot.user_count(), model.users);
  ASSERT_EQ(Users(snapshot, kCity, -1), Keys(model.city, any));
  ASSERT_EQ(Users(snapshot, kViews, -1), Keys(model.views, any));
  ASSERT_EQ(Users(snapshot, kInterests, -1), Keys(model.interests, any));
  ASSERT_EQ(Users(snapshot, kGraduate, 0), model.graduates);
  for (int code = 0; code < 12; ++code) {
    ASSERT_EQ(Users(snapshot, kCity, code), Keys(model.city, [=](int64_t v) { return v == code; }));
    ASSERT_EQ(Users(snapshot, kInterests, code),
              Keys(model.interests, [=](const std::set<uint32_t>& labels) {
                return labels.contains(static_cast<uint32_t>(code));
              }));
  }
  for (uint32_t tag : {kCity, kViews}) {
    for (const auto& [ordinal, value] : tag == kCity ? model.city : model.views) {
      ASSERT_EQ(snapshot.shard(tag, ordinal >> kShardBits)->column->Get(ordinal & kShardMask),
                value);
    }
  }
}

TEST(SnapshotRandomTest, CommitsAgreeWithMapsAndReplaysChangeNothing) {
  std::mt19937_64 random(testing::TestSeed());
  Parallel parallel(2);
  Model model;
  std::vector<CommitRecord> records = {Definitions()};
  SnapshotRef snapshot = Apply(Snapshot(), records[0], parallel);
  std::vector<std::pair<SnapshotRef, Model>> old;
  for (uint64_t version = 2; version < 25; ++version) {
    records.push_back(RandomCommit(random, version, &model));
    snapshot = Apply(*snapshot, records.back(), parallel);
    ASSERT_EQ(snapshot->data_version(), version);
    if (version % 8 == 0) {
      ASSERT_NO_FATAL_FAILURE(ExpectSame(*snapshot, model)) << "version " << version;
      old.emplace_back(snapshot, model);
    }
  }
  for (const auto& [pinned, then] : old) ASSERT_NO_FATAL_FAILURE(ExpectSame(*pinned, then));
  // A log that overlaps what the base blocks hold is replayed from its begin.
  SnapshotRef replayed = snapshot;
  for (const CommitRecord& record : records) replayed = Apply(*replayed, record, parallel);
  ASSERT_NO_FATAL_FAILURE(ExpectSame(*replayed, model));
}

TEST(SnapshotRandomTest, DerivedPartsEqualTheIncrementalOnes) {
  std::mt19937_64 random(testing::TestSeed());
  Parallel parallel(1);
  Model model;
  SnapshotRef snapshot = Apply(Snapshot(), Definitions(), parallel);
  for (uint64_t version = 2; version < 12; ++version) {
    snapshot = Apply(*snapshot, RandomCommit(random, version, &model), parallel);
  }
  std::vector<TagContentRef> contents = snapshot->contents();
  for (uint32_t tag : {kCity, kInterests, kViews}) {
    auto content = std::make_shared<TagContent>(*contents[tag]);
    for (TagShardRef& shard : content->shards) {
      auto derived = std::make_shared<TagShard>(*shard);
      derived->exists = BitmapShardRef();
      if (tag == kCity) derived->column = nullptr;
      Derive(snapshot->catalogue().FindById(tag)->definition.type, derived.get());
      shard = std::move(derived);
    }
    contents[tag] = std::move(content);
  }
  ExpectSame(
      Snapshot(snapshot->data_version(), snapshot->shared_catalogue(), snapshot->ids(), contents),
      model);
}

}  // namespace
}  // namespace throng::index
