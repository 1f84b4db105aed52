// Crowds in the store: what was committed is found, with every set; nothing is left of what was
// not; what is damaged is named; who was erased is on no disk.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "storage/crowd_codec.h"
#include "storage/keys.h"
#include "storage/record_check.h"
#include "storage/record_codec.h"
#include "storage/store.h"
#include "storage/verify.h"
#include "tests/storage/random_crowds.h"
#include "tests/storage/raw_database.h"
#include "tests/storage/snapshot_difference.h"
#include "tests/storage/store_world.h"
#include "tests/testing/seed.h"

namespace throng::storage {
namespace {

using index::CommitRecord;
using index::CrowdVersionId;

bool Contains(const absl::Status& status, std::string_view text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

index::OrdinalSetRef SetOf(const std::vector<uint32_t>& ordinals) {
  return index::OrdinalSet::FromOrdinals(ordinals);
}

// Ten users, and a crowd with versions 1 (all of them) and 2 (the even ones).
class CrowdStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.Open().ok());
    CommitRecord users = Next();
    for (int i = 0; i < 10; ++i) users.new_users.push_back(std::to_string(i));
    ASSERT_TRUE(world_.Commit(users).ok());
    CommitRecord create = Next();
    create.crowds.definitions = {{.id = 1, .name = "all"}};
    ASSERT_TRUE(world_.Commit(create).ok());
    AddVersion(SetOf({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    AddVersion(SetOf({0, 2, 4, 6, 8}));
  }

  CommitRecord Next() const {
    return {.version = world_.snapshot().data_version() + 1,
            .time_us = 1,
            .first_ordinal = world_.snapshot().ordinal_end()};
  }
  CommitRecord NextVersion(const index::OrdinalSetRef& set) const {
    const index::CrowdEntry& crowd = *world_.snapshot().crowds().FindById(1);
    const uint32_t last = crowd.versions->empty() ? 0 : crowd.versions->back().number;
    CommitRecord record = Next();
    record.crowds.versions = {{.crowd = 1,
                               .version = {.number = last + 1,
                                           .computed_count = set->cardinality(),
                                           .data_version = world_.snapshot().data_version(),
                                           .previous = last},
                               .set = set}};
    return record;
  }
  void AddVersion(const index::OrdinalSetRef& set) {
    const CommitRecord record = NextVersion(set);
    const CrowdVersionId id{1, record.crowds.versions[0].version.number};
    ASSERT_TRUE(world_.store().WriteCrowdVersion(1, id, set.get()).ok());
    ASSERT_TRUE(world_.Commit(record).ok());
  }
  std::vector<uint32_t> Stored(uint32_t number, uint64_t count) {
    const auto set = world_.store().ReadCrowdVersion(1, {1, number}, count);
    EXPECT_TRUE(set.ok()) << set.status();
    std::vector<uint32_t> ordinals;
    for (uint32_t i = 0; i < 10 && set.ok(); ++i) {
      if ((*set)->Contains(i)) ordinals.push_back(i);
    }
    return ordinals;
  }
  size_t CrowdValues() {
    world_.Close();
    return ReadRaw(world_.directory())["crowds"].size();
  }

  StoreWorld world_{{.high_water_interval_ms = 0}};
};

TEST_F(CrowdStoreTest, RandomCommitsAreFoundAfterEveryRestart) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(6); ++round) {
    StoreWorld world;
    ASSERT_TRUE(world.Open().ok());
    for (int i = 0; i < 30; ++i) {
      const uint32_t what = random() % 8;
      if (what < 3) {
        ASSERT_TRUE(world.CommitRandom(random).ok());
      } else if (what < 6) {
        ASSERT_TRUE(ChangeCrowds(world, random).ok());
      } else if (what == 6) {
        ASSERT_TRUE(world.Fold().ok());
      } else {
        ASSERT_EQ(world.Reopen(), "") << "round " << round << ", step " << i;
      }
    }
    EXPECT_EQ(world.Reopen(), "") << "round " << round;
    ASSERT_TRUE(world.Fold().ok());
    EXPECT_EQ(world.Reopen(), "") << "round " << round;
    world.Close();
    index::Parallel parallel(2);
    const auto report = Verify({.directory = world.directory()}, parallel);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->findings_total, 0u) << report->findings[0].where << report->findings[0].what;
  }
}

