// Connections to a server as bare sockets, for what no client library would do.
//
//   RawConnection connection(server.address());
//   connection.Send("PRI * HTT");
//   connection.IsClosed(std::chrono::seconds(30));   // whether the server has had enough of it
#ifndef THRONG_TESTS_E2E_RAW_CONNECTION_H_
#define THRONG_TESTS_E2E_RAW_CONNECTION_H_

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace throng::e2e {

// What a client of HTTP/2 begins with: the preface, and settings that change nothing.
std::string Http2Beginning();

// Movable; thread-compatible.
class RawConnection {
 public:
  // `address`: 127.0.0.1:PORT.
  explicit RawConnection(const std::string& address);
  ~RawConnection();
  RawConnection(RawConnection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawConnection& operator=(RawConnection&&) = delete;

  bool ok() const { return fd_ >= 0; }
  // False: the other side has closed it.
  bool Send(std::string_view bytes);
  // Reads what comes, for at most so long, until the other side closes the connection. Whether it
  // did.
  bool IsClosed(std::chrono::milliseconds limit);

 private:
  int fd_ = -1;
};

}  // namespace throng::e2e

#endif  // THRONG_TESTS_E2E_RAW_CONNECTION_H_
