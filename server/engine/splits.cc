#include "server/engine/splits.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"
#include "server/engine/crowd_definitions.h"
#include "server/engine/crowd_info.h"
#include "server/engine/crowd_view.h"
#include "server/engine/error_field.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"

namespace throng::engine {
namespace {

// An arm of a split on a snapshot.
struct FoundArm {
  const index::CrowdEntry* crowd = nullptr;
  ArmDefinition arm;
};
using FoundSplit = std::vector<FoundArm>;  // by position
using FoundSplits = std::map<std::string, FoundSplit, std::less<>>;

// Every split, whoever may see it.
FoundSplits FindSplits(const index::Snapshot& snapshot) {
  FoundSplits splits;
  for (const auto& [id, crowd] : snapshot.crowds().by_id()) {
    if (crowd->definition->kind != index::CrowdKind::kSplit) continue;
    absl::StatusOr<ArmDefinition> arm = DecodeArm(*crowd->definition);
    if (arm.ok()) splits[arm->split].push_back({crowd.get(), *std::move(arm)});
  }
  for (auto& [name, split] : splits) {
    std::sort(split.begin(), split.end(),
              [](const FoundArm& a, const FoundArm& b) { return a.arm.position < b.arm.position; });
  }
  return splits;
}

bool Sees(const CrowdView& view, const FoundSplit& split) {
  return std::all_of(split.begin(), split.end(),
                     [&](const FoundArm& arm) { return view.Sees(*arm.crowd); });
}

absl::Status UnknownSplit(std::string_view name, const FoundSplits& splits, const CrowdView& view) {
  const bool sayable = name.size() <= index::kCrowdNameBytesMax && index::IsValidUtf8(name);
  std::vector<std::string_view> names;
  for (const auto& [other, split] : splits) {
    if (Sees(view, split)) names.push_back(other);
  }
  return index::MakeError(
      absl::StatusCode::kNotFound,
      sayable ? fmt::format("there is no split \"{}\"", name) : "there is no split of such a name",
      {.reason = "UNKNOWN_SPLIT",
       .field = "name",
       .suggestion = sayable ? index::NearestName(name, names) : ""});
}

absl::StatusOr<FoundSplit> RequireSplit(const index::Snapshot& snapshot, const CrowdView& view,
                                        std::string_view name) {
  const FoundSplits splits = FindSplits(snapshot);
  const auto found = splits.find(name);
  if (found == splits.end() || !Sees(view, found->second)) return UnknownSplit(name, splits, view);
  return found->second;
}

SplitInfo Describe(const index::Snapshot& snapshot, const CrowdView& view,
                   const FoundSplit& split) {
  const ArmDefinition& first = split.front().arm;
  SplitInfo info{.name = first.split,
                 .salt = first.salt,
                 .share = first.share,
                 .data_version = snapshot.data_version()};
  const index::CrowdEntry* source = snapshot.crowds().FindById(first.source);
  if (source != nullptr && view.Sees(*source)) info.source = source->definition->name;
  for (const FoundArm& each : split) {
    if (each.arm.won) info.winner = each.arm.arm;
    info.arms.push_back({.arm = each.arm, .crowd = DescribeCrowd(snapshot, view, *each.crowd)});
  }
  return info;
}

absl::Status OutOfRange(std::string_view field, uint64_t given, uint64_t least, uint64_t most) {
  return index::MakeError(absl::StatusCode::kInvalidArgument,
                          fmt::format("{} is {}; it must be {} to {}", field, given, least, most),
                          {.reason = "VALUE_OUT_OF_RANGE",
                           .field = std::string(field),
                           .limit = most,
                           .requested = given});
}

absl::Status Refused(std::string_view reason, std::string message) {
  return index::MakeError(absl::StatusCode::kFailedPrecondition, message,
                          {.reason = std::string(reason), .field = "name"});
}

absl::Status CheckArmCount(const CreateSplit& create) {
  const size_t all = create.arms.size() + (create.holdout_weight > 0 ? 1 : 0);
  if (create.arms.empty() || all < kSplitArmsMin) {
    return index::InvalidArgument(
        "TOO_FEW_ARMS", "arms",
        fmt::format("a split has {} arms or more, or one and a holdout", kSplitArmsMin));
  }
  if (create.arms.size() <= kSplitArmsMax) return absl::OkStatus();
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_ARMS",
                           "the number of arms", kSplitArmsMax, create.arms.size()),
      "arms");
}

