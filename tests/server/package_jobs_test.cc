// Packages by jobs: files, manifests, cancelled and cut jobs, a disk that fails, limits.
#include "server/engine/package_jobs.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/mutex.h"
#include "tests/server/package_world.h"
#include "tests/testing/failing_disk.h"
#include "tests/testing/temporary_directory.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;

// Holds jobs before a block until it is opened. Thread-safe.
class Gate {
 public:
  void Pass() {
    index::MutexLock lock(mutex_);
    ++waiting_;
    changed_.NotifyAll();
    while (!open_) changed_.Wait(mutex_);
  }
  void Open() {
    index::MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  void Close() {
    index::MutexLock lock(mutex_);
    open_ = false;
    waiting_ = 0;
  }
  void AwaitWaiting() {
    index::MutexLock lock(mutex_);
    while (waiting_ == 0) changed_.Wait(mutex_);
  }

 private:
  index::Mutex mutex_;
  index::ConditionVariable changed_;
  int waiting_ THRONG_GUARDED_BY(mutex_) = 0;
  bool open_ THRONG_GUARDED_BY(mutex_) = true;
};

class PackageJobsTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kUsers = 50'000;

  PackageJobsTest() : world_(Options()) {
    world_.LoadNumbers(1, kUsers);
    world_.Create("all", "all()");
    world_.Refresh({"all"});
  }
  ~PackageJobsTest() override { gate_.Open(); }

  EngineOptions Options() {
    return {.package_directory = directory_.File("out"),
            .package_jobs_queued_max = 2,
            .file_system = disk_.hook(),
            .before_package_block = [this] {
              gate_.Pass();
              if (throws_) throw std::bad_alloc();
            }};
  }
  absl::StatusOr<PackageInfo> TryCreate(const CreatePackage& create,
                                        const WriteOptions& options = {}) {
    return world_.packages().Create(world_.context(), create, options);
  }
  PackageInfo Create(const CreatePackage& create) { return Must(TryCreate(create)); }
  PackageInfo Get(const std::string& id) {
    return Must(world_.packages().Get(world_.context(), "default", id));
  }
  std::string PathOf(const std::string& id, const std::string& name = "") {
    return fmt::format("{}/out/default/{}{}", directory_.path(), id,
                       name.empty() ? "" : "/" + name);
  }
  Texts FilesOf(const std::string& id) {
    Texts names;
    if (!std::filesystem::exists(PathOf(id))) return names;
    for (const auto& entry : std::filesystem::directory_iterator(PathOf(id))) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  void Put(const std::string& id, const std::string& name, const std::string& text) {
    std::ofstream(PathOf(id, name), std::ios::binary) << text;
  }
  static void ExpectError(const absl::Status& status, absl::StatusCode code,
                          std::string_view reason, std::string_view field) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  }

  testing::TemporaryDirectory directory_;
  testing::FailingDisk disk_;
  Gate gate_;
  std::atomic<bool> throws_{false};
  PackageWorld world_;
};

