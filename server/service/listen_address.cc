#include "server/service/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "index/error.h"

namespace throng::service {
namespace {

constexpr int kBacklog = 4'096;  // the kernel has a bound of its own

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

using Found = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// The addresses of a host here. Errors: kUnavailable with the resolver's words.
absl::StatusOr<Found> Resolve(const Address& parts) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  return Found(found, &freeaddrinfo);
}

in_port_t& PortIn(sockaddr_storage& address) {
  return address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                       : reinterpret_cast<sockaddr_in&>(address).sin_port;
}

// A socket that listens at one address, on `port` if that is not 0; -1 and errno.
int ListenAt(const addrinfo& at, int* port) {
  sockaddr_storage address{};
  std::memcpy(&address, at.ai_addr, at.ai_addrlen);
  if (*port != 0) PortIn(address) = htons(static_cast<uint16_t>(*port));
  const int fd = socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // [::] takes IPv4 as well; of a name with addresses of both kinds each has a socket of its own.
  const bool is_any =
      at.ai_family == AF_INET6 &&
      IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  if (at.ai_family == AF_INET6 && !is_any) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  socklen_t bytes = sizeof(address);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), at.ai_addrlen) == 0 &&
      listen(fd, kBacklog) == 0 &&
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes) == 0) {
    *port = ntohs(PortIn(address));
    return fd;
  }
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

absl::StatusOr<std::vector<int>> ListenOn(const std::string& address, int* port) {
  const auto cannot = [&](std::string_view why) {
    return absl::UnavailableError(fmt::format("cannot listen on {}: {}", address, why));
  };
  THRONG_ASSIGN_OR_RETURN(const Address parts, SplitAddress(address));
  const absl::StatusOr<Found> found = Resolve(parts);
  if (!found.ok()) return cannot(std::string(found.status().message()));
  std::vector<int> sockets;
  *port = 0;
  int error = 0;
  for (const addrinfo* at = found->get(); at != nullptr; at = at->ai_next) {
    const int fd = ListenAt(*at, port);
    if (fd >= 0) {
      sockets.push_back(fd);
    } else if (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT) {  // no IPv6 here, say
      error = errno;
    }
  }
  if (!sockets.empty() && error == 0) return sockets;
  for (const int fd : sockets) close(fd);
  return cannot(std::strerror(error == 0 ? EADDRNOTAVAIL : error));
}

std::string WhyCannotListen(const std::string& address) {
  int port = 0;
  const absl::StatusOr<std::vector<int>> sockets = ListenOn(address, &port);
  if (!sockets.ok()) {
    const std::string message(sockets.status().message());
    const std::string prefix = fmt::format("cannot listen on {}: ", address);
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
  }
  for (const int fd : *sockets) close(fd);
  return "unknown reason";
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
