// Connections to a server as bare sockets, for what no client library would do.
//
//   RawConnection connection(server.address());
//   connection.Send("PRI * HTT");
//   connection.IsClosed(std::chrono::seconds(30));   // whether the server has had enough of it
#ifndef THRONG_TESTS_E2E_RAW_CONNECTION_H_
#define THRONG_TESTS_E2E_RAW_CONNECTION_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace throng::e2e {

// What a client of HTTP/2 begins with: the preface, and settings that change nothing.
std::string Http2Beginning();
// A frame that begins a call of `method` ("SelectionService/Count") as the stream of that number:
// odd, and more than the one before.
std::string Http2Call(uint32_t stream, std::string_view method);
// A frame with bytes of a call's message, of at most 16 KiB; the last one `ends` the stream.
std::string Http2Data(uint32_t stream, std::string_view bytes, bool ends = false);
// What stands before a message of so many bytes.
std::string GrpcPrefix(uint32_t bytes);
// Whether a frame of the type, which has something in it, came for the call.
inline constexpr char kHttp2Data = 0;
inline constexpr char kHttp2Headers = 1;
bool HasFrame(std::string_view received, char type, uint32_t stream);

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
  // What comes until `is_enough` says so of all of it, the other side closes, or time is over.
  std::string Receive(std::chrono::milliseconds limit,
                      const std::function<bool(std::string_view)>& is_enough);
  // Breaks the connection off, as one whose machine is gone and back: the other side gets a reset.
  void Reset();

 private:
  int fd_ = -1;
};

}  // namespace throng::e2e

#endif  // THRONG_TESTS_E2E_RAW_CONNECTION_H_