TEST_F(PackageJobsTest, WritesPartsAndAManifest) {
  const PackageInfo queued = Create({.spec = {.crowd = "all",
                                              .tags = {"loaded"},
                                              .format = PackageFormat::kCsv,
                                              .compression = PackageCompression::kGzip},
                                     .file_count = 4,
                                     .file_prefix = "spring.2024"});
  EXPECT_EQ(queued.id, "20240315-100000-0001");
  EXPECT_EQ(queued.total, kUsers);
  const PackageInfo ready = world_.Await(queued.id);
  ASSERT_EQ(ready.state, PackageState::kReady) << ready.error;
  EXPECT_EQ(ready.counts, (PackageCounts{.users = kUsers, .rows = kUsers}));
  EXPECT_EQ(ready.directory, PathOf(queued.id));
  ASSERT_TRUE(ready.manifest.has_value());
  ASSERT_EQ(ready.manifest->files.size(), 4u);
  EXPECT_EQ(ready.manifest->package, "populations/default/packages/20240315-100000-0001");
  Texts ids;
  uint64_t bytes = 0;
  for (size_t i = 0; i < 4; ++i) {
    const PackagePart& part = ready.manifest->files[i];
    EXPECT_EQ(part.name, fmt::format("spring.2024-{:05}-of-00004.csv.gz", i + 1));
    EXPECT_EQ(part.rows, kUsers / 4);
    const std::string packed = ReadFile(PathOf(queued.id, part.name));
    EXPECT_EQ(part.bytes, packed.size());
    EXPECT_EQ(part.sha256, HashOf(packed, "sha256"));
    bytes += part.bytes;
    const auto records = ReadCsv(Unpack(packed, "gzip"));
    ASSERT_EQ(records.size(), kUsers / 4 + 1);
    EXPECT_EQ(records[0], (Texts{"user_id", "loaded"}));
    for (size_t row = 1; row < records.size(); ++row) ids.push_back(records[row][0]);
  }
  EXPECT_EQ(ready.bytes, bytes);
  EXPECT_EQ(ids, world_.Members({.what = "crowd('all')"}));
  EXPECT_EQ(EncodeManifest(*ready.manifest), ReadFile(PathOf(queued.id, "manifest.json")));
  EXPECT_EQ(FilesOf(queued.id).size(), 6u) << "four parts, the manifest, the record";
}

TEST_F(PackageJobsTest, TheNumberOfFilesDoesNotChangeWhoIsInThem) {
  world_.Create("some", "ids('3','70','4000','4001','49999')");
  world_.Refresh({"some"});
  for (const uint32_t count : {1u, 2u, 3u, 5u, 6u, 9u, kPackageFilesMax}) {
    const PackageInfo ready = world_.Await(
        Create({.spec = {.crowd = "some"}, .file_count = count, .file_prefix = "ids"}).id);
    ASSERT_EQ(ready.state, PackageState::kReady) << ready.error;
    ASSERT_EQ(ready.manifest->files.size(), count);
    std::string all;
    uint64_t most = 0;
    uint64_t least = kUsers;
    for (const PackagePart& part : ready.manifest->files) {
      all += ReadFile(PathOf(ready.id, part.name));
      most = std::max(most, part.rows);
      least = std::min(least, part.rows);
    }
    EXPECT_EQ(all, "3\n70\n4000\n4001\n49999\n");
    EXPECT_LE(most - least, 1u);
  }
}

TEST_F(PackageJobsTest, ReadsTheVersionOfWhenItWasAskedFor) {
  gate_.Close();
  const PackageInfo queued = Create({.spec = {.crowd = "all"}});
  gate_.AwaitWaiting();
  world_.LoadNumbers(1'000'000, 10);
  for (int i = 0; i < 12; ++i) world_.Refresh({"all"});
  gate_.Open();
  const PackageInfo ready = world_.Await(queued.id);
  ASSERT_EQ(ready.state, PackageState::kReady) << ready.error;
  EXPECT_EQ(ready.counts.rows, kUsers);
  EXPECT_EQ(ready.manifest->data_version, queued.data_version);
}

