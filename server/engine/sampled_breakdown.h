// A breakdown of a sample: estimates where the exact breakdown has counts, and their intervals.
//
//   absl::StatusOr<SampledCrowd> crowd = CountSampledCrowd(bound, tags, &frame);
//   ... rows of crowd->Estimates(intervals, entries) ...
//   AddRanges(*crowd, intervals, entries, &result);
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_SAMPLED_BREAKDOWN_H_
#define THRONG_SERVER_ENGINE_SAMPLED_BREAKDOWN_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "query/breakdown_collector.h"
#include "query/sampled_execution.h"
#include "server/engine/insights.h"
#include "server/engine/resolved_selection.h"

namespace throng::engine {

// What was found of a selection. A value.
struct SampledCrowd {
  query::SampleTally users;
  std::vector<query::SampledTagCounts> tags;

  // The estimates, in the shape of exact counts. `entries` are the tags that were counted over.
  std::vector<query::TagCounts> Estimates(const query::SampleIntervals& intervals,
                                          const std::vector<const index::TagEntry*>& entries) const;
};

// Errors: the check's. Thread-safe.
absl::StatusOr<SampledCrowd> CountSampledCrowd(const ResolvedSelection& selection,
                                               const std::vector<uint32_t>& tags,
                                               query::SampleFrame* frame);

// Gives every row of the result the range of its count. Of others the ends are sums of the values'
// ends: somewhat further apart than need be.
void AddRanges(const SampledCrowd& crowd, const query::SampleIntervals& intervals,
               const std::vector<const index::TagEntry*>& entries, BreakdownResult* result);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_SAMPLED_BREAKDOWN_H_