absl::Status CheckArms(const CreateSplit& create) {
  THRONG_RETURN_IF_ERROR(CheckArmCount(create));
  std::set<std::string_view> names;
  if (create.holdout_weight > 0) names.insert(kHoldoutName);
  for (size_t i = 0; i < create.arms.size(); ++i) {
    const NewArm& arm = create.arms[i];
    if (arm.name.empty()) {
      return index::InvalidArgument("REQUIRED", fmt::format("arms[{}].name", i),
                                    "an arm needs a name");
    }
    if (!names.insert(arm.name).second) {
      return index::InvalidArgument("DUPLICATE_ARM", fmt::format("arms[{}].name", i),
                                    fmt::format("two arms are named \"{}\"", arm.name));
    }
    if (arm.weight < 1 || arm.weight > kSplitWeightMax) {
      return OutOfRange(fmt::format("arms[{}].weight", i), arm.weight, 1, kSplitWeightMax);
    }
  }
  if (create.holdout_weight > kSplitWeightMax) {
    return OutOfRange("holdout_weight", create.holdout_weight, 0, kSplitWeightMax);
  }
  return absl::OkStatus();
}

absl::Status CheckCreate(const CreateSplit& create) {
  // It becomes a part of crowds' names.
  THRONG_RETURN_IF_ERROR(MoveField(index::Validate(index::CrowdDefinition{.name = create.name}),
                                   "crowd.name", "name"));
  THRONG_RETURN_IF_ERROR(CheckArms(create));
  if (create.share < 1 || create.share > index::kBuckets) {
    return OutOfRange("share", create.share, 1, index::kBuckets);
  }
  if (create.salt.size() > kSplitSaltBytesMax) {
    return index::WithField(index::LimitExceeded(absl::StatusCode::kInvalidArgument,
                                                 "SALT_TOO_LONG", "the length of the salt in bytes",
                                                 kSplitSaltBytesMax, create.salt.size()),
                            "salt");
  }
  if (index::IsValidUtf8(create.salt)) return absl::OkStatus();
  return index::InvalidArgument("INVALID_UTF8", "salt", "the salt is not UTF-8");
}

// The arms with their buckets; without a salt and a source. Errors: an arm gets no bucket.
absl::StatusOr<std::vector<ArmDefinition>> MakeArms(const CreateSplit& create) {
  std::vector<NewArm> asked = create.arms;
  if (create.holdout_weight > 0)
    asked.push_back({std::string(kHoldoutName), create.holdout_weight});
  std::vector<uint32_t> weights;
  for (const NewArm& arm : asked) weights.push_back(arm.weight);
  const std::vector<BucketRange> ranges = PartitionBuckets(weights, create.share);
  std::vector<ArmDefinition> arms;
  for (size_t i = 0; i < asked.size(); ++i) {
    const bool is_holdout = i == create.arms.size();
    if (ranges[i].size() == 0) {
      return index::InvalidArgument(
          "ARM_WITHOUT_BUCKETS", is_holdout ? "holdout_weight" : fmt::format("arms[{}]", i),
          fmt::format("\"{}\" would get none of the {} buckets", asked[i].name, create.share));
    }
    arms.push_back({.split = create.name,
                    .arm = asked[i].name,
                    .role = is_holdout ? ArmRole::kHoldout : ArmRole::kArm,
                    .position = static_cast<uint32_t>(i),
                    .weight = asked[i].weight,
                    .share = create.share,
                    .ranges = {ranges[i]}});
  }
  return arms;
}