TEST_F(PackageJobsTest, JobsAreListedCancelledAndDeleted) {
  gate_.Close();
  const std::string running = Create({.spec = {.crowd = "all"}}).id;
  gate_.AwaitWaiting();
  const std::string waiting = Create({.spec = {.crowd = "all"}}).id;
  EXPECT_EQ(Get(running).state, PackageState::kRunning);
  EXPECT_EQ(Get(waiting).state, PackageState::kQueued);
  Packages& packages = world_.packages();
  const CallContext& context = world_.context();
  for (const std::string& id : {running, waiting}) {
    ExpectError(packages.Delete(context, "default", id), absl::StatusCode::kFailedPrecondition,
                "PACKAGE_RUNNING", "name");
  }
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Must(packages.Cancel(context, "default", waiting)).state, PackageState::kCancelled);
  }
  EXPECT_EQ(Must(packages.Cancel(context, "default", running)).state, PackageState::kRunning);
  gate_.Open();
  EXPECT_EQ(world_.Await(running).state, PackageState::kCancelled);
  EXPECT_EQ(FilesOf(running), Texts{".job.json"});
  EXPECT_EQ(FilesOf(waiting), Texts{".job.json"});

  const std::string ready = world_.Await(Create({.spec = {.crowd = "all"}}).id).id;
  ExpectError(packages.Cancel(context, "default", ready).status(),
              absl::StatusCode::kFailedPrecondition, "PACKAGE_ENDED", "name");
  const auto list = [&] {
    Texts states;
    for (const PackageInfo& info : Must(world_.packages().List(context, "default"))) {
      states.push_back(fmt::format("{} {}", info.id.substr(16), PackageStateName(info.state)));
    }
    return states;
  };
  EXPECT_EQ(list(), (Texts{"0001 cancelled", "0002 cancelled", "0003 ready"}));
  world_.Reopen();
  EXPECT_EQ(list(), (Texts{"0001 cancelled", "0002 cancelled", "0003 ready"}));
  EXPECT_EQ(Get(ready).manifest->files.size(), 1u);
  MustBeOk(world_.packages().Delete(context, "default", ready));
  EXPECT_FALSE(std::filesystem::exists(PathOf(ready)));
  EXPECT_EQ(list(), (Texts{"0001 cancelled", "0002 cancelled"}));
  ExpectError(world_.packages().Get(context, "default", ready).status(),
              absl::StatusCode::kNotFound, "UNKNOWN_PACKAGE", "name");
}

TEST_F(PackageJobsTest, AStopCutsWhatIsUnderWay) {
  gate_.Close();
  const std::string running = Create({.spec = {.crowd = "all"}}).id;
  gate_.AwaitWaiting();
  const std::string waiting = Create({.spec = {.crowd = "all"}}).id;
  std::thread opener([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    gate_.Open();
  });
  world_.Reopen();
  opener.join();
  const PackageInfo queued = Get(waiting);
  EXPECT_EQ(queued.state, PackageState::kCut);
  EXPECT_EQ(queued.error, "cut as the server stopped: ask again");
  EXPECT_EQ(FilesOf(waiting), Texts{".job.json"});
  // The other one may just have made it.
  EXPECT_NE(Get(running).state, PackageState::kRunning);
}

TEST_F(PackageJobsTest, ACrashCutsWhatWasUnderWay) {
  PackageInfo ready = world_.Await(Create({.spec = {.crowd = "all"}}).id);
  PackageRecord record{.info = ready, .crowd = 1};
  const std::string manifest = ReadFile(PathOf(ready.id, "manifest.json"));
  const std::string& name = ready.manifest->files[0].name;
  const std::string whole = ReadFile(PathOf(ready.id, name));
  // As a kill leaves it: before the names, between them and the manifest, and behind that.
  for (const PackageState state : {PackageState::kQueued, PackageState::kRunning}) {
    record.info.state = state;
    for (const bool is_whole : {false, true}) {
      Put(ready.id, ".job.json", EncodeRecord(record));
      Put(ready.id, name, is_whole ? whole : "1\n2\n");
      Put(ready.id, "part-00002-of-00002.txt.partial", "3");
      Put(ready.id, "manifest.json.partial", manifest.substr(0, 10));
      if (is_whole) {
        Put(ready.id, "manifest.json", manifest);
      } else {
        std::filesystem::remove(PathOf(ready.id, "manifest.json"));
      }
      world_.Reopen();
      const PackageInfo info = Get(ready.id);
      EXPECT_EQ(info.state, is_whole ? PackageState::kReady : PackageState::kCut);
      EXPECT_EQ(info.error, is_whole ? "" : "cut by a restart of the server: ask again");
      if (!is_whole) {
        EXPECT_EQ(FilesOf(ready.id), Texts{".job.json"});
      }
      world_.Reopen();
      EXPECT_EQ(Get(ready.id).state, info.state) << "it is kept";
    }
  }
  // Folders of others stay as they are.
  std::filesystem::create_directories(PathOf("theirs"));
  Put("theirs", "file.txt", "x");
  Put("theirs", ".job.json", "{}");
  world_.Reopen();
  EXPECT_EQ(FilesOf("theirs"), (Texts{".job.json", "file.txt"}));
}

