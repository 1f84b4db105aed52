// Packages as streams: what a receiver reads, where a cut one goes on, and what is refused.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/server/package_world.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;
using Side = DiffCrowdVersions::Side;

constexpr PackageFormat kFormats[] = {PackageFormat::kText, PackageFormat::kCsv,
                                      PackageFormat::kNdjson, PackageFormat::kRoaring32,
                                      PackageFormat::kRoaring64};
constexpr PackageCompression kCompressions[] = {
    PackageCompression::kNone, PackageCompression::kGzip, PackageCompression::kZstd};

class PackageExportTest : public ::testing::Test {
 protected:
  void MakeRental() {
    FillRental(&world_);
    world_.Create("all", "all()");
    world_.Refresh({"all"});
  }
  void Link(const std::string& user, const Texts& phones) {
    LinkedUser linked{.id = user};
    for (const std::string& phone : phones) linked.ids.push_back({"phone", phone});
    MustBeOk(world_.engine().identities().Link(world_.context(), {.users = {linked}}).status());
  }
  void MakePhones() {
    MustBeOk(world_.engine()
                 .identities()
                 .CreateIdType(world_.context(), "default", {.name = "phone"}, {})
                 .status());
  }
  void ExpectError(const PackageSpec& spec, absl::StatusCode code, std::string_view reason,
                   std::string_view field, const std::string& token = "",
                   const CallContext& context = CallContext::Internal()) {
    const Exported exported = world_.TryExport(spec, token, context);
    EXPECT_EQ(exported.status.code(), code) << exported.status;
    EXPECT_EQ(ReasonOf(exported.status), reason) << exported.status;
    EXPECT_EQ(FieldOf(exported.status), field) << exported.status;
    EXPECT_EQ(exported.bytes, "");
  }

  PackageWorld world_;
};

TEST_F(PackageExportTest, TextIsAnIdALine) {
  MakeRental();
  const Exported all = world_.Export({.crowd = "all"});
  EXPECT_EQ(all.bytes, "u1\nu2\nu3\nu4\nu5\n6\n");
  EXPECT_EQ(all.manifest.counts, (PackageCounts{.users = 6, .rows = 6}));
  EXPECT_EQ(all.manifest.total, 6u);
  EXPECT_EQ(all.manifest.computed_count, 6u);
  EXPECT_EQ(all.manifest.spec.version, 1u);
  EXPECT_EQ(all.manifest.spec.id_type, "user_id");
  EXPECT_EQ(all.manifest.definition, "all()");
  EXPECT_FALSE(all.manifest.definition_changed);
  ASSERT_EQ(all.manifest.files.size(), 1u);
  EXPECT_EQ(all.manifest.files[0].bytes, all.bytes.size());
  EXPECT_EQ(all.manifest.files[0].sha256, HashOf(all.bytes, "sha256"));
}

TEST_F(PackageExportTest, CsvHasAHeaderAndColumns) {
  MakeRental();
  const Exported all = world_.Export(
      {.crowd = "all",
       .tags = {"is_graduate", "city", "interests", "views", "score", "birthday", "seen"},
       .format = PackageFormat::kCsv});
  EXPECT_EQ(all.bytes,
            "user_id,is_graduate,city,interests,views,score,birthday,seen\n"
            "u1,true,Beijing,garden|metro,5,1.25,2000-02-29,2024-03-15T09:59:00Z\n"
            "u2,true,Tianjin,metro,3,-0.50,1999-12-31,2024-03-14T23:30:00Z\n"
            "u3,false,Beijing,garden,0,,2024-03-15,\n"
            "u4,false,Wuhan,a\\|b\\\\c|pool,-7,10.00,,\n"
            "u5,true,,,,,,\n"
            "6,false,,,,,,\n");
  EXPECT_EQ(all.manifest.counts.rows, 6u) << "without the header";
}

TEST_F(PackageExportTest, NdjsonHasTypedMembersAndNoneThatAreMissing) {
  MakeRental();
  const Exported all =
      world_.Export({.crowd = "all",
                     .tags = {"is_graduate", "city", "interests", "views", "score"},
                     .format = PackageFormat::kNdjson});
  EXPECT_EQ(all.bytes,
            R"({"user_id":"u1","is_graduate":true,"city":"Beijing","interests":["garden","metro"],)"
            R"("views":5,"score":"1.25"})"
            "\n"
            R"({"user_id":"u2","is_graduate":true,"city":"Tianjin","interests":["metro"],)"
            R"("views":3,"score":"-0.50"})"
            "\n"
            R"({"user_id":"u3","is_graduate":false,"city":"Beijing","interests":["garden"],)"
            R"("views":0})"
            "\n"
            R"({"user_id":"u4","is_graduate":false,"city":"Wuhan","interests":["a|b\\c","pool"],)"
            R"("views":-7,"score":"10.00"})"
            "\n"
            R"({"user_id":"u5","is_graduate":true})"
            "\n"
            R"({"user_id":"6","is_graduate":false})"
            "\n");
}

