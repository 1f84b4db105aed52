// The bodies of word_kernels.h, included once by each file that is compiled for an instruction set.
//
//   #define THRONG_KERNELS_NAME "avx2"
//   #include "index/word_kernels_body.h"   // defines kKernels in an unnamed namespace
//
// Only builtins and intrinsics are used: an inline function of a library that was compiled here
// could be the one that the linker keeps for everybody, and not run on every machine.
#ifndef THRONG_INDEX_WORD_KERNELS_BODY_H_
#define THRONG_INDEX_WORD_KERNELS_BODY_H_

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "index/word_kernels.h"

namespace throng::index {
namespace {

constexpr uint32_t kWords = 1024;  // of a chunk

#if defined(__AVX512VPOPCNTDQ__)
#define THRONG_KERNELS_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define THRONG_KERNELS_VECTOR_BYTES 32
#else
#define THRONG_KERNELS_VECTOR_BYTES 16
#endif

typedef uint64_t Vector __attribute__((vector_size(THRONG_KERNELS_VECTOR_BYTES)));
typedef uint64_t LooseVector
    __attribute__((vector_size(THRONG_KERNELS_VECTOR_BYTES), aligned(8), may_alias));

constexpr uint32_t kLanes = sizeof(Vector) / sizeof(uint64_t);

#define THRONG_KERNELS_INLINE inline __attribute__((always_inline))

THRONG_KERNELS_INLINE Vector LoadVector(const uint64_t* words) {
  return *reinterpret_cast<const LooseVector*>(words);
}
THRONG_KERNELS_INLINE void StoreVector(Vector vector, uint64_t* words) {
  *reinterpret_cast<LooseVector*>(words) = vector;
}

THRONG_KERNELS_INLINE uint64_t SumOfLanes(Vector vector) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < kLanes; ++i) sum += vector[i];
  return sum;
}

// Counts the bits of blocks of kBlock vectors.
#if defined(__AVX512VPOPCNTDQ__)
constexpr uint32_t kBlock = 4;
struct Counter {
  Vector total = {};

  THRONG_KERNELS_INLINE void Add(const Vector* block) {
    for (uint32_t i = 0; i < kBlock; ++i) {
      total += reinterpret_cast<Vector>(_mm512_popcnt_epi64(reinterpret_cast<__m512i>(block[i])));
    }
  }
  THRONG_KERNELS_INLINE uint32_t Finish() const { return static_cast<uint32_t>(SumOfLanes(total)); }
};
#else
constexpr uint32_t kBlock = 8;

THRONG_KERNELS_INLINE uint64_t BitsOf(Vector vector) {
  uint64_t bits = 0;
  for (uint32_t i = 0; i < kLanes; ++i) {
    bits += static_cast<uint64_t>(__builtin_popcountll(vector[i]));
  }
  return bits;
}

// Harley-Seal: full adders over whole vectors, so that one of eight vectors is counted.
struct Counter {
  Vector ones = {};
  Vector twos = {};
  Vector fours = {};
  uint64_t eights = 0;

  static THRONG_KERNELS_INLINE Vector AddTo(Vector* sum, Vector a, Vector b) {
    const Vector either = *sum ^ a;
    const Vector carry = (*sum & a) | (either & b);
    *sum = either ^ b;
    return carry;
  }
  THRONG_KERNELS_INLINE void Add(const Vector* block) {
    const Vector two_a = AddTo(&ones, block[0], block[1]);
    const Vector two_b = AddTo(&ones, block[2], block[3]);
    const Vector four_a = AddTo(&twos, two_a, two_b);
    const Vector two_c = AddTo(&ones, block[4], block[5]);
    const Vector two_d = AddTo(&ones, block[6], block[7]);
    const Vector four_b = AddTo(&twos, two_c, two_d);
    eights += BitsOf(AddTo(&fours, four_a, four_b));
  }
  THRONG_KERNELS_INLINE uint32_t Finish() const {
    return static_cast<uint32_t>(8 * eights + 4 * BitsOf(fours) + 2 * BitsOf(twos) + BitsOf(ones));
  }
};
#endif

constexpr uint32_t kBlockWords = kBlock * kLanes;
static_assert(kWords % kBlockWords == 0);

template <bool kStore>
THRONG_KERNELS_INLINE uint32_t ConjoinWords(const uint64_t* const* in, uint32_t in_size,
                                            const uint64_t* const* minus, uint32_t minus_size,
                                            uint64_t* out) {
  Counter counter;
  for (uint32_t w = 0; w < kWords; w += kBlockWords) {
    Vector block[kBlock];
    for (uint32_t k = 0; k < kBlock; ++k) block[k] = LoadVector(in[0] + w + k * kLanes);
    for (uint32_t i = 1; i < in_size; ++i) {
      const uint64_t* words = in[i] + w;
      for (uint32_t k = 0; k < kBlock; ++k) block[k] &= LoadVector(words + k * kLanes);
    }
    for (uint32_t i = 0; i < minus_size; ++i) {
      const uint64_t* words = minus[i] + w;
      for (uint32_t k = 0; k < kBlock; ++k) block[k] &= ~LoadVector(words + k * kLanes);
    }
    counter.Add(block);
    if (kStore) {
      for (uint32_t k = 0; k < kBlock; ++k) StoreVector(block[k], out + w + k * kLanes);
    }
  }
  return counter.Finish();
}