TEST_F(PackageJobsTest, ReadyIsWhatHasAllOfItsFiles) {
  const CreatePackage create{.spec = {.crowd = "all"}, .file_count = 2};
  const std::string half_deleted = world_.Await(Create(create).id).id;
  const std::string taken = world_.Await(Create(create).id).id;
  const std::string shortened = world_.Await(Create(create).id).id;
  std::filesystem::remove(PathOf(half_deleted, "manifest.json"));
  std::filesystem::remove(PathOf(taken, "part-00001-of-00002.txt"));
  Put(shortened, "part-00002-of-00002.txt", "1\n");
  world_.Reopen();
  EXPECT_EQ(Get(half_deleted).state, PackageState::kFailed);
  EXPECT_EQ(FilesOf(half_deleted), Texts{".job.json"});
  for (const std::string& id : {taken, shortened}) {
    EXPECT_EQ(Get(id).state, PackageState::kFailed);
    EXPECT_EQ(Get(id).error, "its files are not all there: ask again");
  }
  // What somebody left there is not removed by a start.
  EXPECT_EQ(FilesOf(taken), (Texts{".job.json", "manifest.json", "part-00002-of-00002.txt"}));
  MustBeOk(world_.packages().Delete(world_.context(), "default", taken));
  EXPECT_FALSE(std::filesystem::exists(PathOf(taken)));
}

// One change after the other fails: no file has its name, and the job says why.
TEST_F(PackageJobsTest, AFullDiskLeavesNoFile) {
  const CreatePackage create{.spec = {.crowd = "all"}, .file_count = 3};
  for (const uint64_t failures : {uint64_t{1}, uint64_t{0}}) {
    int failed = 0;
    for (uint64_t first = 1;; ++first) {
      disk_.Fail(testing::FailingDisk::Error::kFull, first, failures);
      const absl::StatusOr<PackageInfo> queued = TryCreate(create);
      if (!queued.ok()) {
        EXPECT_EQ(queued.status().code(), absl::StatusCode::kResourceExhausted);
        disk_.Heal();
        continue;
      }
      const PackageInfo ended = world_.Await(queued->id);
      const bool has_failed = disk_.changes() >= first;
      disk_.Heal();
      if (!has_failed) {
        EXPECT_EQ(ended.state, PackageState::kReady);
        break;
      }
      if (ended.state == PackageState::kReady) continue;  // only its record is old
      ++failed;
      EXPECT_EQ(ended.state, PackageState::kFailed);
      EXPECT_NE(ended.error.find("disk full"), std::string::npos) << ended.error;
      if (failures == 1) {
        EXPECT_EQ(FilesOf(ended.id), Texts{".job.json"}) << first;
      }
    }
    EXPECT_GT(failed, 12);
  }
  world_.Reopen();
  for (const PackageInfo& info : Must(world_.packages().List(world_.context(), "default"))) {
    if (info.state == PackageState::kReady) continue;
    EXPECT_EQ(FilesOf(info.id), Texts{".job.json"}) << "the start removes what the disk did not";
  }
}

TEST_F(PackageJobsTest, SoManyRunAndWait) {
  gate_.Close();
  Create({.spec = {.crowd = "all"}});
  gate_.AwaitWaiting();
  Create({.spec = {.crowd = "all"}});
  const std::string last = Create({.spec = {.crowd = "all"}}).id;
  const absl::Status refused = TryCreate({.spec = {.crowd = "all"}}).status();
  ExpectError(refused, absl::StatusCode::kResourceExhausted, "TOO_MANY_PACKAGE_JOBS", "");
  EXPECT_EQ(index::GetErrorDetail(refused)->limit, 3u);
  Must(world_.packages().Cancel(world_.context(), "default", last));
  EXPECT_TRUE(TryCreate({.spec = {.crowd = "all"}}).ok());
}

