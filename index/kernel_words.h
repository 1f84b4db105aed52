// Loops over the words of a chunk: intersections, unions, counting.
//
//   Conjoin(in, 2, minus, 1, /*out=*/nullptr);   // how many are in both and not in minus[0]
//
// A part of word_kernels_body.h: only builtins and intrinsics, in an unnamed namespace of each file
// that is compiled for an instruction set. Thread-safe: nothing here has a state that is shared.
#ifndef THRONG_INDEX_KERNEL_WORDS_H_
#define THRONG_INDEX_KERNEL_WORDS_H_

#include "index/kernel_vectors.h"
#include "index/word_kernels.h"

namespace throng::index {
namespace {

// A block of the users of a term.
THRONG_KERNELS_INLINE void LoadTerm(const WordTerm& term, uint32_t w, Vector* block) {
  for (uint32_t k = 0; k < kBlock; ++k) block[k] = LoadVector(term.in[0] + w + k * kLanes);
  for (uint32_t i = 1; i < term.in_size; ++i) {
    const uint64_t* words = term.in[i] + w;
    for (uint32_t k = 0; k < kBlock; ++k) block[k] &= LoadVector(words + k * kLanes);
  }
  for (uint32_t i = 0; i < term.minus_size; ++i) {
    const uint64_t* words = term.minus[i] + w;
    for (uint32_t k = 0; k < kBlock; ++k) block[k] &= ~LoadVector(words + k * kLanes);
  }
}

template <bool kStore>
THRONG_KERNELS_INLINE uint32_t ConjoinWords(const WordTerm& term, uint64_t* out) {
  Counter counter;
  for (uint32_t w = 0; w < kWords; w += kBlockWords) {
    Vector block[kBlock];
    LoadTerm(term, w, block);
    counter.Add(block);
    if (kStore) {
      for (uint32_t k = 0; k < kBlock; ++k) StoreVector(block[k], out + w + k * kLanes);
    }
  }
  return counter.Finish();
}

uint32_t Conjoin(const uint64_t* const* in, uint32_t in_size, const uint64_t* const* minus,
                 uint32_t minus_size, uint64_t* out) {
  const WordTerm term{in, in_size, minus, minus_size};
  return out == nullptr ? ConjoinWords<false>(term, out) : ConjoinWords<true>(term, out);
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
      Vector block[kBlock];
      LoadTerm(terms[t], w, block);
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

}  // namespace
}  // namespace throng::index

#endif  // THRONG_INDEX_KERNEL_WORDS_H_
