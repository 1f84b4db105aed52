// AdminService over a channel: its answers, and each error that its comments name.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"
#include "tests/testing/failing_disk.h"
#include "throng/v1/admin.grpc.pb.h"

namespace throng::service {
namespace {

class AdminTest : public WholeServerTest {
 protected:
  AdminTest() { options_.backup_directory = directory_.File("backups"); }

  void SetUp() override {
    WholeServerTest::SetUp();
    admin_ = v1::AdminService::NewStub(channel_);
  }
  grpc::Status CreateBackup(const std::string& name, v1::Backup* backup) {
    grpc::ClientContext context;
    v1::CreateBackupRequest request;
    request.set_backup_id(name);
    return admin_->CreateBackup(&context, request, backup);
  }

  grpc::Status ListBackups(const v1::ListBackupsRequest& request,
                           v1::ListBackupsResponse* response) {
    grpc::ClientContext context;
    return admin_->ListBackups(&context, request, response);
  }
  grpc::Status GetStats(const std::string& population, v1::ServerStats* stats) {
    grpc::ClientContext context;
    v1::GetStatsRequest request;
    request.set_population(population);
    return admin_->GetStats(&context, request, stats);
  }
  static void ExpectRefused(const grpc::Status& status, grpc::StatusCode code,
                            const std::string& reason) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(DetailOf(status).reason(), reason) << status.error_message();
  }

