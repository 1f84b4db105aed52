// AdminService over a channel.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"
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
