#include "query/marginal_words.h"

#include <bit>
#include <cstring>

#include "index/chunk_set.h"
#include "index/multiversion.h"

namespace throng::query {
namespace {

using index::kWordsPerChunk;

constexpr uint32_t kLanes = 8;
// One cache line: a register, or a few of them, whatever the machine has.
__extension__ typedef uint64_t Line __attribute__((vector_size(kLanes * sizeof(uint64_t))));

// Macros would be the only other way to have these in every clone.
#define THRONG_LOAD(line, words) std::memcpy(&(line), (words), sizeof(Line))
#define THRONG_STORE(words, line) std::memcpy((words), &(line), sizeof(Line))

}  // namespace

THRONG_MULTIVERSION void AddOperands(std::span<const WordsOperand> operands, bool first,
                                     uint64_t* ones, uint64_t* twos) {
  for (uint32_t w = 0; w < kWordsPerChunk; w += kLanes) {
    Line one = {};
    Line two = {};
    if (!first) {
      THRONG_LOAD(one, ones + w);
      THRONG_LOAD(two, twos + w);
    }
    for (const WordsOperand& operand : operands) {
      Line line;
      THRONG_LOAD(line, operand.words + w);
      line ^= operand.invert;
      two |= one & line;
      one |= line;
    }
    THRONG_STORE(ones + w, one);
    THRONG_STORE(twos + w, two);
  }
}

THRONG_MULTIVERSION uint32_t Without(const uint64_t* domain, const uint64_t* minus, uint64_t* out) {
  uint64_t count = 0;
  if (domain == nullptr) {
    for (uint32_t w = 0; w < kWordsPerChunk; ++w) {
      out[w] = ~minus[w];
      count += static_cast<uint64_t>(std::popcount(out[w]));
    }
  } else {
    for (uint32_t w = 0; w < kWordsPerChunk; ++w) {
      out[w] = domain[w] & ~minus[w];
      count += static_cast<uint64_t>(std::popcount(out[w]));
    }
  }
  return static_cast<uint32_t>(count);
}

THRONG_MULTIVERSION uint32_t ExactlyOne(const uint64_t* domain, const uint64_t* ones,
                                        const uint64_t* twos, uint64_t* out) {
  uint64_t count = 0;
  if (domain == nullptr) {
    for (uint32_t w = 0; w < kWordsPerChunk; ++w) {
      out[w] = ones[w] & ~twos[w];
      count += static_cast<uint64_t>(std::popcount(out[w]));
    }
  } else {
    for (uint32_t w = 0; w < kWordsPerChunk; ++w) {
      out[w] = domain[w] & ones[w] & ~twos[w];
      count += static_cast<uint64_t>(std::popcount(out[w]));
    }
  }
  return static_cast<uint32_t>(count);
}

THRONG_MULTIVERSION uint32_t InNoOther(const uint64_t* domain, const uint64_t* ones,
                                       const uint64_t* twos, const WordsOperand& own,
                                       uint64_t* out) {
  uint64_t count = 0;
  const uint64_t all = domain == nullptr ? ~uint64_t{0} : 0;
  const uint64_t* in = domain == nullptr ? ones : domain;
  for (uint32_t w = 0; w < kWordsPerChunk; ++w) {
    const uint64_t own_only = (own.words[w] ^ own.invert) & ~twos[w];
    out[w] = (in[w] | all) & (~ones[w] | own_only);
    count += static_cast<uint64_t>(std::popcount(out[w]));
  }
  return static_cast<uint32_t>(count);
}

}  // namespace throng::query
