// Crowds as resources: definitions, and versions that are computed from them.
//
//   engine.crowds().Create(context, {.name = "spring", .rule = "city = 'Paris'"}, {});
//   engine.crowds().Refresh(context, {.names = {"spring"}}, {})->crowds[0].computed.current_count;
//   engine.selections().Count(context, {.what = "crowd('spring') and views_7d > 3"});
//
// What is computed is computed on one data version and becomes visible in one commit. A crowd that
// the caller may not see (server/engine/crowd_view.h) is answered as one that is not there.
#ifndef THRONG_SERVER_ENGINE_CROWDS_H_
#define THRONG_SERVER_ENGINE_CROWDS_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "index/mutex.h"
#include "index/snapshot.h"
#include "server/engine/call_context.h"
#include "server/engine/crowd_requests.h"
#include "server/engine/splits.h"
#include "server/engine/tags.h"

namespace throng::engine {

class Universe;
class Universes;
struct RequestKey;

// Thread-safe.
class Crowds {
 public:
  explicit Crowds(Universes& universes) : universes_(universes) {}

  // Errors: kInvalidArgument (fields "crowd.<field>"; what is wrong with the rule, at "crowd.rule";
  // CROWD_CYCLE, CROWDS_TOO_DEEP), kAlreadyExists (CROWD_EXISTS, also of a deleted one),
  // kResourceExhausted (TOO_MANY_CROWDS), kNotFound (population).
  absl::StatusOr<CrowdInfo> Create(const CallContext& context, const CreateCrowd& create,
                                   const WriteOptions& options);
  // Errors of all that follow: kNotFound (UNKNOWN_CROWD), with the nearest name.
  absl::StatusOr<CrowdInfo> Get(const CallContext& context, std::string_view population,
                                std::string_view name);
  // Errors: kInvalidArgument (BAD_FILTER, BAD_PAGE_SIZE, BAD_PAGE_TOKEN).
  absl::StatusOr<CrowdPage> List(const CallContext& context, const ListCrowds& list);
  // Errors: as Create; kAborted (ETAG_MISMATCH), kFailedPrecondition (CROWD_DELETED, CROWD_FROZEN:
  // its rule).
  absl::StatusOr<CrowdInfo> Update(const CallContext& context, const UpdateCrowd& update,
                                   const WriteOptions& options);
  // Soft: it can be undeleted for `kept_us` microseconds, then it goes with all its versions.
  // Errors: kFailedPrecondition (CROWD_IN_USE, with the names; CROWD_DELETED; ARM_OF_SPLIT),
  // kAborted (ETAG_MISMATCH), kInvalidArgument (BAD_KEPT_TIME).
  absl::StatusOr<CrowdInfo> Delete(const CallContext& context, std::string_view population,
                                   std::string_view name, std::string_view etag, int64_t kept_us,
                                   const WriteOptions& options);
  // Errors: kFailedPrecondition (NOT_DELETED; CROWD_DELETED, with the names of what it rests on).
  absl::StatusOr<CrowdInfo> Undelete(const CallContext& context, std::string_view population,
                                     std::string_view name, const WriteOptions& options);

  // Computes a version of each crowd, those that others rest on before them, all on one data
  // version; equal rules, and parts that rules share, are computed once. All or nothing. Errors:
  // kFailedPrecondition (CROWD_DELETED, CROWD_FROZEN, NOT_A_RULE, CROWD_NOT_REFRESHED), kAborted
  // (REFRESH_UNDER_WAY, CONTENT_LOST), kInvalidArgument (TOO_MANY_CROWDS, DUPLICATE_CROWD, what is
  // wrong with a rule by now), at "crowds[i]".
  absl::StatusOr<RefreshResult> Refresh(const CallContext& context, const RefreshCrowds& refresh,
                                        const WriteOptions& options);
  // Computes a last version, and lets the rule be for good. Errors: as Refresh.
  absl::StatusOr<CrowdInfo> Freeze(const CallContext& context, const RefreshCrowds& freeze,
                                   const WriteOptions& options);

  // The newest first.
  absl::StatusOr<std::vector<CrowdVersionInfo>> ListVersions(const CallContext& context,
                                                             std::string_view population,
                                                             std::string_view name);
  // Users erased since are on neither side. Errors: kNotFound (UNKNOWN_VERSION),
  // kFailedPrecondition (CROWD_NOT_REFRESHED), kInvalidArgument (BAD_PAGE_SIZE, BAD_PAGE_TOKEN).
  absl::StatusOr<CrowdDifference> DiffVersions(const CallContext& context,
                                               const DiffCrowdVersions& diff);
  // A pinned version stays when newer ones come; an unpinned one goes with the next version when it
  // is older than keep_last. Errors: kNotFound (UNKNOWN_VERSION), kResourceExhausted
  // (TOO_MANY_PINNED).
  absl::StatusOr<CrowdVersionInfo> Pin(const CallContext& context, std::string_view population,
                                       std::string_view name, uint32_t number, bool pinned,
                                       const WriteOptions& options);

  // Crowds divided among arms.
  Splits splits();

  // Lets deleted crowds of all populations go that have expired; maintenance does it by itself.
  absl::Status PurgeExpired();

 private:
  friend class RefreshGuard;
  struct Computation;

  // Computes, writes and commits; `freezes` makes the definition a frozen one with it.
  absl::StatusOr<RefreshResult> RefreshAll(const CallContext& context, const RefreshCrowds& refresh,
                                           const WriteOptions& options, bool freezes);
  absl::StatusOr<RefreshResult> Finish(const CallContext& context, Universe& universe,
                                       const index::SnapshotRef& snapshot,
                                       const query::TimeContext& time, const RequestKey& key,
                                       std::vector<Computation> computations,
                                       const WriteOptions& options, bool freezes);

  Universes& universes_;
  index::Mutex mutex_;
  // Population and crowd of what is being computed.
  std::set<std::pair<uint32_t, uint32_t>> refreshing_ THRONG_GUARDED_BY(mutex_);
};

// Lets deleted crowds go that have expired; called by maintenance. Errors: as Universe::Commit.
absl::Status PurgeExpiredCrowds(Universe& universe);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWDS_H_
