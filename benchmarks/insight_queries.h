// Insights of the selection benchmark, each beside the same figures by separate counts through the
// engine, in the same process.
//
//   for (const SelectionQuery& query : InsightQueries(session)) ...
#ifndef THRONG_BENCHMARKS_INSIGHT_QUERIES_H_
#define THRONG_BENCHMARKS_INSIGHT_QUERIES_H_

#include <vector>

#include "benchmarks/bench_session.h"
#include "benchmarks/selection_queries.h"

namespace throng::bench {

// They borrow the session.
std::vector<SelectionQuery> InsightQueries(const BenchSession& session);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_INSIGHT_QUERIES_H_
