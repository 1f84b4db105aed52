// Times the two sides of a query in turns and prints them beside each other.
//
//   std::vector<Timing> rows = TimeQueries(queries, {.runs = 30});
//   PrintTable(rows, "CRoaring");
//
// The sides take turns of a few runs: what slows the machine for a while slows both, and all but
// the first run of a turn find the caches as their own side left them. Google Benchmark runs one
// side after the other, seconds apart; its ratios drift on a shared machine.
#ifndef THRONG_BENCHMARKS_SIDE_BY_SIDE_H_
#define THRONG_BENCHMARKS_SIDE_BY_SIDE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/selection_queries.h"

namespace throng::bench {

// Values; thread-compatible.
struct TimingOptions {
  uint32_t runs = 30;     // of each side, at least
  double min_time = 0.3;  // seconds of both sides together, at least
};

struct Timing {
  std::string name;
  std::string title;
  uint64_t users = 0;
  uint32_t runs = 0;        // of each side
  double throng_us = 0;     // median
  double reference_us = 0;  // median
  size_t operand_bytes = 0;

  double ratio() const { return reference_us / throng_us; }
};

// Compares the answers of both sides, then times them. Queries of less than 50 us are repeated
// within a run. A query whose sides take more than 1 s together runs 7 times only. Ends the program
// when the sides disagree.
std::vector<Timing> TimeQueries(const std::vector<SelectionQuery>& queries,
                                const TimingOptions& options);

// `reference` is what the second side is: "CRoaring".
void PrintTable(const std::vector<Timing>& timings, const std::string& reference);
// Returns false when the file cannot be written. `context` is a JSON object's members.
bool WriteJson(const std::string& path, const std::string& context,
               const std::vector<Timing>& timings);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_SIDE_BY_SIDE_H_
