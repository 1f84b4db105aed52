#include "server/service/connection_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/listen_address.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

constexpr std::chrono::milliseconds kPause{100};  // without descriptors, and between two counts
constexpr int kTendMilliseconds = 1'000;
constexpr int kTakenAtOnce = 256;
constexpr std::chrono::minutes kSayAgain{1};

// Whether to say in the log what was said `said`, which is set if so.
bool IsToBeSaid(std::chrono::steady_clock::time_point* said) {
  const auto now = std::chrono::steady_clock::now();
  if (*said != std::chrono::steady_clock::time_point() && now - *said < kSayAgain) return false;
  *said = now;
  return true;
}

ino_t InodeOf(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

std::string PeerOf(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET6) {
    in6_addr v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_LOOPBACK(&v6)) return "";
    if (!IN6_IS_ADDR_V4MAPPED(&v6)) {
      std::memset(v6.s6_addr + 8, 0, 8);
      inet_ntop(AF_INET6, &v6, text, sizeof(text));
      return fmt::format("{}/64", text);
    }
    if (v6.s6_addr[12] == 127) return "";
    inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof(text));
  } else if (address.ss_family == AF_INET) {
    const in_addr& v4 = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    if (ntohl(v4.s_addr) >> 24 == 127) return "";
    inet_ntop(AF_INET, &v4, text, sizeof(text));
  }
  return text;
}

void OpenSockets::Add(int fd, const std::string& peer) {
  Socket& socket = sockets_[fd];
  Forget(socket.peer);  // of one that was closed and had the same descriptor
  socket = {.inode = InodeOf(fd), .peer = peer};
  if (!peer.empty()) ++of_peer_[peer];
}

size_t OpenSockets::Count() {
  std::erase_if(sockets_, [this](const auto& entry) {
    const auto& [fd, socket] = entry;
    if (socket.inode != 0 && InodeOf(fd) == socket.inode) return false;
    Forget(socket.peer);
    return true;
  });
  return sockets_.size();
}

size_t OpenSockets::at_most(const std::string& peer) const {
  const auto found = of_peer_.find(peer);
  return found == of_peer_.end() ? 0 : found->second;
}

void OpenSockets::Forget(const std::string& peer) {
  const auto found = of_peer_.find(peer);
  if (found != of_peer_.end() && --found->second == 0) of_peer_.erase(found);
}

ConnectionListener::ConnectionListener(const ConnectionBounds& bounds, LoadMetrics& metrics)
    : bounds_(bounds), metrics_(metrics) {}

absl::StatusOr<std::unique_ptr<ConnectionListener>> ConnectionListener::Listen(
    const std::string& address, const ConnectionBounds& bounds, LoadMetrics& metrics) {
  std::unique_ptr<ConnectionListener> listener(new ConnectionListener(bounds, metrics));
  THRONG_ASSIGN_OR_RETURN(listener->listening_, ListenOn(address, &listener->port_));
  listener->wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (listener->wake_ < 0) return absl::UnavailableError("cannot listen: no descriptor is left");
  return listener;
}

ConnectionListener::~ConnectionListener() {
  Stop();
  if (wake_ >= 0) close(wake_);
}

void ConnectionListener::Start(
    std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor) {
  acceptor_ = std::move(acceptor);
  thread_ = std::thread([this] { Run(); });
}

void ConnectionListener::Stop() {
  if (thread_.joinable()) {
    eventfd_write(wake_, 1);
    thread_.join();
  }
  for (const int fd : listening_) close(fd);
  listening_.clear();
}

void ConnectionListener::Run() {
  std::vector<pollfd> watched{{.fd = wake_, .events = POLLIN, .revents = 0}};
  for (const int fd : listening_) watched.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  while (true) {
    poll(watched.data(), watched.size(), kTendMilliseconds);
    if (watched.front().revents != 0) return;
    bool has_room = true;
    for (size_t i = 1; i < watched.size(); ++i) {
      if (watched[i].revents != 0) has_room = TakeSome(watched[i].fd) && has_room;
    }
    Count(std::chrono::milliseconds(kTendMilliseconds));
    metrics_.SetConnections(sockets_.at_most());
    if (has_room) continue;
    if (IsToBeSaid(&said_no_descriptors_)) {
      spdlog::error(
          "event=no_descriptors connections={} message=\"raise LimitNOFILE or ulimit -n\"",
          sockets_.at_most());
    }
    std::this_thread::sleep_for(kPause);
  }
}

bool ConnectionListener::TakeSome(int listening) {
  for (int taken = 0; taken < kTakenAtOnce; ++taken) {
    sockaddr_storage address{};
    socklen_t bytes = sizeof(address);
    const int fd = accept4(listening, reinterpret_cast<sockaddr*>(&address), &bytes,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
      return false;
    }
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (fd < 0) return true;  // none is left
    Take(listening, fd, PeerOf(address));
  }
  return true;  // there may be more: poll says so again
}

void ConnectionListener::Take(int listening, int fd, const std::string& peer) {
  if (!HasRoom(peer) && !MakesRoom(peer)) {
    metrics_.RefuseConnection();
    close(fd);
    return;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockets_.Add(fd, peer);
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.listener_fd = listening;
  connection.fd = fd;
  acceptor_->HandleNewConnection(&connection);
}

bool ConnectionListener::Count(std::chrono::milliseconds pause) {
  const auto now = std::chrono::steady_clock::now();
  if (now - counted_ < pause) return false;
  counted_ = now;
  sockets_.Count();
  return true;
}

bool ConnectionListener::HasRoom(const std::string& peer) const {
  return sockets_.at_most() < bounds_.all && sockets_.at_most(peer) < bounds_.of_address;
}

bool ConnectionListener::MakesRoom(const std::string& peer) {
  if (!Count(kPause)) return false;
  if (HasRoom(peer)) return true;
  const bool is_full = sockets_.at_most() >= bounds_.all;
  if (!IsToBeSaid(is_full ? &said_full_ : &said_peer_)) return false;
  if (is_full) {
    spdlog::warn("event=too_many_connections connections={} connections_max={}", sockets_.at_most(),
                 bounds_.all);
  } else {
    spdlog::warn(
        "event=too_many_connections address={} connections={} connections_per_address_max={}", peer,
        sockets_.at_most(peer), bounds_.of_address);
  }
  return false;
}

}  // namespace throng::service
