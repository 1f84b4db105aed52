#include "index/chunk_algebra.h"

#include <algorithm>
#include <cstring>

#include "index/chunk_ops.h"
#include "index/word_kernels.h"

namespace throng::index {
namespace {

// Bitsets that one pass reads side by side: more streams than a core prefetches are slower.
constexpr uint32_t kBatch = 16;

enum class Goal { kMembers, kCardinality };

// A result of which only the cardinality is asked for.
ChunkSet Counted(uint32_t cardinality) { return ChunkSet::Bitset(nullptr, cardinality); }

WordOperand OperandOf(const ChunkSet& set) { return {.words = set.words, .ahead = set.ahead}; }

// Operands of one call of a kernel, of bounded number: nothing is allocated.
template <uint32_t kMax>
class Operands {
 public:
  void Add(const WordOperand& operand) {
    has_ahead_ |= operand.ahead != nullptr;
    operands_[size_++] = operand;
  }
  void Clear() {
    size_ = 0;
    has_ahead_ = false;
  }
  uint32_t size() const { return size_; }
  bool has_ahead() const { return has_ahead_; }
  const WordOperand* begin() const { return operands_; }
  // Kernels take operands of which all have an `ahead` or none.
  const WordOperand* Complete(bool with_ahead) {
    if (with_ahead) CompleteAhead(std::span(operands_, size_));
    return operands_;
  }

 private:
  WordOperand operands_[kMax];
  uint32_t size_ = 0;
  bool has_ahead_ = false;
};

// The intersection of bitsets but others, in batches.
class WordConjunction {
 public:
  explicit WordConjunction(ChunkScratch& out) : out_(out.bits.words) {}

  void And(const WordOperand& operand) {
    if (in_.size() == kBatch) Flush(out_);
    in_.Add(operand);
  }
  // REQUIRES: an And() before.
  void AndNot(const WordOperand& operand) {
    if (minus_.size() == kBatch) Flush(out_);
    minus_.Add(operand);
  }
  bool empty() const { return in_.size() == 0; }

  // Writes the result to `out` unless it is null; returns its cardinality.
  uint32_t Flush(uint64_t* out) {
    const bool ahead = in_.has_ahead() || minus_.has_ahead();
    const uint32_t count = Kernels().conjoin({.in = in_.Complete(ahead),
                                              .in_size = in_.size(),
                                              .minus = minus_.Complete(ahead),
                                              .minus_size = minus_.size()},
                                             out);
    in_.Clear();
    minus_.Clear();
    in_.Add({.words = out_});
    return count;
  }

