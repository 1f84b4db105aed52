// The loops over words, offsets and codes of one chunk that evaluation spends its time in, compiled
// once for each instruction set.
//
//   const WordOperand in[] = {{city, city}, {gender, gender}};
//   uint32_t users = Kernels().conjoin({in, 2, nullptr, 0}, /*out=*/nullptr);   // counts only
//
// The best set that the machine runs is chosen at the first call. Words are those of a chunk
// (kWordsPerChunk), aligned to 8 bytes. Counting follows W. Mula, N. Kurz and D. Lemire, "Faster
// population counts using AVX2 instructions" (2018): Harley-Seal, or VPOPCNTDQ where there is one.
#ifndef THRONG_INDEX_WORD_KERNELS_H_
#define THRONG_INDEX_WORD_KERNELS_H_

#include <cstdint>
#include <span>

namespace throng::index {

// The words of a chunk, and words that will be read after them: memory is asked for these while the
// others are read. Only an address, of which nothing is read. All operands of a call have one, be
// it `words` itself, or none has.
struct WordOperand {
  const uint64_t* words = nullptr;
  const uint64_t* ahead = nullptr;
};

// For operands of which others in the same call have an `ahead`.
inline void CompleteAhead(std::span<WordOperand> operands) {
  for (WordOperand& operand : operands) {
    if (operand.ahead == nullptr) operand.ahead = operand.words;
  }
}

// Bitsets of a chunk: users in all of `in` and in none of `minus`. A view.
struct WordTerm {
  const WordOperand* in = nullptr;
  uint32_t in_size = 0;
  const WordOperand* minus = nullptr;
  uint32_t minus_size = 0;
};

using CollectFunction = uint32_t (*)(const uint8_t* codes, const uint64_t* words, uint32_t size,
                                     const uint8_t* ahead, uint8_t* out);
using CountFromFunction = void (*)(const uint8_t* codes, uint32_t size, const uint64_t* limits,
                                   uint32_t limit_count, uint64_t* counts);
// Of codes; code 0 is "no value".
struct CodeSums {
  uint64_t count = 0;                    // of codes that are values
  uint64_t low_sum = 0;                  // of them; of codes of 8 bytes, of their lower 32 bits
  uint64_t high_sum = 0;                 // of the upper 32 bits of codes of 8 bytes
  uint64_t min_distance = ~uint64_t{0};  // the least code less 1
  uint64_t max_code = 0;
};
using SumFunction = void (*)(const uint8_t* codes, const uint64_t* words, const uint8_t* next,
                             uint32_t ahead, CodeSums* sums);
using FindRepeatedFunction = void (*)(const uint64_t* const* sets, uint32_t size, uint64_t* any,
                                      uint64_t* repeated);
using GatherMasksFunction = void (*)(const uint64_t* const* sets, uint32_t size, uint32_t word,
                                     uint64_t* masks);

// One instruction set's loops. Immutable; every function is thread-safe.
struct WordKernels {
  const char* name;  // "portable", "avx2", "avx512"

  // Members of the term, with 1 or more `in`; returns how many. They are written to `out` unless it
  // is null; it may be one of the inputs.
  uint32_t (*conjoin)(const WordTerm& term, uint64_t* out);
  // Members of any of `in` (1 or more); as above.
  uint32_t (*unite)(const WordOperand* in, uint32_t in_size, uint64_t* out);
  // Members of any of `terms` (1 or more, each with 1 or more `in`) that are also those of
  // `common`, which may have no `in`; as above.
  uint32_t (*unite_terms)(const WordTerm* terms, uint32_t size, const WordTerm& common,
                          uint64_t* out);
  // Bits of `size` words.
  uint32_t (*count)(const uint64_t* words, uint32_t size);

  // Writes the members of a chunk in ascending order; returns how many. No more is written.
  uint32_t (*extract)(const uint64_t* words, uint16_t* out);

  // How many of the offsets are in `words`.
  uint32_t (*count_in)(const uint16_t* offsets, uint32_t size, const uint64_t* words);
  // Writes the offsets that are (`wanted`) or are not in `words`; returns how many. `out` may be
  // `offsets`.
  uint32_t (*keep_in)(const uint16_t* offsets, uint32_t size, const uint64_t* words, bool wanted,
                      uint16_t* out);

  // Writes those of the ascending offsets `a` that are (`wanted`) or are not among the ascending
  // `b`; returns how many. Made for an `a` that is much shorter; `out` may be `a`.
  uint32_t (*keep_among)(const uint16_t* a, uint32_t a_size, const uint16_t* b, uint32_t b_size,
                         bool wanted, uint16_t* out);

  // Writes which of a chunk's codes lie in [low, low + span]; returns how many.
  uint32_t (*scan1)(const uint8_t* codes, uint8_t low, uint8_t span, uint64_t* out);
  uint32_t (*scan2)(const uint8_t* codes, uint16_t low, uint16_t span, uint64_t* out);
  uint32_t (*scan4)(const uint8_t* codes, uint32_t low, uint32_t span, uint64_t* out);
  uint32_t (*scan8)(const uint8_t* codes, uint64_t low, uint64_t span, uint64_t* out);

  // Writes which of a chunk's codes of 1 and of 2 bytes have their bit in `table`, of 256 and of
  // kCodeTableWords * 64 bits; codes of 2 bytes beyond it are not in it. Returns how many.
  uint32_t (*pick1)(const uint8_t* codes, const uint64_t* table, uint64_t* out);
  uint32_t (*pick2)(const uint8_t* codes, const uint64_t* table, uint64_t* out);
  // About how long a pick takes for each byte of a code, in units of 0.1 ns.
  uint32_t pick_cost;

  // Writes the codes, of 1, 2, 4 or 8 bytes, of the members of `size` words, in order and with any
  // number of zeros among them, at most 64 codes a word; returns how many, zeros included. Up to
  // kCollectPadding bytes behind them may be written, too. Memory is asked for as many bytes as are
  // read from `ahead` on, which is only an address.
  CollectFunction collect1;
  CollectFunction collect2;
  CollectFunction collect4;
  CollectFunction collect8;

  // Adds to counts[i] how many of the codes, of 1, 2, 4 or 8 bytes, are limits[i] or more. Limits
  // fit into a code.
  CountFromFunction count_from1;
  CountFromFunction count_from2;
  CountFromFunction count_from4;
  CountFromFunction count_from8;

  // Adds the codes, of 1, 2, 4 or 8 bytes, of the members of a chunk's words. What will be read
  // `ahead` bytes later, at most a chunk, is asked for; after the chunk's codes come those of
  // `next`, which is only an address.
  SumFunction sum_members1;
  SumFunction sum_members2;
  SumFunction sum_members4;
  SumFunction sum_members8;

  // Writes the members of any of `size` sets, and those of more than one, to words of a chunk.
  FindRepeatedFunction find_repeated;
  // Bit i of masks[user] becomes whether sets[i], one of at most 64, holds that user of the 64 of
  // the word `word`; a null set holds nobody.
  GatherMasksFunction gather_masks;
};

inline constexpr uint32_t kCollectPadding = 64;

// The words of a table of codes for pick1 and pick2.
inline constexpr uint32_t kCodeTableWords = 16;

// The best set of this machine.
const WordKernels& Kernels();

// All sets that this machine runs, the portable one first: for tests and benchmarks.
std::span<const WordKernels* const> AllKernels();

}  // namespace throng::index

#endif  // THRONG_INDEX_WORD_KERNELS_H_
