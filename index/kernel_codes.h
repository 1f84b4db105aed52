// Loops over the codes of a column: those in a range, those in a table.
//
//   Scan2(codes, 3, 7, words);   // codes 3 to 10
//
// A part of word_kernels_body.h: only builtins and intrinsics, in an unnamed namespace of each file
// that is compiled for an instruction set. Thread-safe: nothing here has a state that is shared.
#ifndef THRONG_INDEX_KERNEL_CODES_H_
#define THRONG_INDEX_KERNEL_CODES_H_

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstdint>

#include "index/kernel_offsets.h"
#include "index/word_kernels.h"

namespace throng::index {
namespace {

template <typename Code>
THRONG_KERNELS_INLINE Code LoadCode(const uint8_t* codes, uint32_t i) {
  Code code;
  __builtin_memcpy(&code, codes + i * sizeof(Code), sizeof(Code));
  return code;
}

// Bit i of the result is set if test(i), for the 64 codes of a word.
template <typename Test>
THRONG_KERNELS_INLINE uint64_t WordOf(Test test) {
  alignas(64) uint8_t matches[64];
  for (uint32_t i = 0; i < 64; ++i) matches[i] = test(i) ? 1 : 0;
  uint64_t word = 0;
  for (uint32_t byte = 0; byte < 8; ++byte) {
    uint64_t eight;
    __builtin_memcpy(&eight, matches + byte * 8, 8);
    word |= ((eight * 0x0102040810204080ULL) >> 56) << (byte * 8);
  }
  return word;
}

#if defined(__AVX512BW__)
THRONG_KERNELS_INLINE uint64_t InRange(const uint8_t* codes, uint8_t low, uint8_t span) {
  const __m512i distance =
      _mm512_sub_epi8(_mm512_loadu_si512(codes), _mm512_set1_epi8(static_cast<char>(low)));
  return _mm512_cmple_epu8_mask(distance, _mm512_set1_epi8(static_cast<char>(span)));
}
THRONG_KERNELS_INLINE uint32_t HalfInRange(const uint8_t* codes, uint16_t low, uint16_t span) {
  const __m512i distance =
      _mm512_sub_epi16(_mm512_loadu_si512(codes), _mm512_set1_epi16(static_cast<int16_t>(low)));
  return _mm512_cmple_epu16_mask(distance, _mm512_set1_epi16(static_cast<int16_t>(span)));
}
THRONG_KERNELS_INLINE uint64_t InRange(const uint8_t* codes, uint16_t low, uint16_t span) {
  const uint32_t first = HalfInRange(codes, low, span);
  const uint32_t second = HalfInRange(codes + 64, low, span);
  return uint64_t{second} << 32 | first;
}
THRONG_KERNELS_INLINE uint64_t InRange(const uint8_t* codes, uint32_t low, uint32_t span) {
  uint64_t word = 0;
  for (uint32_t k = 0; k < 4; ++k) {
    const __m512i distance = _mm512_sub_epi32(_mm512_loadu_si512(codes + k * 64),
                                              _mm512_set1_epi32(static_cast<int32_t>(low)));
    word |=
        uint64_t{_mm512_cmple_epu32_mask(distance, _mm512_set1_epi32(static_cast<int32_t>(span)))}
        << (k * 16);
  }
  return word;
}
THRONG_KERNELS_INLINE uint64_t InRange(const uint8_t* codes, uint64_t low, uint64_t span) {
  uint64_t word = 0;
  for (uint32_t k = 0; k < 8; ++k) {
    const __m512i distance = _mm512_sub_epi64(_mm512_loadu_si512(codes + k * 64),
                                              _mm512_set1_epi64(static_cast<int64_t>(low)));
    word |=
        uint64_t{_mm512_cmple_epu64_mask(distance, _mm512_set1_epi64(static_cast<int64_t>(span)))}
        << (k * 8);
  }
  return word;
}
#else
#if defined(__AVX2__)
THRONG_KERNELS_INLINE uint64_t InRange(const uint8_t* codes, uint8_t low, uint8_t span) {
  uint64_t word = 0;
  const __m256i most = _mm256_set1_epi8(static_cast<char>(span));
  for (uint32_t k = 0; k < 2; ++k) {
    const __m256i code = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + k * 32));
    const __m256i distance = _mm256_sub_epi8(code, _mm256_set1_epi8(static_cast<char>(low)));
    const __m256i inside = _mm256_cmpeq_epi8(_mm256_min_epu8(distance, most), distance);
    word |= uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(inside))} << (k * 32);
  }
  return word;
}
#endif
template <typename Code>
THRONG_KERNELS_INLINE uint64_t InRange(const uint8_t* codes, Code low, Code span) {
  return WordOf(
      [=](uint32_t i) { return static_cast<Code>(LoadCode<Code>(codes, i) - low) <= span; });
}
#endif

