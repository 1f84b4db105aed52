// The loops over words of a chunk that CountMarginals spends its time in.
//
//   AddOperands({{city, 0}, {gender, ~0}}, ones, twos);
//
// Internal to the folder. Words are those of one chunk; every function is thread-safe.
#ifndef THRONG_QUERY_MARGINAL_WORDS_H_
#define THRONG_QUERY_MARGINAL_WORDS_H_

#include <cstdint>
#include <span>

namespace throng::query {

// A set, or with all bits of `invert` its complement.
struct WordsOperand {
  const uint64_t* words = nullptr;
  uint64_t invert = 0;
};

// Writes who is in one operand at least to `ones`, and who is in two at least to `twos`.
void AddOperands(std::span<const WordsOperand> operands, uint64_t* ones, uint64_t* twos);

// out = domain without `minus`; returns how many. `domain` may be null: everybody.
uint32_t Without(const uint64_t* domain, const uint64_t* minus, uint64_t* out);

// out = those of `domain` that are in exactly one operand; returns how many. `domain` may be null.
uint32_t ExactlyOne(const uint64_t* domain, const uint64_t* ones, const uint64_t* twos,
                    uint64_t* out);

// out = those of `domain` that are in no operand but perhaps in `own`; returns how many. `domain`
// may be null.
uint32_t InNoOther(const uint64_t* domain, const uint64_t* ones, const uint64_t* twos,
                   const WordsOperand& own, uint64_t* out);

}  // namespace throng::query

#endif  // THRONG_QUERY_MARGINAL_WORDS_H_
