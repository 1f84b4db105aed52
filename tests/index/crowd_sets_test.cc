// Sets that are kept, against std::set: shards and back, without the erased, compared.
#include "index/crowd_sets.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

using Ordinals = std::set<uint32_t>;

OrdinalSetRef SetOf(const Ordinals& ordinals) {
  return OrdinalSet::FromOrdinals(std::vector<uint32_t>(ordinals.begin(), ordinals.end()));
}

Ordinals OrdinalsOf(const OrdinalSet& set) {
  Ordinals ordinals;
  for (uint32_t chunk = 0; chunk < set.chunk_count(); ++chunk) {
    ForEach(set.chunk(chunk),
            [&](uint32_t offset) { ordinals.insert(chunk << kChunkBits | offset); });
  }
  EXPECT_EQ(set.cardinality(), ordinals.size());
  return ordinals;
}

// Few or many, in one chunk or over two shards.
Ordinals RandomOrdinals(std::mt19937_64& random) {
  Ordinals ordinals;
  const uint32_t end = random() % 2 == 0 ? 3'000 : kShardSize + 200'000;
  const uint64_t count = random() % 3 == 0 ? random() % 5 : random() % 20'000;
  for (uint64_t i = 0; i < count; ++i) ordinals.insert(static_cast<uint32_t>(random() % end));
  return ordinals;
}

TEST(CrowdSetsTest, ShardsAndBack) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(30); ++round) {
    const Ordinals ordinals = RandomOrdinals(random);
    const OrdinalSetRef set = SetOf(ordinals);
    std::vector<BitmapShardRef> shards;
    for (uint32_t i = 0; i < ShardEnd(*set); ++i) shards.push_back(ShardOf(*set, i));
    if (!shards.empty()) {
      EXPECT_TRUE(shards.back()) << "ends with members";
    }
    EXPECT_EQ(OrdinalsOf(*SetOfShards(shards)), ordinals);
    EXPECT_FALSE(ShardOf(*set, 7));
  }
}

TEST(CrowdSetsTest, WithoutComparedAndDifference) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(30); ++round) {
    const Ordinals a = RandomOrdinals(random);
    const Ordinals b = RandomOrdinals(random);
    Ordinals a_only;
    Ordinals b_only;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(),
                        std::inserter(a_only, a_only.end()));
    std::set_difference(b.begin(), b.end(), a.begin(), a.end(),
                        std::inserter(b_only, b_only.end()));
    const OrdinalSetRef set = SetOf(a);
    const std::vector<uint32_t> erased(b.begin(), b.end());
    EXPECT_EQ(OrdinalsOf(*Without(set, erased)), a_only);
    EXPECT_EQ(OrdinalsOf(*set), a) << "a set never changes";
    EXPECT_EQ(OrdinalsOf(*Difference(*set, *SetOf(b))), a_only);
    Ordinals all = a;
    all.insert(b.begin(), b.end());
    EXPECT_EQ(OrdinalsOf(*Union(*set, *SetOf(b))), all);
    EXPECT_EQ(Union(*SetOf(b), *set)->cardinality(), all.size());
    const SetDifference difference = Compare(*set, *SetOf(b));
    EXPECT_EQ(difference.removed, a_only.size());
    EXPECT_EQ(difference.added, b_only.size());
  }
  const OrdinalSetRef set = SetOf({1, 2, 70'000});
  EXPECT_EQ(Without(set, std::vector<uint32_t>{3, 69'999, 5'000'000}), set) << "the same object";
}

TEST(CrowdSetsTest, TheErasedAreLeftOut) {
  Parallel parallel(1);
  CommitRecord users{.version = 1};
  for (int i = 0; i < 70'000; ++i) users.new_users.push_back(std::to_string(i));
  SnapshotRef snapshot = Apply(Snapshot(), users, parallel);
  const OrdinalSetRef set = SetOf({0, 5, 69'999});
  EXPECT_EQ(LivingIn(*snapshot, set), set);
  CommitRecord erase{.version = 2, .first_ordinal = 70'000, .erased_users = {5, 69'998}};
  snapshot = Apply(*snapshot, erase, parallel);
  EXPECT_EQ(OrdinalsOf(*LivingIn(*snapshot, set)), (Ordinals{0, 69'999}));
  const OrdinalSetRef untouched = SetOf({0, 1});
  EXPECT_EQ(LivingIn(*snapshot, untouched), untouched);
}

// A commit changes the crowds of the snapshot it makes, and no other's.
TEST(CrowdSetsTest, SnapshotsKeepTheirCrowds) {
  Parallel parallel(1);
  CommitRecord create{.version = 1, .new_users = {"a", "b", "c"}};
  create.crowds.definitions = {{.id = 1, .name = "x"}, {.id = 2, .name = "y"}};
  const SnapshotRef first = Apply(Snapshot(), create, parallel);
  CommitRecord compute{.version = 2, .first_ordinal = 3};
  compute.crowds.versions = {
      {.crowd = 1, .version = {.number = 1, .computed_count = 2}, .set = SetOf({0, 2})}};
  // The two swap their names.
  compute.crowds.definitions = {{.id = 1, .name = "y", .revision = 2},
                                {.id = 2, .name = "x", .revision = 2}};
  const SnapshotRef second = Apply(*first, compute, parallel);
  CommitRecord erase{.version = 3, .first_ordinal = 3, .erased_users = {2}};
  const SnapshotRef third = Apply(*second, erase, parallel);
  CommitRecord purge{.version = 4, .first_ordinal = 3};
  purge.crowds.purged = {1};
  const SnapshotRef fourth = Apply(*third, purge, parallel);

  EXPECT_EQ(first->crowds().Find("x")->definition->id, 1u);
  EXPECT_TRUE(first->crowds().Find("x")->versions->empty());
  EXPECT_EQ(second->crowds().Find("x")->definition->id, 2u);
  EXPECT_EQ(second->crowds().Find("y")->last_set->cardinality(), 2u);
  EXPECT_EQ(third->crowds().Find("y")->last_set->cardinality(), 1u);
  EXPECT_EQ(third->crowds().Find("y")->versions, second->crowds().Find("y")->versions);
  EXPECT_EQ(third->crowds().Find("y")->FindVersion(1)->computed_count, 2u);
  EXPECT_EQ(third->crowds().Find("y")->FindVersion(2), nullptr);
  EXPECT_EQ(fourth->crowds().Find("y"), nullptr);
  EXPECT_EQ(fourth->crowds().by_id().size(), 1u);
  EXPECT_EQ(fourth->crowds().next_id(), 3u);
}

}  // namespace
}  // namespace throng::index
