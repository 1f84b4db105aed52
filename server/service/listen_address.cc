#include "server/service/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "absl/status/statusor.h"
#include "fmt/format.h"

namespace throng::service {
namespace {

struct Address {
  std::string host;
  std::string port;
};

absl::StatusOr<Address> SplitAddress(const std::string& address) {
  const absl::Status bad = absl::InvalidArgumentError(
      fmt::format("\"{}\" is not HOST:PORT, e.g. 127.0.0.1:7400 or [::1]:7400", address));
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return bad;
  Address parts{address.substr(0, colon), address.substr(colon + 1)};
  int port = -1;
  const char* end = parts.port.data() + parts.port.size();
  const auto parsed = std::from_chars(parts.port.data(), end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end || port < 0 || port > 65'535) return bad;
  const bool bracketed = parts.host.front() == '[' && parts.host.back() == ']';
  if (bracketed) parts.host = parts.host.substr(1, parts.host.size() - 2);
  if (parts.host.empty() || (!bracketed && parts.host.find(':') != std::string::npos)) return bad;
  if (parts.host.find(',') != std::string::npos) return bad;  // more than one, to some libraries
  return parts;
}

}  // namespace

std::string WhyCannotListen(const std::string& address) {
  const absl::StatusOr<Address> parts = SplitAddress(address);
  if (!parts.ok()) return std::string(parts.status().message());
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(parts->host.c_str(), parts->port.c_str(), &hints, &found);
  if (error != 0) return gai_strerror(error);
  std::string why = "unknown reason";
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 1) != 0) {
    why = std::strerror(errno);
  }
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  return why;
}

absl::Status CheckAddress(const std::string& address) { return SplitAddress(address).status(); }

bool IsLoopback(const std::string& address) {
  const absl::StatusOr<Address> parts = SplitAddress(address);
  if (!parts.ok()) return false;
  if (parts->host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, parts->host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, parts->host.c_str(), &v6) == 1 &&
         std::memcmp(&v6, &in6addr_loopback, sizeof(v6)) == 0;
}

}  // namespace throng::service
