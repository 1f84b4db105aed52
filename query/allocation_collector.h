// Ordered crowds made mutually exclusive, in one pass: each user goes to the first crowd that has
// him, and every crowd knows what it loses to which of those before it.
//
//   AllocationCollector collector(plans.size());
//   ExecuteJointly(plans, snapshot, parallel, check, collector);
//   const AllocationCounts counts = collector.Finish();
//   counts.kept[2];      // of the third crowd, in none before it
//   counts.lost(2, 0);   // of the third crowd, that the first one got
//
// What a crowd keeps and what it loses adds up to the crowd.
#ifndef THRONG_QUERY_ALLOCATION_COLLECTOR_H_
#define THRONG_QUERY_ALLOCATION_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "query/joint_execution.h"

namespace throng::query {

// A value.
struct AllocationCounts {
  std::vector<uint64_t> gross;   // by crowd
  std::vector<uint64_t> kept;    // by crowd
  std::vector<uint64_t> losses;  // row by row: of the row's crowd to the column's; square

  uint64_t lost(size_t crowd, size_t to) const { return losses[crowd * gross.size() + to]; }
};

// Thread-safe as a JointCollector must be. A worker takes 16 KB a crowd.
class AllocationCollector final : public JointCollector {
 public:
  explicit AllocationCollector(size_t crowds);
  ~AllocationCollector() override;

  void Start(uint32_t workers, uint32_t chunks) override;
  void Collect(uint32_t chunk, std::span<const index::ChunkSet> users, uint32_t worker) override;
  // After execution.
  AllocationCounts Finish() const;

 private:
  class Worker;

  const size_t crowds_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_ALLOCATION_COLLECTOR_H_
