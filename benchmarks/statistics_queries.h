// Statistics of the selection benchmark: percentiles and a histogram, each beside the sum alone.
//
//   for (const SelectionQuery& query : StatisticsQueries(session)) ...
#ifndef THRONG_BENCHMARKS_STATISTICS_QUERIES_H_
#define THRONG_BENCHMARKS_STATISTICS_QUERIES_H_

#include <vector>

#include "benchmarks/bench_session.h"
#include "benchmarks/selection_queries.h"

namespace throng::bench {

// They borrow the session.
std::vector<SelectionQuery> StatisticsQueries(const BenchSession& session);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_STATISTICS_QUERIES_H_
