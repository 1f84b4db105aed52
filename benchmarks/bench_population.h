// The population that benchmarks run on: renters of a home-rental company, by seed.
//
//   index::Parallel parallel(2);
//   BenchPopulation population = MakeBenchPopulation(/*users=*/10'000'000, /*seed=*/1, parallel);
//   population.column("city").cells[user];   // the raw data, for the reference
//   population.snapshot;                     // the same, as the engine holds it
//   population.columns.clear();              // when the reference is made: 25 bytes a user
//
// Users are dense, their ids are numbers. benchmarks/bench_tags.h has the tags.
#ifndef THRONG_BENCHMARKS_BENCH_POPULATION_H_
#define THRONG_BENCHMARKS_BENCH_POPULATION_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "benchmarks/bench_tags.h"
#include "index/change.h"
#include "index/parallel.h"
#include "index/snapshot.h"

namespace throng::bench {

// Numbers of 1, 2 or 4 bytes. A value.
class PackedCells {
 public:
  PackedCells() = default;
  PackedCells(size_t size, int bits)
      : width_(bits <= 8    ? 1
               : bits <= 16 ? 2
                            : 4),
        bytes_(size * width_) {}

  uint32_t operator[](size_t i) const {
    uint32_t cell = 0;  // little-endian
    std::memcpy(&cell, &bytes_[i * width_], width_);
    return cell;
  }
  void Set(size_t i, uint32_t cell) { std::memcpy(&bytes_[i * width_], &cell, width_); }

 private:
  size_t width_ = 1;
  std::vector<uint8_t> bytes_;
};

// A tag's raw data. A value.
struct BenchColumn {
  BenchTag tag;
  PackedCells cells;                 // every type but LABELS: code, flag or number
  std::vector<uint32_t> label_ends;  // LABELS
  std::vector<uint8_t> labels;       // LABELS: codes, ascending and distinct for each user

  uint32_t label_begin(uint32_t user) const { return user == 0 ? 0 : label_ends[user - 1]; }
};

// Not thread-safe while it is made; immutable afterwards.
struct BenchPopulation {
  uint32_t users = 0;
  std::vector<BenchColumn> columns;
  index::SnapshotRef snapshot;

  const BenchColumn& column(const std::string& name) const { return columns[BenchTagIndex(name)]; }
};

// The text of a user's id.
std::string BenchId(uint32_t user);

BenchPopulation MakeBenchPopulation(uint32_t users, uint64_t seed, index::Parallel& parallel);

// Draws what users get who are written again: each tag of each with a chance of one in three.
// Not thread-safe.
class RewriteDrawer {
 public:
  RewriteDrawer(uint32_t population_users, uint64_t seed);

  // A commit at `version` for `users`, which ascend. With `columns` a user keeps the number of its
  // labels, and the columns get the new cells.
  index::CommitRecord Draw(const std::vector<uint32_t>& users, uint64_t version,
                           std::vector<BenchColumn>* columns = nullptr);
  // `count` or fewer users, ascending and distinct.
  std::vector<uint32_t> DrawUsers(uint32_t count);

 private:
  void DrawLabels(uint32_t user, BenchColumn* column, index::TagChange* change);

  const uint32_t population_users_;
  Random random_;
  std::vector<CellDrawer> drawers_;
};

// Writes `percent` % of the users again, drawn at random, in a few commits.
void RewriteUsers(double percent, uint64_t seed, index::Parallel& parallel,
                  BenchPopulation* population);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_BENCH_POPULATION_H_
