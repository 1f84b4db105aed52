// Loops over codes that are compared with limits.
//
//   CountFrom<uint16_t>(codes, size, {10, 20}, 2, counts);   // adds those from 10 and from 20 on
//
// A part of word_kernels_body.h: only builtins and intrinsics, in an unnamed namespace of each file
// that is compiled for an instruction set. Thread-safe: nothing here has a state that is shared.
#ifndef THRONG_INDEX_KERNEL_LIMITS_H_
#define THRONG_INDEX_KERNEL_LIMITS_H_

#include <cstdint>

#include "index/kernel_codes.h"
#include "index/kernel_vectors.h"

namespace throng::index {
namespace {

// How many codes are `limit` or more. Matches are counted in lanes as wide as a code, which hold
// 255 of them.
template <typename Code>
THRONG_KERNELS_INLINE uint32_t CountFromOne(const uint8_t* codes, uint32_t size, Code limit) {
  typedef Code Codes __attribute__((vector_size(THRONG_KERNELS_VECTOR_BYTES)));
  constexpr uint32_t kCodes = sizeof(Codes) / sizeof(Code);
  constexpr uint32_t kRounds = 255;
  const Codes limits = Codes{} + limit;
  uint32_t count = 0;
  uint32_t at = 0;
  while (at + kCodes <= size) {
    const uint32_t left = (size - at) / kCodes;
    const uint32_t rounds = left < kRounds ? left : kRounds;
    Codes matches = {};
    for (uint32_t i = 0; i < rounds; ++i, at += kCodes) {
      Codes some;
      __builtin_memcpy(&some, codes + uint64_t{at} * sizeof(Code), sizeof(some));
      matches -= reinterpret_cast<Codes>(some >= limits);  // a match is -1
    }
    for (uint32_t lane = 0; lane < kCodes; ++lane) count += static_cast<uint32_t>(matches[lane]);
  }
  for (; at < size; ++at) count += LoadCode<Code>(codes, at) >= limit ? 1 : 0;
  return count;
}

// A block of codes is compared with every limit while it is in the first cache.
template <typename Code>
void CountFrom(const uint8_t* codes, uint32_t size, const uint64_t* limits, uint32_t limit_count,
               uint64_t* counts) {
  constexpr uint32_t kCodes = 8192 / sizeof(Code);
  for (uint32_t at = 0; at < size; at += kCodes) {
    const uint32_t some = size - at < kCodes ? size - at : kCodes;
    for (uint32_t i = 0; i < limit_count; ++i) {
      counts[i] += CountFromOne<Code>(codes + uint64_t{at} * sizeof(Code), some,
                                      static_cast<Code>(limits[i]));
    }
  }
}

}  // namespace
}  // namespace throng::index

#endif  // THRONG_INDEX_KERNEL_LIMITS_H_