 private:
  uint64_t* const out_;
  Operands<kBatch> in_;
  Operands<kBatch> minus_;
};

// `base`, the smallest array of `in`, with one after the other of the operands looked up in it or
// taken out of it.
ChunkSet FilterArray(const ChunkSet& base, std::span<const ChunkSet> in,
                     std::span<const ChunkSet> minus, Goal goal, ChunkScratch& out) {
  const size_t steps = in.size() + minus.size();
  ChunkSet users = base;
  for (size_t step = 0; step < steps && !users.empty(); ++step) {
    const bool wanted = step < in.size();
    const ChunkSet& other = wanted ? in[step] : minus[step - in.size()];
    if (&other == &base) continue;
    if (step + 1 < steps)
      Prefetch(step + 1 < in.size() ? in[step + 1] : minus[step + 1 - in.size()]);
    if (goal == Goal::kCardinality && step + 1 == steps) {
      const uint32_t both = IntersectCardinality(users, other);
      return Counted(wanted ? both : users.cardinality - both);
    }
    users = wanted ? Intersect(users, other, out) : Subtract(users, other, out);
  }
  return users;
}

// As above where no set of `in` is an array or empty.
ChunkSet IntersectWords(std::span<const ChunkSet> in, std::span<const ChunkSet> minus, Goal goal,
                        ChunkScratch& out) {
  uint64_t* const words = out.bits.words;
  WordConjunction conjunction(out);
  const ChunkSet* first_runs = nullptr;
  bool plain = true;  // all are bitsets
  for (const ChunkSet& set : in) {
    if (set.kind == SetKind::kBitset) conjunction.And(OperandOf(set));
    if (set.kind == SetKind::kRuns && first_runs == nullptr) first_runs = &set;
    plain &= set.kind != SetKind::kRuns;
  }
  if (conjunction.empty()) {
    CopyTo(first_runs == nullptr ? ChunkSet::Full() : *first_runs, words);
    conjunction.And({.words = words});
  } else {
    first_runs = nullptr;
  }
  for (const ChunkSet& set : minus) {
    if (set.kind == SetKind::kBitset) conjunction.AndNot(OperandOf(set));
    plain &= set.kind == SetKind::kBitset || set.empty();
  }
  if (plain && goal == Goal::kCardinality) return Counted(conjunction.Flush(nullptr));
  uint32_t count = conjunction.Flush(words);
  if (!plain) {
    for (const ChunkSet& set : in) {
      if (set.kind == SetKind::kRuns && &set != first_runs) IntersectInto(set, words);
    }
    for (const ChunkSet& set : minus) {
      if (set.kind != SetKind::kBitset) SubtractFrom(set, words);
    }
    count = CountBits(words);
  }
  return goal == Goal::kCardinality ? Counted(count) : Settle(out, count);
}

ChunkSet IntersectAll(std::span<const ChunkSet> in, std::span<const ChunkSet> minus, Goal goal,
                      ChunkScratch& out) {
  const ChunkSet* some = nullptr;   // but full ones
  const ChunkSet* array = nullptr;  // the smallest: what is not in it is not looked at
  bool others = false;
  for (const ChunkSet& set : in) {
    if (set.empty()) return ChunkSet::Empty();
    if (set.kind == SetKind::kFull) continue;
    others |= some != nullptr;
    some = &set;
    if (set.kind != SetKind::kArray) continue;
    if (array == nullptr || set.size < array->size) array = &set;
  }
  for (const ChunkSet& set : minus) {
    if (set.kind == SetKind::kFull) return ChunkSet::Empty();
    others |= !set.empty();
  }
  if (!others) return some == nullptr ? ChunkSet::Full() : *some;
  if (array != nullptr) return FilterArray(*array, in, minus, goal, out);
  return IntersectWords(in, minus, goal, out);
}

// Bitsets united in batches into `out`; returns the cardinality. Not for none.
uint32_t UniteBitsets(std::span<const ChunkSet> sets, Goal goal, uint64_t* out) {
  Operands<kBatch> in;
  for (const ChunkSet& set : sets) {
    if (set.kind != SetKind::kBitset) continue;
    if (in.size() == kBatch) {
      Kernels().unite(in.Complete(in.has_ahead()), in.size(), out);
      in.Clear();
      in.Add({.words = out});
    }
    in.Add(OperandOf(set));
  }
  return Kernels().unite(in.Complete(in.has_ahead()), in.size(),
                         goal == Goal::kCardinality ? nullptr : out);
}

ChunkSet UniteAll(std::span<const ChunkSet> sets, Goal goal, ChunkScratch& out) {
  const ChunkSet* only = nullptr;
  uint32_t filled = 0;
  uint32_t bitsets = 0;
  for (const ChunkSet& set : sets) {
    if (set.kind == SetKind::kFull) return ChunkSet::Full();
    if (set.empty()) continue;
    only = &set;
    ++filled;
    bitsets += set.kind == SetKind::kBitset ? 1 : 0;
  }
  if (filled == 0) return ChunkSet::Empty();
  if (filled == 1) return *only;
  if (bitsets == 0 && filled == 2) {
    const ChunkSet* const first =
        std::find_if(sets.data(), only, [](const ChunkSet& set) { return !set.empty(); });
    return Unite(*first, *only, out);
  }
  uint64_t* const words = out.bits.words;
  if (bitsets == filled) {
    const uint32_t count = UniteBitsets(sets, goal, words);
    return goal == Goal::kCardinality ? Counted(count) : ChunkSet::Bitset(words, count);
  }
  if (bitsets > 0) {
    UniteBitsets(sets, Goal::kMembers, words);
  } else {
    std::memset(words, 0, sizeof(ChunkWords));
  }
  for (const ChunkSet& set : sets) {
    if (set.kind != SetKind::kBitset) UniteInto(set, words);
  }
  const uint32_t count = CountBits(words);
  return goal == Goal::kCardinality ? Counted(count) : Settle(out, count);
}

// Terms as the kernels take them; of bounded size, so that nothing is allocated.
class TermWords {
 public:
  static constexpr uint32_t kTermsMax = 16;
  static constexpr uint32_t kWordsMax = 64;