  std::unique_ptr<v1::AdminService::Stub> admin_;
};

TEST_F(AdminTest, Stats) {
  grpc::ClientContext context;
  v1::ServerStats stats;
  ASSERT_TRUE(admin_->GetStats(&context, {}, &stats).ok());
  EXPECT_NE(stats.version(), "");
  EXPECT_TRUE(stats.has_uptime());
  EXPECT_TRUE(stats.write_state().writable());
  EXPECT_FALSE(stats.write_state().has_since());
  ASSERT_EQ(stats.populations_size(), 1);
  const v1::PopulationStats& population = stats.populations(0);
  EXPECT_EQ(population.population(), "populations/default");
  EXPECT_EQ(population.user_count(), kUsers);
  EXPECT_EQ(population.tag_count(), 7u);
  EXPECT_EQ(population.commits().count(), population.data_version());
  EXPECT_GT(population.memory().dictionary(), 0u);
  EXPECT_GT(population.memory().columns(), 0u);
  EXPECT_EQ(population.tags_size(), 0);
}

uint64_t SumOf(const v1::MemoryStats& memory) {
  return memory.bitmap_blocks() + memory.bitmap_deltas() + memory.bitmap_overhead() +
         memory.columns() + memory.column_deltas() + memory.dictionary() +
         memory.value_dictionaries();
}

TEST_F(AdminTest, StatsOfTagsAddUp) {
  grpc::ClientContext context;
  v1::GetStatsRequest request;
  request.set_tags_max(1'000);
  v1::ServerStats stats;
  ASSERT_TRUE(admin_->GetStats(&context, request, &stats).ok());
  const v1::PopulationStats& population = stats.populations(0);
  EXPECT_EQ(static_cast<uint32_t>(population.tags_size()), population.tag_count());
  uint64_t sum = population.universe().memory().total() + population.memory().dictionary();
  EXPECT_EQ(population.universe().tag(), "");
  for (const v1::TagStats& tag : population.tags()) {
    EXPECT_EQ(tag.tag().rfind("populations/default/tags/", 0), 0u) << tag.tag();
    EXPECT_NE(tag.type(), v1::TAG_TYPE_UNSPECIFIED);
    EXPECT_EQ(tag.memory().total(), SumOf(tag.memory())) << tag.tag();
    sum += tag.memory().total();
  }
  const v1::MemoryStats& all = population.memory();
  EXPECT_EQ(all.total(), sum);
  EXPECT_EQ(all.total(), SumOf(all));
  EXPECT_EQ(all.bitmap_blocks(), all.arrays().bytes() + all.bitsets().bytes() + all.runs().bytes() +
                                     all.full().bytes() + all.small().bytes());
  EXPECT_GT(all.code_columns(), 0u);
  EXPECT_LE(all.code_columns(), all.columns());
  EXPECT_GT(population.older_versions().count(), 0u);
}

TEST_F(AdminTest, StatsOfOnePopulation) {
  for (const auto& [name, code] : {std::pair{"populations/nobody", grpc::StatusCode::NOT_FOUND},
                                   std::pair{"nobody", grpc::StatusCode::INVALID_ARGUMENT},
                                   std::pair{"populations/default", grpc::StatusCode::OK}}) {
    grpc::ClientContext context;
    v1::GetStatsRequest request;
    request.set_population(name);
    v1::ServerStats stats;
    EXPECT_EQ(admin_->GetStats(&context, request, &stats).error_code(), code) << name;
  }
}

TEST_F(AdminTest, BackupsAreMadeAndListed) {
  v1::Backup backup;
  const grpc::Status bad = CreateBackup("../x", &backup);
  EXPECT_EQ(bad.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf(bad).field(), "backup_id");
  for (const char* name : {"first", "second", "third"}) {
    const grpc::Status made = CreateBackup(name, &backup);
    ASSERT_TRUE(made.ok()) << made.error_message();
  }
  EXPECT_EQ(backup.name(), "backups/third");
  EXPECT_GT(backup.size_bytes(), 0u);
  ASSERT_EQ(backup.populations_size(), 1);
  EXPECT_EQ(backup.populations(0).user_count(), kUsers);
  EXPECT_EQ(CreateBackup("third", &backup).error_code(), grpc::StatusCode::ALREADY_EXISTS);

  v1::ListBackupsRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  do {
    grpc::ClientContext context;
    v1::ListBackupsResponse response;
    ASSERT_TRUE(admin_->ListBackups(&context, request, &response).ok());
    for (const v1::Backup& one : response.backups()) names.push_back(one.name());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(names, (std::vector<std::string>{"backups/first", "backups/second", "backups/third"}));
}

TEST_F(AdminTest, RefusalsSayWhatIsWrong) {
  v1::ServerStats stats;
  ExpectRefused(GetStats("populations/nobody", &stats), grpc::StatusCode::NOT_FOUND,
                "UNKNOWN_POPULATION");
  EXPECT_EQ(DetailOf(GetStats("nobody", &stats)).field(), "population");
  v1::Backup backup;
  for (const std::string& name : {std::string(), std::string(64, 'a'), std::string(".hidden")}) {
    ExpectRefused(CreateBackup(name, &backup), grpc::StatusCode::INVALID_ARGUMENT, "BAD_NAME");
  }
  ASSERT_TRUE(CreateBackup(std::string(63, 'a'), &backup).ok());
  ExpectRefused(CreateBackup(std::string(63, 'a'), &backup), grpc::StatusCode::ALREADY_EXISTS,
                "BACKUP_EXISTS");
  v1::ListBackupsRequest list;
  v1::ListBackupsResponse response;
  list.set_page_size(-1);
  ExpectRefused(ListBackups(list, &response), grpc::StatusCode::INVALID_ARGUMENT, "BAD_PAGE_SIZE");
  list.set_page_size(1);
  list.set_page_token("no token");
  ExpectRefused(ListBackups(list, &response), grpc::StatusCode::INVALID_ARGUMENT, "BAD_PAGE_TOKEN");
}

TEST_F(AdminTest, ABackupIsDescribedAsItIsListed) {
  v1::Backup made;
  ASSERT_TRUE(CreateBackup("monday", &made).ok());
  EXPECT_GT(made.create_time().seconds(), 0);
  EXPECT_EQ(made.damage(), "");
  EXPECT_EQ(made.populations(0).population(), "populations/default");
  EXPECT_EQ(made.populations(0).data_version(), Count("all()").info().data_version());
  v1::ListBackupsResponse listed;
  ASSERT_TRUE(ListBackups({}, &listed).ok());
  ASSERT_EQ(listed.backups_size(), 1);
  EXPECT_EQ(listed.backups(0).SerializeAsString(), made.SerializeAsString());

  std::ofstream(options_.backup_directory + "/monday/BACKUP", std::ios::app) << "x";
  ASSERT_TRUE(ListBackups({}, &listed).ok());
  ASSERT_EQ(listed.backups_size(), 1);
  EXPECT_EQ(listed.backups(0).name(), "backups/monday");
  EXPECT_NE(listed.backups(0).damage(), "");
}

TEST_F(AdminTest, WithoutADirectoryThereAreNoBackups) {
  Stop();
  options_.backup_directory.clear();
  Start();
  admin_ = v1::AdminService::NewStub(channel_);
  v1::Backup backup;
  v1::ListBackupsResponse list;
  ExpectRefused(CreateBackup("monday", &backup), grpc::StatusCode::FAILED_PRECONDITION,
                "NO_BACKUP_DIRECTORY");
  ExpectRefused(ListBackups({}, &list), grpc::StatusCode::FAILED_PRECONDITION,
                "NO_BACKUP_DIRECTORY");
}

// The first one is held up where it reads the ledger of erasures, which is a pipe here.
TEST_F(AdminTest, OneBackupAtATime) {
  const std::string ledger = options_.directory + "/ERASED";
  ASSERT_EQ(mkfifo(ledger.c_str(), 0600), 0);
  grpc::Status first;
  std::atomic<bool> has_ended = false;
  std::thread creating([&] {
    v1::Backup backup;
    first = CreateBackup("first", &backup);
    has_ended = true;
  });
  int pipe = -1;  // opens as soon as somebody reads
  while (pipe < 0 && !has_ended) {
    pipe = open(ledger.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    std::this_thread::yield();
  }
  EXPECT_GE(pipe, 0) << "nobody has read it";
  v1::Backup backup;
  ExpectRefused(CreateBackup("second", &backup), grpc::StatusCode::ABORTED, "BACKUP_UNDER_WAY");
  close(pipe);
  creating.join();
  EXPECT_TRUE(first.ok()) << first.error_message();
  std::filesystem::remove(ledger);
  EXPECT_TRUE(CreateBackup("second", &backup).ok());
}

class AdminDiskTest : public AdminTest {
 protected:
  AdminDiskTest() { options_.file_system = disk_.hook(); }
  ~AdminDiskTest() override { Stop(); }  // before the disk goes

  // Refuses a backup, says why writing stopped, and makes the backup when writing goes on.
  void ExpectNoBackupUntilHealed(testing::FailingDisk::Error error, grpc::StatusCode code,
                                 const std::string& reason) {
    disk_.Fail(error);
    v1::Backup backup;
    for (int attempt = 0; attempt < 2; ++attempt) {
      ExpectRefused(CreateBackup("monday", &backup), code, reason);
    }
    v1::ServerStats stats;
    ASSERT_TRUE(GetStats("", &stats).ok());
    EXPECT_FALSE(stats.write_state().writable());
    EXPECT_EQ(stats.write_state().reason(), reason);
    EXPECT_NE(stats.write_state().message(), "");
    EXPECT_GT(stats.write_state().since().seconds(), 0);
    v1::ListBackupsResponse list;
    ASSERT_TRUE(ListBackups({}, &list).ok());
    EXPECT_EQ(list.backups_size(), 0);

    disk_.Heal();
    while (!stats.write_state().writable()) ASSERT_TRUE(GetStats("", &stats).ok());
    EXPECT_GT(stats.write_state().resume_attempts(), 0u);
    const grpc::Status made = CreateBackup("monday", &backup);
    EXPECT_TRUE(made.ok()) << made.error_message();
  }

  testing::FailingDisk disk_;
};

TEST_F(AdminDiskTest, AFullDiskTakesNoBackup) {
  ExpectNoBackupUntilHealed(testing::FailingDisk::Error::kFull,
                            grpc::StatusCode::RESOURCE_EXHAUSTED, "DISK_FULL");
}

TEST_F(AdminDiskTest, AReadOnlyStoreTakesNoBackup) {
  ExpectNoBackupUntilHealed(testing::FailingDisk::Error::kBroken, grpc::StatusCode::UNAVAILABLE,
                            "READ_ONLY");
}

TEST_F(AdminTest, WhatACrashLeftOfABackupGoes) {
  Stop();
  const std::string left = options_.directory + "/CHECKPOINT";
  std::filesystem::create_directories(left + "/sub");
  std::filesystem::create_directories(left + ".tmp");
  Start();
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_FALSE(std::filesystem::exists(left + ".tmp"));
  EXPECT_EQ(Count("all()").count(), kUsers);
}

}  // namespace
}  // namespace throng::service
