// A selection bound to a snapshot: what every read starts with.
//
//   absl::StatusOr<ResolvedSelection> r = ResolveSelection(universes, context, selection);
//   query::CountUsers(r->plan, *r->snapshot, r->universe->parallel(), r->check);
//   r->Info();   // for the answer
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_RESOLVED_SELECTION_H_
#define THRONG_SERVER_ENGINE_RESOLVED_SELECTION_H_

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/expression.h"
#include "query/physical_plan.h"
#include "query/resolver.h"
#include "server/engine/call_context.h"
#include "server/engine/selection.h"
#include "server/engine/universe.h"

namespace throng::engine {

// A value; the plan may be executed by any thread while this lives.
struct ResolvedSelection {
  std::shared_ptr<Universe> universe;
  index::SnapshotRef snapshot;
  query::Expression expression;
  query::TimeContext time;
  query::Resolved resolved;
  query::LogicalPlan normalized;
  query::PhysicalPlan plan;
  query::Check check;  // the caller's deadline and cancellation; borrows the context
  std::chrono::steady_clock::time_point start;

  // The answer's account of itself, with the time since `start`.
  ResultInfo Info() const;
};

// Parses (text), validates (tree), resolves and plans. `context` must outlive the result. Errors:
// as Selections; field "selection.expression" or "selection.tree".
absl::StatusOr<ResolvedSelection> ResolveSelection(Universes& universes, const CallContext& context,
                                                   const Selection& selection);

// The same without planning: `normalized` and `plan` are not set. For answers about single users.
absl::StatusOr<ResolvedSelection> BindSelection(Universes& universes, const CallContext& context,
                                                const Selection& selection);

// As ResolveSelection, for another expression on the snapshot, zone and time of `base`: a baseline.
// `field` is where errors point.
absl::StatusOr<ResolvedSelection> ResolveBeside(
    const ResolvedSelection& base, const CallContext& context,
    const std::variant<std::string, query::Expression>& what, std::string_view field);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_RESOLVED_SELECTION_H_
