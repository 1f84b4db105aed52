#include "storage/record_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "index/parallel.h"
#include "storage/record_check.h"
#include "tests/storage/random_commits.h"
#include "tests/storage/snapshot_difference.h"
#include "tests/testing/seed.h"

namespace throng::storage {
namespace {

using index::CommitRecord;
using index::TagType;

CommitRecord SmallRecord() {
  CommitRecord record{.version = 3, .time_us = -5, .first_ordinal = 7};
  record.definitions = {{.id = 1, .name = "city", .type = TagType::kCategory, .generation = 2}};
  record.new_values = {{.tag = 1, .first_code = 0, .values = {"Beijing", " ", "Zürich"}}};
  record.new_users = {"u1", "17", "x"};
  record.tag_changes = {
      {.tag = 1, .ordinals = {1, 2, 8}, .cells = {0, 2, 1}, .cleared = {false, true, false}},
      {.tag = 2,
       .ordinals = {0, 9},
       .label_ends = {1, 3},
       .label_changes = {1, 2, 5},
       .replaced = {true, false}},
      {.tag = 3}};
  record.requests = {{.scope = "a", .request_id = "b", .payload_hash = 9, .response = "c"}};
  return record;
}

CommitRecord LinkingRecord() {
  CommitRecord record{.version = 4, .time_us = 1, .first_ordinal = 9, .new_users = {"z"}};
  record.id_types = {{.id = 2, .name = "email", .normalizers = {index::IdNormalizer::kTrim}}};
  record.links = {{.id_type = 1, .first_entry = 5, .owners = {9, 1, 9}, .ids = {"1", "22", "3"}},
                  {.id_type = 2, .owners = {0}, .ids = {"a@b"}}};
  return record;
}

CommitRecord ErasingRecord() {
  CommitRecord record{.version = 5, .time_us = 1, .first_ordinal = 10, .erased_users = {0, 9}};
  record.dropped_values = {{.tag = 1, .codes = {0, 2}}};
  record.ledger_end = 77;
  return record;
}

TEST(RecordCodecTest, RoundTripsLinksAndErasures) {
  const absl::StatusOr<LoggedRecord> linking = DecodeRecord(EncodeRecord(LinkingRecord(), {}));
  ASSERT_TRUE(linking.ok()) << linking.status();
  EXPECT_EQ(linking->record.id_types, LinkingRecord().id_types);
  ASSERT_EQ(linking->record.links.size(), 2u);
  EXPECT_EQ(linking->record.links[0].first_entry, 5u);
  EXPECT_EQ(linking->record.links[0].owners, (std::vector<uint32_t>{9, 1, 9}));
  EXPECT_EQ(linking->record.links[0].ids, (std::vector<std::string>{"1", "22", "3"}));
  EXPECT_EQ(linking->record.links[1].id_type, 2u);
  const absl::StatusOr<LoggedRecord> erasing = DecodeRecord(EncodeRecord(ErasingRecord(), {}));
  ASSERT_TRUE(erasing.ok()) << erasing.status();
  EXPECT_EQ(erasing->record.erased_users, (std::vector<uint32_t>{0, 9}));
  EXPECT_EQ(erasing->record.dropped_values[0].codes, (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(erasing->record.ledger_end, 77u);
  EXPECT_EQ(RecordFormat(SmallRecord()), 1) << "older programs still read what is not new";
  EXPECT_EQ(RecordFormat(LinkingRecord()), 2);
  EXPECT_EQ(RecordFormat(ErasingRecord()), 2);
}

TEST(RecordCodecTest, RefusesLinksAndErasuresThatCannotBe) {
  const auto expect_refused = [](const CommitRecord& good, auto change) {
    CommitRecord bad = good;
    ASSERT_TRUE(CheckShape(bad).ok()) << CheckShape(bad);
    change(&bad);
    EXPECT_TRUE(absl::IsInvalidArgument(CheckShape(bad)));
  };
  expect_refused(LinkingRecord(), [](CommitRecord* r) { r->links[0].owners.pop_back(); });
  expect_refused(LinkingRecord(), [](CommitRecord* r) { r->links[0].ids[0] = ""; });
  expect_refused(LinkingRecord(),
                 [](CommitRecord* r) { r->links[0].ids[0] = std::string(129, 'x'); });
  expect_refused(LinkingRecord(), [](CommitRecord* r) { r->links[1].id_type = 1; });
  expect_refused(LinkingRecord(), [](CommitRecord* r) { r->links[1].id_type = 65; });
  expect_refused(LinkingRecord(), [](CommitRecord* r) { r->id_types[0].name = ""; });
  expect_refused(LinkingRecord(), [](CommitRecord* r) { r->erased_users = {1}; });
  expect_refused(ErasingRecord(), [](CommitRecord* r) { r->erased_users = {9, 9}; });
  expect_refused(ErasingRecord(), [](CommitRecord* r) {
    r->tag_changes = {{.tag = index::kUniverseTag, .ordinals = {1}, .cells = {1}}};
  });
  expect_refused(ErasingRecord(), [](CommitRecord* r) { r->dropped_values[0].codes = {2, 0}; });
}

TEST(RecordCodecTest, RefusesLinksAndErasuresThatDoNotFit) {
  index::Parallel parallel(1);
  CommitRecord first{.version = 1, .new_users = {"a", "b"}};
  first.definitions = {{.id = 1, .name = "city", .type = TagType::kCategory}};
  first.new_values = {{.tag = 1, .values = {"x"}}};
  first.id_types = {{.id = 1, .name = "phone"}};
  first.links = {{.id_type = 1, .owners = {1}, .ids = {"138"}}};
  ASSERT_TRUE(CheckFits(index::Snapshot(), first).ok());
  const index::SnapshotRef base = index::Apply(index::Snapshot(), first, parallel);
  const CommitRecord next{.version = 2, .first_ordinal = 2};
  const auto expect = [&](bool fits, auto change) {
    CommitRecord record = next;
    change(&record);
    EXPECT_EQ(CheckFits(*base, record).ok(), fits) << CheckFits(*base, record);
  };
  const auto link = [](uint32_t type, uint32_t first, uint32_t owner, const char* id) {
    return index::IdLinks{.id_type = type, .first_entry = first, .owners = {owner}, .ids = {id}};
  };
  expect(true, [&](CommitRecord* r) { r->links = {link(1, 1, 0, "139")}; });
  expect(false, [&](CommitRecord* r) { r->links = {link(1, 1, 0, "138")}; });
  expect(false, [&](CommitRecord* r) { r->links = {link(1, 0, 0, "139")}; });
  expect(false, [&](CommitRecord* r) { r->links = {link(1, 1, 2, "139")}; });
  expect(false, [&](CommitRecord* r) { r->links = {link(2, 0, 0, "139")}; });
  expect(true, [&](CommitRecord* r) { r->id_types = {{.id = 2, .name = "email"}}; });
  expect(false, [&](CommitRecord* r) { r->id_types = {{.id = 3, .name = "email"}}; });
  expect(false, [&](CommitRecord* r) { r->id_types = {{.id = 2, .name = "phone"}}; });
  expect(true, [&](CommitRecord* r) { r->erased_users = {1}; });
  expect(false, [&](CommitRecord* r) { r->erased_users = {2}; });
  expect(true, [&](CommitRecord* r) { r->dropped_values = {{.tag = 1, .codes = {0}}}; });
  expect(false, [&](CommitRecord* r) { r->dropped_values = {{.tag = 1, .codes = {1}}}; });
  expect(false, [&](CommitRecord* r) { r->dropped_values = {{.tag = 2, .codes = {0}}}; });
}

TEST(RecordCodecTest, RoundTrips) {
  const LoggedRecord logged{.record = SmallRecord(), .flips = {{.tag = 1, .stamps = {0, 1, 5}}}};
  const absl::StatusOr<LoggedRecord> back = DecodeRecord(EncodeRecord(logged));
  ASSERT_TRUE(back.ok()) << back.status();
  const CommitRecord& record = back->record;
  EXPECT_EQ(record.version, 3u);
  EXPECT_EQ(record.time_us, -5);
  EXPECT_EQ(record.definitions, logged.record.definitions);
  EXPECT_EQ(record.new_values[0].values, logged.record.new_values[0].values);
  EXPECT_EQ(record.first_ordinal, 7u);
  EXPECT_EQ(record.new_users, logged.record.new_users);
  for (size_t i = 0; i < 3; ++i) {
    const index::TagChange& change = record.tag_changes[i];
    const index::TagChange& expected = logged.record.tag_changes[i];
    EXPECT_EQ(change.tag, expected.tag);
    EXPECT_EQ(change.ordinals, expected.ordinals);
    EXPECT_EQ(change.cells, expected.cells);
    EXPECT_EQ(change.cleared, expected.cleared);
    EXPECT_EQ(change.label_ends, expected.label_ends);
    EXPECT_EQ(change.label_changes, expected.label_changes);
    EXPECT_EQ(change.replaced, expected.replaced);
  }
  EXPECT_EQ(record.requests[0].response, "c");
  EXPECT_EQ(record.requests[0].payload_hash, 9u);
  ASSERT_EQ(back->flips.size(), 1u);
  EXPECT_EQ(back->flips[0].stamps, (std::vector<uint64_t>{0, 1, 5}));
}

// A chain of random commits: decoded records make the same snapshots, and fit onto them.
TEST(RecordCodecTest, RandomRecordsMakeTheSameSnapshots) {
  std::mt19937_64 random(testing::TestSeed());
  index::Parallel parallel(1);
  auto written = std::make_shared<const index::Snapshot>();
  auto read = std::make_shared<const index::Snapshot>();
  for (int round = 0; round < testing::TestRounds(120); ++round) {
    const CommitRecord record = RandomCommit(*written, random);
    ASSERT_TRUE(CheckShape(record).ok()) << CheckShape(record);
    ASSERT_TRUE(CheckFits(*written, record).ok()) << CheckFits(*written, record);
    const std::string bytes = EncodeRecord(record, {});
    const absl::StatusOr<LoggedRecord> back = DecodeRecord(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(EncodeRecord(*back), bytes);
    written = index::Apply(*written, record, parallel);
    read = index::Apply(*read, back->record, parallel);
  }
  EXPECT_EQ(SnapshotDifference(*written, *read), "");
}

TEST(RecordCodecTest, EveryTruncationIsRefused) {
  for (const CommitRecord& record : {SmallRecord(), LinkingRecord(), ErasingRecord()}) {
    const std::string bytes = EncodeRecord(record, {});
    for (size_t size = 0; size < bytes.size(); ++size) {
      const absl::StatusOr<LoggedRecord> cut = DecodeRecord(bytes.substr(0, size));
      // What format 1 holds of a record stands by itself; its envelope tells it from a whole one.
      EXPECT_TRUE(!cut.ok() || RecordFormat(cut->record) < RecordFormat(record)) << size;
    }
    EXPECT_FALSE(DecodeRecord(bytes + '\0').ok());
  }
}

// The checksum around a record finds every flip; a decoder alone must still stay inside its bytes
// and give only records that pass the checks and encode to what was read.
TEST(RecordCodecTest, FlippedBitsAreRefusedOrAnotherValidRecord) {
  std::mt19937_64 random(testing::TestSeed());
  const std::string bytes = EncodeRecord(SmallRecord(), {{.tag = 1, .stamps = {4}}});
  const auto check = [](const std::string& damaged) {
    const absl::StatusOr<LoggedRecord> back = DecodeRecord(damaged);
    if (!back.ok()) {
      EXPECT_TRUE(absl::IsDataLoss(back.status()));
      return;
    }
    EXPECT_TRUE(CheckShape(back->record).ok());
    const std::string again = EncodeRecord(*back);
    const absl::StatusOr<LoggedRecord> twice = DecodeRecord(again);
    ASSERT_TRUE(twice.ok()) << twice.status();
    EXPECT_EQ(EncodeRecord(*twice), again);
  };
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    check(damaged);
  }
  for (int round = 0; round < testing::TestRounds(5000); ++round) {
    std::string damaged = bytes;
    for (uint64_t n = random() % 4 + 1; n > 0; --n) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    check(damaged);
  }
}

struct BadShape {
  const char* what;
  void (*spoil)(CommitRecord*);
};

class RecordShapeTest : public ::testing::TestWithParam<BadShape> {};

TEST_P(RecordShapeTest, IsRefused) {
  CommitRecord record = SmallRecord();
  ASSERT_TRUE(CheckShape(record).ok()) << CheckShape(record);
  GetParam().spoil(&record);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckShape(record))) << CheckShape(record);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, RecordShapeTest,
    ::testing::Values(
        BadShape{"a cell is missing", [](CommitRecord* r) { r->tag_changes[0].cells.pop_back(); }},
        BadShape{"a clear too many",
                 [](CommitRecord* r) { r->tag_changes[0].cleared.push_back(true); }},
        BadShape{"ordinals descend", [](CommitRecord* r) { r->tag_changes[0].ordinals[0] = 3; }},
        BadShape{"an ordinal twice", [](CommitRecord* r) { r->tag_changes[0].ordinals[0] = 2; }},
        BadShape{"an ordinal too large",
                 [](CommitRecord* r) { r->tag_changes[0].ordinals[2] = index::kOrdinalsMax; }},
        BadShape{"label ends descend",
                 [](CommitRecord* r) { r->tag_changes[1].label_ends[0] = 4; }},
        BadShape{"labels are missing",
                 [](CommitRecord* r) { r->tag_changes[1].label_changes.pop_back(); }},
        BadShape{"a label too large",
                 [](CommitRecord* r) { r->tag_changes[1].label_changes[0] = 65'535 * 2; }},
        BadShape{"replaced is missing",
                 [](CommitRecord* r) { r->tag_changes[1].replaced.pop_back(); }},
        BadShape{"cells beside labels",
                 [](CommitRecord* r) {
                   r->tag_changes[1].cells = {1, 2};
                 }},
        BadShape{"a tag twice", [](CommitRecord* r) { r->tag_changes[2].tag = 1; }},
        BadShape{"a definition twice",
                 [](CommitRecord* r) { r->definitions.push_back(r->definitions[0]); }},
        BadShape{"tag id 0", [](CommitRecord* r) { r->definitions[0].id = 0; }},
        BadShape{"no tag name", [](CommitRecord* r) { r->definitions[0].name = ""; }},
        BadShape{"a value not UTF-8", [](CommitRecord* r) { r->new_values[0].values[0] = "\xff"; }},
        BadShape{"a value too long",
                 [](CommitRecord* r) { r->new_values[0].values[0] = std::string(1025, 'a'); }},
        BadShape{"an empty id", [](CommitRecord* r) { r->new_users[0] = ""; }},
        BadShape{"an id too long",
                 [](CommitRecord* r) { r->new_users[0] = std::string(129, 'a'); }}));

TEST(RecordFitsTest, RefusesWhatDoesNotContinueTheSnapshot) {
  index::Parallel parallel(1);
  CommitRecord first{.version = 1};
  first.definitions = {{.id = 1, .name = "city", .type = TagType::kCategory},
                       {.id = 2, .name = "labels", .type = TagType::kLabels}};
  first.new_values = {{.tag = 1, .first_code = 0, .values = {"a", "b"}}};
  first.new_users = {"u0", "u1"};
  const index::Snapshot empty;
  ASSERT_TRUE(CheckFits(empty, first).ok());
  const index::SnapshotRef base = index::Apply(empty, first, parallel);
  const auto refused = [&](const CommitRecord& record) {
    EXPECT_TRUE(CheckShape(record).ok()) << CheckShape(record);
    return absl::IsInvalidArgument(CheckFits(*base, record));
  };
  EXPECT_TRUE(refused({.tag_changes = {{.tag = 9, .ordinals = {0}, .cells = {0}}}}));
  EXPECT_TRUE(refused({.tag_changes = {{.tag = 1, .ordinals = {2}, .cells = {0}}}}));
  EXPECT_TRUE(refused({.tag_changes = {{.tag = 1, .ordinals = {0}, .cells = {2}}}}));
  EXPECT_TRUE(refused({.tag_changes = {{.tag = 1, .ordinals = {0}, .cells = {-1}}}}));
  EXPECT_TRUE(refused({.tag_changes = {{.tag = 2, .ordinals = {0}, .cells = {0}}}}));
  EXPECT_TRUE(refused({.tag_changes = {{.tag = 2,
                                        .ordinals = {0},
                                        .label_ends = {1},
                                        .label_changes = {1},
                                        .replaced = {false}}}}));
  EXPECT_TRUE(refused({.first_ordinal = 1, .new_users = {"u2"}}));
  EXPECT_TRUE(refused({.new_values = {{.tag = 1, .first_code = 1, .values = {"c"}}}}));
  EXPECT_TRUE(refused({.new_values = {{.tag = 1, .first_code = 2, .values = {"b"}}}}));
  EXPECT_TRUE(refused({.definitions = {{.id = 3, .name = "city"}}}));
  EXPECT_TRUE(refused({.definitions = {{.id = 1, .name = "city", .type = TagType::kFlag}}}));
  EXPECT_FALSE(refused({.new_values = {{.tag = 1, .first_code = 2, .values = {"c"}}},
                        .first_ordinal = 2,
                        .new_users = {"u2"},
                        .tag_changes = {{.tag = 1, .ordinals = {2}, .cells = {2}}}}));
}

}  // namespace
}  // namespace throng::storage
