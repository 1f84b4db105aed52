// What conditions do, of the selection benchmark: counts without each of them and curves, each
// beside one count of the same expression.
//
//   for (const SelectionQuery& query : ConditionQueries(session)) ...
#ifndef THRONG_BENCHMARKS_CONDITION_QUERIES_H_
#define THRONG_BENCHMARKS_CONDITION_QUERIES_H_

#include <vector>

#include "benchmarks/bench_session.h"
#include "benchmarks/selection_queries.h"

namespace throng::bench {

// They borrow the session.
std::vector<SelectionQuery> ConditionQueries(const BenchSession& session);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_CONDITION_QUERIES_H_