TEST_F(PackageExportTest, AwkwardValuesComeBack) {
  const Texts values = {"a,b",         "say \"no\"", "two\nlines", "cr\rhere", "tab\there",
                        "=1+1",        "北京 🏠",     " spaces ",   "back\\sl", "\x01\x1f",
                        "a\r\n\"b\",", "''",         "{}",         "\x7f"};
  world_.CreateTag({.name = "a \"tag\", of text", .type = index::TagType::kCategory});
  for (const std::string& value : values) {
    world_.Write(fmt::format("id {}", value), {{"a \"tag\", of text", Text(value)}});
  }
  world_.Create("all", "all()");
  world_.Refresh({"all"});
  const Texts tags = {"a \"tag\", of text"};
  const Exported csv = world_.Export({.crowd = "all", .tags = tags, .format = PackageFormat::kCsv});
  const auto records = ReadCsv(csv.bytes);
  ASSERT_EQ(records.size(), values.size() + 1);
  EXPECT_EQ(records[0], (Texts{"user_id", tags[0]}));
  const Exported ndjson =
      world_.Export({.crowd = "all", .tags = tags, .format = PackageFormat::kNdjson});
  const auto objects = ReadNdjson(ndjson.bytes);
  ASSERT_EQ(objects.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(records[i + 1], (Texts{fmt::format("id {}", values[i]), values[i]}));
    EXPECT_EQ(objects[i].at("user_id"), fmt::format("id {}", values[i]));
    EXPECT_EQ(objects[i].at(tags[0]), values[i]);
  }
  // A value that a spreadsheet would run stays what it is.
  EXPECT_NE(csv.bytes.find("\nid =1+1,=1+1\n"), std::string::npos);
  ExpectError({.crowd = "all"}, absl::StatusCode::kFailedPrecondition, "LINE_END_IN_ID",
              "spec.format");
}

TEST_F(PackageExportTest, HashesAreOfTheIdsBytes) {
  MakeRental();
  world_.Create("one", "ids('u1')");
  world_.Refresh({"one"});
  EXPECT_EQ(world_.Export({.crowd = "one", .hashing = IdHashing::kSha256}).bytes,
            "bb82030dbc2bcaba32a90bf2e207a84a856fc5f033b77c480836ab6f77f40f19\n");
  EXPECT_EQ(world_.Export({.crowd = "one", .hashing = IdHashing::kMd5}).bytes,
            "e4774cdda0793f86414e8b9140bb6db4\n");
  Texts sha256;
  for (const char* id : {"u1", "u2", "u3", "u4", "u5", "6"}) sha256.push_back(HashOf(id, "sha256"));
  const Exported all =
      world_.Export({.crowd = "all", .hashing = IdHashing::kSha256, .format = PackageFormat::kCsv});
  const auto records = ReadCsv(all.bytes);
  ASSERT_EQ(records.size(), 7u);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(records[i + 1], Texts{sha256[i]});
}

TEST_F(PackageExportTest, UsersWithoutAnIdOfTheTypeAreCounted) {
  MakeRental();
  MakePhones();
  const Exported none = world_.Export({.crowd = "all", .id_type = "phone"});
  EXPECT_EQ(none.bytes, "");
  EXPECT_EQ(none.manifest.counts, (PackageCounts{.without_id = 6}));
  Link("u2", {"138", "139"});
  Link("6", {"137"});
  const Exported phones = world_.Export({.crowd = "all", .id_type = "phone"});
  EXPECT_EQ(phones.bytes, "138\n139\n137\n") << "a row an id";
  EXPECT_EQ(phones.manifest.counts, (PackageCounts{.users = 2, .without_id = 4, .rows = 3}));
  EXPECT_EQ(phones.manifest.spec.id_type, "phone");
  EXPECT_EQ(phones.manifest.erased_meanwhile, 0u);
  const Exported csv = world_.Export(
      {.crowd = "all", .id_type = "phone", .tags = {"city"}, .format = PackageFormat::kCsv});
  EXPECT_EQ(csv.bytes, "phone,city\n138,Tianjin\n139,Tianjin\n137,\n");
}