uint32_t Conjoin(const uint64_t* const* in, uint32_t in_size, const uint64_t* const* minus,
                 uint32_t minus_size, uint64_t* out) {
  return out == nullptr ? ConjoinWords<false>(in, in_size, minus, minus_size, out)
                        : ConjoinWords<true>(in, in_size, minus, minus_size, out);
}

template <bool kStore>
THRONG_KERNELS_INLINE uint32_t UniteWords(const uint64_t* const* in, uint32_t in_size,
                                          uint64_t* out) {
  Counter counter;
  for (uint32_t w = 0; w < kWords; w += kBlockWords) {
    Vector block[kBlock];
    for (uint32_t k = 0; k < kBlock; ++k) block[k] = LoadVector(in[0] + w + k * kLanes);
    for (uint32_t i = 1; i < in_size; ++i) {
      const uint64_t* words = in[i] + w;
      for (uint32_t k = 0; k < kBlock; ++k) block[k] |= LoadVector(words + k * kLanes);
    }
    counter.Add(block);
    if (kStore) {
      for (uint32_t k = 0; k < kBlock; ++k) StoreVector(block[k], out + w + k * kLanes);
    }
  }
  return counter.Finish();
}

uint32_t Unite(const uint64_t* const* in, uint32_t in_size, uint64_t* out) {
  return out == nullptr ? UniteWords<false>(in, in_size, out) : UniteWords<true>(in, in_size, out);
}

template <bool kStore>
THRONG_KERNELS_INLINE uint32_t UniteTermWords(const WordTerm* terms, uint32_t size,
                                              const WordTerm& common, uint64_t* out) {
  Counter counter;
  for (uint32_t w = 0; w < kWords; w += kBlockWords) {
    Vector any[kBlock] = {};
    for (uint32_t t = 0; t < size; ++t) {
      const WordTerm& term = terms[t];
      Vector block[kBlock];
      for (uint32_t k = 0; k < kBlock; ++k) block[k] = LoadVector(term.in[0] + w + k * kLanes);
      for (uint32_t i = 1; i < term.in_size; ++i) {
        const uint64_t* words = term.in[i] + w;
        for (uint32_t k = 0; k < kBlock; ++k) block[k] &= LoadVector(words + k * kLanes);
      }
      for (uint32_t i = 0; i < term.minus_size; ++i) {
        const uint64_t* words = term.minus[i] + w;
        for (uint32_t k = 0; k < kBlock; ++k) block[k] &= ~LoadVector(words + k * kLanes);
      }
      for (uint32_t k = 0; k < kBlock; ++k) any[k] |= block[k];
    }
    for (uint32_t i = 0; i < common.in_size; ++i) {
      const uint64_t* words = common.in[i] + w;
      for (uint32_t k = 0; k < kBlock; ++k) any[k] &= LoadVector(words + k * kLanes);
    }
    for (uint32_t i = 0; i < common.minus_size; ++i) {
      const uint64_t* words = common.minus[i] + w;
      for (uint32_t k = 0; k < kBlock; ++k) any[k] &= ~LoadVector(words + k * kLanes);
    }
    counter.Add(any);
    if (kStore) {
      for (uint32_t k = 0; k < kBlock; ++k) StoreVector(any[k], out + w + k * kLanes);
    }
  }
  return counter.Finish();
}

uint32_t UniteTerms(const WordTerm* terms, uint32_t size, const WordTerm& common, uint64_t* out) {
  return out == nullptr ? UniteTermWords<false>(terms, size, common, out)
                        : UniteTermWords<true>(terms, size, common, out);
}

uint32_t Count(const uint64_t* words, uint32_t size) {
  Counter counter;
  uint32_t w = 0;
  for (; w + kBlockWords <= size; w += kBlockWords) {
    Vector block[kBlock];
    for (uint32_t k = 0; k < kBlock; ++k) block[k] = LoadVector(words + w + k * kLanes);
    counter.Add(block);
  }
  uint32_t rest = 0;
  for (; w < size; ++w) rest += static_cast<uint32_t>(__builtin_popcountll(words[w]));
  return counter.Finish() + rest;
}

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
THRONG_KERNELS_INLINE uint64_t InRange(const uint8_t* codes, uint16_t low, uint16_t span) {
  uint64_t word = 0;
  for (uint32_t k = 0; k < 2; ++k) {
    const __m512i distance = _mm512_sub_epi16(_mm512_loadu_si512(codes + k * 64),
                                              _mm512_set1_epi16(static_cast<int16_t>(low)));
    word |=
        uint64_t{_mm512_cmple_epu16_mask(distance, _mm512_set1_epi16(static_cast<int16_t>(span)))}
        << (k * 32);
  }
  return word;
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

constexpr WordKernels kKernels = {
    .name = THRONG_KERNELS_NAME,
    .conjoin = Conjoin,
    .unite = Unite,
    .unite_terms = UniteTerms,
    .count = Count,
    .extract = Extract,
    .count_in = CountIn,
    .keep_in = KeepIn,
    .keep_among = KeepAmong,
    .scan1 = Scan1,
    .scan2 = Scan2,
    .scan4 = Scan4,
    .scan8 = Scan8,
    .pick1 = Pick1,
    .pick2 = Pick2,
    .pick_cost = kPickCost,
};

}  // namespace
}  // namespace throng::index

#endif  // THRONG_INDEX_WORD_KERNELS_BODY_H_
