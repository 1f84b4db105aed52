// Sums and extremes of the codes of members, in one pass.
//
//   SumMembers<uint16_t>(codes, words, next, 24 << 10, &sums);
//
// Codes of others are masked to 0, which is "no value", so that a vector is added whatever is in
// it. A part of word_kernels_body.h: only builtins and intrinsics, in an unnamed namespace of each
// file that is compiled for an instruction set. Thread-safe: nothing here has a state that is
// shared.
#ifndef THRONG_INDEX_KERNEL_SUMS_H_
#define THRONG_INDEX_KERNEL_SUMS_H_

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstdint>

#include "index/kernel_collect.h"
#include "index/kernel_vectors.h"
#include "index/word_kernels.h"

namespace throng::index {
namespace {

template <typename Code>
struct CodeLanes {
  typedef Code Vector __attribute__((vector_size(THRONG_KERNELS_VECTOR_BYTES)));
  static constexpr uint32_t kCount = THRONG_KERNELS_VECTOR_BYTES / sizeof(Code);
};

// The codes of the members among a vector's users, 0 for the others.
template <typename Code>
THRONG_KERNELS_INLINE typename CodeLanes<Code>::Vector LoadMembers(const uint8_t* codes,
                                                                   uint64_t members) {
  using Codes = typename CodeLanes<Code>::Vector;
#if THRONG_KERNELS_VECTOR_BYTES == 64
  if constexpr (sizeof(Code) == 1) {
    return reinterpret_cast<Codes>(_mm512_maskz_loadu_epi8(members, codes));
  } else if constexpr (sizeof(Code) == 2) {
    return reinterpret_cast<Codes>(
        _mm512_maskz_loadu_epi16(static_cast<__mmask32>(members), codes));
  } else if constexpr (sizeof(Code) == 4) {
    return reinterpret_cast<Codes>(
        _mm512_maskz_loadu_epi32(static_cast<__mmask16>(members), codes));
  } else {
    return reinterpret_cast<Codes>(_mm512_maskz_loadu_epi64(static_cast<__mmask8>(members), codes));
  }
#elif THRONG_KERNELS_VECTOR_BYTES == 32
  const __m256i vector = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
  return reinterpret_cast<Codes>(
      _mm256_and_si256(vector, LanesOf<Code>(static_cast<uint32_t>(members))));
#else
  Codes vector;
  for (uint32_t i = 0; i < CodeLanes<Code>::kCount; ++i) {
    const auto mask = static_cast<Code>(0 - (members >> i & 1));
    vector[i] = static_cast<Code>(LoadCode<Code>(codes, i) & mask);
  }
  return vector;
#endif
}

// What vectors add, in lanes.
template <typename Code>
struct LaneSums {
  using Codes = typename CodeLanes<Code>::Vector;
  // Lanes of twice a code's width, or of 64 bits: each code is added as two halves of a lane.
  typedef uint64_t Wide64 __attribute__((vector_size(THRONG_KERNELS_VECTOR_BYTES)));
  typedef uint32_t Wide32 __attribute__((vector_size(THRONG_KERNELS_VECTOR_BYTES)));
  typedef uint16_t Wide16 __attribute__((vector_size(THRONG_KERNELS_VECTOR_BYTES)));

  Codes present = {};
  Codes least = Codes{} - 1;
  Codes largest = {};

  THRONG_KERNELS_INLINE void Look(Codes codes) {
    present -= reinterpret_cast<Codes>(codes != Codes{});
    const Codes distance = codes - 1;
    least = distance < least ? distance : least;
    largest = codes > largest ? codes : largest;
  }
};

// The sum of the halves of lanes; `Lanes` are so wide that no lane overflows between two calls.
template <typename Lanes>
THRONG_KERNELS_INLINE uint64_t SumOf(Lanes lanes) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < sizeof(Lanes) / sizeof(lanes[0]); ++i) sum += lanes[i];
  return sum;
}

// Words after which lanes are emptied: those of a byte hold 255 vectors' counts, those of two bytes
// 257 codes of a byte, and those of four bytes 65,537 codes of two.
template <typename Code>
constexpr uint32_t kSumWords = sizeof(Code) == 1 ? 255 / (64 / CodeLanes<Code>::kCount) : kWords;

template <typename Code>
void SumMembers(const uint8_t* codes, const uint64_t* words, const uint8_t* next, uint32_t ahead,
                CodeSums* sums) {
  using Lanes = LaneSums<Code>;
  using Codes = typename Lanes::Codes;
  constexpr uint32_t kCount = CodeLanes<Code>::kCount;
  constexpr uint32_t kBytes = kWords * 64 * sizeof(Code);
  constexpr uint64_t kLanesMask = kCount == 64 ? ~uint64_t{0} : (uint64_t{1} << kCount % 64) - 1;
  Lanes all;
  uint64_t count = 0;
  for (uint32_t first = 0; first < kWords; first += kSumWords<Code>) {
    const uint32_t end = kWords - first < kSumWords<Code> ? kWords : first + kSumWords<Code>;
    typename Lanes::Wide16 low16 = {}, high16 = {};
    typename Lanes::Wide32 low32 = {}, high32 = {};
    typename Lanes::Wide64 low64 = {}, high64 = {};
    all.present = Codes{};
    for (uint32_t w = first; w < end; ++w) {
      const uint32_t at = w * 64 * static_cast<uint32_t>(sizeof(Code));
      const uint8_t* later =
          at + ahead < kBytes ? codes + at + ahead : next + (at + ahead - kBytes);
      for (uint32_t i = 0; i < sizeof(Code); ++i) __builtin_prefetch(later + i * 64, 0, 2);
      if (words[w] == 0) continue;
      for (uint32_t i = 0; i < 64 / kCount; ++i) {
        const uint64_t members = words[w] >> (i * kCount) & kLanesMask;
        const Codes some = LoadMembers<Code>(codes + at + i * sizeof(Codes), members);
        all.Look(some);
        if constexpr (sizeof(Code) == 1) {
          const auto wide = reinterpret_cast<typename Lanes::Wide16>(some);
          low16 += wide & 0xff;
          high16 += wide >> 8;
        } else if constexpr (sizeof(Code) == 2) {
          const auto wide = reinterpret_cast<typename Lanes::Wide32>(some);
          low32 += wide & 0xffff;
          high32 += wide >> 16;
        } else {
          const auto wide = reinterpret_cast<typename Lanes::Wide64>(some);
          low64 += wide & 0xffffffff;
          high64 += wide >> 32;
        }
      }
    }
    count += SumOf(all.present);
    if constexpr (sizeof(Code) == 8) {
      sums->high_sum += SumOf(high64);
      sums->low_sum += SumOf(low64);
    } else {
      sums->low_sum += SumOf(low16) + SumOf(high16) + SumOf(low32) + SumOf(high32) + SumOf(low64) +
                       SumOf(high64);
    }
  }
  if (count == 0) return;
  sums->count += count;
  for (uint32_t i = 0; i < kCount; ++i) {
    const uint64_t least = all.least[i];
    const uint64_t largest = all.largest[i];
    sums->min_distance = least < sums->min_distance ? least : sums->min_distance;
    sums->max_code = largest > sums->max_code ? largest : sums->max_code;
  }
}

}  // namespace
}  // namespace throng::index

#endif  // THRONG_INDEX_KERNEL_SUMS_H_
