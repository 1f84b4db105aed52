// Bounds of connections: in all, and of one address.
#include "server/service/connection_listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "grpcpp/server_builder.h"
#include "server/service/load_metrics.h"

namespace throng::service {
namespace {

sockaddr_storage AddressOf(const std::string& text) {
  sockaddr_storage address{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    address.ss_family = AF_INET;
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
    address.ss_family = AF_INET6;
  }
  return address;
}

TEST(PeerOfTest, AddressesAndNetworks) {
  EXPECT_EQ(PeerOf(AddressOf("192.0.2.7")), "192.0.2.7");
  EXPECT_EQ(PeerOf(AddressOf("::ffff:192.0.2.7")), "192.0.2.7");
  EXPECT_EQ(PeerOf(AddressOf("2001:db8:1:2:3:4:5:6")), "2001:db8:1:2::/64");
  EXPECT_EQ(PeerOf(AddressOf("2001:db8:1:2::")), "2001:db8:1:2::/64");
  EXPECT_EQ(PeerOf(AddressOf("2001:db8:1:3::")), "2001:db8:1:3::/64");
  for (const char* own : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(PeerOf(AddressOf(own)), "") << own;
  }
  EXPECT_EQ(PeerOf(sockaddr_storage{}), "");
}

int NewSocket() { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

TEST(OpenSocketsTest, EachPeerIsCounted) {
  OpenSockets sockets;
  const int first = NewSocket();
  const int second = NewSocket();
  const int own = NewSocket();
  sockets.Add(first, "a");
  sockets.Add(second, "a");
  sockets.Add(own, "");
  EXPECT_EQ(sockets.at_most("a"), 2u);
  EXPECT_EQ(sockets.at_most("b"), 0u);
  EXPECT_EQ(sockets.at_most(""), 0u);
  close(first);
  EXPECT_EQ(sockets.at_most("a"), 2u) << "closed without a word";
  // The descriptor is used again, by another peer, before anybody has counted.
  const int again = NewSocket();
  ASSERT_EQ(again, first);
  sockets.Add(again, "b");
  EXPECT_EQ(sockets.at_most("a"), 1u);
  EXPECT_EQ(sockets.at_most("b"), 1u);
  EXPECT_EQ(sockets.at_most(), 3u);
  close(second);
  close(own);
  EXPECT_EQ(sockets.Count(), 1u);
  EXPECT_EQ(sockets.at_most("a"), 0u);
  EXPECT_EQ(sockets.at_most("b"), 1u);
  close(again);
  EXPECT_EQ(sockets.Count(), 0u);
  EXPECT_EQ(sockets.at_most("b"), 0u);
}

// Keeps what it gets until it is told to close it.
class HoldingAcceptor final : public grpc::experimental::ExternalConnectionAcceptor {
 public:
  explicit HoldingAcceptor(std::atomic<int>& held) : held_(held) {}
  ~HoldingAcceptor() override {
    for (const int fd : fds_) close(fd);
  }
  void HandleNewConnection(NewConnectionParameters* connection) override {
    fds_.push_back(connection->fd);
    ++held_;
  }

 private:
  std::atomic<int>& held_;
  std::vector<int> fds_;
};

// An IPv4 address of this machine that is not loopback's: from where it would speak to another one,
// to which nothing is sent. 0: there is none.
in_addr_t OwnAddress() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(0xc6336401);  // 198.51.100.1, nobody's
  socklen_t bytes = sizeof(address);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool has_one = connect(fd, reinterpret_cast<const sockaddr*>(&address), bytes) == 0 &&
                       getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes) == 0;
  close(fd);
  const in_addr_t own = address.sin_addr.s_addr;
  return has_one && ntohl(own) >> 24 != 127 ? own : 0;
}

// A socket that is connected to this machine.
class Connected {
 public:
  Connected(in_addr_t address, int port) : fd_(NewSocket()) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = address;
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  }
  Connected(Connected&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Connected& operator=(Connected&&) = delete;
  ~Connected() {
    if (fd_ >= 0) close(fd_);
  }
  // Waits until the other side closes it; false: it does not.
  bool IsClosed() const {
    pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
    return poll(&watched, 1, 30'000) > 0;
  }

 private:
  int fd_;
};

class ListeningTest : public ::testing::Test {
 protected:
  void Listen(const ConnectionBounds& bounds) {
    auto listener = ConnectionListener::Listen("0.0.0.0:0", bounds, metrics_);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    listener_->Start(std::make_unique<HoldingAcceptor>(held_));
  }
  Connected Connect(in_addr_t address) const { return Connected(address, listener_->port()); }
  void AwaitHeld(int wanted) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (held_ < wanted && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    EXPECT_EQ(held_, wanted);
  }

  std::atomic<int> held_ = 0;  // connections that were handed on
  LoadMetrics metrics_;
  std::unique_ptr<ConnectionListener> listener_;
};

TEST_F(ListeningTest, ThisMachineMayHaveAllAndOthersTheirShare) {
  Listen({.all = 6, .of_address = 2});
  const in_addr_t own = htonl(INADDR_LOOPBACK);
  std::vector<Connected> held;
  for (int i = 0; i < 3; ++i) held.push_back(Connect(own));
  AwaitHeld(3);
  const in_addr_t address = OwnAddress();
  if (address == 0) GTEST_SKIP() << "this machine has no address but loopback's";
  for (int i = 0; i < 2; ++i) held.push_back(Connect(address));
  AwaitHeld(5);
  EXPECT_TRUE(Connect(address).IsClosed());
  held.push_back(Connect(own));
  AwaitHeld(6);
  EXPECT_TRUE(Connect(own).IsClosed()) << "all that there may be";
  EXPECT_EQ(held_, 6);
}

}  // namespace
}  // namespace throng::service
