// Forgetting users: in memory, on disk, and in what is restored.
#include "server/engine/erasures.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "storage/file_system_hook.h"
#include "tests/server/engine_world.h"
#include "tests/testing/fault_file_system.h"

namespace throng::engine {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

// The files of a directory that hold `text`.
Texts FilesWith(const std::string& directory, const std::string& text) {
  Texts files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (bytes.find(text) != std::string::npos) files.push_back(entry.path().filename());
  }
  return files;
}

void LinkPhone(EngineWorld& world, const std::string& user, const std::string& phone) {
  world.engine()
      .identities()
      .CreateIdType(world.context(), "default", {.name = "phone"}, {})
      .IgnoreError();
  MustBeOk(world.engine()
               .identities()
               .Link(world.context(),
                     {.unknown_ids = UnknownIds::kCreate, .users = {{user, {{"phone", phone}}}}})
               .status());
}

EraseResult Erase(EngineWorld& world, std::vector<TypedId> users) {
  return Must(world.engine().erasures().Erase(world.context(), {.users = std::move(users)}));
}

bool Exists(EngineWorld& world, const std::string& id) {
  return Must(world.engine().identities().Resolve(world.context(), {.ids = {id}})).results[0].found;
}

TEST(ErasuresTest, AUserIsGoneFromEverything) {
  EngineWorld world;
  FillRental(&world);
  LinkPhone(world, "u1", "138");
  const uint64_t before =
      Must(world.engine().identities().Resolve(world.context(), {})).data_version;
  const EraseResult result = Erase(world, {{"phone", "138"}, {"", "u99"}, {"", "u1"}});
  EXPECT_EQ(result.users_erased, 1u);
  EXPECT_TRUE(result.users[0].found);
  EXPECT_EQ(result.users[0].tags_cleared, 8u);
  EXPECT_EQ(result.users[0].ids_removed, 2u);
  EXPECT_FALSE(result.users[1].found);
  EXPECT_FALSE(result.users[2].found) << "found once";
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(world.Count("all()"), 5u);
    EXPECT_EQ(world.Members({.what = "city = 'Beijing'"}), Texts{"u3"});
    EXPECT_EQ(world.Members({.what = "not exists(views)"}), (Texts{"u5", "6"}));
    EXPECT_EQ(world.Count("ids('u1')"), 0u);
    EXPECT_EQ(world.Count("views = 5"), 0u);
    EXPECT_FALSE(Exists(world, "u1"));
    if (round == 0) {
      const Selection then{.what = "city = 'Beijing'", .read_version = before};
      EXPECT_EQ(world.Members(then), (Texts{"u1", "u3"})) << "a pinned version still sees it";
      world.Reopen();
    }
  }
  // Created again, it is a new user without anything.
  world.Write("u1", {});
  EXPECT_EQ(world.Members({.what = "not exists(views)"}), (Texts{"u5", "6", "u1"}));
  EXPECT_EQ(Must(world.engine().identities().Resolve(world.context(),
                                                     {.ids = {"u1"}, .to_type = "phone"}))
                .results[0]
                .ids,
            Texts{});
  LinkPhone(world, "u2", "138");
  world.Reopen();
  EXPECT_TRUE(Exists(world, "u1")) << "a restart does not erase whom was created again";
  EXPECT_EQ(world.Count("all()"), 6u);
}

// Request ids are kept for a day of the system's clock.
int64_t SystemClockUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

TEST(ErasuresTest, ValidatesAndAnswersRetries) {
  EngineWorld world({.clock_us = SystemClockUs});
  FillRental(&world);
  EraseRequest request{.users = {{"", "u2"}}, .request_id = "r", .payload_hash = 5};
  request.validate_only = true;
  EXPECT_EQ(Must(world.engine().erasures().Erase(world.context(), request)).users_erased, 1u);
  EXPECT_TRUE(Exists(world, "u2"));
  request.validate_only = false;
  const EraseResult first = Must(world.engine().erasures().Erase(world.context(), request));
  const EraseResult second = Must(world.engine().erasures().Erase(world.context(), request));
  EXPECT_EQ(second.data_version, first.data_version);
  ASSERT_EQ(second.users.size(), 1u);
  EXPECT_EQ(second.users[0].tags_cleared, first.users[0].tags_cleared);
  const auto expect = [&](std::vector<TypedId> users, std::string_view reason,
                          std::string_view field) {
    const absl::Status status =
        world.engine().erasures().Erase(world.context(), {.users = std::move(users)}).status();
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  };
  expect({{"", "u1"}, {"", ""}}, "EMPTY_ID", "users[1].id");
  expect({{"fax", "1"}}, "UNKNOWN_ID_TYPE", "users[0].id_type");
  expect(std::vector<TypedId>(kEraseUsersMax + 1), "TOO_MANY_USERS", "users");
  EXPECT_TRUE(Exists(world, "u1"));
  EXPECT_EQ(Must(world.engine().erasures().Erase(EngineWorld::Seeing(6), {.users = {{"", "u1"}}}))
                .users[0]
                .tags_cleared,
            7u)
      << "a tag beyond the caller's level is cleared and not counted";
  EXPECT_EQ(world.Count("income = 'high'"), 1u);
}

