#include "server/service/connection_listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/listen_address.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

constexpr std::chrono::milliseconds kPause{100};  // without descriptors, and between two counts
constexpr int kTendMilliseconds = 1'000;

ino_t InodeOf(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

void OpenSockets::Add(int fd) { inodes_[fd] = InodeOf(fd); }

size_t OpenSockets::Count() {
  std::erase_if(inodes_, [](const auto& socket) {
    return socket.second == 0 || InodeOf(socket.first) != socket.second;
  });
  return inodes_.size();
}

ConnectionListener::ConnectionListener(uint32_t connections_max, LoadMetrics& metrics)
    : connections_max_(connections_max), metrics_(metrics) {}

absl::StatusOr<std::unique_ptr<ConnectionListener>> ConnectionListener::Listen(
    const std::string& address, uint32_t connections_max, LoadMetrics& metrics) {
  std::unique_ptr<ConnectionListener> listener(new ConnectionListener(connections_max, metrics));
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
      if (watched[i].revents != 0) has_room = TakeAll(watched[i].fd) && has_room;
    }
    metrics_.SetConnections(sockets_.Count());
    if (has_room) continue;
    spdlog::error("event=no_descriptors connections={} message=\"raise LimitNOFILE or ulimit -n\"",
                  sockets_.at_most());
    std::this_thread::sleep_for(kPause);
  }
}

bool ConnectionListener::TakeAll(int listening) {
  while (true) {
    const int fd = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
      return false;
    }
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (fd < 0) return true;  // none is left
    if (IsFull()) {
      metrics_.RefuseConnection();
      close(fd);
      continue;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sockets_.Add(fd);
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.listener_fd = listening;
    connection.fd = fd;
    acceptor_->HandleNewConnection(&connection);
  }
}

bool ConnectionListener::IsFull() {
  if (sockets_.at_most() < connections_max_) return false;
  // A flood costs no more than one count in so long.
  const auto now = std::chrono::steady_clock::now();
  if (now - counted_ < kPause) return true;
  counted_ = now;
  const bool is_full = sockets_.Count() >= connections_max_;
  if (is_full) {
    spdlog::warn("event=too_many_connections connections={} connections_max={}", sockets_.at_most(),
                 connections_max_);
  }
  return is_full;
}

}  // namespace throng::service
