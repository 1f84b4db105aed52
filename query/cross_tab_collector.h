// Counts the selected users over the values of two tags at once, in one pass.
//
//   CrossTabAxis city{.tag = 3, .slots = 300, .slot_of_code = {0, 1, ...}};
//   CrossTabAxis age{.tag = 9, .slots = 3, .edges = {18, 65}};   // below 18, 18 to 64, 65 and more
//   CrossTabCollector collector(snapshot, city, age);
//   Execute(plan, snapshot, parallel, check, collector);
//   const CrossTabCounts counts = collector.Finish();
//   counts.cell(7, 1);    // users of city 7 who are 18 to 64
//
// For each chunk the cells are counted by whichever is cheaper there: reading both codes of each
// user at hand, intersecting the values' bitmaps, or walking the members of one tag's bitmaps and
// reading the other tag's codes (or, of two LABELS tags, lists that are made a chunk at a time).
#ifndef THRONG_QUERY_CROSS_TAB_COLLECTOR_H_
#define THRONG_QUERY_CROSS_TAB_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "index/chunk_set.h"
#include "index/snapshot.h"
#include "query/collector.h"

namespace throng::query {

// One side of the table. Users fall into slots; those without a value into one more, the last. A
// value; thread-compatible.
struct CrossTabAxis {
  uint32_t tag = 0;
  // Without the one of users without a value. At most 65,535. FLAG: 2, set and not set.
  uint32_t slots = 0;
  // CATEGORY and LABELS: by code, each less than `slots`. At most one slot is that of several
  // codes; a user with several of these is counted there once.
  std::vector<uint32_t> slot_of_code = {};
  // Ordered tags: ascending and distinct, `slots` - 1 of them. A number falls into the slot of how
  // many are at or below it.
  std::vector<int64_t> edges = {};
};

// A value; thread-compatible.
struct CrossTabCounts {
  uint64_t users = 0;  // of the crowd
  uint32_t rows = 0;   // slots, those of users without a value included
  uint32_t columns = 0;
  std::vector<uint64_t> cells;         // row by row
  std::vector<uint64_t> row_users;     // by row; a user of several labels is in several
  std::vector<uint64_t> column_users;  // by column

  uint64_t cell(uint32_t row, uint32_t column) const {
    return cells[size_t{row} * columns + column];
  }
};

// Thread-safe as a Collector must be. Borrows the snapshot.
class CrossTabCollector final : public Collector {
 public:
  // The cells of a worker take 4 bytes each. The axes may be of one tag.
  CrossTabCollector(const index::Snapshot& snapshot, CrossTabAxis rows, CrossTabAxis columns);
  ~CrossTabCollector() override;

  void Start(uint32_t workers, uint32_t chunks) override;
  void Collect(uint32_t chunk, const index::ChunkSet& users, uint32_t worker) override;
  // After execution.
  CrossTabCounts Finish() const;

 private:
  class Worker;

  const index::Snapshot& snapshot_;
  // The outer axis is the one of LABELS, if one is: the rows, or the columns where swapped.
  const bool swapped_;
  const CrossTabAxis outer_;
  const CrossTabAxis inner_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_CROSS_TAB_COLLECTOR_H_