TEST(ErasuresTest, StagedContentForgetsThemToo) {
  EngineWorld world;
  world.CreateTag({.name = "city", .type = index::TagType::kCategory});
  world.Write("u1", {{"city", Text("Beijing")}});
  world.Write("u2", {{"city", Text("Wuhan")}});
  LoadHeader header{.mode = LoadMode::kReplace, .unknown_ids = UnknownIds::kError};
  header.tags = {"city"};
  auto load = Must(world.engine().writer().StartLoad(world.context(), header));
  const std::vector<uint32_t> ends = {2, 4};
  const std::vector<uint32_t> codes = {0, 0};
  ColumnBatch batch{.number = 1, .ids = TextsView{.data = "u1u2", .ends = ends}, .columns = {}};
  batch.columns.push_back({.tag = "city", .values = CodedView{{"Beijing"}, codes}});
  MustBeOk(load->Write(world.context(), batch).status());
  Erase(world, {{"", "u1"}});
  MustBeOk(load->Finish(world.context()).status());
  EXPECT_EQ(world.Members({.what = "city = 'Beijing'"}), Texts{"u2"});
  EXPECT_EQ(world.Count("exists(city)"), 1u);
  world.Reopen();
  EXPECT_EQ(world.Members({.what = "city = 'Beijing'"}), Texts{"u2"});
}

constexpr char kId[] = "zq7-user-to-be-forgotten";
constexpr char kPhone[] = "zq7-phone-to-be-forgotten";
constexpr char kOnlyValue[] = "zq7-value-that-nobody-else-has";
constexpr char kSharedValue[] = "zq7-value-that-others-have";

void FillTraces(EngineWorld& world) {
  world.CreateTag({.name = "city", .type = index::TagType::kCategory});
  world.CreateTag({.name = "interests", .type = index::TagType::kLabels});
  world.Write("other", {{"city", Text(kSharedValue)}});
  world.Write(kId, {{"city", Text(kOnlyValue)}, {"interests", Text(kSharedValue)}});
  world.AddLabels("other", "interests", {kSharedValue});
  LinkPhone(world, kId, kPhone);
}

// A folded user, in tables, and one that is only in the log.
TEST(ErasuresTest, NoFileHoldsWhatWasForgotten) {
  for (const bool is_folded : {false, true}) {
    EngineWorld world({.compress = false});
    FillTraces(world);
    if (is_folded) world.Reopen();
    for (const char* text : {kId, kPhone, kOnlyValue, kSharedValue}) {
      EXPECT_FALSE(FilesWith(DirectoryOf(world), text).empty()) << text;
    }
    Erase(world, {{"", kId}});
    world.Reopen();
    for (const char* text : {kId, kPhone, kOnlyValue}) {
      EXPECT_EQ(FilesWith(DirectoryOf(world), text), Texts{}) << text << is_folded;
    }
    EXPECT_FALSE(FilesWith(DirectoryOf(world), kSharedValue).empty()) << "others have it";
    EXPECT_EQ(world.Members({.what = "city = '" + std::string(kSharedValue) + "'"}),
              Texts{"other"});
    world.Write("other", {{"city", Text(kOnlyValue)}});
    EXPECT_EQ(world.Count("city = '" + std::string(kOnlyValue) + "'"), 1u)
        << "a forgotten value may come again";
  }
}