// The crowd that is to be split.
absl::StatusOr<uint32_t> FindSource(const index::Snapshot& newest, const CrowdView& view,
                                    const CreateSplit& create) {
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* source, view.Require(create.source, "source"));
  const uint32_t id = source->definition->id;
  if (source->definition->deleted()) {
    return index::MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("crowd \"{}\" was deleted: undelete it, or take another one", create.source),
        {.reason = "CROWD_DELETED", .field = "source"});
  }
  THRONG_RETURN_IF_ERROR(
      index::WithField(CrowdGraph(newest.crowds()).Check(0, create.name, {id}), "source"));
  return id;
}

// Puts the arms' crowds into the record, and their salt and source into `arms`.
absl::Status AddArms(const index::Snapshot& newest, const CrowdView& view,
                     const CreateSplit& create, std::vector<ArmDefinition>* arms,
                     index::CommitRecord* record) {
  THRONG_ASSIGN_OR_RETURN(const uint32_t source, FindSource(newest, view, create));
  if (FindSplits(newest).contains(create.name)) {
    // A name that the caller may not see is taken all the same.
    return index::MakeError(
        absl::StatusCode::kAlreadyExists,
        fmt::format("split \"{}\" exists already, perhaps deleted: the arms of a split never "
                    "change, make another one",
                    create.name),
        {.reason = "SPLIT_EXISTS", .field = "name"});
  }
  const std::string salt = create.salt.empty()
                               ? fmt::format("{}/{}", create.name, newest.crowds().next_id())
                               : create.salt;
  for (size_t i = 0; i < arms->size(); ++i) {
    ArmDefinition& arm = (*arms)[i];
    arm.salt = salt;
    arm.source = source;
    const absl::Status added = AddCrowd(newest,
                                        {.name = fmt::format("{}.{}", arm.split, arm.arm),
                                         .kind = index::CrowdKind::kSplit,
                                         .owner = create.owner,
                                         .folder = create.folder,
                                         .references = {source},
                                         .details = EncodeArm(arm),
                                         .online = create.online},
                                        record);
    if (added.ok()) continue;
    const bool is_holdout = arm.role == ArmRole::kHoldout;
    return MoveField(added, "crowd.name", is_holdout ? "name" : fmt::format("arms[{}].name", i));
  }
  return absl::OkStatus();
}

// What the split would be.
SplitInfo DescribeDraft(const index::Snapshot& snapshot, const CrowdView& view,
                        const std::vector<index::CrowdDefinition>& crowds,
                        const std::vector<ArmDefinition>& arms) {
  std::vector<index::CrowdEntry> entries(crowds.size());
  FoundSplit split;
  for (size_t i = 0; i < crowds.size(); ++i) {
    entries[i].definition = std::make_shared<const index::CrowdDefinition>(crowds[i]);
    entries[i].versions = std::make_shared<const std::vector<index::CrowdVersion>>();
    split.push_back({&entries[i], arms[i]});
  }
  return Describe(snapshot, view, split);
}

absl::StatusOr<const FoundArm*> FindWinner(const FoundSplit& split, std::string_view name) {
  const auto winner = std::find_if(split.begin(), split.end(),
                                   [&](const FoundArm& arm) { return arm.arm.arm == name; });
  if (winner != split.end()) return &*winner;
  std::vector<std::string_view> names;
  for (const FoundArm& arm : split) names.push_back(arm.arm.arm);
  const bool sayable = name.size() <= index::kCrowdNameBytesMax && index::IsValidUtf8(name);
  return index::MakeError(
      absl::StatusCode::kNotFound,
      sayable ? fmt::format("the split has no arm \"{}\"", name) : "there is no arm of such a name",
      {.reason = "UNKNOWN_ARM",
       .field = "winner",
       .suggestion = sayable ? index::NearestName(name, names) : ""});
}

