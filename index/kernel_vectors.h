// Vectors of words, as wide as the instruction set has them, and counting their bits.
//
//   Counter counter;
//   counter.Add(block);         // kBlock vectors
//   counter.Finish();
//
// A part of word_kernels_body.h: only builtins and intrinsics, in an unnamed namespace of each file
// that is compiled for an instruction set. Thread-safe: nothing here has a state that is shared.
#ifndef THRONG_INDEX_KERNEL_VECTORS_H_
#define THRONG_INDEX_KERNEL_VECTORS_H_

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstdint>

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

}  // namespace
}  // namespace throng::index

#endif  // THRONG_INDEX_KERNEL_VECTORS_H_
