// The 13 tags of the benchmarks' population and how a user's cells are drawn.
//
//   const BenchTag& city = BenchTags()[2];
//   CellDrawer drawer(city);
//   uint32_t code = drawer.Draw(/*position=*/0.5, random);   // of a user half-way along the ids
//
// City and channel drift along the id axis, as those of a company that grew city by city and
// campaign by campaign do. Numbers are never negative.
#ifndef THRONG_BENCHMARKS_BENCH_TAGS_H_
#define THRONG_BENCHMARKS_BENCH_TAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/random.h"
#include "index/catalogue.h"

namespace throng::bench {

struct BenchTag {
  const char* name;
  index::TagType type;
  uint32_t values;  // CATEGORY, LABELS: named "v0", "v1", ...
  int bits;         // of the largest code or number; FLAG: 1
};

// Tag i has the id i + 1.
const std::vector<BenchTag>& BenchTags();
uint32_t BenchTagIndex(const std::string& name);  // ends the program when there is none

// Thread-compatible.
class CellDrawer {
 public:
  explicit CellDrawer(const BenchTag& tag);

  // Every type but LABELS: a code, a flag or a number, of a user at `position` of [0, 1).
  uint32_t Draw(double position, Random& random) const { return (this->*draw_)(position, random); }
  // LABELS: appends codes, ascending and distinct. `draws` of them, less what was drawn twice.
  void DrawLabels(uint64_t draws, Random& random, std::vector<uint8_t>* codes) const;

 private:
  using DrawCell = uint32_t (CellDrawer::*)(double, Random&) const;

  uint32_t Rank(Random& random) const;
  uint32_t DrawRank(double position, Random& random) const;
  uint32_t DrawDrifting(double position, Random& random) const;
  uint32_t DrawGraduate(double position, Random& random) const;
  uint32_t DrawLeaseExpiring(double position, Random& random) const;
  uint32_t DrawLastActive(double position, Random& random) const;
  uint32_t DrawViews(double position, Random& random) const;
  uint32_t DrawSpend(double position, Random& random) const;
  static DrawCell DrawOf(const std::string& name);

  uint32_t values_;
  std::vector<double> cumulative_;  // Zipf: of the ranks' shares
  DrawCell draw_;
};

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_BENCH_TAGS_H_