bool AreDeleted(const FoundSplit& split) {
  return std::all_of(split.begin(), split.end(),
                     [](const FoundArm& arm) { return arm.crowd->definition->deleted(); });
}

absl::Status SplitDeleted(const FoundSplit& split) {
  return Refused("SPLIT_DELETED", fmt::format("split \"{}\" was deleted: undelete its crowds",
                                              split.front().arm.split));
}

// The winner's definition from now on.
absl::StatusOr<index::CrowdDefinition> Awarded(const FoundSplit& split, std::string_view winner) {
  if (AreDeleted(split)) return SplitDeleted(split);
  THRONG_ASSIGN_OR_RETURN(const FoundArm* arm, FindWinner(split, winner));
  if (arm->arm.role == ArmRole::kHoldout) {
    return index::InvalidArgument("HOLDOUT_CANNOT_WIN", "winner",
                                  "the holdout is left alone: it gets nobody else");
  }
  for (const FoundArm& other : split) {
    if (!other.arm.won) continue;
    return Refused("SPLIT_AWARDED", fmt::format("the rest went to \"{}\" already", other.arm.arm));
  }
  if (arm->arm.share == index::kBuckets) {
    return Refused("NOTHING_LEFT", "the whole crowd is in the arms: there is no rest to award");
  }
  index::CrowdDefinition definition = *arm->crowd->definition;
  if (definition.deleted() || definition.frozen) {
    return Refused(definition.frozen ? "CROWD_FROZEN" : "CROWD_DELETED",
                   fmt::format("crowd \"{}\" {}", definition.name,
                               definition.frozen ? "is frozen: nobody else comes into it"
                                                 : "was deleted: undelete it"));
  }
  definition.details = EncodeArm(Winning(arm->arm));
  ++definition.revision;
  return definition;
}

}  // namespace

uint32_t SplitInfo::rest() const {
  uint32_t in_arms = 0;
  for (const SplitArm& each : arms) in_arms += each.arm.buckets();
  return index::kBuckets - in_arms;
}

bool SplitInfo::deleted() const {
  return std::all_of(arms.begin(), arms.end(),
                     [](const SplitArm& each) { return each.crowd.definition.deleted(); });
}

absl::StatusOr<SplitInfo> Splits::Create(const CallContext& context, const CreateSplit& create,
                                         const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(create.population));
  THRONG_RETURN_IF_ERROR(CheckCreate(create));
  THRONG_ASSIGN_OR_RETURN(std::vector<ArmDefinition> arms, MakeArms(create));
  const RequestKey key =
      MakeRequestKey(context, "splits.create", options.request_id, options.payload_hash);
  std::optional<std::string> first;
  std::vector<index::CrowdDefinition> drafts;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(first, FindAnswer(*universe, key));
    if (first.has_value()) return absl::OkStatus();
    const CrowdView view(newest, context.visibility);
    index::CommitRecord built = *record;
    THRONG_RETURN_IF_ERROR(AddArms(newest, view, create, &arms, &built));
    drafts = built.crowds.definitions;
    if (options.validate_only) return absl::OkStatus();
    Remember(key, create.name, &built);
    *record = std::move(built);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  const CrowdView view(*snapshot, context.visibility);
  if (options.validate_only && !first.has_value()) {
    return DescribeDraft(*snapshot, view, drafts, arms);
  }
  THRONG_ASSIGN_OR_RETURN(const FoundSplit split,
                          RequireSplit(*snapshot, view, first.value_or(create.name)));
  return Describe(*snapshot, view, split);
}

absl::StatusOr<SplitInfo> Splits::Get(const CallContext& context, std::string_view population,
                                      std::string_view name) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const index::SnapshotRef snapshot = universe->newest();
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(const FoundSplit split, RequireSplit(*snapshot, view, name));
  return Describe(*snapshot, view, split);
}

