// What exclusions take from a crowd, in one pass: how many users each shares with it, and how many
// each takes that none before it has taken.
//
//   ExclusionCollector collector(plans.size() - 1);   // plans: the crowd, then the exclusions
//   ExecuteJointly(plans, snapshot, parallel, check, collector);
//   const ExclusionCounts counts = collector.Finish();
//   counts.reachable;      // in the crowd and in no exclusion
//   counts.losses[2];      // of the crowd in the third exclusion and not in the first two
//
// The losses add up to what the crowd and its reachable users differ by.
#ifndef THRONG_QUERY_EXCLUSION_COLLECTOR_H_
#define THRONG_QUERY_EXCLUSION_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "query/joint_execution.h"

namespace throng::query {

// A value.
struct ExclusionCounts {
  uint64_t gross = 0;      // the crowd
  uint64_t reachable = 0;  // without all exclusions
  std::vector<uint64_t> overlaps;
  std::vector<uint64_t> losses;
};

// Thread-safe as a JointCollector must be.
class ExclusionCollector final : public JointCollector {
 public:
  // REQUIRES: one plan more than `exclusions` is run; the first is the crowd's.
  explicit ExclusionCollector(size_t exclusions);
  ~ExclusionCollector() override;

  void Start(uint32_t workers, uint32_t chunks) override;
  void Collect(uint32_t chunk, std::span<const index::ChunkSet> users, uint32_t worker) override;
  // After execution.
  ExclusionCounts Finish() const;

 private:
  class Worker;

  const size_t exclusions_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_EXCLUSION_COLLECTOR_H_