TEST_F(PackageJobsTest, ARetryGetsTheFirstAnswer) {
  const CreatePackage create{.spec = {.crowd = "all"}};
  const WriteOptions options{.request_id = "r1", .payload_hash = 7};
  const std::string id = Must(TryCreate(create, options)).id;
  EXPECT_EQ(Must(TryCreate(create, options)).id, id);
  world_.Await(id);
  world_.Reopen();
  EXPECT_EQ(Must(TryCreate(create, options)).id, id);
  ExpectError(TryCreate(create, {.request_id = "r1", .payload_hash = 8}).status(),
              absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED", "request_id");
  EXPECT_NE(Must(TryCreate(create, {.request_id = "r2", .payload_hash = 7})).id, id);
  EXPECT_TRUE(TryCreate(create, {.request_id = std::string(128, 'r')}).ok());
  ExpectError(TryCreate(create, {.request_id = std::string(129, 'r')}).status(),
              absl::StatusCode::kInvalidArgument, "REQUEST_ID_TOO_LONG", "request_id");
}

TEST_F(PackageJobsTest, ARetryOfWhatCameToNothingBeginsAgain) {
  const CreatePackage create{.spec = {.crowd = "all"}};
  const WriteOptions options{.request_id = "r1", .payload_hash = 7};
  gate_.Close();
  const std::string cancelled = Must(TryCreate(create, options)).id;
  gate_.AwaitWaiting();
  EXPECT_EQ(Must(TryCreate(create, options)).id, cancelled);
  Must(world_.packages().Cancel(world_.context(), "default", cancelled));
  gate_.Open();
  EXPECT_EQ(world_.Await(cancelled).state, PackageState::kCancelled);
  const std::string again = Must(TryCreate(create, options)).id;
  EXPECT_NE(again, cancelled);
  EXPECT_EQ(world_.Await(again).state, PackageState::kReady);
}

TEST_F(PackageJobsTest, RefusesFilesThatCannotBe) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  for (const uint32_t count : {0u, kPackageFilesMax + 1}) {
    ExpectError(TryCreate({.spec = {.crowd = "all"}, .file_count = count}).status(), invalid,
                "BAD_FILE_COUNT", "file_count");
  }
  for (const std::string& prefix :
       {std::string(), std::string("../x"), std::string("a/b"), std::string(".x"),
        std::string("a b"), std::string("\xc3\xa4"), std::string("manifest"), std::string(65, 'a'),
        std::string("a\0b", 3)}) {
    ExpectError(TryCreate({.spec = {.crowd = "all"}, .file_prefix = prefix}).status(), invalid,
                "BAD_FILE_PREFIX", "file_prefix");
  }
  const WriteOptions only{.validate_only = true};
  EXPECT_EQ(
      Must(TryCreate({.spec = {.crowd = "all"}, .file_prefix = std::string(64, 'a')}, only)).id,
      "");
  ExpectError(TryCreate({.spec = {.crowd = "al"}}, only).status(), absl::StatusCode::kNotFound,
              "UNKNOWN_CROWD", "spec.crowd");
  EXPECT_TRUE(Must(world_.packages().List(world_.context(), "default")).empty());
}

TEST_F(PackageJobsTest, APackageIsAsSensitiveAsWhatItWasMadeOf) {
  world_.CreateTag({.name = "income", .type = index::TagType::kCategory, .sensitivity = 7});
  world_.Create("rich", "exists(income)");
  world_.Refresh({"rich"});
  const std::string of_crowd = world_.Await(Create({.spec = {.crowd = "rich"}}).id).id;
  const std::string of_column =
      world_
          .Await(
              Create({.spec = {.crowd = "all", .tags = {"income"}, .format = PackageFormat::kCsv}})
                  .id)
          .id;
  const std::string open = world_.Await(Create({.spec = {.crowd = "all"}}).id).id;
  const CallContext low = EngineWorld::Seeing(3);
  Packages& packages = world_.packages();
  for (const std::string& id : {of_crowd, of_column}) {
    ExpectError(packages.Get(low, "default", id).status(), absl::StatusCode::kNotFound,
                "UNKNOWN_PACKAGE", "name");
    EXPECT_TRUE(absl::IsNotFound(packages.Cancel(low, "default", id).status()));
    EXPECT_TRUE(absl::IsNotFound(packages.Delete(low, "default", id)));
  }
  const auto seen = Must(packages.List(low, "default"));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].id, open);
  EXPECT_EQ(Must(packages.List(world_.context(), "default")).size(), 3u);
}

