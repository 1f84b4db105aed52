// How several selections lie over each other: how many users each pair shares, and how many are in
// exactly these selections, for every combination that there is.
//
//   OverlapCollector collector(plans.size());
//   ExecuteJointly(plans, snapshot, parallel, check, collector);
//   const OverlapCounts counts = collector.Finish();
//   counts.pair(0, 1);             // users in both
//   counts.intersections.front();  // the selections that most users are in exactly
//
// A user's selections are a mask of a bit each. Masks of the users in two selections or more are
// made 64 users at a time and counted in a table; all else follows from the table. Where there are
// more different masks than it holds, pairs are intersected instead, and only the table is given
// up.
#ifndef THRONG_QUERY_OVERLAP_COLLECTOR_H_
#define THRONG_QUERY_OVERLAP_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "query/joint_execution.h"

namespace throng::query {

inline constexpr size_t kOverlapPlansMax = 64;
// Combinations of two selections or more; a worker's table takes 8 MB at most.
inline constexpr size_t kOverlapCombinationsMax = 262'144;

// Users in exactly the selections whose bits are set. A value.
struct ExclusiveIntersection {
  uint64_t mask = 0;
  uint64_t users = 0;
};

// A value; thread-compatible.
struct OverlapCounts {
  size_t selections = 0;
  std::vector<uint64_t> pairs;   // row by row; on the diagonal the selections' own counts
  std::vector<uint64_t> unique;  // users of a selection who are in no other
  uint64_t union_users = 0;
  // Largest first, then by mask; all that have users. Empty where `is_complete` is false.
  std::vector<ExclusiveIntersection> intersections;
  // False: there are more than kOverlapCombinationsMax combinations of two or more.
  bool is_complete = true;

  uint64_t pair(size_t a, size_t b) const { return pairs[a * selections + b]; }
};

// Thread-safe as a JointCollector must be.
class OverlapCollector final : public JointCollector {
 public:
  // REQUIRES: 1 to kOverlapPlansMax plans. `combinations_max` is for tests.
  explicit OverlapCollector(size_t plans, size_t combinations_max = kOverlapCombinationsMax);
  ~OverlapCollector() override;

  void Start(uint32_t workers, uint32_t chunks) override;
  void Collect(uint32_t chunk, std::span<const index::ChunkSet> users, uint32_t worker) override;
  // After execution.
  OverlapCounts Finish() const;

 private:
  class Worker;

  const size_t plans_;
  const size_t combinations_max_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_OVERLAP_COLLECTOR_H_
