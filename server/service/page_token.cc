#include "server/service/page_token.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "index/error.h"
#include "server/service/request_fingerprint.h"
#include "server/service/service_limits.h"

namespace throng::service {
namespace {

// Layout: version, 1 byte; list, 8 bytes, least significant first; position; checksum of all
// before it, 8 bytes.
constexpr char kVersion = 1;
constexpr size_t kHeadBytes = 9;
constexpr size_t kChecksumBytes = 8;

void AppendNumber(uint64_t number, std::string* bytes) {
  for (int shift = 0; shift < 64; shift += 8) *bytes += static_cast<char>(number >> shift);
}

uint64_t ReadNumber(std::string_view bytes) {
  uint64_t number = 0;
  for (int i = 7; i >= 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

absl::Status BadToken(std::string_view message) {
  return index::InvalidArgument("BAD_PAGE_TOKEN", "page_token", message);
}

}  // namespace

std::string EncodePageToken(uint64_t list, std::string_view position) {
  std::string bytes(1, kVersion);
  AppendNumber(list, &bytes);
  bytes += position;
  AppendNumber(Fingerprint(bytes), &bytes);
  return absl::WebSafeBase64Escape(bytes);
}

absl::StatusOr<std::string> DecodePageToken(std::string_view token, uint64_t list) {
  if (token.empty()) return std::string();
  std::string bytes;
  const bool decoded =
      token.size() <= kPageTokenBytesMax &&
      absl::WebSafeBase64Unescape(absl::string_view(token.data(), token.size()), &bytes);
  if (!decoded || bytes.size() < kHeadBytes + kChecksumBytes || bytes[0] != kVersion) {
    return BadToken("the page token is not one of this server's");
  }
  const std::string_view body(bytes.data(), bytes.size() - kChecksumBytes);
  if (ReadNumber(std::string_view(bytes).substr(body.size())) != Fingerprint(body)) {
    return BadToken("the page token is damaged");
  }
  if (ReadNumber(body.substr(1)) != list) {
    return BadToken("the page token belongs to another request");
  }
  return std::string(body.substr(kHeadBytes));
}

absl::StatusOr<uint32_t> PageSize(int32_t requested, uint32_t standard, uint32_t most) {
  if (requested < 0) {
    return index::InvalidArgument("BAD_PAGE_SIZE", "page_size",
                                  fmt::format("page_size is {}, below 0", requested));
  }
  if (requested == 0) return standard;
  return std::min(static_cast<uint32_t>(requested), most);
}

}  // namespace throng::service
