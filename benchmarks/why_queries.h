// Why one user is in or out, of the selection benchmark: from the text to the conditions met and
// missed and the smallest change, beside a count of the same expression among that user alone.
//
//   for (const SelectionQuery& query : WhyQueries(session)) ...
#ifndef THRONG_BENCHMARKS_WHY_QUERIES_H_
#define THRONG_BENCHMARKS_WHY_QUERIES_H_

#include <vector>

#include "benchmarks/bench_session.h"
#include "benchmarks/selection_queries.h"

namespace throng::bench {

// They borrow the session.
std::vector<SelectionQuery> WhyQueries(const BenchSession& session);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_WHY_QUERIES_H_
