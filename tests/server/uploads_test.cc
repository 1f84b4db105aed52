// Uploads: what each id becomes, what modes make of the crowd, what is refused and changes nothing.
#include "server/engine/uploads.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/server/upload_world.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;
using Set = std::set<std::string>;

// FillRental's users: u1 to u5 and 6, with phones and hashes of some.
class UploadsTest : public ::testing::Test {
 protected:
  UploadsTest() {
    FillRental(&world_);
    world_.DeclareIdType("phone", {index::IdNormalizer::kPhoneDigits});
    world_.DeclareIdType("email", {index::IdNormalizer::kTrim, index::IdNormalizer::kLowercaseHex});
    MustBeOk(world_.TryLink("u1", "phone", "138"));
    MustBeOk(world_.TryLink("u1", "phone", "139"));
    MustBeOk(world_.TryLink("u2", "email", "ab01"));
  }

  Texts Members(const std::string& expression) { return world_.Members({.what = expression}); }
  static UploadRequest To(const std::string& crowd, UploadMode mode = UploadMode::kReplace) {
    return {.crowd = crowd, .mode = mode};
  }
  static UploadRequest Keeping(const std::string& crowd, UploadMode mode = UploadMode::kReplace) {
    return {.crowd = crowd, .mode = mode, .keep_unknown = true};
  }
  static void ExpectError(const absl::Status& status, absl::StatusCode code,
                          std::string_view reason, std::string_view field) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  }
  const CallContext& context() const { return world_.context(); }

  UploadWorld world_;
};

TEST_F(UploadsTest, EachIdIsOneOfFour) {
  const UploadInfo upload =
      world_.Upload(To("vip"), {"u1", "u2", "u1", "nobody", "6", "", "nobody", "u9", "u2"});
  EXPECT_EQ(upload.record.received, 9u);
  EXPECT_EQ(upload.record.matched, 3u);
  EXPECT_EQ(upload.record.duplicate, 3u);
  EXPECT_EQ(upload.record.unknown, 2u);
  EXPECT_EQ(upload.record.invalid, 1u);
  EXPECT_EQ(upload.kept, 0u);
  EXPECT_EQ(upload.version.version.number, 1u);
  EXPECT_EQ(upload.version.version.added, 3u);
  EXPECT_EQ(upload.version.current_count, 3u);
  EXPECT_GT(upload.data_version, upload.version.version.data_version);
  ASSERT_EQ(upload.samples.size(), 1u);
  EXPECT_EQ(upload.samples[0].position, 6u);
  EXPECT_EQ(upload.samples[0].fault, index::IdFault::kEmpty);
  EXPECT_EQ(Members("crowd('vip')"), (Texts{"u1", "u2", "6"}));
  EXPECT_EQ(world_.UnmatchedOf("vip", 1).unknown, (Set{"nobody", "u9"}));
  const CrowdInfo crowd = world_.Get("vip");
  EXPECT_EQ(crowd.definition.kind, index::CrowdKind::kUpload);
  EXPECT_EQ(crowd.state, CrowdState::kReady);
  EXPECT_EQ(crowd.newest->current_count, 3u);
  const UploadInfo read = Must(world_.uploads().Get(context(), "default", "vip", 1));
  EXPECT_EQ(read.record, upload.record);
  EXPECT_EQ(read.unknown_listed, 2u);
  EXPECT_EQ(read.samples, upload.samples);
}

