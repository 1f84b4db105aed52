// A server in the test's own process that takes loads and remembers them.
//
//   FakeLoadServer server;
//   server.users.behaviour.refused_rows = {1};  // the second row of every batch
//   RunLoad(arguments, server.Options());
//   server.users.seen().headers[0].mode();
#ifndef THRONG_TESTS_CLI_FAKE_LOAD_SERVER_H_
#define THRONG_TESTS_CLI_FAKE_LOAD_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "cli/global_options.h"
#include "throng/v1/tag.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::cli {

// What the server saw of loads. A plain value.
struct SeenLoads {
  std::vector<v1::LoadHeader> headers;
  std::vector<v1::ColumnBatch> batches;
  // The client gave the call up instead of ending it.
  bool cancelled = false;
  // The client said that everything was sent.
  bool completed = false;
  // The most batches that were sent and not answered.
  size_t unanswered_most = 0;
};

// How the server behaves; set before the load.
struct FakeBehaviour {
  // Rows (0-based in each batch) that it refuses.
  std::set<uint64_t> refused_rows;
  // Answer only when so many batches wait, or the client has sent all.
  size_t answer_after = 1;
  // Fail the call when this batch comes, for its first row, without answering it; 0: never.
  uint64_t fail_at_batch = 0;
};

// Thread-safe.
class FakeLoadTags final : public v1::TagService::Service {
 public:
  grpc::Status ListTags(grpc::ServerContext* context, const v1::ListTagsRequest* request,
                        v1::ListTagsResponse* response) override;
  grpc::Status CreateTag(grpc::ServerContext* context, const v1::CreateTagRequest* request,
                         v1::Tag* response) override;
  void Add(const std::string& id, v1::TagType type, int32_t scale = 0);
  std::map<std::string, v1::Tag> tags() const;

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, v1::Tag> tags_ ABSL_GUARDED_BY(mutex_);
};

// Thread-safe.
class FakeLoadUsers final : public v1::UserService::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::LoadResponse, v1::LoadRequest>;
  grpc::Status Load(grpc::ServerContext* context, Stream* stream) override;

  FakeBehaviour behaviour;
  // Waits until no load is under way.
  SeenLoads seen();

 private:
  absl::Mutex mutex_;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  SeenLoads seen_ ABSL_GUARDED_BY(mutex_);
};

// Listens on a free port of the loopback while it lives.
class FakeLoadServer {
 public:
  FakeLoadServer();
  ~FakeLoadServer();
  FakeLoadServer(const FakeLoadServer&) = delete;
  FakeLoadServer& operator=(const FakeLoadServer&) = delete;

  GlobalOptions Options() const;

  FakeLoadTags tags;
  FakeLoadUsers users;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace throng::cli

#endif  // THRONG_TESTS_CLI_FAKE_LOAD_SERVER_H_
