// SHA-256 of a file that is written in pieces, maybe by one call after another, and hashes of ids.
//
//   Sha256 digest;                       // or Sha256(state), to go on
//   digest.Add("10001\n");
//   digest.state();                      // 32 bytes and what fills no block yet: for a token
//   digest.Hex();                        // lower case
//
//   IdHasher hasher(IdHashing::kSha256);
//   hasher.Append("10001", &line);       // appends 64 hexadecimal digits
//
// Source: FIPS 180-4, RFC 1321. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_PACKAGE_DIGEST_H_
#define THRONG_SERVER_ENGINE_PACKAGE_DIGEST_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/engine/package_requests.h"

namespace throng::engine {

// What a digest of `bytes` bytes has come to. A value.
struct Sha256State {
  std::array<uint32_t, 8> words{};  // after the last whole block of 64 bytes
  std::string rest;                 // the bytes behind it, bytes % 64 of them
  uint64_t bytes = 0;
};

// Not thread-safe.
class Sha256 {
 public:
  Sha256();
  // Goes on from `state`. REQUIRES: state.rest has state.bytes % 64 bytes.
  explicit Sha256(const Sha256State& state);
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Add(std::string_view bytes);
  Sha256State state() const;
  // Of all that was added; more may follow.
  std::string Hex() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Not thread-safe.
class IdHasher {
 public:
  explicit IdHasher(IdHashing hashing);
  ~IdHasher();
  IdHasher(IdHasher&&) noexcept;

  bool hashes() const { return hashing_ != IdHashing::kNone; }
  // Appends the hash of `id` as lower-case hexadecimal digits: 64 or 32. REQUIRES: hashes().
  void Append(std::string_view id, std::string* text);

 private:
  struct Context;
  const IdHashing hashing_;
  std::unique_ptr<Context> context_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PACKAGE_DIGEST_H_