TEST_F(UploadsTest, IdsAreReadInTheFormOfTheirType) {
  UploadRequest phones = To("p");
  phones.id_type = "phone";
  const UploadInfo upload =
      world_.Upload(phones, {"+138", "1-3-9", "(140)", "140", "x", " ", "+138"});
  EXPECT_EQ(upload.record.matched, 1u) << "two numbers of one user";
  EXPECT_EQ(upload.record.duplicate, 3u);
  EXPECT_EQ(upload.record.unknown, 1u);
  EXPECT_EQ(upload.record.invalid, 2u);
  EXPECT_EQ(upload.record.id_type, "phone");
  EXPECT_EQ(world_.UnmatchedOf("p", 1).unknown, Set{"140"}) << "as it would be kept";
  UploadRequest hashes = To("e");
  hashes.id_type = "email";
  const UploadInfo upper = world_.Upload(hashes, {" AB01 ", "ABCX", "FF"});
  EXPECT_EQ(upper.record.matched, 1u);
  EXPECT_EQ(Members("crowd('e')"), Texts{"u2"});
  const UnmatchedIds unmatched = world_.UnmatchedOf("e", 1);
  EXPECT_EQ(unmatched.unknown, Set{"ff"});
  ASSERT_EQ(unmatched.refused.size(), 1u);
  EXPECT_EQ(unmatched.refused[0].text, "ABCX");
  EXPECT_EQ(index::IdFaultName(unmatched.refused[0].fault), "NOT_HEX");
}

TEST_F(UploadsTest, NumbersAreTheSameAsTheirTexts) {
  UploadRequest request = To("n");
  request.create = CreateCrowd{};
  auto session = Must(world_.uploads().Start(context(), request, {.request_id = "n"}));
  const std::vector<uint64_t> numbers{6, 7, 6};
  MustBeOk(session->Add(context(), std::span<const uint64_t>(numbers)));
  const UploadInfo upload = Must(session->Finish(context()));
  EXPECT_EQ(upload.record.matched, 1u);
  EXPECT_EQ(upload.record.duplicate, 1u);
  EXPECT_EQ(world_.UnmatchedOf("n", 1).unknown, Set{"7"});
  const UploadInfo again = Must(world_.TryUpload(request, {"6", "7", "6"}, {.request_id = "n"}));
  EXPECT_EQ(again.version.version.number, 1u) << "the same content in other frames";
  EXPECT_EQ(again.record.unknown, 1u);
  EXPECT_EQ(again.data_version, upload.data_version);
}

TEST_F(UploadsTest, ModesAreAgainstTheNewestVersion) {
  world_.Upload(To("m"), {"u1", "u2"});
  const UploadInfo added = world_.Upload(To("m", UploadMode::kAdd), {"u2", "u3", "nobody"});
  EXPECT_EQ(added.version.version.added, 1u);
  EXPECT_EQ(added.version.version.removed, 0u);
  EXPECT_EQ(Members("crowd('m')"), (Texts{"u1", "u2", "u3"}));
  const UploadInfo removed = world_.Upload(To("m", UploadMode::kRemove), {"u1", "u4"});
  EXPECT_EQ(removed.record.matched, 2u);
  EXPECT_EQ(removed.version.version.removed, 1u);
  EXPECT_EQ(Members("crowd('m')"), (Texts{"u2", "u3"}));
  EXPECT_EQ(Members("crowd('m', 1)"), (Texts{"u1", "u2"}));
  const UploadInfo replaced = world_.Upload(To("m"), {"6"});
  EXPECT_EQ(replaced.version.version.number, 4u);
  EXPECT_EQ(Members("crowd('m')"), Texts{"6"});
  const std::vector<UploadInfo> list = Must(world_.uploads().List(context(), "default", "m"));
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0].version.version.number, 4u);
  EXPECT_EQ(list[1].record.mode, UploadMode::kRemove);
  EXPECT_EQ(world_.UnmatchedOf("m", 2).unknown, Set{"nobody"});
}

