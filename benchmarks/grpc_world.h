// A server in this process on a free port of loopback, with users of 13 tags and crowds by seed.
//
//   GrpcWorld world({.users = 1'000'000, .seed = 1, .directory = "/var/tmp/throng-grpc"});
//   world.NewChannel();     // a connection of its own
//   world.engine();         // the same, without the network
#ifndef THRONG_BENCHMARKS_GRPC_WORLD_H_
#define THRONG_BENCHMARKS_GRPC_WORLD_H_

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "grpcpp/channel.h"
#include "grpcpp/security/credentials.h"
#include "server/engine/engine.h"
#include "server/service/server.h"

namespace throng::bench {

// Ends the program on an error.
template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  fmt::print(stderr, "{}\n", result.status().ToString());
  std::exit(1);
}

struct GrpcWorldOptions {
  uint32_t users = 1'000'000;
  uint64_t seed = 1;
  std::string directory;  // emptied first
  uint32_t query_threads = 0;
  uint32_t crowds = 20;
};

// Fills an empty engine with the users and crowds of the options; the names of the crowds:
// "crowd_0" and on, each of 1 to 50 % of the users.
std::vector<std::string> FillEngine(engine::Engine& engine, const GrpcWorldOptions& options);

// A connection of its own to a port of loopback. `credentials`: null: plaintext.
std::shared_ptr<grpc::Channel> NewLoopbackChannel(
    int port, const std::shared_ptr<grpc::ChannelCredentials>& credentials = nullptr);

// Thread-safe once it is made.
class GrpcWorld {
 public:
  explicit GrpcWorld(const GrpcWorldOptions& options);
  ~GrpcWorld();
  GrpcWorld(const GrpcWorld&) = delete;
  GrpcWorld& operator=(const GrpcWorld&) = delete;

  engine::Engine& engine() { return *engine_; }
  std::shared_ptr<grpc::Channel> NewChannel() const;
  // As of FillEngine.
  const std::vector<std::string>& crowds() const { return crowds_; }

 private:
  const GrpcWorldOptions options_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<service::Server> server_;
  std::vector<std::string> crowds_;
};

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_GRPC_WORLD_H_
