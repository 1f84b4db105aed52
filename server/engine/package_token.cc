#include "server/engine/package_token.h"

#include <array>
#include <cstddef>

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "server/engine/token_bytes.h"

namespace throng::engine {
namespace {

// Layout: the form's version; numbers of 8 bytes, the least significant first: the spec's hash,
// four of the binding, the total, the position, three counts, the digest's bytes, its eight words;
// the digest's rest; the checksum of all before, 8 bytes.
constexpr char kForm = 1;
constexpr size_t kNumbers = 19;
constexpr size_t kHeadBytes = 1 + 8 * kNumbers;
constexpr size_t kChecksumBytes = 8;
constexpr uint64_t kDigestBlockBytes = 64;

}  // namespace

absl::Status BadResumeToken(std::string_view message) {
  return index::InvalidArgument("BAD_RESUME_TOKEN", "resume_token", message);
}

uint64_t SpecHash(const PackageSpec& spec) {
  std::string text = fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n", spec.population, spec.crowd,
                                 spec.version, spec.id_type, static_cast<int>(spec.hashing),
                                 static_cast<int>(spec.format), static_cast<int>(spec.compression));
  if (spec.delta.has_value()) {
    text += fmt::format("{}\n{}\n", spec.delta->from, static_cast<int>(spec.delta->side));
  }
  for (const std::string& tag : spec.tags) text += fmt::format("{}:{}", tag.size(), tag);
  return index::IdHash(text);
}

std::string EncodePackageToken(const PackageToken& token) {
  const PackageProgress& progress = token.progress;
  std::string bytes(1, kForm);
  for (const uint64_t number :
       {token.spec, uint64_t{token.binding.crowd}, uint64_t{token.binding.version},
        uint64_t{token.binding.from}, token.binding.data_version, token.total, progress.position,
        progress.counts.users, progress.counts.without_id, progress.counts.rows,
        progress.digest.bytes}) {
    AppendNumber(number, &bytes);
  }
  for (const uint32_t word : progress.digest.words) AppendNumber(word, &bytes);
  bytes += progress.digest.rest;
  AppendNumber(index::IdHash(bytes), &bytes);
  return absl::WebSafeBase64Escape(bytes);
}

absl::StatusOr<PackageToken> DecodePackageToken(std::string_view text) {
  std::string bytes;
  if (text.size() > kResumeTokenBytesMax ||
      !absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &bytes) ||
      bytes.size() < kHeadBytes + kChecksumBytes || bytes[0] != kForm) {
    return BadResumeToken("the resume token is not one of this server's");
  }
  const std::string_view body(bytes.data(), bytes.size() - kChecksumBytes);
  if (ReadNumber(bytes, body.size()) != index::IdHash(body)) {
    return BadResumeToken("the resume token is damaged");
  }
  std::array<uint64_t, kNumbers> numbers{};
  for (size_t i = 0; i < kNumbers; ++i) numbers[i] = ReadNumber(bytes, 1 + 8 * i);
  PackageToken token{.spec = numbers[0],
                     .binding = {.crowd = static_cast<uint32_t>(numbers[1]),
                                 .version = static_cast<uint32_t>(numbers[2]),
                                 .from = static_cast<uint32_t>(numbers[3]),
                                 .data_version = numbers[4]},
                     .total = numbers[5]};
  token.progress.position = numbers[6];
  token.progress.counts = {.users = numbers[7], .without_id = numbers[8], .rows = numbers[9]};
  token.progress.digest.bytes = numbers[10];
  for (size_t i = 0; i < 8; ++i) {
    token.progress.digest.words[i] = static_cast<uint32_t>(numbers[11 + i]);
  }
  token.progress.digest.rest = std::string(body.substr(kHeadBytes));
  if (token.progress.digest.rest.size() == token.progress.digest.bytes % kDigestBlockBytes) {
    return token;
  }
  return BadResumeToken("the resume token is damaged");
}

}  // namespace throng::engine