TEST_F(UploadsTest, KeptIdsMatchWhenTheirUserAppears) {
  const UploadInfo upload = world_.Upload(Keeping("k"), {"u1", "late", "later"});
  EXPECT_EQ(upload.kept, 2u);
  world_.Upload(Keeping("k", UploadMode::kAdd), {"latest"});
  world_.Write("late", {});
  EXPECT_EQ(Members("crowd('k')"), Texts{"u1"});
  const RefreshResult refreshed = world_.Refresh({"k"});
  EXPECT_EQ(refreshed.crowds[0].computed.version.added, 1u);
  EXPECT_EQ(Members("crowd('k')"), (Texts{"u1", "late"}));
  const UploadInfo info = Must(world_.uploads().Get(context(), "default", "k", 3));
  EXPECT_EQ(info.record.mode, UploadMode::kRefresh);
  EXPECT_EQ(info.record.received, 3u);
  EXPECT_EQ(info.record.matched, 1u);
  EXPECT_EQ(info.kept, 2u);
  EXPECT_EQ(world_.UnmatchedOf("k", 3).unknown, (Set{"later", "latest"}));
  // What is removed waits no more, also by another id of its user.
  world_.Upload(To("k", UploadMode::kRemove), {"later"});
  MustBeOk(world_.TryLink("u5", "phone", "150"));
  UploadRequest waiting = Keeping("k", UploadMode::kAdd);
  waiting.id_type = "phone";
  world_.Upload(waiting, {"160"});
  MustBeOk(world_.TryLink("u3", "phone", "160"));
  world_.Upload(To("k", UploadMode::kRemove), {"u3"});
  world_.Write("later", {});
  world_.Write("latest", {});
  world_.Reopen();
  world_.Refresh({"k"});
  EXPECT_EQ(Members("crowd('k')"), (Texts{"u1", "late", "latest"}));
  EXPECT_EQ(Must(world_.uploads().Get(context(), "default", "k", 7)).kept, 0u);
  world_.Refresh({"k"});
}

TEST_F(UploadsTest, OnlyWhatKeepsUnknownIdsIsRefreshed) {
  world_.Upload(To("k"), {"u1", "late"});
  const absl::Status status = world_.TryRefresh({"k"}).status();
  ExpectError(status, absl::StatusCode::kFailedPrecondition, "NOT_A_RULE", "crowds[0]");
  EXPECT_NE(std::string(status.message()).find("keep_unknown"), std::string::npos);
  Must(world_.crowds().Create(context(), {.name = "e", .kind = index::CrowdKind::kUpload}, {}));
  ExpectError(world_.TryRefresh({"e"}).status(), absl::StatusCode::kFailedPrecondition,
              "CROWD_NOT_REFRESHED", "crowds[0]");
  // In one batch with a rule that rests on it.
  world_.Upload(Keeping("k"), {"u1", "late"});
  world_.Create("rule", "not crowd('k')");
  world_.Write("late", {});
  const RefreshResult both = world_.Refresh({"rule", "k"});
  EXPECT_EQ(both.crowds[1].computed.current_count, 2u);
  EXPECT_EQ(both.crowds[0].computed.current_count, 5u) << "without late, who is in it by now";
}

TEST_F(UploadsTest, CrowdsOfUploadsAreCrowds) {
  world_.Upload(To("a"), {"u1", "u2"});
  world_.Upload(To("a"), {"u2", "u3"});
  const CrowdDifference diff =
      Must(world_.crowds().DiffVersions(context(), {.name = "a", .page_size = 10}));
  EXPECT_EQ(diff.ids, Texts{"u3"});
  EXPECT_TRUE(Must(world_.crowds().Pin(context(), "default", "a", 1, true, {})).version.pinned);
  EXPECT_EQ(world_.Count("crowd('a') and not crowd('a', 1)"), 1u);
  ListCrowds list{.filter = "kind = UPLOAD"};
  ASSERT_EQ(Must(world_.crowds().List(context(), list)).crowds.size(), 1u);
  UpdateCrowd update{.name = "a", .new_name = "b", .folder = "lists"};
  Must(world_.crowds().Update(context(), update, {}));
  EXPECT_EQ(Must(world_.uploads().Get(context(), "default", "b", 2)).crowd, "b");
  const CrowdInfo frozen = Must(world_.crowds().Freeze(context(), {.names = {"b"}}, {}));
  EXPECT_EQ(frozen.state, CrowdState::kFrozen);
  EXPECT_EQ(frozen.newest->current_count, 2u);
  ExpectError(world_.TryUpload(To("b"), {"u1"}).status(), absl::StatusCode::kFailedPrecondition,
              "CROWD_FROZEN", "crowd");
  Must(world_.TryDelete("b"));
  ExpectError(world_.TryUpload(To("b"), {"u1"}).status(), absl::StatusCode::kFailedPrecondition,
              "CROWD_DELETED", "crowd");
  world_.AdvanceClock(kCrowdKeptUs);
  MustBeOk(world_.crowds().PurgeExpired());
  EXPECT_EQ(world_.Upload(To("b"), {"u1"}).version.version.number, 1u) << "another crowd";
}

