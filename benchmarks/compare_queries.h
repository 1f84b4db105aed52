// Comparisons of two crowds, each beside one breakdown of the first.
//
//   for (const SelectionQuery& query : CompareQueries(session)) ...
#ifndef THRONG_BENCHMARKS_COMPARE_QUERIES_H_
#define THRONG_BENCHMARKS_COMPARE_QUERIES_H_

#include <vector>

#include "benchmarks/bench_session.h"
#include "benchmarks/selection_queries.h"

namespace throng::bench {

// They borrow the session.
std::vector<SelectionQuery> CompareQueries(const BenchSession& session);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_COMPARE_QUERIES_H_
