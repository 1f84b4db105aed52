// Crowds divided among arms: by lot, where each arm gets a share by a documented hash, or by order,
// where each user goes to the first that has him.
//
//   Splits splits = engine.crowds().splits();
//   splits.Create(context, {.name = "copy", .source = "base", .share = 100'000,
//                           .arms = {{"A", 1}, {"B", 1}, {"C", 1}, {"D", 1}}}, {});
//   engine.crowds().Refresh(context, {.names = {"copy.A", "copy.B", "copy.C", "copy.D"}}, {});
//   splits.Award(context, "default", "copy", "C", {});   // C gets the other 90 %
//
// An arm is a crowd of kind SPLIT, "<split>.<arm>": whoever is in the newest version of the source
// and in the arm's buckets. The hash depends on the user's id and the salt only, and buckets never
// change but for what a winner gets: who was assigned to an arm stays there.
#ifndef THRONG_SERVER_ENGINE_SPLITS_H_
#define THRONG_SERVER_ENGINE_SPLITS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/id_hash.h"
#include "server/engine/allocation.h"
#include "server/engine/call_context.h"
#include "server/engine/crowd_requests.h"
#include "server/engine/split_balance.h"
#include "server/engine/split_definition.h"
#include "server/engine/tags.h"

namespace throng::engine {

class Universes;

inline constexpr size_t kSplitArmsMin = 2;   // the holdout counted; one arm beside it is enough
inline constexpr size_t kSplitArmsMax = 30;  // the holdout not counted
inline constexpr uint32_t kSplitWeightMax = 1'000'000;
inline constexpr size_t kSplitSaltBytesMax = 128;
inline constexpr std::string_view kHoldoutName = "holdout";

struct NewArm {
  std::string name;
  uint32_t weight = 1;  // 1 to kSplitWeightMax
};

struct CreateSplit {
  std::string population = "default";
  std::string name;
  std::string source;  // a crowd's name
  std::string salt;    // empty: the split's name and a number that is never used again
  uint32_t share = index::kBuckets;  // millionths of the crowd that are split now
  std::vector<NewArm> arms;
  uint32_t holdout_weight = 0;  // 0: there is none
  std::string owner;            // of the arms' crowds, like what follows
  std::string folder;
  bool online = false;
};

struct SplitArm {
  ArmDefinition arm;
  CrowdInfo crowd;  // without used_by
};

struct SplitInfo {
  std::string name;
  std::string source;  // its name now; empty when it is gone
  std::string salt;
  uint32_t share = 0;
  std::vector<SplitArm> arms;  // as given, then the holdout
  std::string winner;          // empty: none yet
  uint64_t data_version = 0;

  // Buckets that no arm has.
  uint32_t rest() const;
  bool deleted() const;  // all arms are
};

// Thread-safe. A value that borrows what the engine has.
class Splits {
 public:
  explicit Splits(Universes& universes) : universes_(universes) {}

  // Makes the arms' crowds in one commit; they have no versions yet. Errors: kInvalidArgument
  // ("name"; "arms": TOO_FEW_ARMS, TOO_MANY_ARMS; "arms[i].name": BAD_NAME, DUPLICATE_ARM;
  // "arms[i].weight", "holdout_weight", "share": VALUE_OUT_OF_RANGE; "arms[i]":
  // ARM_WITHOUT_BUCKETS; "salt"; "source": CROWDS_TOO_DEEP), kNotFound ("source"),
  // kFailedPrecondition (CROWD_DELETED at "source"), kAlreadyExists (SPLIT_EXISTS; CROWD_EXISTS at
  // "arms[i].name"), kResourceExhausted (TOO_MANY_CROWDS).
  absl::StatusOr<SplitInfo> Create(const CallContext& context, const CreateSplit& create,
                                   const WriteOptions& options);
  // Errors of all that follow: kNotFound (UNKNOWN_SPLIT), with the nearest name.
  absl::StatusOr<SplitInfo> Get(const CallContext& context, std::string_view population,
                                std::string_view name);
  // All that the caller may see, in order of name.
  absl::StatusOr<std::vector<SplitInfo>> List(const CallContext& context,
                                              std::string_view population, bool show_deleted);
  // Gives the buckets that no arm has to one of the arms, for good. Errors: kNotFound (UNKNOWN_ARM
  // at "winner"), kInvalidArgument (HOLDOUT_CANNOT_WIN), kFailedPrecondition (NOTHING_LEFT,
  // SPLIT_AWARDED, SPLIT_DELETED, CROWD_FROZEN).
  absl::StatusOr<SplitInfo> Award(const CallContext& context, std::string_view population,
                                  std::string_view name, std::string_view winner,
                                  const WriteOptions& options);
  // Deletes the crowds of all arms; each can be undeleted until it expires. Errors:
  // kFailedPrecondition (CROWD_IN_USE, with the names; SPLIT_DELETED), kInvalidArgument
  // (BAD_KEPT_TIME).
  absl::StatusOr<SplitInfo> Delete(const CallContext& context, std::string_view population,
                                   std::string_view name, int64_t kept_us,
                                   const WriteOptions& options);
  // How even the arms are, on the source's newest version. Errors: as Insights::Compare of the
  // tags; kFailedPrecondition (CROWD_NOT_REFRESHED, SPLIT_DELETED, CROWD_DELETED).
  absl::StatusOr<SplitBalance> Balance(const CallContext& context, const BalanceRequest& request);
  // Errors: as Insights::Overlap; with `save`, kInvalidArgument (LIMIT_NOT_SAVED, and as
  // Crowds::Create) at "selections[i]...".
  absl::StatusOr<AllocationResult> Allocate(const CallContext& context,
                                            const AllocationRequest& request,
                                            const WriteOptions& options);

 private:
  Universes& universes_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_SPLITS_H_