TEST_F(UploadsTest, WhatCannotBeIsRefusedBeforeIdsCome) {
  world_.Create("rule", "city = 'Beijing'");
  ExpectError(world_.TryUpload(To("rule"), {}).status(), absl::StatusCode::kFailedPrecondition,
              "NOT_AN_UPLOAD", "crowd");
  ExpectError(world_.TryUpload(To("a/b"), {}).status(), absl::StatusCode::kInvalidArgument,
              "BAD_CROWD", "crowd.name");
  ExpectError(world_.TryUpload(Keeping("x", UploadMode::kRemove), {}).status(),
              absl::StatusCode::kInvalidArgument, "KEEP_UNKNOWN", "keep_unknown");
  UploadRequest request = To("x");
  request.id_type = "phon";
  ExpectError(world_.TryUpload(request, {}).status(), absl::StatusCode::kNotFound,
              "UNKNOWN_ID_TYPE", "id_type");
  request = To("x");
  request.population = "y";
  ExpectError(world_.TryUpload(request, {}).status(), absl::StatusCode::kNotFound,
              "UNKNOWN_POPULATION", "population");
  ExpectError(world_.TryUpload(To("x", UploadMode::kRemove), {"u1"}).status(),
              absl::StatusCode::kFailedPrecondition, "CROWD_NOT_REFRESHED", "crowd");
  ExpectError(world_.TryUpload(To("x"), {}, {.request_id = std::string(129, 'r')}).status(),
              absl::StatusCode::kInvalidArgument, "REQUEST_ID_TOO_LONG", "request_id");
  ExpectError(world_.uploads().Start(context(), To("x"), {}).status(), absl::StatusCode::kNotFound,
              "UNKNOWN_CROWD", "crowd");
  EXPECT_TRUE(absl::IsNotFound(world_.crowds().Get(context(), "default", "x").status()))
      << "nothing is left of the crowds that would have been made";
  world_.Upload(To("x"), {"u1"});
  request = To("x");
  request.etag = "1-9";
  ExpectError(world_.TryUpload(request, {}).status(), absl::StatusCode::kAborted, "ETAG_MISMATCH",
              "etag");
  ExpectError(world_.uploads().Get(context(), "default", "x", 2).status(),
              absl::StatusCode::kNotFound, "UNKNOWN_UPLOAD", "name");
  EXPECT_EQ(world_.Get("x").version_count, 1u);
}

TEST_F(UploadsTest, FramesHaveLimits) {
  UploadRequest request = To("x");
  request.create = CreateCrowd{};
  const auto add = [&](const UploadIds& ids) {
    return Must(world_.uploads().Start(context(), request, {}))->Add(context(), ids);
  };
  const std::vector<uint64_t> most(kUploadFrameIdsMax, 1);
  MustBeOk(add(std::span<const uint64_t>(most)));
  const std::vector<uint64_t> over(kUploadFrameIdsMax + 1, 1);
  ExpectError(add(std::span<const uint64_t>(over)), absl::StatusCode::kInvalidArgument,
              "TOO_MANY_IDS", "ids");
  const std::vector<uint32_t> back{2, 1};
  const std::vector<uint32_t> past{1, 4};
  const std::vector<uint32_t> before{1, 2};
  for (const auto& ends : {back, past, before}) {
    ExpectError(add(TextsView{.data = "abc", .ends = ends}), absl::StatusCode::kInvalidArgument,
                "BAD_TEXTS", "ids.texts");
  }
}

