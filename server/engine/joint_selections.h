// Several selections bound to one snapshot, with one zone and time: what an overlap and an
// allocation start with.
//
//   absl::StatusOr<JointSelections> joint = ResolveJointly(universes, context, request, 1);
//   query::ExecuteJointly(joint->plans(), *joint->frame.snapshot, ...);
//   joint->Info();   // for the answer
//
// Internal to the engine. Types are values; functions are thread-safe.
#ifndef THRONG_SERVER_ENGINE_JOINT_SELECTIONS_H_
#define THRONG_SERVER_ENGINE_JOINT_SELECTIONS_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "query/physical_plan.h"
#include "server/engine/call_context.h"
#include "server/engine/overlap.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/selection.h"

namespace throng::engine {

class Universes;

struct JointSelections {
  ResolvedSelection frame;  // what all share; selects nobody
  std::vector<ResolvedSelection> selections;

  std::vector<query::PhysicalPlan> plans() const;
  // Each with its name, expression and warnings; without counts.
  std::vector<OverlapSelection> Describe(const OverlapRequest& request) const;
  // With the crowds that any of them read.
  ResultInfo Info() const;
};

// `context` must outlive the result. Errors: as Insights::Overlap, but for `top`; `least` is the
// fewest selections.
absl::StatusOr<JointSelections> ResolveJointly(Universes& universes, const CallContext& context,
                                               const OverlapRequest& request, size_t least);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_JOINT_SELECTIONS_H_
