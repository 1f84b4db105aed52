// Loops over the words of a chunk: intersections, unions, counting.
//
//   Conjoin({in, 2, minus, 1}, /*out=*/nullptr);   // how many are in both and not in minus[0]
//
// A part of word_kernels_body.h: only builtins and intrinsics, in an unnamed namespace of each file
// that is compiled for an instruction set. Thread-safe: nothing here has a state that is shared.
#ifndef THRONG_INDEX_KERNEL_WORDS_H_
#define THRONG_INDEX_KERNEL_WORDS_H_

#include "index/kernel_vectors.h"
#include "index/word_kernels.h"

namespace throng::index {
namespace {

// Asks for the block that will be read after this one, into the second-level cache: further ahead,
// and more at once, than the machine itself reads.
THRONG_KERNELS_INLINE void AskAhead(const uint64_t* words) {
  constexpr uint32_t kLineWords = 8;
  for (uint32_t i = 0; i < kBlockWords; i += kLineWords) __builtin_prefetch(words + i, 0, 2);
}

template <bool kAhead>
THRONG_KERNELS_INLINE void LoadOperand(const WordOperand& operand, uint32_t w, Vector* block) {
  for (uint32_t k = 0; k < kBlock; ++k) block[k] = LoadVector(operand.words + w + k * kLanes);
  if constexpr (kAhead) AskAhead(operand.ahead + w);
}
template <bool kAhead>
THRONG_KERNELS_INLINE void AndOperand(const WordOperand& operand, uint32_t w, Vector* block) {
  for (uint32_t k = 0; k < kBlock; ++k) block[k] &= LoadVector(operand.words + w + k * kLanes);
  if constexpr (kAhead) AskAhead(operand.ahead + w);
}
template <bool kAhead>
THRONG_KERNELS_INLINE void AndNotOperand(const WordOperand& operand, uint32_t w, Vector* block) {
  for (uint32_t k = 0; k < kBlock; ++k) block[k] &= ~LoadVector(operand.words + w + k * kLanes);
  if constexpr (kAhead) AskAhead(operand.ahead + w);
}

// A block of the users of a term.
template <bool kAhead>
THRONG_KERNELS_INLINE void LoadTerm(const WordTerm& term, uint32_t w, Vector* block) {
  LoadOperand<kAhead>(term.in[0], w, block);
  for (uint32_t i = 1; i < term.in_size; ++i) AndOperand<kAhead>(term.in[i], w, block);
  for (uint32_t i = 0; i < term.minus_size; ++i) AndNotOperand<kAhead>(term.minus[i], w, block);
}

template <bool kStore, bool kAhead>
THRONG_KERNELS_INLINE uint32_t ConjoinWords(const WordTerm& term, uint64_t* out) {
  Counter counter;
  for (uint32_t w = 0; w < kWords; w += kBlockWords) {
    Vector block[kBlock];
    LoadTerm<kAhead>(term, w, block);
    counter.Add(block);
    if (kStore) {
      for (uint32_t k = 0; k < kBlock; ++k) StoreVector(block[k], out + w + k * kLanes);
    }
  }
  return counter.Finish();
}

uint32_t Conjoin(const WordTerm& term, uint64_t* out) {
  if (term.in[0].ahead == nullptr) {
    return out == nullptr ? ConjoinWords<false, false>(term, out)
                          : ConjoinWords<true, false>(term, out);
  }
  return out == nullptr ? ConjoinWords<false, true>(term, out)
                        : ConjoinWords<true, true>(term, out);
}

template <bool kStore, bool kAhead>
THRONG_KERNELS_INLINE uint32_t UniteWords(const WordOperand* in, uint32_t in_size, uint64_t* out) {
  Counter counter;
  for (uint32_t w = 0; w < kWords; w += kBlockWords) {
    Vector block[kBlock];
    LoadOperand<kAhead>(in[0], w, block);
    for (uint32_t i = 1; i < in_size; ++i) {
      for (uint32_t k = 0; k < kBlock; ++k) block[k] |= LoadVector(in[i].words + w + k * kLanes);
      if constexpr (kAhead) AskAhead(in[i].ahead + w);
    }
    counter.Add(block);
    if (kStore) {
      for (uint32_t k = 0; k < kBlock; ++k) StoreVector(block[k], out + w + k * kLanes);
    }
  }
  return counter.Finish();
}

uint32_t Unite(const WordOperand* in, uint32_t in_size, uint64_t* out) {
  if (in[0].ahead == nullptr) {
    return out == nullptr ? UniteWords<false, false>(in, in_size, out)
                          : UniteWords<true, false>(in, in_size, out);
  }
  return out == nullptr ? UniteWords<false, true>(in, in_size, out)
                        : UniteWords<true, true>(in, in_size, out);
}

template <bool kStore, bool kAhead>
THRONG_KERNELS_INLINE uint32_t UniteTermWords(const WordTerm* terms, uint32_t size,
                                              const WordTerm& common, uint64_t* out) {
  Counter counter;
  for (uint32_t w = 0; w < kWords; w += kBlockWords) {
    Vector any[kBlock] = {};
    for (uint32_t t = 0; t < size; ++t) {
      Vector block[kBlock];
      LoadTerm<kAhead>(terms[t], w, block);
      for (uint32_t k = 0; k < kBlock; ++k) any[k] |= block[k];
    }
    for (uint32_t i = 0; i < common.in_size; ++i) AndOperand<kAhead>(common.in[i], w, any);
    for (uint32_t i = 0; i < common.minus_size; ++i) AndNotOperand<kAhead>(common.minus[i], w, any);
    counter.Add(any);
    if (kStore) {
      for (uint32_t k = 0; k < kBlock; ++k) StoreVector(any[k], out + w + k * kLanes);
    }
  }
  return counter.Finish();
}

uint32_t UniteTerms(const WordTerm* terms, uint32_t size, const WordTerm& common, uint64_t* out) {
  if (terms[0].in[0].ahead == nullptr) {
    return out == nullptr ? UniteTermWords<false, false>(terms, size, common, out)
                          : UniteTermWords<true, false>(terms, size, common, out);
  }
  return out == nullptr ? UniteTermWords<false, true>(terms, size, common, out)
                        : UniteTermWords<true, true>(terms, size, common, out);
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
