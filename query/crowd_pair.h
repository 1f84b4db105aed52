// Two crowds counted over the same tags, chunk by chunk: what a comparison is made of.
//
//   absl::StatusOr<CrowdPair> pair = SelectPair(a, b, snapshot, parallel, check);
//   std::vector<int64_t> edges = QuantileEdges(*pair, spend, 10, snapshot);
//   absl::StatusOr<PairCounts> counts =
//       CountPair(*pair, {{.tag = city}, {.tag = spend, .edges = edges}}, snapshot, parallel,
//       check);
//
// A tag's blocks are read once for both crowds while they are in the caches.
#ifndef THRONG_QUERY_CROWD_PAIR_H_
#define THRONG_QUERY_CROWD_PAIR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "index/ordinal_set.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/breakdown_collector.h"
#include "query/executor.h"
#include "query/physical_plan.h"

namespace throng::query {

// A value.
struct CrowdPair {
  std::shared_ptr<const index::OrdinalSet> crowd;
  std::shared_ptr<const index::OrdinalSet> baseline;
  // Whether the baseline is all users: what is stored about everybody need not be counted.
  bool is_everybody = false;
};

// The users of both plans. Errors: the check's. Thread-safe, like all here.
absl::StatusOr<CrowdPair> SelectPair(const PhysicalPlan& crowd, const PhysicalPlan& baseline,
                                     const index::Snapshot& snapshot, index::Parallel& parallel,
                                     const Check& check);

struct PairTag {
  uint32_t tag = 0;
  // Of INTEGER, DECIMAL, DATE and DATETIME tags: ascending, distinct. So many edges make one bin
  // more; a number that is an edge falls into the bin above it.
  std::vector<int64_t> edges = {};
};

// Of both crowds, in the order of the tags. Bins count as codes do.
struct PairCounts {
  uint64_t common = 0;  // users in both
  std::vector<TagCounts> crowd;
  std::vector<TagCounts> baseline;
};

// Errors: the check's.
absl::StatusOr<PairCounts> CountPair(const CrowdPair& pair, const std::vector<PairTag>& tags,
                                     const index::Snapshot& snapshot, index::Parallel& parallel,
                                     const Check& check);

// Edges of at most `bins` bins that hold about equally many users of the two crowds, each crowd
// weighing the same, by a few thousand users of each that are the same every time: the edges depend
// on what was looked at, the counts of the bins do not. Fewer where users share a number; none
// where nobody has one. REQUIRES: an ordered tag, bins of 2 or more.
std::vector<int64_t> QuantileEdges(const CrowdPair& pair, uint32_t tag, uint32_t bins,
                                   const index::Snapshot& snapshot);

}  // namespace throng::query

#endif  // THRONG_QUERY_CROWD_PAIR_H_
