// What crowd(...) means on a snapshot: the users of a version, or the rule as it selects now.
//
//   CrowdReader crowds(universe, snapshot, visibility, time, check);
//   query::Resolve(expression, view, ids, time, &crowds);
//   crowds.reads();   // the versions that the answer rests on
//
// A live rule becomes part of the plan where it is small, and is run once and kept as a set where
// it is not, has a limit, or is named again. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_CROWD_READER_H_
#define THRONG_SERVER_ENGINE_CROWD_READER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "index/crowd_sets.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/limit.h"
#include "query/physical_plan.h"
#include "query/resolver.h"
#include "server/engine/crowd_view.h"
#include "server/engine/selection.h"
#include "server/engine/universe.h"

namespace throng::engine {

// Operators of a live rule that become part of the plan; more are run by themselves.
inline constexpr size_t kInlinedOperatorsMax = 64;

// A value.
struct PlannedRule {
  query::PhysicalPlan plan;  // without the limit
  std::optional<query::Limit> limit;
};

// Borrows all it is given. Not thread-safe.
class CrowdReader final : public query::CrowdLookup {
 public:
  CrowdReader(const Universe& universe, const index::Snapshot& snapshot,
              const index::Visibility& visibility, const query::TimeContext& time,
              const query::Check& check)
      : universe_(universe),
        snapshot_(snapshot),
        visibility_(visibility),
        view_(snapshot, visibility),
        time_(time),
        check_(check) {}

  // Errors, at the place of the reference: kInvalidArgument (UNKNOWN_CROWD, CROWD_CYCLE,
  // CROWDS_TOO_DEEP, what is wrong with a live rule), kFailedPrecondition (CROWD_DELETED,
  // CROWD_NOT_REFRESHED, CROWD_VERSION_GONE), the check's.
  absl::StatusOr<query::LogicalPlan> Lookup(const query::CrowdRef& reference) override;

  // The crowd's rule as it selects now, planned and not run. REQUIRES: HasRule().
  // Errors: as Lookup.
  absl::StatusOr<PlannedRule> Plan(const index::CrowdEntry& crowd, const query::TimeContext& time);

  // From now on crowd('...') of the crowd means this version, which is not committed yet.
  void Use(uint32_t crowd, const index::CrowdVersion& version, index::OrdinalSetRef set);

  // Versions that were read since the last call of ForgetReads(), in order of name and version.
  std::vector<CrowdVersionRead> reads() const;
  const std::set<index::CrowdVersionId>& read_ids() const { return read_ids_; }
  // Tags beneath what was read.
  const std::set<uint32_t>& tags() const { return tags_; }
  void ForgetReads();

 private:
  // What was read on the way to a result that is kept.
  struct Kept {
    index::OrdinalSetRef set;
    std::set<index::CrowdVersionId> read_ids;
    std::set<uint32_t> tags;
  };
  using LiveKey = std::tuple<uint32_t, std::string, int64_t>;  // crowd, zone, reference time
  struct Overlay {
    index::CrowdVersion version;
    index::OrdinalSetRef set;
  };

  absl::StatusOr<const index::CrowdEntry*> Find(const query::CrowdRef& reference) const;
  absl::StatusOr<query::LogicalPlan> Version(const query::CrowdRef& reference,
                                             const index::CrowdEntry& crowd);
  absl::StatusOr<query::LogicalPlan> Live(const query::CrowdRef& reference,
                                          const index::CrowdEntry& crowd);
  // The rule on the snapshot.
  absl::StatusOr<query::Resolved> Resolve(const index::CrowdEntry& crowd,
                                          const query::TimeContext& time);
  // The plan of a rule, and the set in its place where it had to be run.
  absl::StatusOr<query::LogicalPlan> Bind(const index::CrowdEntry& crowd,
                                          const query::TimeContext& time, bool runs);
  PlannedRule PlanOf(query::Resolved resolved) const;
  absl::StatusOr<index::OrdinalSetRef> Run(const PlannedRule& rule) const;
  absl::Status Enter(const index::CrowdEntry& crowd);
  const index::CrowdVersion* FindRead(const index::CrowdVersionId& id) const;

  const Universe& universe_;
  const index::Snapshot& snapshot_;
  const index::Visibility visibility_;
  const CrowdView view_;
  const query::TimeContext& time_;
  const query::Check& check_;

  std::vector<const index::CrowdEntry*> path_;  // live rules that are being bound
  const query::TimeContext* inner_time_ = nullptr;
  std::map<LiveKey, Kept> kept_;
  std::map<LiveKey, int> uses_;
  std::map<uint32_t, Overlay> overlays_;
  std::set<index::CrowdVersionId> read_ids_;
  std::set<uint32_t> tags_;
};

// The zone and reference time in which a crowd's rule is evaluated: its own where it has them.
// Errors: kInvalidArgument (UNKNOWN_TIME_ZONE).
absl::StatusOr<query::TimeContext> TimeOf(const index::CrowdDefinition& definition,
                                          const query::TimeContext& time);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_READER_H_
