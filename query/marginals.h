// What each condition of an expression does to the crowd: the count without it, for all conditions
// in one pass, and the waterfall.
//
//   absl::StatusOr<Marginals> m = CountMarginals(expression, conditions, snapshot, parallel,
//   check); m->without[2];   // the count of the expression without its third condition m->left[0];
//   // of the first operand of the outermost and
//
// "Without" takes the condition out of the and or or that it is an operand of, together with every
// not that then has no operand: to an and it is as if everybody matched, to an or as if nobody did.
// Without its only condition an expression is everybody.
//
// A user counts for a condition where the crowd depends on that condition alone. For operands of
// one and these users match all but exactly one, so that per chunk two bitmaps say everything: who
// fails at least one operand, and who fails at least two. An or is the same with "matches" for
// "fails". Below the root only users matter whom the operands beside leave to it.
#ifndef THRONG_QUERY_MARGINALS_H_
#define THRONG_QUERY_MARGINALS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/expression.h"
#include "query/resolver.h"

namespace throng::query {

// Each takes about 50 KB a thread.
inline constexpr size_t kMarginalConditionsMax = 1'000;
// More than so many conditions can have where none is a constant.
inline constexpr size_t kMarginalNodesMax = 2'000;

struct Marginals {
  uint64_t count = 0;
  std::vector<uint64_t> own;      // by condition: who matches it
  std::vector<uint64_t> without;  // by condition
  // Users that are in the crowd only with the condition, or only without it. 0: it is redundant.
  std::vector<uint64_t> changed;
  // Users left after each operand of the outermost and, in the order written; of another
  // expression the count.
  std::vector<uint64_t> left;
};

// The ands and ors of an expression, its conditions and its constants: what CountMarginals keeps
// sets of. Thread-safe.
size_t MarginalNodesOf(const Expression& expression);

// Every condition is looked at for all users. `conditions` are those that `expression` resolved to.
// REQUIRES: at most kMarginalConditionsMax of them, and kMarginalNodesMax nodes. Errors: the
// check's. Thread-safe.
absl::StatusOr<Marginals> CountMarginals(const Expression& expression,
                                         const std::vector<ResolvedCondition>& conditions,
                                         const index::Snapshot& snapshot, index::Parallel& parallel,
                                         const Check& check);

// The operands whose steps Marginals::left has: those of the outermost and (two nots before it
// are none), else the expression itself, without its limit. Views of it.
std::vector<const Expression*> WaterfallOperands(const Expression& expression);

}  // namespace throng::query

#endif  // THRONG_QUERY_MARGINALS_H_
