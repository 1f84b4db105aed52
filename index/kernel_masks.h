// Many bitsets of a chunk seen user by user: how many hold a user, and which.
//
// A part of word_kernels_body.h: only builtins and intrinsics, in an unnamed namespace of each file
// that is compiled for an instruction set. Thread-safe: nothing here has a state that is shared.
#ifndef THRONG_INDEX_KERNEL_MASKS_H_
#define THRONG_INDEX_KERNEL_MASKS_H_

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstdint>

#include "index/kernel_vectors.h"

namespace throng::index {
namespace {

// The members of any of the sets, and those of more than one.
void FindRepeated(const uint64_t* const* sets, uint32_t size, uint64_t* any, uint64_t* repeated) {
  for (uint32_t w = 0; w < kWords; w += 2 * kLanes) {
    Vector once0 = {};
    Vector once1 = {};
    Vector twice0 = {};
    Vector twice1 = {};
    for (uint32_t i = 0; i < size; ++i) {
      const Vector set0 = LoadVector(sets[i] + w);
      const Vector set1 = LoadVector(sets[i] + w + kLanes);
      twice0 |= once0 & set0;
      twice1 |= once1 & set1;
      once0 |= set0;
      once1 |= set1;
    }
    StoreVector(once0, any + w);
    StoreVector(once1, any + w + kLanes);
    StoreVector(twice0, repeated + w);
    StoreVector(twice1, repeated + w + kLanes);
  }
}

#if defined(__AVX512BW__)
// A byte a user of a word: bit i is whether sets[i] holds it, of at most 8 sets.
THRONG_KERNELS_INLINE void GatherBytes(const uint64_t* const* sets, uint32_t size, uint32_t word,
                                       uint8_t* bytes) {
  __m512i users = _mm512_setzero_si512();
  for (uint32_t i = 0; i < size; ++i) {
    if (sets[i] == nullptr) continue;
    const __m512i bit = _mm512_set1_epi8(static_cast<char>(1 << i));
    users = _mm512_mask_add_epi8(users, sets[i][word], users, bit);
  }
  _mm512_storeu_si512(bytes, users);
}
#else
// The bits of an 8 x 8 matrix, a byte a row, with rows and columns exchanged. After H. S. Warren,
// "Hacker's Delight" (2012), 7-3.
THRONG_KERNELS_INLINE uint64_t Transpose8(uint64_t x) {
  uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AA;
  x ^= t ^ (t << 7);
  t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCC;
  x ^= t ^ (t << 14);
  t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0;
  return x ^ t ^ (t << 28);
}

THRONG_KERNELS_INLINE void GatherBytes(const uint64_t* const* sets, uint32_t size, uint32_t word,
                                       uint8_t* bytes) {
  for (uint32_t b = 0; b < 8; ++b) {
    uint64_t rows = 0;
    for (uint32_t i = 0; i < size; ++i) {
      if (sets[i] != nullptr) rows |= (sets[i][word] >> (8 * b) & 0xFF) << (8 * i);
    }
    rows = Transpose8(rows);
    __builtin_memcpy(bytes + 8 * b, &rows, 8);
  }
}
#endif

// The bytes of a user, the first the lowest.
THRONG_KERNELS_INLINE void WidenBytes(const uint8_t (*bytes)[64], uint32_t groups,
                                      uint64_t* masks) {
#if defined(__AVX512BW__)
  for (uint32_t user = 0; user < 64; user += 8) {
    __m512i wide = _mm512_setzero_si512();
    for (uint32_t g = groups; g-- > 0;) {
      const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes[g] + user));
      wide = _mm512_or_si512(_mm512_slli_epi64(wide, 8), _mm512_cvtepu8_epi64(eight));
    }
    _mm512_storeu_si512(masks + user, wide);
  }
#else
  for (uint32_t user = 0; user < 64; ++user) {
    uint64_t mask = 0;
    for (uint32_t g = 0; g < groups; ++g) mask |= uint64_t{bytes[g][user]} << (8 * g);
    masks[user] = mask;
  }
#endif
}

// Bit i of masks[user] is whether sets[i], one of at most 64, holds the user of the word.
void GatherMasks(const uint64_t* const* sets, uint32_t size, uint32_t word, uint64_t* masks) {
  uint8_t bytes[8][64];
  const uint32_t groups = (size + 7) / 8;
  for (uint32_t g = 0; g < groups; ++g) {
    GatherBytes(sets + 8 * g, size - 8 * g < 8 ? size - 8 * g : 8, word, bytes[g]);
  }
  WidenBytes(bytes, groups, masks);
}

}  // namespace
}  // namespace throng::index

#endif  // THRONG_INDEX_KERNEL_MASKS_H_
