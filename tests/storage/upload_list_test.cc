// The lists of uploads in the store: they come back with their version and go with it; what is
// damaged is named; nobody who was erased stays in one; after a fault a list is whole or not there.
#include "storage/upload_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "index/id_hash.h"
#include "storage/keys.h"
#include "storage/store.h"
#include "storage/upload_codec.h"
#include "storage/upload_writer.h"
#include "storage/verify.h"
#include "tests/storage/raw_database.h"
#include "tests/storage/store_world.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/seed.h"

namespace throng::storage {
namespace {

using index::CommitRecord;
using index::CrowdVersionId;
using rocksdb::IOStatus;
using testing::FaultFileSystem;
using Texts = std::set<std::string>;

index::OrdinalSetRef SetOf(const std::vector<uint32_t>& ordinals) {
  return index::OrdinalSet::FromOrdinals(ordinals);
}

// A short way to write and read lists of a population with an UPLOAD crowd, 1.
class Lists {
 public:
  explicit Lists(StoreWorld& world) : world_(world) {}

  CommitRecord Next() const {
    return {.version = world_.snapshot().data_version() + 1,
            .time_us = 1,
            .first_ordinal = world_.snapshot().ordinal_end()};
  }
  absl::Status CreateCrowd() {
    CommitRecord create = Next();
    create.crowds.definitions = {{.id = 1, .name = "u", .kind = index::CrowdKind::kUpload}};
    return world_.Commit(create);
  }
  uint32_t LastNumber() const {
    const index::CrowdEntry& crowd = *world_.snapshot().crowds().FindById(1);
    return crowd.versions->empty() ? 0 : crowd.versions->back().number;
  }
  absl::Status WriteList(uint32_t number, const Texts& ids,
                         const std::vector<RefusedId>& refused = {}, uint32_t id_type = 0) {
    std::vector<ListedId> listed;
    for (const std::string& id : ids) {
      listed.push_back({.hash = index::IdHash(id),
                        .id_type = id_type,
                        .is_unmatched = true,
                        .is_kept = id.size() % 2 == 0,
                        .text = id});
    }
    std::sort(listed.begin(), listed.end());
    UploadWriter writer(world_.store(), world_.population(), {1, number});
    if (absl::Status begun = writer.Begin(); !begun.ok()) return begun;
    for (const ListedId& id : listed) {
      if (absl::Status put = writer.Put(id); !put.ok()) return put;
    }
    return writer.End({.mode = UploadMode::kAdd, .id_type = "phone", .unknown = ids.size()},
                      refused);
  }
  CommitRecord NextVersion(uint64_t data_version) const {
    CommitRecord record = Next();
    record.crowds.versions = {{.crowd = 1,
                               .version = {.number = LastNumber() + 1,
                                           .data_version = data_version,
                                           .previous = LastNumber()},
                               .set = SetOf({})}};
    return record;
  }
  // Set, list, commit.
  absl::Status AddVersion(const Texts& ids, const std::vector<RefusedId>& refused = {},
                          uint32_t id_type = 0) {
    const uint32_t number = LastNumber() + 1;
    absl::Status status =
        world_.store().WriteCrowdVersion(world_.population(), {1, number}, SetOf({}).get());
    if (status.ok()) status = WriteList(number, ids, refused, id_type);
    if (!status.ok()) return status;
    return world_.Commit(NextVersion(world_.snapshot().data_version()));
  }
  // Every id of a list, as the store has it.
  absl::StatusOr<Texts> Read(uint32_t number) const {
    const CrowdVersionId id{1, number};
    const auto upload = world_.store().ReadUpload(world_.population(), id);
    if (!upload.ok()) return upload.status();
    Texts texts;
    for (uint32_t part = 0; part < upload->parts.size(); ++part) {
      const auto ids = world_.store().ReadUploadIds(world_.population(), id, part);
      if (!ids.ok()) return ids.status();
      EXPECT_EQ(PartOf(upload->parts[part].first_hash, ids->ids), upload->parts[part]);
      for (const ListedId& listed : ids->ids) texts.insert(std::string(listed.text));
    }
    return texts;
  }
  absl::StatusOr<std::vector<RefusedId>> ReadRefused(uint32_t number) const {
    const CrowdVersionId id{1, number};
    const auto upload = world_.store().ReadUpload(world_.population(), id);
    if (!upload.ok()) return upload.status();
    std::vector<RefusedId> all;
    for (uint32_t part = 0; part < upload->refused_parts.size(); ++part) {
      const auto refused = world_.store().ReadUploadRefused(world_.population(), id, part);
      if (!refused.ok()) return refused.status();
      EXPECT_EQ(refused->size(), upload->refused_parts[part]);
      all.insert(all.end(), refused->begin(), refused->end());
    }
    return all;
  }