TEST_F(CrowdStoreTest, ASetThatNoCommitFollowedIsCollected) {
  ASSERT_TRUE(world_.store().WriteCrowdVersion(1, {1, 3}, SetOf({1}).get()).ok());
  ASSERT_TRUE(world_.store().WriteCrowdVersion(1, {7, 1}, SetOf({2}).get()).ok());
  EXPECT_EQ(CrowdValues(), 8u);
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_EQ(CrowdValues(), 4u);
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_EQ(Stored(2, 5), (std::vector<uint32_t>{0, 2, 4, 6, 8}));
}

TEST_F(CrowdStoreTest, ASetIsDeletedOnRequestUntilItIsAVersion) {
  ASSERT_TRUE(world_.store().WriteCrowdVersion(1, {1, 3}, SetOf({1}).get()).ok());
  ASSERT_TRUE(world_.store().WriteCrowdVersion(1, {1, 3}, nullptr).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(world_.store().Append(1, NextVersion(SetOf({1})))));
  EXPECT_TRUE(absl::IsInvalidArgument(world_.store().WriteCrowdVersion(1, {1, 2}, nullptr)));
  EXPECT_TRUE(absl::IsNotFound(world_.store().ReadCrowdVersion(1, {1, 3}, 1).status()));
  EXPECT_EQ(CrowdValues(), 4u);
}

TEST_F(CrowdStoreTest, DroppedVersionsGoWithTheFoldBehindThem) {
  CommitRecord drop = Next();
  drop.crowds.dropped = {{1, 1}};
  ASSERT_TRUE(world_.Commit(drop).ok());
  EXPECT_TRUE(world_.store().ReadCrowdVersion(1, {1, 1}, 10).ok()) << "an older reader may ask";
  ASSERT_TRUE(world_.Fold().ok());
  EXPECT_TRUE(absl::IsNotFound(world_.store().ReadCrowdVersion(1, {1, 1}, 10).status()));
  CommitRecord purge = Next();
  purge.crowds.purged = {1};
  ASSERT_TRUE(world_.Commit(purge).ok());
  ASSERT_TRUE(world_.Fold().ok());
  EXPECT_EQ(world_.Reopen(), "");
  EXPECT_EQ(world_.snapshot().crowds().next_id(), 2u) << "an id is never used again";
  EXPECT_EQ(CrowdValues(), 0u);
}

