#include "server/engine/member_page_token.h"

#include <cstddef>

#include "absl/strings/escaping.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "server/engine/token_bytes.h"

namespace throng::engine {
namespace {

// Layout: the form's version, the five numbers, the checksum of all before; numbers are 8 bytes,
// the least significant first.
constexpr char kForm = 1;
constexpr size_t kNumbers = 5;
constexpr size_t kBodyBytes = 1 + 8 * kNumbers;
constexpr size_t kTextBytesMax = 256;

// 64 bits of xxHash, the same on every run.
uint64_t Checksum(std::string_view bytes) { return index::IdHash(bytes); }

}  // namespace

uint64_t MemberListHash(std::string_view population, std::string_view canonical_expression,
                        std::string_view time_zone) {
  std::string bytes;
  for (const std::string_view text : {population, canonical_expression, time_zone}) {
    AppendNumber(Checksum(text), &bytes);
  }
  return Checksum(bytes);
}

std::string EncodeMemberPageToken(const MemberPageToken& token) {
  std::string bytes(1, kForm);
  for (const uint64_t number :
       {token.data_version, token.next_ordinal, static_cast<uint64_t>(token.reference_us),
        token.total, token.list}) {
    AppendNumber(number, &bytes);
  }
  AppendNumber(Checksum(bytes), &bytes);
  return absl::WebSafeBase64Escape(bytes);
}

absl::StatusOr<MemberPageToken> DecodeMemberPageToken(std::string_view text) {
  std::string bytes;
  if (text.size() > kTextBytesMax ||
      !absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &bytes) ||
      bytes.size() != kBodyBytes + 8 || bytes[0] != kForm) {
    return BadPageToken("the page token is not one of this server's");
  }
  if (ReadNumber(bytes, kBodyBytes) != Checksum(std::string_view(bytes).substr(0, kBodyBytes))) {
    return BadPageToken("the page token is damaged");
  }
  return MemberPageToken{.data_version = ReadNumber(bytes, 1),
                         .next_ordinal = ReadNumber(bytes, 9),
                         .reference_us = static_cast<int64_t>(ReadNumber(bytes, 17)),
                         .total = ReadNumber(bytes, 25),
                         .list = ReadNumber(bytes, 33)};
}

absl::Status BadPageToken(std::string_view message) {
  return index::InvalidArgument("BAD_PAGE_TOKEN", "page_token", message);
}

}  // namespace throng::engine