 private:
  StoreWorld& world_;
};

class UploadListTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.Open().ok());
    CommitRecord users = lists_.Next();
    users.id_types = {{.id = 1, .name = "phone"}};
    for (int i = 0; i < 10; ++i) users.new_users.push_back(fmt::format("u{}", i));
    ASSERT_TRUE(world_.Commit(users).ok());
    ASSERT_TRUE(lists_.CreateCrowd().ok());
  }
  void EraseUser(uint32_t ordinal) {
    CommitRecord erase = lists_.Next();
    erase.erased_users = {ordinal};
    erase.ledger_end = 1;
    ASSERT_TRUE(world_.Commit(erase).ok());
  }
  Texts Read(uint32_t number) {
    const auto texts = lists_.Read(number);
    EXPECT_TRUE(texts.ok()) << texts.status();
    return texts.ok() ? *texts : Texts();
  }

  StoreWorld world_{{.high_water_interval_ms = 0}};
  Lists lists_{world_};
};

TEST_F(UploadListTest, AListComesBackInItsOrderAfterARestart) {
  Texts ids;
  for (int i = 0; i < 40'000; ++i) ids.insert(fmt::format("unknown-{}", i * 7));
  std::vector<RefusedId> refused;
  for (uint32_t i = 0; i < 2'500; ++i) {
    refused.push_back({.position = i + 1, .fault = index::IdFault::kNotHex, .text = "\xff zz"});
  }
  ASSERT_TRUE(lists_.AddVersion(ids, refused).ok());
  ASSERT_TRUE(lists_.AddVersion({}).ok());
  for (const char* when : {"as written", "opened again", "folded"}) {
    const auto upload = world_.store().ReadUpload(1, {1, 1});
    ASSERT_TRUE(upload.ok()) << upload.status();
    EXPECT_GT(upload->parts.size(), 3u);
    EXPECT_EQ(upload->unmatched(), ids.size());
    EXPECT_EQ(upload->record.id_type, "phone");
    EXPECT_EQ(Read(1), ids) << when;
    EXPECT_EQ(*lists_.ReadRefused(1), refused) << when;
    EXPECT_EQ(Read(2), Texts()) << when;
    if (when == std::string("opened again")) {
      ASSERT_TRUE(world_.Fold().ok());
    }
    ASSERT_EQ(world_.Reopen(), "");
  }
  world_.Close();
  index::Parallel parallel(2);
  const auto report = Verify({.directory = world_.directory()}, parallel);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->findings_total, 0u);
}

