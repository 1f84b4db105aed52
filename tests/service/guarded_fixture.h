// A whole server with an access file and an audit log, and calls of any method by any principal.
//
//   class SomeTest : public GuardedServerTest {};
//   TEST_F(SomeTest, X) {
//     Allow("cms", {{"default", "viewer", 3}});
//     Start();
//     v1::CountResponse response;
//     grpc::Status status = Call("cms", "SelectionService/Count", request, &response);
//
// Thread-compatible.
#ifndef THRONG_TESTS_SERVICE_GUARDED_FIXTURE_H_
#define THRONG_TESTS_SERVICE_GUARDED_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/message.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "server/access/access_control.h"
#include "server/access/audit_log.h"
#include "server/engine/engine.h"
#include "server/service/server.h"
#include "tests/testing/temporary_directory.h"

namespace throng::service {

class GuardedServerTest : public ::testing::Test {
 protected:
  struct Allowed {
    std::string population;
    std::string role;
    int sensitivity = 0;
    uint64_t minimum_count = 0;
  };

  void TearDown() override { Stop(); }

  // Who will be in the access file, with the token TokenOf(name), when WriteAccess is called.
  void Allow(const std::string& name, const std::vector<Allowed>& grants,
             const std::string& more = "");
  void WriteAccess();
  static std::string TokenOf(const std::string& name) { return "throng_of_" + name; }

  // Starts a server with two populations, `default` and `other`; `default` has the users 0 to 99
  // with `city` (sensitivity 0; "a" or "b" by turns) and `income` (sensitivity 5; the id).
  void Start();
  void Stop();

  // Writes the request, says that there is no more, and reads to the end: any kind of call. Empty
  // name: no token.
  grpc::Status Call(const std::string& name, const std::string& method,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response = nullptr) const;
  // The same with this value of `authorization`.
  grpc::Status CallWith(const std::string& authorization, const std::string& method,
                        const google::protobuf::Message& request,
                        google::protobuf::Message* response = nullptr) const;
  static std::string ReasonOf(const grpc::Status& status);

  testing::TemporaryDirectory directory_;
  ServiceLimits limits_;                               // of the next Start
  Protection protection_;                              // of the next Start, besides the access file
  std::string audit_path_ = directory_.File("audit");  // empty: the next Start is without one
  std::string access_text_;
  std::unique_ptr<access::AccessControl> access_;
  std::unique_ptr<access::AuditLog> audit_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace throng::service

#endif  // THRONG_TESTS_SERVICE_GUARDED_FIXTURE_H_
