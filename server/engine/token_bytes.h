// Numbers of tokens as 8 bytes, the least significant first.
//
//   AppendNumber(version, &bytes);
//   ReadNumber(bytes, 1);
//
// Internal to the engine. Thread-safe functions.
#ifndef THRONG_SERVER_ENGINE_TOKEN_BYTES_H_
#define THRONG_SERVER_ENGINE_TOKEN_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace throng::engine {

inline void AppendNumber(uint64_t number, std::string* bytes) {
  for (int shift = 0; shift < 64; shift += 8) *bytes += static_cast<char>(number >> shift);
}

// REQUIRES: 8 bytes from `offset` on.
inline uint64_t ReadNumber(std::string_view bytes, size_t offset) {
  uint64_t number = 0;
  for (size_t i = 8; i-- > 0;) {
    number = number << 8 | static_cast<unsigned char>(bytes[offset + i]);
  }
  return number;
}

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_TOKEN_BYTES_H_
