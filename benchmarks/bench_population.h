// The population that benchmarks run on: renters of a home-rental company, by seed.
//
//   BenchPopulation population = MakeBenchPopulation(/*users=*/10'000'000, /*seed=*/1);
//   population.columns[kCityColumn].cells[user];   // the raw data, for the reference
//   population.snapshot;                           // the same, as the engine holds it
//
// Users are dense; city and channel drift along the id axis, as those of a company that grew city
// by city and campaign by campaign do. Names of tags are those of docs/performance.md.
#ifndef THRONG_BENCHMARKS_BENCH_POPULATION_H_
#define THRONG_BENCHMARKS_BENCH_POPULATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "index/catalogue.h"
#include "index/parallel.h"
#include "index/snapshot.h"

namespace throng::bench {

// A tag's raw data. A value.
struct BenchColumn {
  index::TagDefinition definition;
  uint32_t values = 0;               // CATEGORY, LABELS: named "v0", "v1", ...
  std::vector<int32_t> cells;        // every type but LABELS: code, flag or number
  std::vector<uint32_t> label_ends;  // LABELS
  std::vector<uint8_t> labels;       // LABELS: codes, ascending and distinct for each user
};

// Not thread-safe while it is made; immutable afterwards.
struct BenchPopulation {
  uint32_t users = 0;
  std::vector<BenchColumn> columns;
  index::SnapshotRef snapshot;

  const BenchColumn& column(const std::string& name) const;
};

// Takes about 1 s for each million users on one core.
BenchPopulation MakeBenchPopulation(uint32_t users, uint64_t seed);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_BENCH_POPULATION_H_
