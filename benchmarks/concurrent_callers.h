// Concurrent callers of one engine, alone and while a writer commits.
//
//   RunCallers({.callers = {1, 2, 8, 32}, .seconds = 3, .seed = 1}, parallel, &population);
#ifndef THRONG_BENCHMARKS_CONCURRENT_CALLERS_H_
#define THRONG_BENCHMARKS_CONCURRENT_CALLERS_H_

#include <cstdint>
#include <vector>

#include "benchmarks/bench_population.h"
#include "index/parallel.h"

namespace throng::bench {

struct CallerOptions {
  std::vector<uint32_t> callers;
  double seconds = 3;  // each number of callers, alone and beside the writer
  uint64_t seed = 1;
  uint32_t commits_per_second = 0;  // at most; 0: as many as the writer can
};

struct CallerFigures {
  uint32_t callers = 0;
  bool writing = false;
  double queries_per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
  double commits_per_second = 0;
};

// Callers ask for queries Q1 to Q5 and Q7 drawn at random, each on the snapshot that is newest when
// it begins, and share the threads of `parallel`. The writer commits 100 random users at a time and
// publishes the next snapshot; it keeps no log. Prints each row as it comes.
std::vector<CallerFigures> RunCallers(const CallerOptions& options, index::Parallel& parallel,
                                      BenchPopulation* population);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_CONCURRENT_CALLERS_H_
