// What is counted as memory is what the heap gives out, all of it and once.
#include "index/memory_use.h"

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCanAskHeap = false;  // its malloc is not glibc's
#else
constexpr bool kCanAskHeap = true;
#endif

constexpr uint32_t kCity = 1;
constexpr uint32_t kInterests = 2;
constexpr uint32_t kViews = 3;
constexpr uint32_t kGraduate = 4;
constexpr uint32_t kTags = 4;

// Bytes that are allocated at the moment.
size_t HeapInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void ExpectNear(size_t counted, size_t heap, double share, const char* what) {
  if (!kCanAskHeap) return;
  const auto difference = static_cast<double>(counted) - static_cast<double>(heap);
  // The allocator keeps a few small pieces for its thread, which it calls in use.
  constexpr double kKept = 96 << 10;
  EXPECT_LE(std::abs(difference), share * static_cast<double>(heap) + kKept)
      << what << ": counted " << counted << ", the heap says " << heap;
}

// A population that grows; users have all tags.
class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {
    CommitRecord record{.version = 1};
    record.definitions = {{.id = kCity, .name = "city", .type = TagType::kCategory},
                          {.id = kInterests, .name = "interests", .type = TagType::kLabels},
                          {.id = kViews, .name = "views", .type = TagType::kInteger},
                          {.id = kGraduate, .name = "graduate", .type = TagType::kFlag}};
    record.id_types = {{.id = 1, .name = "phone"}};
    for (uint32_t tag : {kCity, kInterests}) {
      NewValues values{.tag = tag};
      for (int i = 0; i < 100; ++i) values.values.push_back(fmt::format("the value number {}", i));
      record.new_values.push_back(std::move(values));
    }
    Commit(record);
  }

  const SnapshotRef& snapshot() const { return snapshot_; }
  void Release() { snapshot_.reset(); }

  void AddUsers(uint32_t count) {
    CommitRecord record = Next();
    IdLinks links{.id_type = 1};
    if (const LinkedIds* linked = snapshot_->linked_ids(1)) {
      links.first_entry = linked->entry_count();
    }
    std::vector<uint32_t> ordinals;
    for (uint32_t i = 0; i < count; ++i) {
      ordinals.push_back(record.first_ordinal + i);
      record.new_users.push_back(std::to_string(1'000'000 + ordinals.back()));
      if (i % 4 != 0) continue;
      links.owners.push_back(ordinals.back());
      links.ids.push_back(std::to_string(13'800'000'000 + ordinals.back()));
    }
    record.links.push_back(std::move(links));
    record.tag_changes = Changes(ordinals);
    Commit(record);
  }

  // A share of the users gets other values.
  void Change(uint32_t one_of) {
    CommitRecord record = Next();
    std::vector<uint32_t> ordinals;
    for (uint32_t ordinal = 0; ordinal < snapshot_->ordinal_end(); ++ordinal) {
      if (random_() % one_of == 0) ordinals.push_back(ordinal);
    }
    record.tag_changes = Changes(ordinals);
    Commit(record);
  }

 private:
  CommitRecord Next() const {
    return {.version = snapshot_->data_version() + 1, .first_ordinal = snapshot_->ordinal_end()};
  }
  void Commit(const CommitRecord& record) { snapshot_ = Apply(*snapshot_, record, parallel_); }

  std::vector<TagChange> Changes(const std::vector<uint32_t>& ordinals) {
    std::vector<TagChange> changes;
    for (uint32_t tag = 1; tag <= kTags; ++tag) {
      changes.push_back({.tag = tag, .ordinals = ordinals});
    }
    for ([[maybe_unused]] const uint32_t ordinal : ordinals) {
      // Values from one in three users to one in a hundred thousand.
      const auto rare = static_cast<int64_t>(99 >> (random_() % 16));
      changes[kCity - 1].cells.push_back(rare);
      changes[kViews - 1].cells.push_back(static_cast<int64_t>(random_() % 1'000));
      changes[kGraduate - 1].cells.push_back(static_cast<int64_t>(random_() % 2));
      TagChange& labels = changes[kInterests - 1];
      for (uint64_t i = random_() % 3; i > 0; --i) {
        const bool is_rare = random_() % 2'000 == 0;
        labels.label_changes.push_back((is_rare ? 99 : static_cast<uint32_t>(random_() % 99)) << 1 |
                                       1);
      }
      labels.label_ends.push_back(static_cast<uint32_t>(labels.label_changes.size()));
      labels.replaced.push_back(true);
    }
    return changes;
  }

  std::mt19937_64 random_;
  Parallel parallel_{1};
  SnapshotRef snapshot_ = std::make_shared<const Snapshot>();
};

TEST(MemoryUseTest, IsWhatTheHeapGives) {
  Writer writer(testing::TestSeed());
  for (int i = 0; i < 20; ++i) writer.AddUsers(60'000);
  writer.Change(100);
  writer.Change(1'000);
  const MemoryUse use = MemoryOf(*writer.snapshot());
  EXPECT_GT(use.bitmaps.deltas, 0u);
  EXPECT_GT(use.column_deltas, 0u);
  const size_t before = HeapInUse();
  writer.Release();
  ExpectNear(use.total(), before - HeapInUse(), 0.02, "a population");
}

TEST(MemoryUseTest, KindsAddUp) {
  Writer writer(testing::TestSeed());
  for (int i = 0; i < 5; ++i) writer.AddUsers(50'000);
  writer.Change(100);
  writer.Change(1'000);
  const Snapshot& snapshot = *writer.snapshot();
  const MemoryUse all = MemoryOf(snapshot);
  MemoryUse sum = MemoryOf(snapshot, kUniverseTag);
  EXPECT_GT(sum.bitmaps.full.count, 0u);
  for (uint32_t tag = 1; tag <= kTags; ++tag) sum += MemoryOf(snapshot, tag);
  sum.ids = snapshot.ids().memory_bytes();
  sum.linked_ids = snapshot.linked_ids(1)->memory_bytes();
  EXPECT_EQ(all.total(), sum.total());
  EXPECT_EQ(all.bitmaps.total(), sum.bitmaps.total());
  EXPECT_EQ(all.code_columns, MemoryOf(snapshot, kCity).code_columns);
  EXPECT_EQ(all.number_columns, MemoryOf(snapshot, kViews).number_columns);
  EXPECT_EQ(all.value_dictionaries, sum.value_dictionaries);
  for (const size_t part :
       {all.bitmaps.arrays.bytes, all.bitmaps.bitsets.bytes, all.bitmaps.small.bytes,
        all.bitmaps.deltas, all.bitmaps.overhead, all.number_columns, all.code_columns,
        all.column_deltas, all.ids, all.linked_ids, all.value_dictionaries}) {
    EXPECT_GT(part, 0u);
  }
}

// What a version holds alone is what comes back when it goes, and 0 beside itself.
TEST(MemoryUseTest, OfAnOlderVersionIsWhatGoesWithIt) {
  Writer writer(testing::TestSeed());
  for (int i = 0; i < 8; ++i) writer.AddUsers(60'000);
  SnapshotRef oldest = writer.snapshot();
  EXPECT_EQ(MemoryOf(*oldest, oldest.get()).total(), 0u);
  writer.Change(10);
  SnapshotRef older = writer.snapshot();
  writer.AddUsers(60'000);
  writer.Change(20);
  const size_t of_oldest = MemoryOf(*oldest, older.get()).total();
  const size_t of_older = MemoryOf(*older, writer.snapshot().get()).total();
  EXPECT_LT(of_oldest + of_older, MemoryOf(*writer.snapshot()).total());

  size_t before = HeapInUse();
  oldest.reset();
  ExpectNear(of_oldest, before - HeapInUse(), 0.03, "the oldest version");
  before = HeapInUse();
  older.reset();
  ExpectNear(of_older, before - HeapInUse(), 0.03, "an older version");
}

// A LABELS tag of `values` values that each user has with the same chance; `members` in all.
TagContentRef SparseTag(uint32_t shards, uint32_t values, uint64_t members, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::pair<uint32_t, uint32_t>> pairs;  // ordinal, code
  for (uint64_t i = 0; i < members; ++i) {
    pairs.emplace_back(static_cast<uint32_t>(random() % (uint64_t{shards} << kShardBits)),
                       static_cast<uint32_t>(random() % values));
  }
  std::sort(pairs.begin(), pairs.end());
  TagChange change;
  for (const auto& [ordinal, code] : pairs) {
    if (change.ordinals.empty() || change.ordinals.back() != ordinal) {
      change.ordinals.push_back(ordinal);
      change.label_ends.push_back(0);
      change.replaced.push_back(true);
    }
    change.label_changes.push_back(code << 1 | 1);
    change.label_ends.back() = static_cast<uint32_t>(change.label_changes.size());
  }
  return ApplyToContent(nullptr, TagType::kLabels, change, 1);
}

// Gives a label to each of 100 users at random, `commits` times.
TagContentRef WithUpdates(TagContentRef content, uint32_t shards, uint32_t values, int commits,
                          uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < commits; ++i) {
    std::set<uint32_t> ordinals;
    while (ordinals.size() < 100) {
      ordinals.insert(static_cast<uint32_t>(random() % (uint64_t{shards} << kShardBits)));
    }
    TagChange change{.ordinals = {ordinals.begin(), ordinals.end()}};
    for (uint32_t user = 1; user <= ordinals.size(); ++user) {
      change.label_changes.push_back(static_cast<uint32_t>(random() % values) << 1 | 1);
      change.label_ends.push_back(user);
      change.replaced.push_back(false);
    }
    content = ApplyToContent(content, TagType::kLabels, change, static_cast<uint64_t>(i) + 2);
  }
  return content;
}

// 10,000 values of 1,000 users each among 100 million have so many members in each shard: what a
// member takes there is what it takes in all. docs/performance.md quotes what this prints.
TEST(MemoryUseTest, SparseValuesTakeAFewBytesAMember) {
  constexpr uint32_t kShards = 4;
  constexpr uint64_t kMembers = uint64_t{10'000} * 1'000 * kShards * kShardSize / 100'000'000;
  const uint64_t seed = testing::TestSeed();
  for (const int commits : {0, 500}) {
    const size_t before = HeapInUse();
    TagContentRef content = SparseTag(kShards, 10'000, kMembers, seed);
    content = WithUpdates(std::move(content), kShards, 10'000, commits, seed);
    const size_t heap = HeapInUse() - before;
    const auto entry = std::make_shared<TagEntry>(
        TagEntry{.definition = {.id = 1, .name = "sparse", .type = TagType::kLabels},
                 .values = std::make_shared<const ValueDictionary>()});
    const Snapshot snapshot(1, Catalogue().With(entry), {}, {nullptr, content});
    const MemoryUse use = MemoryOf(snapshot, 1);
    size_t members = 0;
    for (uint32_t code = 0; code < 10'000; ++code) members += content->ValueCardinality(code);
    const auto a_member = [&](size_t bytes) {
      return static_cast<double>(bytes) / static_cast<double>(members);
    };
    fmt::print(
        "{} members, {} updates: {:.2f} bytes a member, {:.2f} of them who has any; the heap "
        "says {:.2f}\n",
        members, commits * 100, a_member(use.bitmaps.total()), a_member(use.bitmaps.bitsets.bytes),
        a_member(heap));
    ExpectNear(use.bitmaps.total(), heap, 0.02, "a tag of sparse values");
    EXPECT_LE(a_member(use.bitmaps.total()), 6.0);
  }
}

}  // namespace
}  // namespace throng::index
