// Exactly N users of a crowd in the selection benchmark, beside the crowd's count.
//
//   for (const SelectionQuery& query : LimitQueries(session)) ...
#ifndef THRONG_BENCHMARKS_LIMIT_QUERIES_H_
#define THRONG_BENCHMARKS_LIMIT_QUERIES_H_

#include <vector>

#include "benchmarks/bench_session.h"
#include "benchmarks/selection_queries.h"

namespace throng::bench {

// They borrow the session.
std::vector<SelectionQuery> LimitQueries(const BenchSession& session);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_LIMIT_QUERIES_H_
