// The overlap of many crowds in the selection benchmark, beside a count of each pair.
//
//   for (const SelectionQuery& query : OverlapQueries(session)) ...
#ifndef THRONG_BENCHMARKS_OVERLAP_QUERIES_H_
#define THRONG_BENCHMARKS_OVERLAP_QUERIES_H_

#include <vector>

#include "benchmarks/bench_session.h"
#include "benchmarks/selection_queries.h"

namespace throng::bench {

// They borrow the session.
std::vector<SelectionQuery> OverlapQueries(const BenchSession& session);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_OVERLAP_QUERIES_H_
