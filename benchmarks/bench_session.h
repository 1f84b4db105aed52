// The engine's path in a benchmark: from text to plan to answer, without gRPC.
//
//   BenchSession session(population.snapshot, parallel);
//   uint64_t users = session.Count("city = 'v1' and views_7d > 3");
//
// Ends the program on any error: a benchmark of a wrong answer is worth nothing.
#ifndef THRONG_BENCHMARKS_BENCH_SESSION_H_
#define THRONG_BENCHMARKS_BENCH_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "index/ordinal_set.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/breakdown_collector.h"
#include "query/collector.h"
#include "query/logical_plan.h"
#include "query/physical_plan.h"
#include "query/statistics_collector.h"

namespace throng::bench {

// Ends the program when `status` is an error, saying what was done.
void MustBeOk(const absl::Status& status, std::string_view what);

// Ids of an export, a line each, in frames that are dropped when they are full: what an export
// costs before its frames are sent. Not thread-safe.
class IdFrames {
 public:
  IdFrames() { frame_.reserve(kFrameBytes); }

  void Append(std::string_view id) {
    if (frame_.size() + id.size() >= kFrameBytes) Flush();
    frame_.append(id);
    frame_.push_back('\n');
  }
  void Append(uint64_t id);
  void Flush();
  uint64_t bytes() const { return bytes_; }
  uint64_t checksum() const { return checksum_; }  // of every 61st byte, which any shift changes

 private:
  static constexpr size_t kFrameBytes = 256 * 1024;

  std::string frame_;
  uint64_t bytes_ = 0;
  uint64_t checksum_ = 0;
};

// Thread-safe. `parallel` outlives it.
class BenchSession {
 public:
  BenchSession(index::SnapshotRef snapshot, index::Parallel& parallel)
      : snapshot_(std::move(snapshot)), parallel_(parallel) {}

  const index::Snapshot& snapshot() const { return *snapshot_; }
  index::Parallel& parallel() const { return parallel_; }
  // Parsed and resolved.
  query::LogicalPlan Logical(const std::string& text) const;
  query::PhysicalPlan Physical(query::LogicalPlan plan) const;
  uint64_t Count(const std::string& text) const { return Count(Logical(text)); }
  uint64_t Count(query::LogicalPlan plan) const;
  std::shared_ptr<const index::OrdinalSet> Select(const std::string& text) const;
  // Returns the number of users.
  uint64_t Export(const std::string& text, IdFrames* frames) const;
  // Returns the number of users.
  uint64_t Breakdown(const std::string& text, const std::vector<std::string>& tags,
                     std::vector<query::TagCounts>* counts) const;
  query::TagStatistics Statistics(const std::string& text, const std::string& tag) const;

  // Bytes of the bitmaps and columns that the plan names, blocks and deltas.
  size_t OperandBytes(const query::LogicalPlan& plan) const;
  // Of the columns of these tags, or of all their values where they have none.
  size_t TagBytes(const std::vector<std::string>& tags) const;

 private:
  uint32_t TagId(const std::string& tag) const;
  void Execute(query::LogicalPlan plan, query::Collector& collector) const;
  size_t ValueBytes(const query::TagValues& values) const;

  const index::SnapshotRef snapshot_;
  index::Parallel& parallel_;
};

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_BENCH_SESSION_H_