// The running server removes them by itself.
TEST(ErasuresTest, FilesAreCleanedWhileItRuns) {
  EngineWorld world({.compress = false});
  FillTraces(world);
  Erase(world, {{"phone", kPhone}});
  const auto is_clean = [&] {
    return FilesWith(DirectoryOf(world), kId).empty() &&
           FilesWith(DirectoryOf(world), kPhone).empty() &&
           FilesWith(DirectoryOf(world), kOnlyValue).empty();
  };
  for (int i = 0; i < 600 && !is_clean(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(is_clean());
  EXPECT_EQ(world.Count("all()"), 1u);
}

// Copies a directory, as a cold backup does.
void CopyFiles(const std::string& from, const std::string& to) {
  fs::create_directories(to);
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
}

TEST(ErasuresTest, ARestoredBackupForgetsThemAgain) {
  testing::TemporaryDirectory backup;
  EngineOptions options{.directory = backup.path() + "/data"};
  uint64_t version = 0;
  {
    testing::TemporaryDirectory live;
    EngineOptions live_options{.directory = live.path() + "/data"};
    const CallContext context = CallContext::Internal();
    const auto write = [&](Engine& engine, const std::string& id) {
      MustBeOk(engine.writer()
                   .WriteUsers(context, {.unknown_ids = UnknownIds::kCreate, .users = {{id, {}}}})
                   .status());
    };
    auto engine = Must(Engine::Open(live_options));
    for (const char* id : {"u1", "u2", "u3", "u4"}) write(*engine, id);
    MustBeOk(engine->erasures().Erase(context, {.users = {{"", "u4"}}}).status());
    write(*engine, "u4");  // came back before the backup
    engine.reset();
    CopyFiles(live_options.directory, options.directory);
    engine = Must(Engine::Open(live_options));
    for (int i = 0; i < 5; ++i) write(*engine, "later" + std::to_string(i));
    version =
        Must(engine->erasures().Erase(context, {.users = {{"", "u1"}, {"", "u3"}, {"", "later1"}}}))
            .data_version;
    write(*engine, "u3");  // came back after the backup: a restore knows only the user of before
    engine.reset();
    const std::string file(storage::kErasureLedgerFile);
    EXPECT_EQ(fs::status(live_options.directory + "/" + file).permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
    fs::copy(live_options.directory + "/" + file, options.directory + "/" + file,
             fs::copy_options::overwrite_existing);
  }
  const CallContext context = CallContext::Internal();
  const auto found = [&](Engine& engine) {
    Texts ids;
    const Texts asked = {"u1", "u2", "u3", "u4", "later1"};
    const auto result = Must(engine.identities().Resolve(context, {.ids = asked}));
    for (size_t i = 0; i < asked.size(); ++i) {
      if (result.results[i].found) ids.push_back(asked[i]);
    }
    return ids;
  };
  auto engine = Must(Engine::Open(options));
  EXPECT_EQ(found(*engine), (Texts{"u2", "u4"}));
  // Whoever is created now stays, at data versions below those of the ledger.
  MustBeOk(engine->writer()
               .WriteUsers(context, {.unknown_ids = UnknownIds::kCreate,
                                     .users = {{"u1", {}}, {"later1", {}}}})
               .status());
  EXPECT_LT(Must(engine->identities().Resolve(context, {})).data_version, version);
  engine.reset();
  engine = Must(Engine::Open(options));
  EXPECT_EQ(found(*engine), (Texts{"u1", "u2", "u4", "later1"}));
  MustBeOk(engine->erasures().Erase(context, {.users = {{"", "u1"}}}).status());
  engine.reset();
  engine = Must(Engine::Open(options));
  EXPECT_EQ(found(*engine), (Texts{"u2", "u4", "later1"}));
}

// Every failure of the disk in an erasure: it happened, or it did not, and after a restart what was
// acknowledged holds.
TEST(ErasuresTest, FailuresLeaveAllOrNothing) {
  bool has_succeeded = false;
  for (uint64_t n = 1; !has_succeeded; ++n) {
    ASSERT_LT(n, 60u);
    const auto files = std::make_shared<testing::FaultFileSystem>();
    storage::FileSystemHook hook{.file_system = files};
    testing::TemporaryDirectory directory;
    EngineOptions options{.directory = directory.path() + "/data", .file_system = &hook};
    const CallContext context = CallContext::Internal();
    auto engine = Must(Engine::Open(options));
    MustBeOk(engine->writer()
                 .WriteUsers(context, {.unknown_ids = UnknownIds::kCreate,
                                       .users = {{"u1", {}}, {"u2", {}}}})
                 .status());
    files->FailFrom(n, 1, rocksdb::IOStatus::NoSpace());
    has_succeeded = engine->erasures().Erase(context, {.users = {{"", "u1"}}}).ok();
    files->CutPower();
    const auto now = Must(engine->identities().Resolve(context, {.ids = {"u1", "u2"}}));
    EXPECT_EQ(now.results[0].found, !has_succeeded) << n;
    engine.reset();
    files->RestorePower();
    files->Heal();
    engine = Must(Engine::Open(options));
    const auto then = Must(engine->identities().Resolve(context, {.ids = {"u1", "u2"}}));
    EXPECT_FALSE(has_succeeded && then.results[0].found) << n;
    EXPECT_TRUE(then.results[1].found) << n;
  }
}

}  // namespace
}  // namespace throng::engine
