// Estimates from samples of the selection benchmark, beside the exact count.
//
//   for (const SelectionQuery& query : SampleQueries(session)) ...
#ifndef THRONG_BENCHMARKS_SAMPLE_QUERIES_H_
#define THRONG_BENCHMARKS_SAMPLE_QUERIES_H_

#include <vector>

#include "benchmarks/bench_session.h"
#include "benchmarks/selection_queries.h"

namespace throng::bench {

// They borrow the session. The answers are not the counts: a sample's differ by design.
std::vector<SelectionQuery> SampleQueries(const BenchSession& session);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_SAMPLE_QUERIES_H_
