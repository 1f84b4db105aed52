// Cross-tabs of the selection benchmark, each beside a breakdown of the larger of its tags.
//
//   for (const SelectionQuery& query : CrossTabQueries(session)) ...
#ifndef THRONG_BENCHMARKS_CROSS_TAB_QUERIES_H_
#define THRONG_BENCHMARKS_CROSS_TAB_QUERIES_H_

#include <vector>

#include "benchmarks/bench_session.h"
#include "benchmarks/selection_queries.h"

namespace throng::bench {

// They borrow the session.
std::vector<SelectionQuery> CrossTabQueries(const BenchSession& session);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_CROSS_TAB_QUERIES_H_
