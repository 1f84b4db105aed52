// Takes connections and hands them to gRPC, as many as may be open: more are closed at once. gRPC
// itself knows no such bound, and where a process has no file descriptor left its listener stops
// for ever.
//
//   absl::StatusOr<std::unique_ptr<ConnectionListener>> listener =
//       ConnectionListener::Listen("127.0.0.1:0", /*connections_max=*/10'000, metrics);
//   auto acceptor = builder.experimental().AddExternalConnectionAcceptor(FROM_FD, credentials);
//   ... BuildAndStart ...
//   (*listener)->Start(std::move(acceptor));
//   (*listener)->Stop();     // before gRPC is shut down
#ifndef THRONG_SERVER_SERVICE_CONNECTION_LISTENER_H_
#define THRONG_SERVER_SERVICE_CONNECTION_LISTENER_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/server_builder.h"
#include "server/service/load_metrics.h"

namespace throng::service {

// Which of the sockets that were handed on are still open. Whoever got one closes it without a
// word, so the number of the file is compared with what it was opened as. Thread-compatible.
class OpenSockets {
 public:
  void Add(int fd);
  // Forgets those that are closed, a system call each; how many are open.
  size_t Count();
  // At least as many as are open.
  size_t at_most() const { return inodes_.size(); }

 private:
  std::map<int, ino_t> inodes_;  // by descriptor
};

// Thread-safe.
class ConnectionListener {
 public:
  // `address`: as CheckAddress accepts it. `metrics` must outlive this. Errors: kUnavailable naming
  // the address and why.
  static absl::StatusOr<std::unique_ptr<ConnectionListener>> Listen(const std::string& address,
                                                                    uint32_t connections_max,
                                                                    LoadMetrics& metrics);
  ~ConnectionListener();
  ConnectionListener(const ConnectionListener&) = delete;
  ConnectionListener& operator=(const ConnectionListener&) = delete;

  int port() const { return port_; }
  // Once. What comes before waits in the kernel's queue.
  void Start(std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor);
  // Takes no more of them; the port is free. May be called again.
  void Stop();

 private:
  ConnectionListener(uint32_t connections_max, LoadMetrics& metrics);

  void Run();
  // Takes what waits at a listening socket. False: the process has no descriptor left.
  bool TakeAll(int listening);
  bool IsFull();

  const uint32_t connections_max_;
  LoadMetrics& metrics_;
  int port_ = 0;
  std::vector<int> listening_;
  int wake_ = -1;  // an eventfd: Stop
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  OpenSockets sockets_;                              // of the thread, like the next
  std::chrono::steady_clock::time_point counted_{};  // when it was last full
  std::thread thread_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONNECTION_LISTENER_H_
