// Collecting the codes of members, one after the other.
//
//   uint32_t count = Collect<uint16_t>(codes, words, 16, out);
//
// A part of word_kernels_body.h: only builtins and intrinsics, in an unnamed namespace of each file
// that is compiled for an instruction set. Thread-safe: nothing here has a state that is shared.
#ifndef THRONG_INDEX_KERNEL_COLLECT_H_
#define THRONG_INDEX_KERNEL_COLLECT_H_

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstdint>

#include "index/kernel_codes.h"

namespace throng::index {
namespace {

#if defined(__AVX512VBMI2__)
// Writes those of a vector's codes whose bit is set in `members`, and what is left of the vector.
template <typename Code>
THRONG_KERNELS_INLINE void CompressVector(const uint8_t* codes, uint64_t members, uint8_t* out) {
  const __m512i vector = _mm512_loadu_si512(codes);
  __m512i kept;
  if constexpr (sizeof(Code) == 1) {
    kept = _mm512_maskz_compress_epi8(members, vector);
  } else if constexpr (sizeof(Code) == 2) {
    kept = _mm512_maskz_compress_epi16(static_cast<__mmask32>(members), vector);
  } else if constexpr (sizeof(Code) == 4) {
    kept = _mm512_maskz_compress_epi32(static_cast<__mmask16>(members), vector);
  } else {
    kept = _mm512_maskz_compress_epi64(static_cast<__mmask8>(members), vector);
  }
  _mm512_storeu_si512(out, kept);
}

template <typename Code>
uint32_t Collect(const uint8_t* codes, const uint64_t* words, uint32_t size, const uint8_t* ahead,
                 uint8_t* out) {
  constexpr uint32_t kLanes = 64 / sizeof(Code);
  constexpr uint64_t kLanesMask = ~uint64_t{0} >> (64 - kLanes);
  uint32_t count = 0;
  for (uint32_t w = 0; w < size; ++w) {
    for (uint32_t i = 0; i < sizeof(Code); ++i) {
      __builtin_prefetch(ahead + (w * sizeof(Code) + i) * 64, 0, 2);
      const uint64_t members = words[w] >> (i * kLanes) & kLanesMask;
      CompressVector<Code>(codes + (w * sizeof(Code) + i) * 64, members,
                           out + count * sizeof(Code));
      count += static_cast<uint32_t>(__builtin_popcountll(members));
    }
  }
  return count;
}
#else
#if defined(__AVX2__)
// Words with more members than this are copied whole, zeros for those who are none.
constexpr uint32_t kWalkMax = 4;

// All bits of a lane where its bit of `members` is set; lanes as wide as a code.
template <typename Code>
THRONG_KERNELS_INLINE __m256i LanesOf(uint32_t members) {
  if constexpr (sizeof(Code) == 1) {
    // Each byte of the members to eight lanes, each lane its bit.
    const __m256i bytes =
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bits = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201));
    const __m256i spread =
        _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int32_t>(members)), bytes);
    return _mm256_cmpeq_epi8(_mm256_and_si256(spread, bits), bits);
  } else if constexpr (sizeof(Code) == 2) {
    const __m256i bits = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096,
                                           8192, 16384, static_cast<int16_t>(0x8000));
    const __m256i spread = _mm256_set1_epi16(static_cast<int16_t>(members));
    return _mm256_cmpeq_epi16(_mm256_and_si256(spread, bits), bits);
  } else if constexpr (sizeof(Code) == 4) {
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i spread = _mm256_set1_epi32(static_cast<int32_t>(members));
    return _mm256_cmpeq_epi32(_mm256_and_si256(spread, bits), bits);
  } else {
    const __m256i bits = _mm256_setr_epi64x(1, 2, 4, 8);
    const __m256i spread = _mm256_set1_epi64x(members);
    return _mm256_cmpeq_epi64(_mm256_and_si256(spread, bits), bits);
  }
}

// Copies the codes of the 64 users of `word`; 0 for those that are not in it.
template <typename Code>
THRONG_KERNELS_INLINE void CopyMembers(const uint8_t* codes, uint64_t word, uint8_t* out) {
  constexpr uint32_t kLanes = 32 / sizeof(Code);
  for (uint32_t i = 0; i < 64 / kLanes; ++i) {
    const auto* from = reinterpret_cast<const __m256i*>(codes + i * 32);
    const __m256i lanes = LanesOf<Code>(static_cast<uint32_t>(word >> (i * kLanes)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i * 32),
                        _mm256_and_si256(_mm256_loadu_si256(from), lanes));
  }
}
#else
constexpr uint32_t kWalkMax = 6;

template <typename Code>
THRONG_KERNELS_INLINE void CopyMembers(const uint8_t* codes, uint64_t word, uint8_t* out) {
  for (uint32_t i = 0; i < 64; ++i) {
    const auto mask = static_cast<Code>(0 - (word >> i & 1));
    const auto code = static_cast<Code>(LoadCode<Code>(codes, i) & mask);
    __builtin_memcpy(out + i * sizeof(Code), &code, sizeof(Code));
  }
}
#endif

template <typename Code>
uint32_t Collect(const uint8_t* codes, const uint64_t* words, uint32_t size, const uint8_t* ahead,
                 uint8_t* out) {
  uint32_t count = 0;
  for (uint32_t w = 0; w < size; ++w) {
    const uint8_t* of_word = codes + w * 64 * sizeof(Code);
    for (uint32_t i = 0; i < sizeof(Code); ++i) {
      __builtin_prefetch(ahead + (w * sizeof(Code) + i) * 64, 0, 2);
    }
    if (static_cast<uint32_t>(__builtin_popcountll(words[w])) > kWalkMax) {
      CopyMembers<Code>(of_word, words[w], out + count * sizeof(Code));
      count += 64;
      continue;
    }
    for (uint64_t word = words[w]; word != 0; word &= word - 1) {
      const auto offset = static_cast<uint32_t>(__builtin_ctzll(word));
      __builtin_memcpy(out + count * sizeof(Code), of_word + offset * sizeof(Code), sizeof(Code));
      ++count;
    }
  }
  return count;
}
#endif

}  // namespace
}  // namespace throng::index

#endif  // THRONG_INDEX_KERNEL_COLLECT_H_