TEST_F(PackageExportTest, ErasedUsersAreNotWritten) {
  MakeRental();
  world_.Erase("u2");
  const Exported all = world_.Export({.crowd = "all", .version = 1});
  EXPECT_EQ(all.bytes, "u1\nu3\nu4\nu5\n6\n");
  EXPECT_EQ(all.manifest.computed_count, 6u);
  EXPECT_EQ(all.manifest.current_count, 5u);
  EXPECT_EQ(all.manifest.total, 5u);
}

TEST_F(PackageExportTest, ADeltaIsADifferenceOfVersions) {
  MakeRental();
  world_.Create("viewers", "views > 2");
  world_.Refresh({"viewers"});  // u1, u2
  world_.Write("u2", {{"views", Whole(1)}});
  world_.Write("u3", {{"views", Whole(9)}});
  world_.Refresh({"viewers"});  // u1, u3
  const auto delta = [&](uint32_t version, uint32_t from, Side side) {
    return world_.Export({.crowd = "viewers", .version = version, .delta = {{from, side}}});
  };
  const Exported added = delta(0, 0, Side::kAdded);
  EXPECT_EQ(added.bytes, "u3\n");
  EXPECT_EQ(added.manifest.spec.version, 2u);
  EXPECT_EQ(added.manifest.spec.delta->from, 1u);
  EXPECT_EQ(added.manifest.total, 1u);
  EXPECT_EQ(added.manifest.current_count, 2u);
  EXPECT_EQ(delta(2, 1, Side::kRemoved).bytes, "u2\n");
  EXPECT_EQ(delta(1, 2, Side::kAdded).bytes, "u2\n");
  EXPECT_EQ(delta(1, 0, Side::kAdded).bytes, "u1\nu2\n") << "there is none before it";
  EXPECT_EQ(delta(1, 0, Side::kRemoved).bytes, "");
}

// A system that gets each change once must not be given everybody again.
TEST_F(PackageExportTest, ADeltaFromAVersionThatWentIsRefused) {
  MakeRental();
  MustBeOk(world_.crowds()
               .Create(world_.context(), {.name = "few", .rule = "views > 2", .keep_last = 1}, {})
               .status());
  world_.Refresh({"few"});
  world_.Refresh({"few"});
  for (const Side side : {Side::kAdded, Side::kRemoved}) {
    const Exported gone = world_.TryExport({.crowd = "few", .delta = {{0, side}}});
    EXPECT_EQ(ReasonOf(gone.status), "CROWD_VERSION_GONE") << gone.status;
    EXPECT_EQ(FieldOf(gone.status), "spec.delta.from_version");
    EXPECT_EQ(gone.bytes, "");
  }
}

TEST_F(PackageExportTest, NobodyIsAFileToo) {
  world_.LoadNumbers(1, 3);
  world_.Create("none", "none()");
  world_.Refresh({"none"});
  for (const PackageFormat format : kFormats) {
    for (const PackageCompression compression : kCompressions) {
      const Exported none =
          world_.Export({.crowd = "none", .format = format, .compression = compression});
      EXPECT_EQ(none.manifest.counts, PackageCounts());
      const std::string text = none.Text();
      if (format == PackageFormat::kRoaring32 || format == PackageFormat::kRoaring64) {
        EXPECT_TRUE(ReadRoaring(text, format == PackageFormat::kRoaring64).empty());
      } else {
        EXPECT_EQ(text, format == PackageFormat::kCsv ? "user_id\n" : "");
      }
    }
  }
}

