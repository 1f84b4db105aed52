// Loops over ascending offsets: making them of words, looking them up in words and in each other.
//
//   uint32_t size = Extract(words, offsets);
//   CountIn(offsets, size, other_words);
//
// A part of word_kernels_body.h: only builtins and intrinsics, in an unnamed namespace of each file
// that is compiled for an instruction set. Thread-safe: nothing here has a state that is shared.
#ifndef THRONG_INDEX_KERNEL_OFFSETS_H_
#define THRONG_INDEX_KERNEL_OFFSETS_H_

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstdint>

#include "index/kernel_vectors.h"
#include "index/kernel_words.h"

namespace throng::index {
namespace {

#if defined(__AVX512VBMI2__)
// The numbers 0 to 63, of which a word keeps those of its bits. Without branches on what a word
// has: of sparse words nobody could guess it. Whole vectors are written as long as what is beyond
// the word's own members is written again later.
uint32_t Extract(const uint64_t* words, uint16_t* out) {
  alignas(64) uint8_t numbers[64];
  for (uint32_t i = 0; i < 64; ++i) numbers[i] = static_cast<uint8_t>(i);
  const __m512i all = _mm512_load_si512(numbers);
  const uint32_t total = Count(words, kWords);
  uint32_t count = 0;
  for (uint32_t w = 0; w < kWords; ++w) {
    const uint64_t word = words[w];
    const __m512i kept = _mm512_maskz_compress_epi8(word, all);
    const __m512i base = _mm512_set1_epi16(static_cast<int16_t>(w * 64));
    const auto size = static_cast<uint32_t>(__builtin_popcountll(word));
    const __m512i low = _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(kept)), base);
    if (count + 32 <= total) {
      _mm512_storeu_si512(out + count, low);
    } else {
      _mm512_mask_storeu_epi16(out + count, _bzhi_u32(~uint32_t{0}, size), low);
    }
    if (size > 32) {
      const __m512i high =
          _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(kept, 1)), base);
      _mm512_mask_storeu_epi16(out + count + 32, _bzhi_u32(~uint32_t{0}, size - 32), high);
    }
    count += size;
  }
  return count;
}
#else
uint32_t Extract(const uint64_t* words, uint16_t* out) {
  uint32_t count = 0;
  for (uint32_t w = 0; w < kWords; ++w) {
    for (uint64_t word = words[w]; word != 0; word &= word - 1) {
      out[count++] = static_cast<uint16_t>(w * 64 + static_cast<uint32_t>(__builtin_ctzll(word)));
    }
  }
  return count;
}
#endif

THRONG_KERNELS_INLINE uint32_t BitAt(const uint64_t* words, uint32_t offset) {
  return static_cast<uint32_t>(words[offset >> 6] >> (offset & 63)) & 1;
}

// Left to itself, GCC makes vectors of this and takes them apart again for every load.
#define THRONG_KERNELS_KEEP_SCALAR(value) __asm__("" : "+r"(value))

uint32_t CountIn(const uint16_t* offsets, uint32_t size, const uint64_t* words) {
  uint32_t even = 0;
  uint32_t odd = 0;
  uint32_t i = 0;
  for (; i + 2 <= size; i += 2) {
    even += BitAt(words, offsets[i]);
    odd += BitAt(words, offsets[i + 1]);
    THRONG_KERNELS_KEEP_SCALAR(even);
    THRONG_KERNELS_KEEP_SCALAR(odd);
  }
  if (i < size) even += BitAt(words, offsets[i]);
  return even + odd;
}

uint32_t KeepIn(const uint16_t* offsets, uint32_t size, const uint64_t* words, bool wanted,
                uint16_t* out) {
  const uint32_t unwanted = wanted ? 0 : 1;
  uint32_t count = 0;
  for (uint32_t i = 0; i < size; ++i) {
    const uint16_t offset = offsets[i];
    out[count] = offset;
    count += BitAt(words, offset) ^ unwanted;
  }
  return count;
}

// Whether the ascending array, which is not empty, has the value: without branches that depend on
// the values, so that several searches run at once.
THRONG_KERNELS_INLINE bool Search(const uint16_t* array, uint32_t size, uint16_t value) {
  while (size > 1) {
    const uint32_t half = size / 2;
    array += half & -static_cast<uint32_t>(array[half - 1] < value);
    size -= half;
  }
  return *array == value;
}

#if defined(__AVX512BW__)
// The largest offset of each 32: one comparison with all of them finds the 32 that a value is
// among.
class Haystack {
 public:
  static constexpr uint32_t kSizeMax = 1024;

  // REQUIRES: 1 <= size <= kSizeMax.
  THRONG_KERNELS_INLINE Haystack(const uint16_t* array, uint32_t size)
      : array_(array), size_(size) {
    alignas(64) uint16_t last[32];
    const uint32_t blocks = (size + 31) / 32;
    for (uint32_t i = 0; i < 32; ++i) last[i] = 0xffff;
    for (uint32_t i = 0; i + 1 < blocks; ++i) last[i] = array[i * 32 + 31];
    last_ = _mm512_load_si512(last);
  }
  THRONG_KERNELS_INLINE bool Has(uint16_t value) const {
    const __m512i wanted = _mm512_set1_epi16(static_cast<int16_t>(value));
    const auto block =
        static_cast<uint32_t>(__builtin_popcount(_mm512_cmplt_epu16_mask(last_, wanted)));
    const uint32_t first = block * 32;
    const uint32_t left = size_ - first;
    const __mmask32 inside = _bzhi_u32(~uint32_t{0}, left < 32 ? left : 32);
    const __m512i values = _mm512_maskz_loadu_epi16(inside, array_ + first);
    return _mm512_mask_cmpeq_epi16_mask(inside, values, wanted) != 0;
  }

 private:
  const uint16_t* array_;
  uint32_t size_;
  __m512i last_;
};
#endif

uint32_t KeepAmong(const uint16_t* a, uint32_t a_size, const uint16_t* b, uint32_t b_size,
                   bool wanted, uint16_t* out) {
  uint32_t count = 0;
#if defined(__AVX512BW__)
  if (b_size > 0 && b_size <= Haystack::kSizeMax) {
    const Haystack haystack(b, b_size);
    for (uint32_t i = 0; i < a_size; ++i) {
      const uint16_t value = a[i];
      out[count] = value;
      count += haystack.Has(value) == wanted;
    }
    return count;
  }
#endif
  for (uint32_t i = 0; i < a_size; ++i) {
    const uint16_t value = a[i];
    out[count] = value;
    count += (b_size > 0 && Search(b, b_size, value)) == wanted;
  }
  return count;
}

}  // namespace
}  // namespace throng::index

#endif  // THRONG_INDEX_KERNEL_OFFSETS_H_
