// Ordered crowds made mutually exclusive: each user goes to the first that has him. Types of
// Splits::Allocate.
//
//   const AllocationResult result = *splits.Allocate(
//       context, {.crowds = {.selections = {{"vip", "spend > 5000"}, {"new", "age_days < 30"}}}},
//       {});
//   result.counts.kept[1];      // new ones who are no vips
//   result.counts.lost(1, 0);   // new ones whom vip has
//
// Types are values; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_ALLOCATION_H_
#define THRONG_SERVER_ENGINE_ALLOCATION_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "query/allocation_collector.h"
#include "server/engine/call_context.h"
#include "server/engine/overlap.h"
#include "server/engine/selection.h"
#include "server/engine/tags.h"

namespace throng::engine {

class Universes;

inline constexpr size_t kAllocationCrowdsMin = 2;

struct AllocationRequest {
  OverlapRequest crowds;  // in order of priority, the first one first; `top` means nothing here
  // Also makes a RULE crowd of each, by its name: `b and not (a)`. They have no versions yet;
  // refreshed in one call they are exclusive. A rule, so that they stay so when they are refreshed
  // and anybody can read why; who wants them to stay as they are freezes them.
  bool save = false;
  std::string owner = {};  // of saved crowds
  std::string folder = {};
};

struct AllocationResult {
  std::vector<OverlapSelection> crowds;  // in the order asked for; `unique` is not set
  query::AllocationCounts counts;
  ResultInfo info;  // canonical_expression and warnings are those of the crowds
};

// Internal to the engine. Errors: as Splits::Allocate.
absl::StatusOr<AllocationResult> AllocateCrowds(Universes& universes, const CallContext& context,
                                                const AllocationRequest& request,
                                                const WriteOptions& options);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_ALLOCATION_H_