  // False when there is no room for it.
  bool Add(const ChunkTerm& term) {
    if (size_ == kTermsMax || operands_.size() + term.in.size() + term.minus.size() > kWordsMax) {
      return false;
    }
    terms_[size_++] = Take(term);
    return true;
  }
  WordTerm Take(const ChunkTerm& term) {
    const WordOperand* const first = operands_.begin() + operands_.size();
    for (const ChunkSet& set : term.in) operands_.Add(OperandOf(set));
    for (const ChunkSet& set : term.minus) operands_.Add(OperandOf(set));
    return {.in = first,
            .in_size = static_cast<uint32_t>(term.in.size()),
            .minus = first + term.in.size(),
            .minus_size = static_cast<uint32_t>(term.minus.size())};
  }
  uint32_t Unite(const WordTerm& common, uint64_t* out) {
    operands_.Complete(operands_.has_ahead());
    return Kernels().unite_terms(terms_, size_, common, out);
  }
  bool empty() const { return size_ == 0; }

 private:
  WordTerm terms_[kTermsMax];
  Operands<kWordsMax> operands_;
  uint32_t size_ = 0;
};

ChunkSet UniteTerms(std::span<const ChunkTerm> terms, std::span<const ChunkSet> others,
                    const ChunkTerm& common, Goal goal, ChunkScratch& work, ChunkScratch& out) {
  uint64_t* const words = out.bits.words;
  TermWords united;
  const WordTerm restriction = united.Take(common);
  bool plain = true;  // one pass sees everything
  for (const ChunkSet& set : others) {
    plain &= set.empty() ||
             (set.kind == SetKind::kBitset && united.Add({.in = std::span(&set, 1), .minus = {}}));
  }
  for (const ChunkTerm& term : terms) plain &= united.Add(term);
  if (plain) {
    if (united.empty()) return ChunkSet::Empty();
    const uint32_t count = united.Unite(restriction, goal == Goal::kCardinality ? nullptr : words);
    return goal == Goal::kCardinality ? Counted(count) : ChunkSet::Bitset(words, count);
  }
  std::memset(words, 0, sizeof(ChunkWords));
  const auto add = [&](const ChunkTerm& term) {
    UniteInto(IntersectAll(term.in, term.minus, Goal::kMembers, work), words);
  };
  for (const ChunkTerm& term : terms) add(term);
  for (const ChunkSet& set : others) UniteInto(set, words);
  for (const ChunkSet& set : common.in) IntersectInto(set, words);
  for (const ChunkSet& set : common.minus) SubtractFrom(set, words);
  const uint32_t count = CountBits(words);
  return goal == Goal::kCardinality ? Counted(count) : Settle(out, count);
}

}  // namespace

bool IsWords(const ChunkTerm& term) {
  const auto is_bitset = [](const ChunkSet& set) { return set.kind == SetKind::kBitset; };
  return !term.in.empty() && term.in.size() + term.minus.size() <= TermWords::kWordsMax / 2 &&
         std::all_of(term.in.begin(), term.in.end(), is_bitset) &&
         std::all_of(term.minus.begin(), term.minus.end(), is_bitset);
}

ChunkSet UniteTerms(std::span<const ChunkTerm> terms, std::span<const ChunkSet> others,
                    const ChunkTerm& common, ChunkScratch& work, ChunkScratch& out) {
  return UniteTerms(terms, others, common, Goal::kMembers, work, out);
}

uint32_t UniteTermsCardinality(std::span<const ChunkTerm> terms, std::span<const ChunkSet> others,
                               const ChunkTerm& common, ChunkScratch& work, ChunkScratch& out) {
  return UniteTerms(terms, others, common, Goal::kCardinality, work, out).cardinality;
}

ChunkSet IntersectAll(std::span<const ChunkSet> in, std::span<const ChunkSet> minus,
                      ChunkScratch& out) {
  return IntersectAll(in, minus, Goal::kMembers, out);
}

uint32_t IntersectAllCardinality(std::span<const ChunkSet> in, std::span<const ChunkSet> minus,
                                 ChunkScratch& out) {
  return IntersectAll(in, minus, Goal::kCardinality, out).cardinality;
}

ChunkSet UniteAll(std::span<const ChunkSet> sets, ChunkScratch& out) {
  return UniteAll(sets, Goal::kMembers, out);
}

uint32_t UniteAllCardinality(std::span<const ChunkSet> sets, ChunkScratch& out) {
  return UniteAll(sets, Goal::kCardinality, out).cardinality;
}

}  // namespace throng::index
