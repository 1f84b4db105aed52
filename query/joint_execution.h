// Runs several physical plans in one pass over the chunks: what one of them reads is still in the
// cache when the next one asks for it, and their users can be combined chunk by chunk.
//
//   absl::Status done = ExecuteJointly(plans, snapshot, parallel, check, collector);
#ifndef THRONG_QUERY_JOINT_EXECUTION_H_
#define THRONG_QUERY_JOINT_EXECUTION_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "index/chunk_set.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/physical_plan.h"

namespace throng::query {

// As a Collector, of the users of several plans. Collect is called by several threads at once, each
// with a `worker` number of its own.
class JointCollector {
 public:
  virtual ~JointCollector() = default;
  // Once, before the first Collect.
  virtual void Start(uint32_t workers, uint32_t chunks) = 0;
  // `users[i]` are the users of plan i in chunk `chunk` (ordinal >> 16); not all are empty. The
  // views are valid during the call.
  virtual void Collect(uint32_t chunk, std::span<const index::ChunkSet> users, uint32_t worker) = 0;
};

// Hands the plans' users to the collector. Errors: the check's. Thread-safe.
absl::Status ExecuteJointly(const std::vector<PhysicalPlan>& plans, const index::Snapshot& snapshot,
                            index::Parallel& parallel, const Check& check,
                            JointCollector& collector);

}  // namespace throng::query

#endif  // THRONG_QUERY_JOINT_EXECUTION_H_
