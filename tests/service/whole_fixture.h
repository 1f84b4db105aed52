// The whole server in this process: an engine on a directory of its own behind the services on a
// free port, and a client's view of it.
//
//   class CountTest : public WholeServerTest {};
//   TEST_F(CountTest, Counts) { EXPECT_EQ(Count("city = 'Paris'").count(), 3); }
//
// Thread-compatible.
#ifndef THRONG_TESTS_SERVICE_WHOLE_FIXTURE_H_
#define THRONG_TESTS_SERVICE_WHOLE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"
#include "server/engine/engine.h"
#include "server/service/server.h"
#include "tests/testing/temporary_directory.h"
#include "throng/v1/insight.grpc.pb.h"
#include "throng/v1/membership.grpc.pb.h"
#include "throng/v1/population.grpc.pb.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/tag.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::service {

class WholeServerTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kUsers = 1'000;

  void SetUp() override;
  void TearDown() override { Stop(); }

  void Start();
  void Stop();

  // Users 0 to kUsers-1, numeric ids. city: "Beijing" for every third, else "Tianjin", missing for
  // every tenth; likes: {"a", "b"} for even ones, else none; rent: id / 100 at scale 2;
  // views: id; born: day id; seen: second id; graduate: every fourth.
  void MakeTags();
  void LoadUsers();
  static v1::ColumnBatch MakeBatch(uint64_t first, uint64_t rows, uint64_t number);

  // A user without tags, created if there is none.
  grpc::Status WriteUser(const std::string& id);
  grpc::Status CreateTag(const std::string& name, v1::TagType type, int scale = 0);
  // Sends header and batches, then closes; the summary, or the stream's error.
  grpc::Status Load(const v1::LoadHeader& header, const std::vector<v1::ColumnBatch>& batches,
                    v1::LoadSummary* summary);
  static v1::LoadHeader Header(v1::LoadMode mode, const std::vector<std::string>& tags);

  // Fail the test on an error.
  v1::CountResponse Count(const std::string& expression, uint64_t read_version = 0);
  grpc::Status CountStatus(const v1::Selection& selection);
  std::vector<v1::ExportMembersResponse> Export(const v1::ExportMembersRequest& request);

  testing::TemporaryDirectory directory_;
  engine::EngineOptions options_{.query_threads = 2};  // of the next Start
  std::unique_ptr<engine::Engine> engine_;
  CallMetrics call_metrics_{ServiceNames()};
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::PopulationService::Stub> populations_;
  std::unique_ptr<v1::TagService::Stub> tags_;
  std::unique_ptr<v1::UserService::Stub> users_;
  std::unique_ptr<v1::SelectionService::Stub> selections_;
  std::unique_ptr<v1::InsightService::Stub> insights_;
  std::unique_ptr<v1::MembershipService::Stub> memberships_;
};

}  // namespace throng::service

#endif  // THRONG_TESTS_SERVICE_WHOLE_FIXTURE_H_
