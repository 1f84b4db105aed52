#include "tests/e2e/raw_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace throng::e2e {
namespace {

constexpr size_t kFrameHeaderBytes = 9;
constexpr char kEndStream = 1;
constexpr char kEndHeaders = 4;

std::string BigEndian(uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

std::string Frame(char type, char flags, uint32_t stream, std::string_view payload) {
  std::string frame = BigEndian(static_cast<uint32_t>(payload.size())).substr(1);
  frame += type;
  frame += flags;
  frame += BigEndian(stream);
  frame += payload;
  return frame;
}

// A header as HPACK writes it without its tables: of at most 126 bytes each.
std::string Header(std::string_view name, std::string_view value) {
  std::string bytes(1, '\0');
  for (const std::string_view text : {name, value}) {
    bytes += static_cast<char>(text.size());
    bytes += text;
  }
  return bytes;
}

}  // namespace

std::string Http2Call(uint32_t stream, std::string_view method) {
  const std::string headers = Header(":method", "POST") + Header(":scheme", "http") +
                              Header(":path", "/throng.v1." + std::string(method)) +
                              Header(":authority", "localhost") + Header("te", "trailers") +
                              Header("content-type", "application/grpc");
  return Frame(kHttp2Headers, kEndHeaders, stream, headers);
}

std::string Http2Data(uint32_t stream, std::string_view bytes, bool ends) {
  return Frame(kHttp2Data, ends ? kEndStream : 0, stream, bytes);
}

std::string GrpcPrefix(uint32_t bytes) { return std::string(1, '\0') + BigEndian(bytes); }

bool HasFrame(std::string_view received, char type, uint32_t stream) {
  while (received.size() >= kFrameHeaderBytes) {
    size_t bytes = 0;
    for (int i = 0; i < 3; ++i) bytes = bytes << 8 | static_cast<uint8_t>(received[i]);
    if (received[3] == type && bytes > 0 && received.substr(5, 4) == BigEndian(stream)) return true;
    received.remove_prefix(std::min(received.size(), kFrameHeaderBytes + bytes));
  }
  return false;
}

std::string Http2Beginning() {
  std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  bytes.append("\0\0\0\4\0\0\0\0\0", 9);  // a frame of SETTINGS without any
  return bytes;
}

RawConnection::RawConnection(const std::string& address) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return;
  close(fd_);
  fd_ = -1;
}

RawConnection::~RawConnection() {
  if (fd_ >= 0) close(fd_);
}

bool RawConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool RawConnection::IsClosed(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&watched, 1, std::max<int>(0, static_cast<int>(left.count()))) <= 0) return false;
    char buffer[4096];
    if (recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT) <= 0) return true;
  }
}

std::string RawConnection::Receive(std::chrono::milliseconds limit,
                                   const std::function<bool(std::string_view)>& is_enough) {
  const auto end = std::chrono::steady_clock::now() + limit;
  std::string received;
  while (!is_enough(received)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&watched, 1, std::max<int>(0, static_cast<int>(left.count()))) <= 0) break;
    char buffer[4096];
    const ssize_t bytes = recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (bytes <= 0) break;
    received.append(buffer, static_cast<size_t>(bytes));
  }
  return received;
}

void RawConnection::Reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(std::exchange(fd_, -1));
}

}  // namespace throng::e2e