template <typename Code>
THRONG_KERNELS_INLINE uint32_t Scan(const uint8_t* codes, Code low, Code span, uint64_t* out) {
  uint32_t count = 0;
  for (uint32_t w = 0; w < kWords; ++w) {
    out[w] = InRange(codes + uint64_t{w} * 64 * sizeof(Code), low, span);
    count += static_cast<uint32_t>(__builtin_popcountll(out[w]));
  }
  return count;
}

uint32_t Scan1(const uint8_t* codes, uint8_t low, uint8_t span, uint64_t* out) {
  return Scan<uint8_t>(codes, low, span, out);
}
uint32_t Scan2(const uint8_t* codes, uint16_t low, uint16_t span, uint64_t* out) {
  return Scan<uint16_t>(codes, low, span, out);
}
uint32_t Scan4(const uint8_t* codes, uint32_t low, uint32_t span, uint64_t* out) {
  return Scan<uint32_t>(codes, low, span, out);
}
uint32_t Scan8(const uint8_t* codes, uint64_t low, uint64_t span, uint64_t* out) {
  return Scan<uint64_t>(codes, low, span, out);
}

#if defined(__AVX512BW__)
constexpr uint32_t kPickCost = 50'000;

// A table of 64 words of 16 bits fits two registers: each code picks its word, then its bit.
struct CodeTable {
  __m512i first;
  __m512i second;

  THRONG_KERNELS_INLINE explicit CodeTable(const uint64_t* table)
      : first(_mm512_loadu_si512(table)), second(_mm512_loadu_si512(table + 8)) {}

  THRONG_KERNELS_INLINE uint32_t Test(__m512i codes) const {
    const __m512i words = _mm512_permutex2var_epi16(first, _mm512_srli_epi16(codes, 4), second);
    const __m512i bits =
        _mm512_sllv_epi16(_mm512_set1_epi16(1), _mm512_and_si512(codes, _mm512_set1_epi16(15)));
    const __mmask32 inside = _mm512_cmplt_epu16_mask(codes, _mm512_set1_epi16(64 * 16));
    return _mm512_mask_test_epi16_mask(inside, words, bits);
  }
};

uint32_t Pick1(const uint8_t* codes, const uint64_t* table, uint64_t* out) {
  const CodeTable picked(table);
  uint32_t count = 0;
  for (uint32_t w = 0; w < kWords; ++w) {
    const __m512i low =
        _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + w * 64)));
    const __m512i high = _mm512_cvtepu8_epi16(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + w * 64 + 32)));
    out[w] = uint64_t{picked.Test(low)} | uint64_t{picked.Test(high)} << 32;
    count += static_cast<uint32_t>(__builtin_popcountll(out[w]));
  }
  return count;
}
uint32_t Pick2(const uint8_t* codes, const uint64_t* table, uint64_t* out) {
  const CodeTable picked(table);
  uint32_t count = 0;
  for (uint32_t w = 0; w < kWords; ++w) {
    const uint32_t low = picked.Test(_mm512_loadu_si512(codes + w * 128));
    const uint32_t high = picked.Test(_mm512_loadu_si512(codes + w * 128 + 64));
    out[w] = uint64_t{low} | uint64_t{high} << 32;
    count += static_cast<uint32_t>(__builtin_popcountll(out[w]));
  }
  return count;
}
#else
constexpr uint32_t kPickCost = 400'000;

template <typename Code>
THRONG_KERNELS_INLINE uint32_t Pick(const uint8_t* codes, const uint64_t* table, uint64_t* out) {
  uint32_t count = 0;
  for (uint32_t w = 0; w < kWords; ++w) {
    uint64_t word = 0;
    for (uint32_t i = 0; i < 64; ++i) {
      const uint32_t code = LoadCode<Code>(codes, w * 64 + i);
      const uint64_t bit = code < kCodeTableWords * 64 ? BitAt(table, code) : 0;
      word |= bit << i;
    }
    out[w] = word;
    count += static_cast<uint32_t>(__builtin_popcountll(word));
  }
  return count;
}
uint32_t Pick1(const uint8_t* codes, const uint64_t* table, uint64_t* out) {
  return Pick<uint8_t>(codes, table, out);
}
uint32_t Pick2(const uint8_t* codes, const uint64_t* table, uint64_t* out) {
  return Pick<uint16_t>(codes, table, out);
}
#endif

}  // namespace
}  // namespace throng::index

#endif  // THRONG_INDEX_KERNEL_CODES_H_