absl::StatusOr<std::vector<SplitInfo>> Splits::List(const CallContext& context,
                                                    std::string_view population,
                                                    bool show_deleted) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const index::SnapshotRef snapshot = universe->newest();
  const CrowdView view(*snapshot, context.visibility);
  std::vector<SplitInfo> splits;
  for (const auto& [name, split] : FindSplits(*snapshot)) {
    if (!Sees(view, split) || (AreDeleted(split) && !show_deleted)) continue;
    splits.push_back(Describe(*snapshot, view, split));
  }
  return splits;
}

absl::StatusOr<SplitInfo> Splits::Award(const CallContext& context, std::string_view population,
                                        std::string_view name, std::string_view winner,
                                        const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const RequestKey key =
      MakeRequestKey(context, "splits.award", options.request_id, options.payload_hash);
  std::optional<index::CrowdDefinition> changed;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    if (first.has_value()) return absl::OkStatus();
    const CrowdView view(newest, context.visibility);
    THRONG_ASSIGN_OR_RETURN(const FoundSplit split, RequireSplit(newest, view, name));
    THRONG_ASSIGN_OR_RETURN(changed, Awarded(split, winner));
    if (options.validate_only) return absl::OkStatus();
    changed->update_us = record->time_us;
    record->crowds.definitions.push_back(*changed);
    Remember(key, std::string(name), record);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(FoundSplit split, RequireSplit(*snapshot, view, name));
  index::CrowdEntry draft;
  for (FoundArm& arm : split) {
    const bool is_draft =
        options.validate_only && changed.has_value() && arm.crowd->definition->id == changed->id;
    if (!is_draft) continue;
    draft = *arm.crowd;
    draft.definition = std::make_shared<const index::CrowdDefinition>(*changed);
    arm = {&draft, Winning(arm.arm)};
  }
  return Describe(*snapshot, view, split);
}

absl::StatusOr<SplitInfo> Splits::Delete(const CallContext& context, std::string_view population,
                                         std::string_view name, int64_t kept_us,
                                         const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_RETURN_IF_ERROR(CheckKeptTime(kept_us));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const RequestKey key =
      MakeRequestKey(context, "splits.delete", options.request_id, options.payload_hash);
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    if (first.has_value()) return absl::OkStatus();
    const CrowdView view(newest, context.visibility);
    THRONG_ASSIGN_OR_RETURN(const FoundSplit split, RequireSplit(newest, view, name));
    if (AreDeleted(split)) return SplitDeleted(split);
    index::CommitRecord built = *record;
    for (const FoundArm& arm : split) {
      index::CrowdDefinition deleted = *arm.crowd->definition;
      if (deleted.deleted()) continue;
      const auto users = CrowdGraph(newest.crowds()).UsersOf(deleted.id);
      if (!users.empty()) return InUse(deleted, view, users);
      ++deleted.revision;
      deleted.update_us = deleted.delete_us = record->time_us;
      deleted.expire_us = record->time_us + kept_us;
      built.crowds.definitions.push_back(std::move(deleted));
    }
    if (options.validate_only) return absl::OkStatus();
    Remember(key, std::string(name), &built);
    *record = std::move(built);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(const FoundSplit split, RequireSplit(*snapshot, view, name));
  return Describe(*snapshot, view, split);
}

absl::StatusOr<SplitBalance> Splits::Balance(const CallContext& context,
                                             const BalanceRequest& request) {
  THRONG_ASSIGN_OR_RETURN(const SplitInfo split, Get(context, request.population, request.split));
  if (split.deleted()) {
    return Refused("SPLIT_DELETED",
                   fmt::format("split \"{}\" was deleted: undelete its crowds", split.name));
  }
  return MeasureBalance(universes_, context, split, request);
}

absl::StatusOr<AllocationResult> Splits::Allocate(const CallContext& context,
                                                  const AllocationRequest& request,
                                                  const WriteOptions& options) {
  return AllocateCrowds(universes_, context, request, options);
}

}  // namespace throng::engine
