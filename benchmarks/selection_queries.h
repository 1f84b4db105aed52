// The queries of the selection benchmark, each with its reference.
//
//   for (const SelectionQuery& query : SelectionQueries(session, reference, seed)) {
//     Answer ours, theirs;
//     query.throng(&ours);
//     query.reference(&theirs);   // must be the same
//   }
#ifndef THRONG_BENCHMARKS_SELECTION_QUERIES_H_
#define THRONG_BENCHMARKS_SELECTION_QUERIES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/bench_session.h"
#include "benchmarks/reference.h"

namespace throng::bench {

// The number of users, then whatever else the query asks for.
using Answer = std::vector<uint64_t>;

struct SelectionQuery {
  std::string name;   // "Q3"
  std::string title;  // "and of 5 dense tags"
  // Both overwrite the answer. Everything from text to answer is in the first, on the session's
  // threads; the second has its bitmaps in hand and runs on one thread.
  std::function<void(Answer*)> throng;
  std::function<void(Answer*)> reference;
  // Bytes of what the text names, as Throng stores it: what an evaluation that skips nothing and
  // reads everything once must read. 0: not stated.
  size_t operand_bytes = 0;
};

// Q1 to Q12. They borrow both arguments.
std::vector<SelectionQuery> SelectionQueries(const BenchSession& session,
                                             const Reference& reference, uint64_t seed);

// The texts of the short ones, Q1 to Q5 and Q7: what concurrent callers ask for.
const std::vector<std::string>& ShortQueryTexts();

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_SELECTION_QUERIES_H_
