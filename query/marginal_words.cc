#include "query/marginal_words.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "index/chunk_set.h"
#include "index/multiversion.h"
#include "index/word_kernels.h"

namespace throng::query {
namespace {

using index::kWordsPerChunk;
using index::WordOperand;
using index::WordTerm;

// Words that every operand is added to before the next ones: they stay in the nearest cache.
constexpr uint32_t kTile = 128;

struct alignas(64) AllWords {
  std::array<uint64_t, kWordsPerChunk> words;
  AllWords() { words.fill(~uint64_t{0}); }
};

// Everybody.
const uint64_t* AllUsers() {
  static const AllWords all;
  return all.words.data();
}

}  // namespace

// Two operands at a time, which reads and writes the sums half as often.
THRONG_MULTIVERSION void AddOperands(std::span<const WordsOperand> operands,
                                     uint64_t* __restrict ones, uint64_t* __restrict twos) {
  for (uint32_t tile = 0; tile < kWordsPerChunk; tile += kTile) {
    uint64_t* one = ones + tile;
    uint64_t* two = twos + tile;
    for (uint32_t w = 0; w < kTile; ++w) one[w] = 0;
    for (uint32_t w = 0; w < kTile; ++w) two[w] = 0;
    size_t i = 0;
    for (; i + 2 <= operands.size(); i += 2) {
      const uint64_t* a = operands[i].words + tile;
      const uint64_t* b = operands[i + 1].words + tile;
      const uint64_t invert_a = operands[i].invert;
      const uint64_t invert_b = operands[i + 1].invert;
      for (uint32_t w = 0; w < kTile; ++w) {
        const uint64_t in_a = a[w] ^ invert_a;
        const uint64_t in_b = b[w] ^ invert_b;
        two[w] |= (one[w] & (in_a | in_b)) | (in_a & in_b);
        one[w] |= in_a | in_b;
      }
    }
    if (i == operands.size()) continue;
    const uint64_t* a = operands[i].words + tile;
    const uint64_t invert_a = operands[i].invert;
    for (uint32_t w = 0; w < kTile; ++w) {
      const uint64_t in_a = a[w] ^ invert_a;
      two[w] |= one[w] & in_a;
      one[w] |= in_a;
    }
  }
}

uint32_t Without(const uint64_t* domain, const uint64_t* minus, uint64_t* out) {
  const WordOperand in{.words = domain == nullptr ? AllUsers() : domain};
  const WordOperand taken{.words = minus};
  return index::Kernels().conjoin({.in = &in, .in_size = 1, .minus = &taken, .minus_size = 1}, out);
}

uint32_t ExactlyOne(const uint64_t* domain, const uint64_t* ones, const uint64_t* twos,
                    uint64_t* out) {
  const WordOperand in[] = {{.words = ones}, {.words = domain}};
  const WordOperand taken{.words = twos};
  const uint32_t size = domain == nullptr ? 1 : 2;
  return index::Kernels().conjoin({.in = in, .in_size = size, .minus = &taken, .minus_size = 1},
                                  out);
}

uint32_t InNoOther(const uint64_t* domain, const uint64_t* ones, const uint64_t* twos,
                   const WordsOperand& own, uint64_t* out) {
  const WordOperand in[] = {{.words = domain == nullptr ? AllUsers() : domain},
                            {.words = own.words}};
  const WordOperand in_any{.words = ones};
  const WordOperand taken[] = {{.words = twos}, {.words = own.words}};
  const bool inverted = own.invert != 0;
  const WordTerm terms[] = {
      {.in = in, .in_size = 1, .minus = &in_any, .minus_size = 1},
      {.in = in, .in_size = inverted ? 1u : 2u, .minus = taken, .minus_size = inverted ? 2u : 1u}};
  return index::Kernels().unite_terms(terms, 2, {}, out);
}

}  // namespace throng::query
