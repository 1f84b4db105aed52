// Bearer tokens: made of 256 random bits, kept as their SHA-256.
//
//   const std::string token = NewToken();              // "throng_" and 43 characters; shown once
//   const TokenDigest digest = DigestOf(token);        // what the access file holds
//
// A digest that needs no salt and no slow function: nobody guesses 256 random bits. Thread-safe.
#ifndef THRONG_SERVER_ACCESS_TOKEN_H_
#define THRONG_SERVER_ACCESS_TOKEN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace throng::access {

using TokenDigest = std::array<uint8_t, 32>;

inline constexpr std::string_view kTokenPrefix = "throng_";
// What is longer is no token, and is not hashed.
inline constexpr size_t kTokenBytesMax = 256;

// Errors: kUnavailable: the system has no random bytes.
absl::StatusOr<std::string> NewToken();

TokenDigest DigestOf(std::string_view token);

// In constant time.
bool SameDigest(const TokenDigest& a, const TokenDigest& b);

// 64 lower-case hexadecimal digits, and back; nullopt: these are not.
std::string DigestToHex(const TokenDigest& digest);
std::optional<TokenDigest> DigestFromHex(std::string_view hex);

}  // namespace throng::access

#endif  // THRONG_SERVER_ACCESS_TOKEN_H_