// Of every format and compression, from behind every block.
TEST_F(PackageExportTest, ACutStreamGoesOnWithTheSameBytes) {
  constexpr uint32_t kUsers = 150'000;
  constexpr uint64_t kFirst = 4'000'000'000;
  world_.LoadNumbers(kFirst, kUsers);
  MakePhones();
  Link(std::to_string(kFirst + 70'000), {"1", "2", "3"});
  world_.Create("all", "all()");
  world_.Refresh({"all"});
  Texts ids;
  for (uint32_t i = 0; i < kUsers; ++i) ids.push_back(std::to_string(kFirst + i));
  size_t cuts = 0;
  for (const PackageFormat format : kFormats) {
    for (const PackageCompression compression : kCompressions) {
      PackageSpec spec{.crowd = "all", .format = format, .compression = compression};
      if (format == PackageFormat::kCsv) spec.tags = {"loaded"};
      const Exported whole = world_.Export(spec);
      for (const ExportedBlock& block : whole.blocks) {
        const Exported rest = world_.Export(spec, block.token);
        ASSERT_EQ(whole.bytes.substr(0, block.end) + rest.bytes, whole.bytes);
        EXPECT_EQ(rest.manifest.files[0].sha256, HashOf(whole.bytes, "sha256"));
        EXPECT_EQ(rest.manifest.files[0].bytes, whole.bytes.size());
        EXPECT_EQ(rest.manifest.counts, whole.manifest.counts);
        EXPECT_EQ(rest.manifest.total, kUsers);
        ++cuts;
      }
      const std::string text = whole.Text();
      if (format == PackageFormat::kText) {
        EXPECT_EQ(ReadLines(text), ids);
      }
      if (format == PackageFormat::kNdjson) {
        EXPECT_EQ(ReadNdjson(text).size(), kUsers);
      }
      if (format == PackageFormat::kCsv) {
        EXPECT_EQ(ReadCsv(text).size(), kUsers + 1);
      }
      if (format == PackageFormat::kRoaring32 || format == PackageFormat::kRoaring64) {
        const auto members = ReadRoaring(text, format == PackageFormat::kRoaring64);
        ASSERT_EQ(members.size(), kUsers);
        EXPECT_EQ(members.front(), kFirst);
        EXPECT_EQ(members.back(), kFirst + kUsers - 1);
      }
    }
  }
  EXPECT_GT(cuts, 80u);
}

TEST_F(PackageExportTest, BlocksAreOfFrameSize) {
  world_.LoadNumbers(10'000'000, 100'000);
  world_.Create("all", "all()");
  world_.Refresh({"all"});
  const Exported all = world_.Export({.crowd = "all"});
  ASSERT_EQ(all.blocks.size(), 7u);  // 900,000 bytes
  size_t begin = 0;
  for (const ExportedBlock& block : all.blocks) {
    EXPECT_LE(block.end - begin, (128u << 10) + 9);
    if (&block != &all.blocks.back()) {
      EXPECT_GE(block.end - begin, 128u << 10);
    }
    begin = block.end;
  }
}

// A position is an ordinal: who was erased behind it does not come, who was before it was sent.
TEST_F(PackageExportTest, AnErasureBetweenTwoStreamsIsSeen) {
  world_.LoadNumbers(1'000'000, 40'000);
  world_.Create("all", "all()");
  world_.Refresh({"all"});
  const PackageSpec spec{.crowd = "all"};
  const Exported whole = world_.Export(spec);
  ASSERT_GE(whole.blocks.size(), 2u);
  world_.Erase("1000005");  // sent before the cut
  world_.Erase("1039999");
  const Exported rest = world_.Export(spec, whole.blocks[0].token);
  EXPECT_EQ(whole.bytes.substr(0, whole.blocks[0].end) + rest.bytes + "1039999\n", whole.bytes);
  EXPECT_EQ(rest.manifest.counts.users, 39'999u);
  EXPECT_EQ(rest.manifest.total, 40'000u);
  EXPECT_EQ(rest.manifest.erased_meanwhile, 1u);
  const PackageSpec bitmap{.crowd = "all", .format = PackageFormat::kRoaring32};
  const Exported one = world_.Export(bitmap);
  world_.Erase("1000007");
  ExpectError(bitmap, absl::StatusCode::kFailedPrecondition, "PACKAGE_CHANGED", "resume_token",
              one.blocks[0].token);
}

TEST_F(PackageExportTest, ACutStreamNeedsWhatItBeganWith) {
  MakeRental();
  const PackageSpec plain{.crowd = "all"};
  const PackageSpec columns{.crowd = "all", .tags = {"views"}, .format = PackageFormat::kCsv};
  const std::string plain_token = world_.Export(plain).blocks[0].token;
  const std::string columns_token = world_.Export(columns).blocks[0].token;
  world_.Write("u1", {{"views", Whole(99)}});
  // The newest version is another one by now; the stream goes on with its own.
  world_.Refresh({"all"});
  EXPECT_EQ(world_.Export(plain, plain_token).manifest.spec.version, 1u);
  EXPECT_EQ(world_.Export(columns, columns_token).manifest.files[0].sha256,
            HashOf("user_id,views\nu1,5\nu2,3\nu3,0\nu4,-7\nu5,\n6,\n", "sha256"))
      << "with the values of then";
  world_.AdvanceClock(3'600'000'000);  // the lease ends
  world_.Write("u1", {{"views", Whole(100)}});
  ExpectError(columns, absl::StatusCode::kFailedPrecondition, "VERSION_GONE", "resume_token",
              columns_token);
  EXPECT_TRUE(world_.TryExport(plain, plain_token).status.ok());
  for (int i = 0; i < 12; ++i) world_.Refresh({"all"});
  ExpectError(plain, absl::StatusCode::kFailedPrecondition, "CROWD_VERSION_GONE", "resume_token",
              plain_token);
}

// However long it takes: the data version stays for the stream that goes on.
TEST_F(PackageExportTest, ALongStreamKeepsItsDataVersion) {
  world_.LoadNumbers(4'000'000'000, 150'000);
  world_.Create("all", "all()");
  world_.Refresh({"all"});
  const PackageSpec spec{.crowd = "all", .tags = {"loaded"}, .format = PackageFormat::kCsv};
  const Exported whole = world_.Export(spec);
  int blocks = 0;
  std::string token;
  const PackageSink slow{.start = [](const PackageManifest&) { return absl::OkStatus(); },
                         .block =
                             [&](std::string_view, std::string_view next) {
                               world_.AdvanceClock(30'000'000);
                               world_.Write("4000000000", {{"loaded", Flag(blocks % 2 == 0)}});
                               token = next;
                               return ++blocks < 12 ? absl::OkStatus()
                                                    : absl::CancelledError("gone");
                             }};
  EXPECT_TRUE(
      absl::IsCancelled(world_.packages().Export(world_.context(), spec, "", slow).status()));
  world_.AdvanceClock(50'000'000);
  const Exported rest = world_.Export(spec, token);
  EXPECT_EQ(rest.manifest.files[0].sha256, HashOf(whole.bytes, "sha256"));
}

TEST_F(PackageExportTest, RefusesForeignTokens) {
  MakeRental();
  const std::string token = world_.Export({.crowd = "all"}).blocks[0].token;
  const auto refused = [&](const PackageSpec& spec, const std::string& text) {
    ExpectError(spec, absl::StatusCode::kInvalidArgument, "BAD_RESUME_TOKEN", "resume_token", text);
  };
  std::string damaged = token;
  damaged[damaged.size() / 2] = damaged[damaged.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& text :
       {damaged, token.substr(0, token.size() - 4), std::string("?"), std::string(2'000, 'A')}) {
    refused({.crowd = "all"}, text);
  }
  refused({.crowd = "all", .version = 1}, token);
  refused({.crowd = "all", .format = PackageFormat::kCsv}, token);
  refused({.crowd = "all", .compression = PackageCompression::kGzip}, token);
  refused({.crowd = "all", .hashing = IdHashing::kMd5}, token);
}

TEST_F(PackageExportTest, RefusesWhatCannotBe) {
  MakeRental();
  MakePhones();
  world_.Create("new", "all()");
  world_.Create("gone", "all()");
  world_.Refresh({"gone"});
  MustBeOk(world_.TryDelete("gone").status());
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const auto not_found = absl::StatusCode::kNotFound;
  const auto not_now = absl::StatusCode::kFailedPrecondition;
  const PackageFormat csv = PackageFormat::kCsv;
  ExpectError({.crowd = "al"}, not_found, "UNKNOWN_CROWD", "spec.crowd");
  ExpectError({.population = "x", .crowd = "all"}, not_found, "UNKNOWN_POPULATION", "population");
  ExpectError({.crowd = "new"}, not_now, "CROWD_NOT_REFRESHED", "spec.crowd");
  ExpectError({.crowd = "gone"}, not_now, "CROWD_DELETED", "spec.crowd");
  ExpectError({.crowd = "all", .version = 2}, not_found, "UNKNOWN_VERSION", "spec.version");
  ExpectError({.crowd = "all", .delta = {{7, Side::kAdded}}}, not_found, "UNKNOWN_VERSION",
              "spec.delta.from_version");
  ExpectError({.crowd = "all", .id_type = "fon"}, not_found, "UNKNOWN_ID_TYPE", "spec.id_type");
  ExpectError({.crowd = "all", .tags = {"city"}}, invalid, "TAGS_WITHOUT_COLUMNS", "spec.tags");
  ExpectError({.crowd = "all", .tags = {"city", "x"}, .format = csv}, invalid, "UNKNOWN_TAG",
              "spec.tags[1]");
  ExpectError({.crowd = "all", .tags = {"city", "city"}, .format = csv}, invalid, "DUPLICATE_TAG",
              "spec.tags[1]");
  ExpectError({.crowd = "all", .tags = Texts(65, "city"), .format = csv}, invalid, "TOO_MANY_TAGS",
              "spec.tags");
  ExpectError({.crowd = "all", .format = PackageFormat::kRoaring64}, invalid, "NOT_NUMERIC",
              "spec.format");
  ExpectError({.crowd = "all", .id_type = "phone", .format = PackageFormat::kRoaring64}, invalid,
              "NOT_FOR_BITMAPS", "spec.id_type");
  ExpectError({.crowd = "all", .hashing = IdHashing::kMd5, .format = PackageFormat::kRoaring32},
              invalid, "NOT_FOR_BITMAPS", "spec.hash");
  world_.CreateTag({.name = "phone", .type = index::TagType::kFlag});
  ExpectError({.crowd = "all", .id_type = "phone", .tags = {"phone"}, .format = csv}, invalid,
              "NAME_TAKEN", "spec.tags[0]");
}

TEST_F(PackageExportTest, A32BitBitmapTakes32Bits) {
  world_.LoadNumbers(4'294'967'294, 2);
  world_.Create("all", "all()");
  world_.Refresh({"all"});
  const PackageSpec spec{.crowd = "all", .format = PackageFormat::kRoaring32};
  EXPECT_EQ(ReadRoaring(world_.Export(spec).bytes, false),
            (std::vector<uint64_t>{4'294'967'294, 4'294'967'295}));
  world_.LoadNumbers(4'294'967'296, 1);
  EXPECT_TRUE(world_.TryExport(spec).status.ok()) << "the version has not changed";
  world_.Refresh({"all"});
  ExpectError(spec, absl::StatusCode::kInvalidArgument, "ID_TOO_LARGE", "spec.format");
}

TEST_F(PackageExportTest, WhatMayNotBeSeenIsNotThere) {
  MakeRental();
  world_.Create("rich", "income = 'high'");
  world_.Refresh({"rich"});
  const CallContext low = EngineWorld::Seeing(3);
  ExpectError({.crowd = "rich"}, absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "spec.crowd", "",
              low);
  ExpectError({.crowd = "all", .tags = {"income"}, .format = PackageFormat::kCsv},
              absl::StatusCode::kInvalidArgument, "UNKNOWN_TAG", "spec.tags[0]", "", low);
  EXPECT_TRUE(world_.TryExport({.crowd = "all"}, "", low).status.ok());
  // Also with a token of somebody who saw it.
  const PackageSpec spec{.crowd = "rich"};
  ExpectError(spec, absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "spec.crowd",
              world_.Export(spec).blocks[0].token, low);
}

TEST_F(PackageExportTest, EndsWhenTheReceiverDoes) {
  MakeRental();
  const PackageSink sink{
      .start = [](const PackageManifest&) { return absl::OkStatus(); },
      .block = [](std::string_view, std::string_view) { return absl::CancelledError("gone"); }};
  EXPECT_TRUE(absl::IsCancelled(
      world_.packages().Export(world_.context(), {.crowd = "all"}, "", sink).status()));
  CallContext cancelled = CallContext::Internal();
  cancelled.cancelled = [] { return true; };
  EXPECT_TRUE(absl::IsCancelled(world_.TryExport({.crowd = "all"}, "", cancelled).status));
}

TEST(PackageWithoutDirectoryTest, JobsNeedADirectory) {
  PackageWorld world;
  world.LoadNumbers(1, 2);
  world.Create("all", "all()");
  world.Refresh({"all"});
  EXPECT_EQ(world.Export({.crowd = "all"}).bytes, "1\n2\n");
  const absl::Status refused =
      world.packages().Create(world.context(), {.spec = {.crowd = "all"}}, {}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), "NO_PACKAGE_DIRECTORY");
  EXPECT_TRUE(Must(world.packages().List(world.context(), "default")).empty());
  EXPECT_TRUE(absl::IsNotFound(world.packages().Get(world.context(), "default", "x").status()));
}

}  // namespace
}  // namespace throng::engine
