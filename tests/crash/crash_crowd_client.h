// One writer's calls about crowds, and what the server says it holds of them.
//
//   CrowdClient client("127.0.0.1:7400", /*writer=*/0);
//   std::optional<CrowdAnswer> told = client.Run(operation);   // nullopt: not acknowledged
//   CrowdModel held = client.Read();
#ifndef THRONG_TESTS_CRASH_CRASH_CROWD_CLIENT_H_
#define THRONG_TESTS_CRASH_CRASH_CROWD_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "tests/crash/crash_crowds.h"
#include "throng/v1/crowd.grpc.pb.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/split.grpc.pb.h"
#include "throng/v1/upload.grpc.pb.h"

namespace throng::crash {

// Crowds of writer 2 have names that begin with "w2". Not thread-safe.
class CrowdClient {
 public:
  CrowdClient(const std::string& address, int writer);

  // What `operation` was answered; nullopt when the call failed because the server went away. A
  // refusal that asks for another try (ABORTED) gets it. Any other error ends the harness.
  std::optional<CrowdAnswer> Run(const CrowdOperation& operation);
  // The writer's crowds but those that were deleted for good, with who is in each version that is
  // kept (of deleted crowds only how many). Waits up to 60 s for the server. What contradicts
  // itself, and every error, ends the harness.
  CrowdModel Read();

 private:
  grpc::Status Try(const CrowdOperation& operation, CrowdAnswer* answer);
  grpc::Status Create(const CrowdOperation& operation, CrowdAnswer* answer);
  grpc::Status RefreshOne(const CrowdOperation& operation, CrowdAnswer* answer);
  grpc::Status RefreshAll(const CrowdOperation& operation, CrowdAnswer* answer);
  grpc::Status Freeze(const CrowdOperation& operation, CrowdAnswer* answer);
  grpc::Status Upload(const CrowdOperation& operation, CrowdAnswer* answer);
  grpc::Status Delete(const CrowdOperation& operation, CrowdAnswer* answer);
  grpc::Status Undelete(const CrowdOperation& operation, CrowdAnswer* answer);
  grpc::Status Split(const CrowdOperation& operation, CrowdAnswer* answer);
  grpc::Status Award(const CrowdOperation& operation, CrowdAnswer* answer);
  grpc::Status DeleteSplit(const CrowdOperation& operation, CrowdAnswer* answer);
  CrowdTwin ReadCrowd(const std::string& name, const v1::Crowd& crowd);
  void ReadUploads(const std::string& name, CrowdTwin* twin);
  std::set<std::string> ReadIds(const std::string& expression);

  const std::string prefix_;  // "w2"
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::CrowdService::Stub> crowds_;
  const std::unique_ptr<v1::SplitService::Stub> splits_;
  const std::unique_ptr<v1::UploadService::Stub> uploads_;
  const std::unique_ptr<v1::SelectionService::Stub> selections_;
};

}  // namespace throng::crash

#endif  // THRONG_TESTS_CRASH_CRASH_CROWD_CLIENT_H_
