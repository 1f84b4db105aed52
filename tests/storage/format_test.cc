// The data directories that format version 1 wrote, kept as text, must open for good: v1.txt from
// before there were id types and erasures, v1_identity.txt with them, v1_crowds.txt with crowds,
// v1_uploads.txt with lists of uploads.
//
// THRONG_WRITE_FIXTURES=1 storage_test --gtest_filter=FormatTest.* writes it anew: only for a
// change of version 1 before it is released.
#include "fmt/format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "index/id_hash.h"
#include "storage/upload_writer.h"
#include "tests/storage/raw_database.h"
#include "tests/storage/store_world.h"

namespace throng::storage {
namespace {

using index::CommitRecord;
using index::TagType;

const char* const kFixture = THRONG_STORAGE_FIXTURES "/v1.txt";
const char* const kCrowdFixture = THRONG_STORAGE_FIXTURES "/v1_crowds.txt";
const char* const kUploadFixture = THRONG_STORAGE_FIXTURES "/v1_uploads.txt";
const char* const kIdentityFixture = THRONG_STORAGE_FIXTURES "/v1_identity.txt";

std::string Hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<uint8_t>(c));
  return text.empty() ? "-" : text;
}

std::string Unhex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::string HighWaterOf(const std::string& directory) {
  std::ifstream in(directory + "/HIGH_WATER", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void DumpDirectory(const std::string& directory, const char* fixture) {
  std::ofstream out(fixture);
  out << "# A data directory of format version 1: family, key, value in hexadecimal.\n";
  for (const auto& [family, values] : ReadRaw(directory)) {
    for (const auto& [key, value] : values) {
      out << family << " " << Hex(key) << " " << Hex(value) << "\n";
    }
  }
  out << "HIGH_WATER - " << Hex(HighWaterOf(directory)) << "\n";
}

// Six users; a tag of every type; a fold; a REPLACE and commits behind it.
CommitRecord FirstCommit() {
  CommitRecord record{.version = 1, .time_us = 1'700'000'000'000'000};
  record.definitions = {{.id = 1, .name = "graduate", .type = TagType::kFlag},
                        {.id = 2, .name = "city", .type = TagType::kCategory},
                        {.id = 3, .name = "interests", .type = TagType::kLabels},
                        {.id = 4, .name = "views", .type = TagType::kInteger},
                        {.id = 5, .name = "price", .type = TagType::kDecimal, .scale = 2},
                        {.id = 6, .name = "registered", .type = TagType::kDate},
                        {.id = 7, .name = "seen", .type = TagType::kDateTime}};
  record.new_values = {{.tag = 2, .values = {"Beijing", "Tianjin"}},
                       {.tag = 3, .values = {"metro", "garden", "lift"}}};
  record.new_users = {"100", "101", "102", "u-3", "u-4"};
  record.tag_changes = {{.tag = 1, .ordinals = {0, 2, 4}, .cells = {1, 1, 1}},
                        {.tag = 2, .ordinals = {0, 1, 2, 3}, .cells = {0, 0, 1, 0}},
                        {.tag = 3,
                         .ordinals = {0, 1, 4},
                         .label_ends = {2, 3, 4},
                         .label_changes = {1, 3, 1, 5},
                         .replaced = {true, true, true}},
                        {.tag = 4, .ordinals = {0, 1, 3}, .cells = {5, -7, 1'000'000}},
                        {.tag = 5, .ordinals = {1}, .cells = {12'345}},
                        {.tag = 6, .ordinals = {0, 4}, .cells = {19'000, -1}},
                        {.tag = 7, .ordinals = {2}, .cells = {1'700'000'000'000'001}}};
  return record;
}

CommitRecord SecondCommit() {
  CommitRecord record{.version = 2, .time_us = 1'700'000'000'000'002, .first_ordinal = 5};
  record.new_users = {"u-5"};
  record.new_values = {{.tag = 2, .first_code = 2, .values = {"Zürich"}}};
  record.tag_changes = {{.tag = 2, .ordinals = {1, 5}, .cells = {0, 2}, .cleared = {true, false}},
                        {.tag = 4, .ordinals = {0}, .cells = {6}}};
  record.requests = {
      {.scope = "tester\nload", .request_id = "r1", .payload_hash = 7, .response = "ok"}};
  return record;
}

void WriteFixture() {
  StoreWorld world({.now_us = [] { return int64_t{1'700'000'000'000'010}; }});
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.Commit(FirstCommit()).ok());
  ASSERT_TRUE(world.Fold().ok());
  ASSERT_TRUE(world.Commit(SecondCommit()).ok());
  index::TagDefinition graduate = world.snapshot().catalogue().FindById(1)->definition;
  graduate.generation = 2;
  auto shard = std::make_shared<index::TagShard>();
  const auto staged = index::ApplyToContent(nullptr, TagType::kFlag,
                                            {.tag = 1, .ordinals = {1, 5}, .cells = {1, 1}}, 1);
  *shard = *staged->shards[0];
  shard->version = 0;
  ASSERT_TRUE(world.store().WriteGeneration(1, graduate, {.shards = {shard}}).ok());
  ASSERT_TRUE(
      world.store().Append(1, {.version = 3, .time_us = 4, .definitions = {graduate}}).ok());
  world.Close();
  DumpDirectory(world.directory(), kFixture);
}

// Ids of a declared type; erasures that were folded in, and others behind that.
void WriteIdentityFixture() {
  StoreWorld world({.now_us = [] { return int64_t{1'700'000'000'000'010}; }});
  ASSERT_TRUE(world.Open().ok());
  CommitRecord first = FirstCommit();
  first.id_types = {
      {.id = 1,
       .name = "phone",
       .display_name = "Phone",
       .normalizers = {index::IdNormalizer::kTrim, index::IdNormalizer::kPhoneDigits}},
      {.id = 2, .name = "device"}};
  first.links = {
      {.id_type = 1, .owners = {0, 2, 0}, .ids = {"8613800000000", "8613800000002", "138"}},
      {.id_type = 2, .owners = {4}, .ids = {"d-4"}}};
  ASSERT_TRUE(world.Commit(first).ok());
  CommitRecord erasing{.version = 2, .time_us = 5, .first_ordinal = 5, .erased_users = {1, 2}};
  erasing.tag_changes = {{.tag = 2, .ordinals = {1, 2}, .cells = {0, 0}, .cleared = {true, true}}};
  erasing.dropped_values = {{.tag = 2, .codes = {1}}};
  erasing.ledger_end = 2;
  ASSERT_TRUE(world.Commit(erasing).ok());
  ASSERT_TRUE(world.Fold().ok());
  CommitRecord linking{.version = 3, .time_us = 6, .first_ordinal = 5, .new_users = {"101"}};
  linking.links = {{.id_type = 2, .first_entry = 1, .owners = {5, 3}, .ids = {"d-5", "d-3"}}};
  linking.new_values = {{.tag = 2, .first_code = 2, .values = {"Tianjin"}}};
  ASSERT_TRUE(world.Commit(linking).ok());
  CommitRecord last{.version = 4, .time_us = 7, .first_ordinal = 6, .erased_users = {4}};
  last.ledger_end = 3;
  ASSERT_TRUE(world.Commit(last).ok());
  world.Close();
  DumpDirectory(world.directory(), kIdentityFixture);
}

index::OrdinalSetRef SetOf(const std::vector<uint32_t>& ordinals) {
  return index::OrdinalSet::FromOrdinals(ordinals);
}

index::NewCrowdVersion VersionOf(uint32_t crowd, uint32_t number, const index::OrdinalSetRef& set) {
  return {.crowd = crowd,
          .version = {.number = number,
                      .revision = 1,
                      .computed_count = set->cardinality(),
                      .data_version = number,
                      .reference_us = 1'700'000'000'000'000,
                      .create_us = 1'700'000'000'000'001,
                      .previous = number - 1,
                      .added = 1,
                      .removed = 2,
                      .duration_us = 345,
                      .bytes = 99,
                      .pinned = number == 1,
                      .tags = {2},
                      .reads = {{1, 1}}},
          .set = set};
}

// Two crowds, a version of each folded in, another one, an erasure and a deletion behind that.
void WriteCrowdFixture() {
  StoreWorld world({.now_us = [] { return int64_t{1'700'000'000'000'010}; }});
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.Commit(FirstCommit()).ok());
  CommitRecord first{.version = 2, .time_us = 5, .first_ordinal = 5};
  first.crowds.definitions = {{.id = 1,
                               .name = "Frühling",
                               .kind = index::CrowdKind::kUpload,
                               .labels = {{"team", "crm"}},
                               .details = "opaque"},
                              {.id = 2,
                               .name = "rule",
                               .folder = "a/b",
                               .rule = "city = 'Beijing' and crowd('#1')",
                               .time_zone = "Asia/Shanghai",
                               .reference_us = -1,
                               .references = {1},
                               .tags = {2},
                               .online = true}};
  first.crowds.versions = {VersionOf(1, 1, SetOf({0, 1, 4})), VersionOf(2, 1, SetOf({0, 1}))};
  for (const index::NewCrowdVersion& added : first.crowds.versions) {
    const index::CrowdVersionId id{added.crowd, added.version.number};
    ASSERT_TRUE(world.store().WriteCrowdVersion(1, id, added.set.get()).ok());
  }
  ASSERT_TRUE(world.Commit(first).ok());
  ASSERT_TRUE(world.Fold().ok());
  CommitRecord second{.version = 3, .time_us = 6, .first_ordinal = 5};
  second.crowds.versions = {VersionOf(1, 2, SetOf({1, 3}))};
  ASSERT_TRUE(world.store().WriteCrowdVersion(1, {1, 2}, second.crowds.versions[0].set.get()).ok());
  second.crowds.definitions = {*world.snapshot().crowds().FindById(2)->definition};
  second.crowds.definitions[0].revision = 2;
  second.crowds.definitions[0].delete_us = 6;
  second.crowds.definitions[0].expire_us = 7;
  second.crowds.unpinned = {{1, 1}};
  ASSERT_TRUE(world.Commit(second).ok());
  CommitRecord erasing{.version = 4, .time_us = 7, .first_ordinal = 5, .erased_users = {1}};
  erasing.ledger_end = 1;
  ASSERT_TRUE(world.Commit(erasing).ok());
  world.Close();
  DumpDirectory(world.directory(), kCrowdFixture);
}

// A version with the list of an upload, folded in, and one behind that; a user of it was erased.
void WriteUploadFixture() {
  StoreWorld world({.now_us = [] { return int64_t{1'700'000'000'000'010}; }});
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.Commit(FirstCommit()).ok());
  for (uint32_t number = 1; number <= 2; ++number) {
    CommitRecord record{.version = 1 + number, .time_us = 5, .first_ordinal = 5};
    if (number == 1) {
      record.crowds.definitions = {{.id = 1, .name = "u", .kind = index::CrowdKind::kUpload}};
    }
    record.crowds.versions = {VersionOf(1, number, SetOf({0, 1}))};
    record.crowds.versions[0].version.reads.clear();
    const index::CrowdVersionId id{1, number};
    ASSERT_TRUE(world.store().WriteCrowdVersion(1, id, SetOf({0, 1}).get()).ok());
    UploadWriter writer(world.store(), 1, id);
    ASSERT_TRUE(writer.Begin().ok());
    std::vector<ListedId> ids;
    for (const char* text : {"138", "139", "u-4"}) {
      ids.push_back({.hash = index::IdHash(text),
                     .id_type = number - 1,
                     .is_unmatched = true,
                     .is_kept = number == 2,
                     .text = text});
    }
    std::sort(ids.begin(), ids.end());
    for (const ListedId& listed : ids) ASSERT_TRUE(writer.Put(listed).ok());
    const std::vector<RefusedId> refused{
        {.position = 4, .fault = index::IdFault::kNotHex, .text = "x"}};
    const UploadRecord upload{.mode = UploadMode::kAdd,
                              .keeps_unknown = number == 2,
                              .id_type = "phone",
                              .received = 9,
                              .matched = 2,
                              .duplicate = 3,
                              .unknown = 3,
                              .invalid = 1,
                              .start_us = 1'700'000'000'000'003};
    ASSERT_TRUE(writer.End(upload, refused).ok());
    ASSERT_TRUE(world.Commit(record).ok());
    if (number == 1) {
      ASSERT_TRUE(world.Fold().ok());
    }
  }
  CommitRecord erasing{.version = 4, .time_us = 7, .first_ordinal = 5, .erased_users = {4}};
  erasing.ledger_end = 1;
  ASSERT_TRUE(world.Commit(erasing).ok());
  world.Close();
  DumpDirectory(world.directory(), kUploadFixture);
}

void ReadFixture(const char* fixture, const std::string& directory) {
  std::ifstream in(fixture);
  ASSERT_TRUE(in) << fixture;
  RawEntries entries;
  std::string high_water;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string family, key, value;
    words >> family >> key >> value;
    if (family == "HIGH_WATER") {
      high_water = Unhex(value);
    } else {
      entries[family][Unhex(key)] = Unhex(value);
    }
  }
  WriteRaw(directory, entries);
  std::ofstream(directory + "/HIGH_WATER", std::ios::binary) << high_water;
}

// Opens a directory made of the fixture, as it was written and once more when it was folded;
// `check` looks at both.
void OpenTwice(const char* fixture,
               const std::function<void(Store&, const LoadedPopulation&, bool is_folded)>& check) {
  TemporaryFolder folder;
  const StoreOptions options{.directory = folder.path("data"),
                             .now_us = [] { return int64_t{1'700'000'000'000'010}; }};
  std::filesystem::create_directories(options.directory);
  ReadFixture(fixture, options.directory);
  for (const bool is_folded : {false, true}) {
    auto store = Store::Open(options);
    ASSERT_TRUE(store.ok()) << store.status();
    index::Parallel parallel(1);
    const absl::StatusOr<LoadedPopulation> loaded = (*store)->Load(1, parallel, nullptr);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    check(**store, *loaded, is_folded);
    ASSERT_TRUE((*store)->Fold(1, *loaded->snapshot, loaded->folded.get()).ok());
  }
}

TEST(FormatTest, Version1Opens) {
  if (std::getenv("THRONG_WRITE_FIXTURES") != nullptr) WriteFixture();
  OpenTwice(kFixture, [](Store& store, const LoadedPopulation& loaded, bool is_folded) {
    ASSERT_EQ(store.populations().size(), 1u);
    EXPECT_EQ(store.populations()[0].name, "default");
    EXPECT_EQ(loaded.replayed_records, is_folded ? 0u : 2u);
    const index::Snapshot& snapshot = *loaded.snapshot;
    EXPECT_EQ(snapshot.data_version(), 3u);
    EXPECT_EQ(snapshot.user_count(), 6u);
    EXPECT_EQ(snapshot.ids().text(1), "101");
    EXPECT_EQ(snapshot.ids().text(5), "u-5");
    EXPECT_EQ(snapshot.content(1)->ValueCardinality(0), 2u);  // replaced
    EXPECT_TRUE(index::Contains(snapshot.shard(1, 0)->values[0], 5));
    const index::TagEntry* city = snapshot.catalogue().Find("city");
    ASSERT_EQ(city->values->size(), 3u);
    EXPECT_EQ(city->values->value(2), "Zürich");
    EXPECT_EQ(snapshot.content(2)->ValueCardinality(0), 2u);
    EXPECT_EQ(snapshot.content(2)->ValueCardinality(2), 1u);
    EXPECT_EQ(snapshot.content(2)->ExistsCardinality(), 4u);
    EXPECT_EQ(snapshot.content(3)->ValueCardinality(0), 2u);
    EXPECT_EQ(snapshot.content(3)->ExistsCardinality(), 3u);
    EXPECT_EQ(snapshot.shard(4, 0)->column->Get(0), 6);
    EXPECT_EQ(snapshot.shard(4, 0)->column->Get(1), -7);
    EXPECT_EQ(snapshot.shard(5, 0)->column->Get(1), 12'345);
    EXPECT_EQ(snapshot.catalogue().Find("price")->definition.scale, 2);
    EXPECT_EQ(snapshot.shard(6, 0)->column->Get(4), -1);
    EXPECT_EQ(snapshot.shard(7, 0)->column->Get(2), 1'700'000'000'000'001);
    const auto request = store.FindRequest(1, "tester\nload", "r1");
    ASSERT_TRUE(request.ok()) << request.status();
    EXPECT_EQ(request->response, "ok");
  });
}

TEST(FormatTest, Version1WithIdsAndErasuresOpens) {
  if (std::getenv("THRONG_WRITE_FIXTURES") != nullptr) WriteIdentityFixture();
  OpenTwice(kIdentityFixture, [](Store&, const LoadedPopulation& loaded, bool is_folded) {
    EXPECT_EQ(loaded.replayed_records, is_folded ? 0u : 2u);
    const index::Snapshot& snapshot = *loaded.snapshot;
    EXPECT_EQ(snapshot.data_version(), 4u);
    EXPECT_EQ(snapshot.user_count(), 3u);
    EXPECT_EQ(snapshot.identity().ledger_end, 3u);
    EXPECT_FALSE(snapshot.ids().Find(index::MakeIdKey("102")).has_value());
    EXPECT_EQ(snapshot.ids().Find(index::MakeIdKey("101")), 5u);  // created again
    ASSERT_EQ(snapshot.catalogue().id_types().size(), 2u);
    const index::IdTypeDefinition& phone = snapshot.catalogue().id_types()[0];
    EXPECT_EQ(phone.name, "phone");
    EXPECT_EQ(phone.display_name, "Phone");
    EXPECT_EQ(phone.normalizers.back(), index::IdNormalizer::kPhoneDigits);
    const index::LinkedIds& phones = *snapshot.linked_ids(1);
    EXPECT_EQ(phones.IdsOf(0), (std::vector<std::string>{"8613800000000", "138"}));
    EXPECT_FALSE(phones.Find(index::MakeIdKey("8613800000002")).has_value());
    const index::LinkedIds& devices = *snapshot.linked_ids(2);
    EXPECT_EQ(devices.Find(index::MakeIdKey("d-5")), 5u);
    EXPECT_EQ(devices.Find(index::MakeIdKey("d-3")), 3u);
    EXPECT_FALSE(devices.Find(index::MakeIdKey("d-4")).has_value());
    const index::ValueDictionary& cities = *snapshot.catalogue().Find("city")->values;
    EXPECT_EQ(cities.dropped(), 1u);
    EXPECT_EQ(cities.Find("Tianjin"), 2u);
  });
}

TEST(FormatTest, Version1WithCrowdsOpens) {
  if (std::getenv("THRONG_WRITE_FIXTURES") != nullptr) WriteCrowdFixture();
  OpenTwice(kCrowdFixture, [](Store& store, const LoadedPopulation& loaded, bool is_folded) {
    EXPECT_EQ(loaded.replayed_records, is_folded ? 0u : 2u);
    const index::CrowdCatalogue& crowds = loaded.snapshot->crowds();
    EXPECT_EQ(crowds.next_id(), 3u);
    const index::CrowdEntry* upload = crowds.Find("Frühling");
    ASSERT_NE(upload, nullptr);
    EXPECT_EQ(upload->definition->kind, index::CrowdKind::kUpload);
    EXPECT_EQ(upload->definition->details, "opaque");
    EXPECT_EQ(upload->definition->labels.at("team"), "crm");
    ASSERT_EQ(upload->versions->size(), 2u);
    EXPECT_EQ((*upload->versions)[1], VersionOf(1, 2, SetOf({1, 3})).version);
    EXPECT_FALSE((*upload->versions)[0].pinned);
    EXPECT_EQ(upload->last_set->cardinality(), 1u) << "one of the two was erased";
    EXPECT_TRUE(upload->last_set->Contains(3));
    const auto older = store.ReadCrowdVersion(1, {1, 1}, 3);
    ASSERT_TRUE(older.ok()) << older.status();
    EXPECT_EQ((*older)->cardinality(), is_folded ? 2u : 3u) << "a fold erases on disk";
    const index::CrowdDefinition& rule = *crowds.FindById(2)->definition;
    EXPECT_EQ(rule.rule, "city = 'Beijing' and crowd('#1')");
    EXPECT_EQ(rule.reference_us, -1);
    EXPECT_EQ(rule.references, (std::vector<uint32_t>{1}));
    EXPECT_TRUE(rule.online);
    EXPECT_EQ(rule.expire_us, 7);
    EXPECT_EQ(crowds.FindById(2)->versions->back().reads[0], (index::CrowdVersionId{1, 1}));
  });
}

TEST(FormatTest, Version1WithUploadsOpens) {
  if (std::getenv("THRONG_WRITE_FIXTURES") != nullptr) WriteUploadFixture();
  OpenTwice(kUploadFixture, [](Store& store, const LoadedPopulation&, bool is_folded) {
    for (uint32_t number = 1; number <= 2; ++number) {
      const auto upload = store.ReadUpload(1, {1, number});
      ASSERT_TRUE(upload.ok()) << upload.status();
      EXPECT_EQ(upload->record.mode, UploadMode::kAdd);
      EXPECT_EQ(upload->record.id_type, "phone");
      EXPECT_EQ(upload->record.duplicate, 3u);
      EXPECT_EQ(upload->record.start_us, 1'700'000'000'000'003);
      // "u-4" was the id of the user who was erased.
      EXPECT_EQ(upload->unmatched(), is_folded ? 2u : 3u);
      EXPECT_EQ(upload->kept(), number == 1 ? 0u : is_folded ? 2u : 3u);
      const auto ids = store.ReadUploadIds(1, {1, number}, 0);
      ASSERT_TRUE(ids.ok()) << ids.status();
      EXPECT_EQ(ids->ids[0].id_type, number - 1);
      const auto refused = store.ReadUploadRefused(1, {1, number}, 0);
      ASSERT_TRUE(refused.ok()) << refused.status();
      EXPECT_EQ((*refused)[0].position, 4u);
      EXPECT_EQ((*refused)[0].text, "x");
    }
  });
}

}  // namespace
}  // namespace throng::storage
