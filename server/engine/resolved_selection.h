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
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "index/ordinal_set.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/expression.h"
#include "query/physical_plan.h"
#include "query/resolver.h"
#include "server/engine/call_context.h"
#include "server/engine/exclusions.h"
#include "server/engine/selection.h"
#include "server/engine/universe.h"

namespace throng::engine {

// What becomes of the limit that may close the expression.
enum class LimitUse {
  kChooseUsers,  // the plan selects exactly the users that it leaves
  kSetAside,     // the plan selects those that it is taken of
};

// The expression of `what`, valid. Errors: as query::Parse and Validate, at `field`.
absl::StatusOr<query::Expression> ReadExpression(
    const std::variant<std::string, query::Expression>& what, std::string_view field);

// A value; the plan may be executed by any thread while this lives.
struct ResolvedSelection {
  std::shared_ptr<Universe> universe;
  index::SnapshotRef snapshot;
  // With the exclusions: `... and not crowd('contacted')`, below the limit.
  query::Expression expression;
  query::TimeContext time;
  query::Resolved resolved;
  query::LogicalPlan normalized;  // without the limit
  query::PhysicalPlan plan;
  std::vector<CrowdVersionRead> crowds;
  Exclusions exclusions;
  query::Check check;  // the caller's deadline and cancellation; borrows the context
  std::chrono::steady_clock::time_point start;

  // The answer's account of itself, with the time since `start`.
  ResultInfo Info() const;
  // How many users the expression has, when without its limit they are `count`.
  uint64_t Limited(uint64_t count) const;
};

// Adds the crowd versions that another selection of the same call has read.
void AddCrowds(const std::vector<CrowdVersionRead>& crowds, ResultInfo* info);

// Parses (text), validates (tree), resolves and plans. Choosing a limit's users runs what it is
// taken of. `context` must outlive the result. Errors: as Selections; field "selection.expression",
// "selection.tree" or "selection.exclude[i]".
absl::StatusOr<ResolvedSelection> ResolveSelection(Universes& universes, const CallContext& context,
                                                   const Selection& selection,
                                                   LimitUse limit_use = LimitUse::kChooseUsers);

// The same, with the limit set aside, where it takes microseconds: no live crowd is named, which
// might have to be run, no older version, which might have to be read, and nothing that is not
// known, for which the nearest name is looked for. Nothing where one is, or where an error is to
// be told.
std::optional<ResolvedSelection> ResolveAtOnce(Universes& universes, const CallContext& context,
                                               const Selection& selection);

// The same as ResolveSelection without planning: `normalized` and `plan` are not set, and a limit
// is not applied. For answers about single users.
absl::StatusOr<ResolvedSelection> BindSelection(Universes& universes, const CallContext& context,
                                                const Selection& selection);

// The users that the limit of a bound selection leaves; null where it has none. Plans and runs what
// it is taken of. Errors: the check's.
absl::StatusOr<index::OrdinalSetRef> ChooseLimited(const ResolvedSelection& selection);

// As ResolveSelection, for another expression on the snapshot, zone and time of `base`: a baseline.
// Its limit's users are chosen. Errors point below `path`: "baseline.expression".
absl::StatusOr<ResolvedSelection> ResolveBeside(
    const ResolvedSelection& base, const CallContext& context,
    const std::variant<std::string, query::Expression>& what,
    const std::vector<query::CrowdRef>& exclude, std::string_view path);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_RESOLVED_SELECTION_H_