// Of users, of nobody, and of no form; the last also where slices of a frame meet.
Texts MixedTexts() {
  Texts texts;
  for (size_t i = 0; i < 5'000; ++i) {
    const bool is_bad = (i + 1) % 2'048 < 3 || i % 17 == 0;  // empty, or too long
    const std::string nobody = fmt::format("{:x>{}}", i % 999, is_bad ? 130 : 9);
    texts.push_back(i % 2 != 0 ? nobody : is_bad ? "" : std::to_string(1 + i % 3'000));
  }
  return texts;
}

// Several threads take slices of a large frame; what a frame leaves behind is in no other.
TEST(UploadFramesTest, LargeFramesBecomeWhatSmallOnesDo) {
  UploadWorld world({.query_threads = 2});
  world.LoadNumbers(1, 2'000);
  Texts all = MixedTexts();
  all.insert(all.end(), {"7", "", "nobody"});
  auto session = Must(world.uploads().Start(
      world.context(), {.crowd = "large", .create = CreateCrowd{}}, {.request_id = "r"}));
  for (const size_t begin : {size_t{0}, size_t{5'000}}) {
    std::string data;
    std::vector<uint32_t> ends;
    for (size_t i = begin; i < std::min(all.size(), begin + 5'000); ++i) {
      data += all[i];
      ends.push_back(static_cast<uint32_t>(data.size()));
    }
    MustBeOk(session->Add(world.context(), TextsView{.data = data, .ends = ends}));
  }
  std::vector<uint64_t> numbers(5'000);
  std::iota(numbers.begin(), numbers.end(), 1'900);
  MustBeOk(session->Add(world.context(), std::span<const uint64_t>(numbers)));
  Must(session->Finish(world.context()));
  for (const uint64_t number : numbers) all.push_back(std::to_string(number));
  Must(world.TryUpload({.crowd = "small"}, all, {}, 100));
  EXPECT_EQ(world.Members({.what = "crowd('large')"}), world.Members({.what = "crowd('small')"}));
  EXPECT_EQ(world.UnmatchedOf("large", 1).unknown, world.UnmatchedOf("small", 1).unknown);
  EXPECT_EQ(world.UnmatchedOf("large", 1).refused, world.UnmatchedOf("small", 1).refused);
  // A retry is known by what came in which order, and where.
  Must(world.TryUpload({.crowd = "large"}, all, {.request_id = "r"}, 100));
  EXPECT_EQ(world.Get("large").version_count, 1u);
  std::swap(all[2'044], all[2'050]);
  EXPECT_EQ(ReasonOf(world.TryUpload({.crowd = "large"}, all, {.request_id = "r"}).status()),
            "REQUEST_ID_REUSED");
}

TEST_F(UploadsTest, ManyRefusedTextsAreCountedAndSomeListed) {
  Texts texts(storage::kUploadRefusedMax + 5, std::string(200, 'x'));
  const UploadInfo upload = Must(world_.TryUpload(To("x"), texts, {}, 1'000));
  EXPECT_EQ(upload.record.invalid, texts.size());
  EXPECT_EQ(upload.invalid_listed, storage::kUploadRefusedMax);
  EXPECT_EQ(upload.samples.size(), kUploadSamplesMax);
  const UnmatchedIds unmatched = world_.UnmatchedOf("x", 1);
  ASSERT_EQ(unmatched.refused.size(), storage::kUploadRefusedMax);
  EXPECT_EQ(unmatched.refused.back().position, storage::kUploadRefusedMax);
  EXPECT_EQ(unmatched.refused.back().text.size(), storage::kUploadRefusedBytesMax);
}

TEST_F(UploadsTest, ARetryChangesNothing) {
  const WriteOptions options{.request_id = "r1", .payload_hash = 7};
  const UploadInfo first = Must(world_.TryUpload(Keeping("x"), {"u1", "u2", "zz"}, options));
  const UploadInfo again = Must(world_.TryUpload(Keeping("x"), {"u1", "u2", "zz"}, options, 2));
  EXPECT_EQ(again.version.version.number, 1u);
  EXPECT_EQ(again.record, first.record);
  EXPECT_EQ(again.kept, 1u);
  EXPECT_EQ(again.data_version, first.data_version);
  world_.Reopen();
  EXPECT_EQ(Must(world_.TryUpload(Keeping("x"), {"u1", "u2", "zz"}, options)).data_version,
            first.data_version);
  for (const Texts& other : {Texts{"u2", "u1", "zz"}, Texts{"u1", "u2"}, Texts{"u1", "u2", ""}}) {
    ExpectError(world_.TryUpload(Keeping("x"), other, options).status(),
                absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED", "request_id");
  }
  EXPECT_EQ(world_.Get("x").version_count, 1u);
}

TEST_F(UploadsTest, ARetryIsAnsweredWhateverBecameOfTheCrowd) {
  UploadRequest request = Keeping("x");
  const WriteOptions options{.request_id = "r1"};
  const UploadInfo first = Must(world_.TryUpload(request, {"u1", "zz", ""}, options));
  UpdateCrowd update{.name = "x", .new_name = "y"};
  Must(world_.crowds().Update(context(), update, {}));
  request.create.reset();
  UploadInfo again = Must(world_.TryUpload(request, {"u1", "zz", ""}, options));
  EXPECT_EQ(again.crowd, "y");
  EXPECT_EQ(again.samples, first.samples);
  EXPECT_EQ(again.unknown_listed, 1u);
  EXPECT_EQ(again.invalid_listed, 1u);
  Must(world_.crowds().Freeze(context(), {.names = {"y"}}, {}));
  again = Must(world_.TryUpload(request, {"u1", "zz", ""}, options));
  EXPECT_EQ(again.version.version.number, 1u);
  ExpectError(world_.TryUpload(request, {"u1"}, options).status(),
              absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED", "request_id");
  UploadRequest absent = To("nowhere");
  absent.etag = "1-1";
  ExpectError(world_.TryUpload(absent, {}).status(), absl::StatusCode::kAborted, "ETAG_MISMATCH",
              "etag");
}

// Sent again while the first one is still at it: one of them makes a version, both tell of it.
TEST_F(UploadsTest, ARetryBesideItsFirstAttemptMakesNoSecondVersion) {
  world_.Upload(To("x"), {});
  std::vector<std::thread> threads;
  std::vector<absl::StatusOr<UploadInfo>> results(4);
  for (auto& result : results) {
    threads.emplace_back([&] {
      result = world_.TryUpload(To("x", UploadMode::kAdd), {"u1", "zz"}, {.request_id = "r"});
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->version.version.number, 2u);
    EXPECT_EQ(result->record.unknown, 1u);
  }
  EXPECT_EQ(world_.Get("x").version_count, 2u);
}

TEST_F(UploadsTest, WithoutFinishOrWithValidateOnlyNothingChanges) {
  UploadRequest request = To("x");
  request.create = CreateCrowd{};
  const uint64_t before = Must(world_.engine().identities().Resolve(context(), {})).data_version;
  {
    auto session = Must(world_.uploads().Start(context(), request, {}));
    const std::vector<uint64_t> numbers{6};
    MustBeOk(session->Add(context(), std::span<const uint64_t>(numbers)));
  }
  const UploadInfo checked =
      Must(world_.TryUpload(request, {"u1", "zz", ""}, {.validate_only = true}));
  EXPECT_EQ(checked.record.matched, 1u);
  EXPECT_EQ(checked.record.unknown, 1u);
  EXPECT_EQ(checked.samples.size(), 1u);
  EXPECT_EQ(checked.version.version.number, 0u);
  EXPECT_TRUE(absl::IsNotFound(world_.crowds().Get(context(), "default", "x").status()));
  EXPECT_EQ(Must(world_.engine().identities().Resolve(context(), {})).data_version, before);
}

// The files of a directory that hold `text`.
Texts FilesWith(const std::string& directory, const std::string& text) {
  Texts files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (bytes.find(text) != std::string::npos) files.push_back(entry.path().filename());
  }
  return files;
}

TEST(UploadErasureTest, IdsOfTheErasedStayNowhere) {
  UploadWorld world({.compress = false});
  world.Write("somebody", {});
  world.DeclareIdType("phone", {index::IdNormalizer::kPhoneDigits});
  UploadRequest phones{.crowd = "k", .id_type = "phone", .keep_unknown = true};
  world.Upload(phones, {"+8613800001111", "+8613900002222", "bad"});
  UploadRequest wrong_type{.crowd = "w"};
  world.Upload(wrong_type, {"8613800001111"});
  // The user comes, is found by another upload, and is forgotten.
  MustBeOk(world.TryLink("person", "phone", "8613800001111"));
  world.Erase("person");
  EXPECT_EQ(world.UnmatchedOf("k", 1).unknown, Set{"8613900002222"});
  EXPECT_EQ(world.UnmatchedOf("w", 1).unknown, Set{});
  world.Refresh({"k"});
  EXPECT_EQ(Must(world.uploads().Get(world.context(), "default", "k", 2)).kept, 1u);
  world.Reopen();
  EXPECT_EQ(FilesWith(DirectoryOf(world), "8613800001111"), Texts{});
  EXPECT_FALSE(FilesWith(DirectoryOf(world), "8613900002222").empty()) << "the search finds";
  // Uploaded after the erasure, it is somebody's again.
  world.Upload(phones, {"8613800001111"});
  EXPECT_EQ(world.UnmatchedOf("k", 3).unknown, Set{"8613800001111"});
  world.Reopen();
  EXPECT_EQ(world.UnmatchedOf("k", 3).unknown, Set{"8613800001111"});
}

// Erased while the ids are on their way: what no fold has taken in is cleaned behind the commit;
// else nobody knows any more which ids are concerned.
TEST(UploadErasureTest, AnErasureDuringAnUploadIsNotForgotten) {
  UploadWorld world({.compress = false});
  world.DeclareIdType("phone", {index::IdNormalizer::kPhoneDigits});
  world.Write("somebody", {});
  world.Upload({.crowd = "w"}, {});
  for (const bool folds : {false, true}) {
    MustBeOk(world.TryLink("person", "phone", "8613800001111"));
    UploadRequest request{.crowd = "w", .keep_unknown = true};
    request.create = CreateCrowd{};
    auto session = Must(world.uploads().Start(world.context(), request, {}));
    const std::string phone = "8613800001111";  // as primary ids: nobody's
    const std::vector<uint32_t> ends{static_cast<uint32_t>(phone.size())};
    MustBeOk(session->Add(world.context(), TextsView{.data = phone, .ends = ends}));
    world.Erase("person");
    EXPECT_EQ(world.UnmatchedOf("w", 1).unknown, Set{}) << "which looks for the erased";
    if (folds) MustBeOk(world.engine().administration().Fold());
    const absl::StatusOr<UploadInfo> result = session->Finish(world.context());
    if (folds) {
      EXPECT_TRUE(absl::IsAborted(result.status())) << result.status();
      EXPECT_EQ(ReasonOf(result.status()), "USERS_ERASED");
    } else {
      MustBeOk(result.status());
      EXPECT_EQ(world.UnmatchedOf("w", result->version.version.number).unknown, Set{});
    }
    session.reset();
    world.Reopen();
    EXPECT_EQ(FilesWith(DirectoryOf(world), phone), Texts{});
  }
}

TEST_F(UploadsTest, TwoUploadsOfOneCrowdWaitForEachOther) {
  world_.Upload(To("x"), {});
  std::vector<std::thread> threads;
  std::vector<absl::Status> statuses(4);
  for (size_t i = 0; i < statuses.size(); ++i) {
    threads.emplace_back([&, i] {
      UploadRequest request = To("x", UploadMode::kAdd);
      auto session = world_.uploads().Start(context(), request, {});
      const std::string id = fmt::format("u{}", i + 1);
      const std::vector<uint32_t> ends{static_cast<uint32_t>(id.size())};
      statuses[i] = session.ok() ? (*session)->Add(context(), TextsView{.data = id, .ends = ends})
                                 : session.status();
      if (statuses[i].ok()) statuses[i] = (*session)->Finish(context()).status();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : statuses) EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(world_.Count("crowd('x')"), 4u);
  EXPECT_EQ(world_.Get("x").version_count, 5u);
}

}  // namespace
}  // namespace throng::engine