TEST_F(UploadListTest, AListStandsBetweenTheSetAndTheCommit) {
  EXPECT_TRUE(absl::IsInvalidArgument(lists_.WriteList(1, {"a"}))) << "no set";
  const auto set = SetOf({});
  ASSERT_TRUE(world_.store().WriteCrowdVersion(1, {1, 1}, set.get()).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(world_.store().WriteUploadIds(1, {1, 1}, 0, {})))
      << "not begun";
  ASSERT_TRUE(world_.store().BeginUpload(1, {1, 1}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(world_.store().Append(1, lists_.NextVersion(1))))
      << "not ended";
  ASSERT_TRUE(lists_.WriteList(1, {"a", "b"}).ok());
  ASSERT_TRUE(lists_.WriteList(1, {"c"}).ok()) << "in place of what stands there";
  ASSERT_TRUE(world_.Commit(lists_.NextVersion(1)).ok());
  EXPECT_EQ(Read(1), Texts{"c"});
  EXPECT_TRUE(absl::IsInvalidArgument(lists_.WriteList(1, {"d"}))) << "it is a version";
  EXPECT_TRUE(absl::IsNotFound(lists_.Read(2).status()));
  // A version without a list.
  ASSERT_TRUE(world_.store().WriteCrowdVersion(1, {1, 2}, set.get()).ok());
  ASSERT_TRUE(world_.Commit(lists_.NextVersion(1)).ok());
  EXPECT_TRUE(absl::IsNotFound(lists_.Read(2).status()));
  EXPECT_EQ(world_.Reopen(), "");
}

TEST_F(UploadListTest, AListGoesWithItsVersion) {
  ASSERT_TRUE(lists_.AddVersion({"a"}).ok());
  ASSERT_TRUE(lists_.AddVersion({"b"}).ok());
  CommitRecord drop = lists_.Next();
  drop.crowds.dropped = {{1, 1}};
  ASSERT_TRUE(world_.Commit(drop).ok());
  ASSERT_TRUE(world_.Fold().ok());
  EXPECT_TRUE(absl::IsNotFound(lists_.Read(1).status()));
  EXPECT_EQ(Read(2), Texts{"b"});
  // One that no commit followed.
  ASSERT_TRUE(world_.store().WriteCrowdVersion(1, {1, 3}, SetOf({}).get()).ok());
  ASSERT_TRUE(lists_.WriteList(3, {"c"}).ok());
  ASSERT_EQ(world_.Reopen(), "");
  world_.Close();
  EXPECT_EQ(ReadRaw(world_.directory())["crowds"].size(), 3u) << "header, list's header, ids";
  ASSERT_TRUE(world_.Open().ok());
  CommitRecord purge = lists_.Next();
  purge.crowds.purged = {1};
  ASSERT_TRUE(world_.Commit(purge).ok());
  ASSERT_TRUE(world_.Fold().ok());
  world_.Close();
  EXPECT_TRUE(ReadRaw(world_.directory())["crowds"].empty());
}

// A user of before the fold, one of since, ids that were linked since, and what is no id.
TEST_F(UploadListTest, TheErasedLeaveTheListsOfBefore) {
  ASSERT_TRUE(world_.Fold().ok());
  for (const bool folds : {false, true}) {
    SCOPED_TRACE(folds);
    CommitRecord create = lists_.Next();
    const uint32_t fresh = create.first_ordinal;
    create.new_users = {fmt::format("fresh{}", folds)};
    ASSERT_TRUE(world_.Commit(create).ok());
    const uint32_t old = folds ? 2 : 1;
    CommitRecord link = lists_.Next();
    const index::LinkedIds* linked = world_.snapshot().linked_ids(1);
    link.links = {{.id_type = 1,
                   .first_entry = linked == nullptr ? 0 : linked->entry_count(),
                   .owners = {old, fresh},
                   .ids = {fmt::format("13{}", old), fmt::format("14{}", old)}}};
    ASSERT_TRUE(world_.Commit(link).ok());
    const Texts ids{fmt::format("u{}", old),
                    fmt::format("13{}", old),
                    fmt::format("14{}", old),
                    fmt::format("fresh{}", folds),
                    "u3",
                    "nobody"};
    const std::vector<RefusedId> refused{
        {.position = 1, .fault = index::IdFault::kNotHex, .text = fmt::format(" u{} ", old)},
        {.position = 2, .fault = index::IdFault::kNotHex, .text = "u33"}};
    ASSERT_TRUE(lists_.AddVersion(ids, refused).ok());
    const uint32_t number = lists_.LastNumber();
    EraseUser(old);
    EraseUser(fresh);
    ASSERT_TRUE(lists_.AddVersion(ids).ok()) << "somebody has them from elsewhere";
    if (folds) {
      ASSERT_TRUE(world_.Fold().ok());
    } else {
      ASSERT_EQ(world_.Reopen(), "") << "the log tells it too";
      ASSERT_TRUE(
          world_.store().EraseFromUploads(1, world_.snapshot(), world_.loaded().folded.get()).ok());
    }
    EXPECT_EQ(Read(number), (Texts{"nobody", "u3"}));
    EXPECT_EQ(*lists_.ReadRefused(number), std::vector<RefusedId>{refused[1]});
    EXPECT_EQ(Read(number + 1), ids);
    const auto upload = world_.store().ReadUpload(1, {1, number});
    EXPECT_EQ(upload->unmatched(), 2u);
    EXPECT_EQ(upload->record.unknown, ids.size()) << "what was counted stays";
  }
  EXPECT_EQ(world_.Reopen(), "");
}

TEST_F(UploadListTest, DamagedListsAreNamed) {
  Texts ids;
  for (int i = 0; i < 20'000; ++i) ids.insert(fmt::format("id{}", i));
  ASSERT_TRUE(
      lists_.AddVersion(ids, {{.position = 1, .fault = index::IdFault::kEmpty, .text = ""}}).ok());
  ASSERT_TRUE(world_.Fold().ok());
  world_.Close();
  const RawEntries entries = ReadRaw(world_.directory());
  const auto key = [](uint32_t shard) {
    return CrowdBlockKey{.population = 1, .crowd = 1, .number = 1, .shard = shard}.Encode();
  };
  const auto found = [&](auto spoil) {
    RawEntries damaged = entries;
    spoil(damaged["crowds"]);
    WriteRaw(world_.directory(), damaged);
    index::Parallel parallel(1);
    const auto report = Verify({.directory = world_.directory()}, parallel);
    std::string where = report.ok() && !report->findings.empty() ? report->findings[0].where : "";
    return where;
  };
  using Values = std::map<std::string, std::string>;
  EXPECT_EQ(found([](Values&) {}), "");
  const std::string place = "crowds: population 1, crowd 1, version 1, ";
  EXPECT_EQ(found([&](Values& v) { v.erase(key(kUploadHeaderShard)); }), place + "upload header");
  EXPECT_EQ(found([&](Values& v) { v.erase(key(kUploadIdsShard + 1)); }), place + "upload ids 1");
  EXPECT_EQ(found([&](Values& v) { v[key(kUploadIdsShard)].back() ^= 1; }), place + "upload ids 0");
  EXPECT_EQ(found([&](Values& v) { v[key(kUploadIdsShard + 1)] = v[key(kUploadIdsShard)]; }),
            place + "upload ids 1");
  EXPECT_EQ(found([&](Values& v) { v.erase(key(kUploadRefusedShard)); }),
            place + "upload refused 0");
  // A start goes on: no count rests on a list. Who reads it is told.
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_TRUE(absl::IsDataLoss(lists_.ReadRefused(1).status()));
  EXPECT_EQ(Read(1), ids);
}

TEST(UploadCodecTest, EveryEncodingIsCanonical) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(300); ++round) {
    StoredUpload upload{.record = {.mode = static_cast<UploadMode>(1 + random() % 4),
                                   .keeps_unknown = random() % 2 == 0,
                                   .id_type = "t",
                                   .received = random() % 1'000,
                                   .start_us = static_cast<int64_t>(random() >> 8)}};
    for (uint64_t i = 0; i < random() % 4; ++i) {
      upload.parts.push_back({.first_hash = i << 62, .count = 9, .unmatched = 3, .kept = 9});
      upload.refused_parts.push_back(static_cast<uint32_t>(random() % 1'000));
    }
    std::vector<std::string> texts;
    for (uint64_t i = 0; i < random() % 5; ++i) texts.push_back(std::to_string(random() % 100));
    std::vector<ListedId> ids;
    for (const std::string& text : texts) {
      ids.push_back({.hash = index::IdHash(text), .is_kept = true, .text = text});
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end(),
                          [](const ListedId& a, const ListedId& b) { return a.text == b.text; }),
              ids.end());
    const std::vector<RefusedId> refused{
        {.position = random() % 9, .fault = index::IdFault::kTooLong, .text = "x"}};
    const auto damage = [&](std::string bytes) {
      if (round % 2 == 0) bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
      return bytes;
    };
    const std::string header = damage(EncodeUploadHeader(upload));
    if (const auto back = DecodeUploadHeader(header); back.ok()) {
      EXPECT_EQ(EncodeUploadHeader(*back), header);
      EXPECT_TRUE(round % 2 == 0 || back->record == upload.record);
    } else {
      EXPECT_EQ(round % 2, 0);
    }
    const std::string listed = damage(EncodeListedIds(ids));
    if (const auto back = DecodeListedIds(listed); back.ok()) {
      EXPECT_EQ(EncodeListedIds(back->ids), listed);
    } else {
      EXPECT_EQ(round % 2, 0);
    }
    const std::string said = damage(EncodeRefusedIds(refused));
    if (const auto back = DecodeRefusedIds(said); back.ok()) {
      EXPECT_EQ(EncodeRefusedIds(*back), said);
    } else {
      EXPECT_EQ(round % 2, 0);
    }
  }
}

const Texts& FirstIds() {
  static const Texts ids{"u0", "u1", "waits"};
  return ids;
}

// Two uploads with an erasure and a fold between. Stops at the first error.
absl::Status RunScenario(StoreWorld& world) {
  Lists lists(world);
  absl::Status status = world.Open();
  CommitRecord users = lists.Next();
  users.new_users = {"u0", "u1"};
  if (status.ok()) status = world.Commit(users);
  if (status.ok()) status = lists.CreateCrowd();
  if (status.ok()) status = lists.AddVersion(FirstIds());
  if (status.ok()) status = world.Fold();
  CommitRecord erase = lists.Next();
  erase.erased_users = {1};
  erase.ledger_end = 1;
  if (status.ok()) status = world.Commit(erase);
  if (status.ok()) status = lists.AddVersion({"waits", "u9"});
  if (status.ok()) status = world.Fold();
  return status;
}

struct FaultyLists {
  std::shared_ptr<FaultFileSystem> files = std::make_shared<FaultFileSystem>();
  FileSystemHook hook{.file_system = files};
  StoreWorld world{
      {.write_buffer_bytes = 1 << 16, .high_water_interval_ms = 0, .file_system = &hook}};
};

class UploadFailEveryChangeTest : public ::testing::TestWithParam<bool> {};

// From the n-th change on nothing reaches the disk; then the process dies, or the power fails.
TEST_P(UploadFailEveryChangeTest, AListIsWholeOrNotThere) {
  uint64_t changes = 0;
  {
    FaultyLists faulty;
    faulty.files->Heal();
    ASSERT_TRUE(RunScenario(faulty.world).ok());
    faulty.world.Close();
    changes = faulty.files->changes();
  }
  ASSERT_GT(changes, 30u);
  for (uint64_t n = 1; n <= changes; n += 3) {  // each takes a start of a store
    SCOPED_TRACE(fmt::format("change {}", n));
    FaultyLists faulty;
    StoreWorld& world = faulty.world;
    faulty.files->FailFrom(n, FaultFileSystem::kForever,
                           n % 2 == 0 ? IOStatus::NoSpace() : IOStatus::IOError("broken"));
    RunScenario(world).IgnoreError();
    if (GetParam()) faulty.files->CutPower();
    world.Close();
    if (GetParam()) faulty.files->RestorePower();
    faulty.files->Heal();
    const absl::Status opened = world.Open();
    ASSERT_TRUE(opened.ok()) << opened;
    Lists lists(world);
    const bool is_there = world.snapshot().crowds().FindById(1) != nullptr;
    const uint32_t last = is_there ? lists.LastNumber() : 0;
    const bool is_erased = world.snapshot().data_version() >= 4;
    // A fold takes whoever is erased out, also where one was cut short.
    ASSERT_TRUE(world.Fold().ok());
    for (uint32_t number = 1; number <= last; ++number) {
      const auto ids = lists.Read(number);
      ASSERT_TRUE(ids.ok()) << ids.status();
      const Texts expected = number == 2 ? Texts{"waits", "u9"}
                             : is_erased ? Texts{"u0", "waits"}
                                         : FirstIds();
      EXPECT_EQ(*ids, expected) << number;
    }
    EXPECT_TRUE(absl::IsNotFound(lists.Read(last + 1).status()));
  }
}

INSTANTIATE_TEST_SUITE_P(KillOrPower, UploadFailEveryChangeTest, ::testing::Bool());

// The disk fails once while a list is written, and is mended: the commit is refused.
TEST(UploadFaultTest, AListThatLostAPartBecomesNoVersion) {
  FaultyLists faulty;
  StoreWorld& world = faulty.world;
  Lists lists(world);
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(lists.CreateCrowd().ok());
  ASSERT_TRUE(world.store().WriteCrowdVersion(1, {1, 1}, SetOf({}).get()).ok());
  ASSERT_TRUE(world.store().BeginUpload(1, {1, 1}).ok());
  const ListedId id{.hash = index::IdHash("a"), .is_kept = true, .text = "a"};
  ASSERT_TRUE(world.store().WriteUploadIds(1, {1, 1}, 0, {&id, 1}).ok());
  faulty.files->FailFrom(1, 1, IOStatus::IOError("broken"));
  EXPECT_FALSE(world.store().WriteUploadIds(1, {1, 1}, 1, {&id, 1}).ok());
  ASSERT_TRUE(world.store().Resume().ok());
  const std::vector<UploadPart> parts{PartOf(id.hash, {&id, 1})};
  EXPECT_TRUE(absl::IsAborted(world.store().EndUpload(1, {1, 1}, {}, parts, {})));
  EXPECT_TRUE(absl::IsAborted(world.store().Append(1, lists.NextVersion(1))));
  ASSERT_TRUE(lists.AddVersion({"a"}).ok()) << "from its beginning it is";
  EXPECT_EQ(*lists.Read(1), Texts{"a"});
}

}  // namespace
}  // namespace throng::storage
