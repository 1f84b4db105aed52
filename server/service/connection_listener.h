// Takes connections and hands them to gRPC, as many as may be open, in all and of one address: more
// are closed at once. gRPC itself knows no such bound, and where a process has no file descriptor
// left its listener stops for ever.
//
//   absl::StatusOr<std::unique_ptr<ConnectionListener>> listener = ConnectionListener::Listen(
//       "127.0.0.1:0", {.all = 10'000, .of_address = 2'000}, metrics);
//   auto acceptor = builder.experimental().AddExternalConnectionAcceptor(FROM_FD, credentials);
//   ... BuildAndStart ...
//   (*listener)->Start(std::move(acceptor));
//   (*listener)->Stop();     // before gRPC is shut down
#ifndef THRONG_SERVER_SERVICE_CONNECTION_LISTENER_H_
#define THRONG_SERVER_SERVICE_CONNECTION_LISTENER_H_

#include <sys/socket.h>
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

// Whose connection it is, as far as bounds go: "192.0.2.7", also where IPv6 brings it, or
// "2001:db8:1:2::/64", all of which one customer of a network has. Empty: this machine's own, which
// a proxy beside the server uses for everybody. Thread-safe.
std::string PeerOf(const sockaddr_storage& address);

// Which of the sockets that were handed on are still open. Whoever got one closes it without a
// word, so the number of the file is compared with what it was opened as. Thread-compatible.
class OpenSockets {
 public:
  // `peer`: as PeerOf; those of an empty one are not counted apart.
  void Add(int fd, const std::string& peer);
  // Forgets those that are closed, a system call each; how many are open.
  size_t Count();
  // At least as many as are open, in all and of one peer.
  size_t at_most() const { return sockets_.size(); }
  size_t at_most(const std::string& peer) const;

 private:
  struct Socket {
    ino_t inode = 0;
    std::string peer;
  };
  void Forget(const std::string& peer);

  std::map<int, Socket> sockets_;          // by descriptor
  std::map<std::string, size_t> of_peer_;  // none is 0
};

// How many connections may be open.
struct ConnectionBounds {
  uint32_t all = 0;
  uint32_t of_address = 0;  // of one peer, but of this machine
};

// Thread-safe.
class ConnectionListener {
 public:
  // `address`: as CheckAddress accepts it. `metrics` must outlive this. Errors: kUnavailable naming
  // the address and why.
  static absl::StatusOr<std::unique_ptr<ConnectionListener>> Listen(const std::string& address,
                                                                    const ConnectionBounds& bounds,
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
  ConnectionListener(const ConnectionBounds& bounds, LoadMetrics& metrics);

  void Run();
  // Takes what waits at a listening socket, some at a time, so that Stop() is seen and others have
  // their turn. False: the process has no descriptor left.
  bool TakeSome(int listening);
  // Hands a connection on, or closes it if there is no room for it.
  void Take(int listening, int fd, const std::string& peer);
  bool HasRoom(const std::string& peer) const;
  // Counts, if need be, and says in the log that there is none.
  bool MakesRoom(const std::string& peer);
  // Counts what is open, a system call each, at most once in `pause`. Whether it did.
  bool Count(std::chrono::milliseconds pause);

  const ConnectionBounds bounds_;
  LoadMetrics& metrics_;
  int port_ = 0;
  std::vector<int> listening_;
  int wake_ = -1;  // an eventfd: Stop
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  OpenSockets sockets_;  // of the thread, like the next
  std::chrono::steady_clock::time_point counted_{};
  // When each was last said: a flood of one does not hide another.
  std::chrono::steady_clock::time_point said_no_descriptors_{};
  std::chrono::steady_clock::time_point said_full_{};
  std::chrono::steady_clock::time_point said_peer_{};
  std::thread thread_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONNECTION_LISTENER_H_