// The manifest has the rule of when it was written, whatever the version was computed from.
TEST_F(PackageJobsTest, ARuleIsNotShownWhenItsCrowdIsGone) {
  world_.CreateTag({.name = "income", .type = index::TagType::kCategory, .sensitivity = 7});
  world_.Create("changed", "all()");
  world_.Refresh({"changed"});
  Must(world_.crowds().Update(world_.context(),
                              {.name = "changed", .rule = std::string("exists(income)")}, {}));
  const WriteOptions options{.request_id = "r", .payload_hash = 1};
  const std::string id =
      world_.Await(Must(TryCreate({.spec = {.crowd = "changed"}}, options)).id).id;
  EXPECT_EQ(Get(id).manifest->definition, "exists(income)");
  EXPECT_TRUE(Get(id).manifest->definition_changed);
  const CallContext low = EngineWorld::Seeing(3);
  ExpectError(world_.packages().Create(low, {.spec = {.crowd = "changed"}}, options).status(),
              absl::StatusCode::kNotFound, "UNKNOWN_CROWD", "spec.crowd");
  Must(world_.crowds().Delete(world_.context(), "default", "changed", "", 1'000'000, {}));
  world_.AdvanceClock(3'600'000'000);
  MustBeOk(world_.crowds().PurgeExpired());
  ASSERT_TRUE(
      absl::IsNotFound(world_.crowds().Get(world_.context(), "default", "changed").status()));
  ExpectError(world_.packages().Get(low, "default", id).status(), absl::StatusCode::kNotFound,
              "UNKNOWN_PACKAGE", "name");
  EXPECT_EQ(Get(id).state, PackageState::kReady) << "for those who may see it";
}

TEST_F(PackageJobsTest, AnExceptionEndsTheJobOnly) {
  throws_ = true;
  const PackageInfo failed = world_.Await(Create({.spec = {.crowd = "all"}}).id);
  EXPECT_EQ(failed.state, PackageState::kFailed);
  EXPECT_EQ(failed.error, "the server has not enough memory for the package");
  EXPECT_EQ(FilesOf(failed.id), Texts{".job.json"});
  throws_ = false;
  EXPECT_EQ(world_.Await(Create({.spec = {.crowd = "all"}}).id).state, PackageState::kReady);
}

TEST_F(PackageJobsTest, TheDirectoryIsOneServersOwn) {
  testing::TemporaryDirectory other;
  const absl::Status second =
      Engine::Open({.directory = other.path(), .package_directory = directory_.File("out")})
          .status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition) << second;
}

TEST(PackagesMaxTest, SoManyAreKept) {
  testing::TemporaryDirectory directory;
  PackageWorld world({.package_directory = directory.File("out"), .packages_max = 2});
  world.LoadNumbers(1, 2);
  world.Create("all", "all()");
  world.Refresh({"all"});
  const auto create = [&] {
    return world.packages().Create(world.context(), {.spec = {.crowd = "all"}}, {});
  };
  const std::string first = world.Await(Must(create()).id).id;
  world.Await(Must(create()).id);
  const absl::Status refused = create().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_PACKAGES");
  EXPECT_EQ(index::GetErrorDetail(refused)->limit, 2u);
  MustBeOk(world.packages().Delete(world.context(), "default", first));
  EXPECT_EQ(Must(create()).id, "20240315-100000-0003") << "no id is given twice";
}

}  // namespace
}  // namespace throng::engine
