// One writer's calls to the server under test, and what the server says it holds.
//
//   CrashClient client("127.0.0.1:7400", /*writer=*/0);
//   client.CreateTags();
//   std::optional<uint64_t> version = client.Run(operation);   // nullopt: not acknowledged
//   CrashModel held = client.Read();
#ifndef THRONG_TESTS_CRASH_CRASH_CLIENT_H_
#define THRONG_TESTS_CRASH_CRASH_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/crash/crash_model.h"
#include "throng/v1/admin.grpc.pb.h"
#include "throng/v1/population.grpc.pb.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/tag.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::crash {

// A connection of its own, which is tried again soon when it fails. Thread-safe.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);
// Whether the call failed because nobody is there any more. Thread-safe.
bool IsGone(const grpc::Status& status);
// Says what failed and ends the harness. Thread-safe.
[[noreturn]] void Die(const std::string& what, const grpc::Status& status);

// Each writer has tags of its own ("city_2", ...), so that a REPLACE touches nobody else's. Not
// thread-safe.
class CrashClient {
 public:
  CrashClient(const std::string& address, int writer);

  // Whether the server serves within 60 s.
  bool AwaitServing();
  // The writer's tags and id type. Errors end the harness.
  void CreateTags();
  // The data version at which `operation` was acknowledged; nullopt when the call failed because
  // the server went away. Any other error ends the harness.
  std::optional<uint64_t> Run(const Operation& operation);
  // The writer's users with all tags, by one export.
  CrashModel Read();
  uint64_t Count(const std::string& expression);
  // The newest data version.
  uint64_t DataVersion();
  // False when the call failed because the server went away. Any other error ends the harness.
  bool CreateBackup(const std::string& name);
  // The names of all backups; one that cannot be read ends the harness.
  std::vector<std::string> ListBackups();

 private:
  std::string Tag(const std::string& name) const;
  std::optional<uint64_t> Write(const Operation& operation);
  std::optional<uint64_t> Load(const Operation& operation);
  std::optional<uint64_t> Link(const Operation& operation);
  std::optional<uint64_t> Erase(const Operation& operation);
  void ReadPhones(CrashModel* model);

  const int writer_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::AdminService::Stub> admin_;
  const std::unique_ptr<v1::PopulationService::Stub> populations_;
  const std::unique_ptr<v1::TagService::Stub> tags_;
  const std::unique_ptr<v1::UserService::Stub> users_;
  const std::unique_ptr<v1::SelectionService::Stub> selections_;
};

}  // namespace throng::crash

#endif  // THRONG_TESTS_CRASH_CRASH_CLIENT_H_
