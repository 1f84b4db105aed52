// A disk that is full: health says so, writes are refused with the reason, and both go back by
// themselves.
#include <chrono>
#include <string>
#include <thread>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "tests/service/health_check.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"
#include "tests/testing/failing_disk.h"

namespace throng::service {
namespace {

using testing::FailingDisk;

class ReadOnlyServerTest : public WholeServerTest {
 protected:
  ReadOnlyServerTest() {
    options_.resume_pause_ms = 1;
    options_.resume_pause_ms_max = 20;
    options_.file_system = disk_.hook();
  }
  ~ReadOnlyServerTest() override { Stop(); }  // before the disk goes

  // Waits until `service` has the health.
  bool BecomesHealthy(const std::string& service, const std::string& health) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (std::chrono::steady_clock::now() < end) {
      if (Health(channel_, service) == health) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  FailingDisk disk_;
};

TEST_F(ReadOnlyServerTest, HealthOfWritesFollowsTheDisk) {
  const std::string writes = "throng.v1.UserService";
  EXPECT_EQ(Health(channel_, writes), kServing);
  disk_.Fail(FailingDisk::Error::kFull);
  const grpc::Status refused = WriteUser("nobody");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << refused.error_message();
  EXPECT_EQ(DetailOf(refused).reason(), "DISK_FULL");
  EXPECT_GT(RetryMillisecondsOf(refused), 0);
  EXPECT_NE(refused.error_message().find(options_.directory), std::string::npos);
  EXPECT_TRUE(BecomesHealthy(writes, kNotServing));
  EXPECT_EQ(Health(channel_, ""), kServing) << "reads go on";
  EXPECT_EQ(Health(channel_, "throng.v1.SelectionService"), kServing);
  EXPECT_EQ(Count("all()").count(), kUsers);

  disk_.Heal();
  EXPECT_TRUE(BecomesHealthy(writes, kServing));
  const grpc::Status written = WriteUser("somebody");
  EXPECT_TRUE(written.ok()) << written.error_message();
  EXPECT_EQ(Count("all()").count(), kUsers + 1);
}

TEST_F(ReadOnlyServerTest, AServerThatStopsWhileReadOnlyLeavesWhatItAcknowledged) {
  disk_.Fail(FailingDisk::Error::kBroken);
  const grpc::Status refused = WriteUser("nobody");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE) << refused.error_message();
  EXPECT_EQ(DetailOf(refused).reason(), "READ_ONLY");
  EXPECT_TRUE(BecomesHealthy("throng.v1.UserService", kNotServing));
  Stop();
  disk_.Heal();
  Start();
  EXPECT_EQ(Health(channel_, "throng.v1.UserService"), kServing);
  EXPECT_GE(Count("all()").count(), kUsers);
  EXPECT_TRUE(WriteUser("somebody").ok());
}

}  // namespace
}  // namespace throng::service