TEST_F(CrowdStoreTest, TheErasedAreInNoVersionAndAfterAFoldOnNoDisk) {
  CommitRecord erase = Next();
  erase.erased_users = {0, 3};
  erase.ledger_end = 1;
  ASSERT_TRUE(world_.Commit(erase).ok());
  EXPECT_EQ(world_.snapshot().crowds().FindById(1)->last_set->cardinality(), 4u);
  EXPECT_EQ(Stored(1, 10).size(), 10u);
  EXPECT_EQ(world_.Reopen(), "") << "masked when it is loaded";
  ASSERT_TRUE(world_.Fold().ok());
  EXPECT_EQ(Stored(1, 10), (std::vector<uint32_t>{1, 2, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(Stored(2, 5), (std::vector<uint32_t>{2, 4, 6, 8}));
  EXPECT_EQ(world_.Reopen(), "");
  EXPECT_EQ(world_.snapshot().crowds().FindById(1)->versions->back().computed_count, 5u);
}

// A version that was computed before an erasure and committed behind it.
TEST_F(CrowdStoreTest, AVersionWrittenWithTheErasedIsCleanedByTheNextFold) {
  CommitRecord erase = Next();
  erase.erased_users = {9};
  erase.ledger_end = 1;
  ASSERT_TRUE(world_.Commit(erase).ok());
  ASSERT_TRUE(world_.Fold().ok());
  const index::OrdinalSetRef stale = SetOf({1, 9});
  CommitRecord late = NextVersion(stale);
  late.crowds.versions[0].version.holds_erased = true;
  late.crowds.versions[0].set = index::LivingIn(world_.snapshot(), stale);
  ASSERT_TRUE(world_.store().WriteCrowdVersion(1, {1, 3}, stale.get()).ok());
  ASSERT_TRUE(world_.Commit(late).ok());
  EXPECT_EQ(world_.Reopen(), "");
  EXPECT_EQ(world_.snapshot().crowds().FindById(1)->last_set->cardinality(), 1u);
  ASSERT_TRUE(world_.Fold().ok());
  EXPECT_EQ(Stored(3, 2), (std::vector<uint32_t>{1}));
}

TEST_F(CrowdStoreTest, DamagedSetsAreNamed) {
  ASSERT_TRUE(world_.Fold().ok());
  world_.Close();
  const RawEntries entries = ReadRaw(world_.directory());
  const auto load = [&](auto spoil) {
    RawEntries damaged = entries;
    spoil(damaged["crowds"]);
    WriteRaw(world_.directory(), damaged);
    const absl::Status status = world_.Open();
    world_.Close();
    return status;
  };
  const auto key = [](uint32_t number, uint32_t shard) {
    return CrowdBlockKey{.population = 1, .crowd = 1, .number = number, .shard = shard}.Encode();
  };
  using Values = std::map<std::string, std::string>;
  const absl::Status no_shard = load([&](Values& v) { v.erase(key(2, 0)); });
  EXPECT_TRUE(
      Contains(no_shard, "crowds: population 1, crowd 1, version 2, shard 0: it is missing"))
      << no_shard;
  const absl::Status no_header = load([&](Values& v) { v.erase(key(2, kCrowdHeaderShard)); });
  EXPECT_TRUE(Contains(no_header, "crowd 1, version 2, header: it is missing")) << no_header;
  const absl::Status nothing = load([&](Values& v) {
    v.erase(key(2, 0));
    v.erase(key(2, kCrowdHeaderShard));
  });
  EXPECT_TRUE(Contains(nothing, "crowd 1, version 2, header: it is missing")) << nothing;
  const absl::Status moved = load([&](Values& v) { v[key(2, 0)] = v[key(1, 0)]; });
  EXPECT_TRUE(Contains(moved, "crowd 1, version 2, shard 0")) << moved;
  const absl::Status flipped = load([&](Values& v) { v[key(2, 0)].back() ^= 1; });
  EXPECT_TRUE(Contains(flipped, "crowd 1, version 2, shard 0")) << flipped;
  for (const absl::Status& status : {no_shard, no_header, nothing, moved, flipped}) {
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  }
  // Older versions are read when they are asked for, and by verify.
  EXPECT_TRUE(load([&](Values& v) { v[key(1, 0)].back() ^= 1; }).ok());
  index::Parallel parallel(1);
  const auto report = Verify({.directory = world_.directory()}, parallel);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->findings.size(), 1u);
  EXPECT_NE(report->findings[0].where.find("crowd 1, version 1, shard 0"), std::string::npos);
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_TRUE(absl::IsDataLoss(world_.store().ReadCrowdVersion(1, {1, 1}, 10).status()));
  EXPECT_TRUE(absl::IsDataLoss(world_.store().ReadCrowdVersion(1, {1, 2}, 6).status()))
      << "of other users than the version says";
}

TEST_F(CrowdStoreTest, LostAndStrangeDefinitionsAreNamed) {
  ASSERT_TRUE(world_.Fold().ok());
  world_.Close();
  const RawEntries entries = ReadRaw(world_.directory());
  RawEntries damaged = entries;
  damaged["meta"].erase(CrowdKey(1, 1));
  WriteRaw(world_.directory(), damaged);
  const absl::Status lost = world_.Open();
  EXPECT_TRUE(absl::IsDataLoss(lost)) << lost;
  EXPECT_TRUE(Contains(lost, "there are 0 crowds, 1 belong there")) << lost;
  world_.Close();
  damaged = entries;
  damaged["meta"][CrowdKey(1, 1)].back() ^= 1;
  WriteRaw(world_.directory(), damaged);
  const absl::Status flipped = world_.Open();
  EXPECT_TRUE(Contains(flipped, "meta: population 1, crowd 1")) << flipped;
}

TEST_F(CrowdStoreTest, RecordsRoundTripInTheirOwnFormat) {
  std::mt19937_64 random(testing::TestSeed());
  StoreWorld world;
  ASSERT_TRUE(world.Open().ok());
  for (int round = 0; round < testing::TestRounds(20); ++round) {
    ASSERT_TRUE(world.CommitRandom(random).ok());
    const CrowdCommit commit = RandomCrowdCommit(world.snapshot(), random);
    EXPECT_EQ(RecordFormat(commit.record), 3);
    const std::string bytes = EncodeRecord(commit.record, {});
    const absl::StatusOr<LoggedRecord> back = DecodeRecord(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(EncodeRecord(*back), bytes);
    EXPECT_EQ(back->record.crowds.definitions, commit.record.crowds.definitions);
    ASSERT_EQ(back->record.crowds.versions.size(), commit.record.crowds.versions.size());
    for (size_t i = 0; i < back->record.crowds.versions.size(); ++i) {
      EXPECT_EQ(back->record.crowds.versions[i].version, commit.record.crowds.versions[i].version);
    }
    std::string damaged = bytes;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << (random() % 8));
    const absl::StatusOr<LoggedRecord> other = DecodeRecord(damaged);
    if (other.ok()) {
      EXPECT_EQ(EncodeRecord(*other), damaged) << "every encoding is canonical";
    }
    ASSERT_TRUE(ChangeCrowds(world, random).ok());
  }
}

TEST_F(CrowdStoreTest, RecordsThatCannotBeAreRefused) {
  const auto shape = [&](auto change) {
    CommitRecord record = NextVersion(SetOf({1}));
    change(&record.crowds);
    return CheckShape(record);
  };
  const auto fits = [&](auto change) {
    CommitRecord record = NextVersion(SetOf({1}));
    change(&record.crowds);
    EXPECT_TRUE(CheckShape(record).ok()) << CheckShape(record);
    return CheckFits(world_.snapshot(), record);
  };
  using Changes = index::CrowdChanges;
  EXPECT_TRUE(fits([](Changes*) {}).ok());
  EXPECT_TRUE(fits([](Changes* c) { c->dropped = {{1, 2}}; }).ok()) << "the one before the new one";
  EXPECT_FALSE(shape([](Changes* c) { c->versions.push_back(c->versions[0]); }).ok());
  EXPECT_FALSE(shape([](Changes* c) { c->versions[0].version.number = 0; }).ok());
  EXPECT_FALSE(shape([](Changes* c) { c->dropped = {{1, 1}, {1, 1}}; }).ok());
  EXPECT_FALSE(shape([](Changes* c) { c->purged = {1}; }).ok());
  EXPECT_FALSE(shape([](Changes* c) { c->definitions = {{.id = 0, .name = "x"}}; }).ok());
  EXPECT_FALSE(shape([](Changes* c) { c->definitions = {{.id = 2, .name = "#x"}}; }).ok());
  EXPECT_FALSE(fits([](Changes* c) { c->definitions = {{.id = 3, .name = "x"}}; }).ok());
  EXPECT_FALSE(fits([](Changes* c) { c->definitions = {{.id = 2, .name = "all"}}; }).ok());
  EXPECT_FALSE(fits([](Changes* c) { c->definitions = {{.id = 1, .name = "x"}}; }).ok())
      << "the same revision";
  EXPECT_FALSE(fits([](Changes* c) { c->versions[0].version.number = 4; }).ok());
  EXPECT_FALSE(fits([](Changes* c) { c->versions[0].crowd = 2; }).ok());
  EXPECT_FALSE(fits([](Changes* c) { c->versions[0].version.data_version = 99; }).ok());
  EXPECT_FALSE(fits([](Changes* c) { c->dropped = {{1, 3}}; }).ok()) << "the newest";
  EXPECT_FALSE(fits([](Changes* c) { c->pinned = {{1, 9}}; }).ok());
  EXPECT_FALSE(fits([](Changes* c) { c->purged = {2}; }).ok());
}

}  // namespace
}  // namespace throng::storage
