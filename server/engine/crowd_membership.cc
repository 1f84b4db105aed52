#include "server/engine/crowd_membership.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_set_cache.h"
#include "server/engine/crowd_view.h"
#include "server/engine/memberships.h"
#include "server/engine/universe.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

// Crowds of a call between two looks at the deadline.
constexpr size_t kCrowdsBetweenChecks = 256;

// Where a request names a crowd: written out only for an error.
struct Place {
  std::string_view field;
  std::optional<size_t> index;

  std::string ToString(std::string_view part) const {
    return index.has_value() ? fmt::format("{}[{}].{}", field, *index, part)
                             : fmt::format("{}.{}", field, part);
  }
};

struct FoundVersion {
  CheckedVersion version;
  const index::OrdinalSet* set = nullptr;  // null: missing
  index::OrdinalSetRef read;               // holds what is not part of the snapshot
};

// Finds versions of crowds in a snapshot as one caller may see them. Borrows all it is given. Not
// thread-safe.
class VersionFinder {
 public:
  VersionFinder(const Universe& universe, const index::Snapshot& snapshot,
                const index::Visibility& visibility, bool skip_missing)
      : universe_(universe),
        snapshot_(snapshot),
        view_(snapshot, visibility),
        skip_missing_(skip_missing) {}

  // Empty where it takes the disk, or an error, to answer.
  std::optional<FoundVersion> FindNow(const CrowdVersionRef& reference) const {
    const index::CrowdEntry* crowd = view_.Find(reference.crowd);
    if (crowd == nullptr || crowd->definition->deleted() || crowd->versions->empty()) {
      return skip_missing_ ? std::make_optional<FoundVersion>() : std::nullopt;
    }
    const index::CrowdVersion& newest = crowd->versions->back();
    if (reference.version != 0 && reference.version != newest.number) return std::nullopt;
    return Found(newest, crowd->last_set.get());
  }

  absl::StatusOr<FoundVersion> Find(const CrowdVersionRef& reference, const Place& place) const {
    if (std::optional<FoundVersion> found = FindNow(reference)) return *std::move(found);
    THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, Require(reference, place));
    const index::CrowdVersion* version = crowd->FindVersion(reference.version);
    if (version == nullptr && skip_missing_) return FoundVersion();
    if (version == nullptr) return Gone(*crowd, reference, place);
    absl::StatusOr<index::OrdinalSetRef> set = CrowdSetsOf(universe_).Read(
        universe_.store(), universe_.population().id, snapshot_,
        {crowd->definition->id, version->number}, version->computed_count);
    if (!set.ok()) {
      const bool is_gone = skip_missing_ && absl::IsFailedPrecondition(set.status());
      if (is_gone) return FoundVersion();
      return index::WithField(set.status(), place.ToString("version"));
    }
    FoundVersion found = Found(*version, set->get());
    found.read = *std::move(set);
    return found;
  }

 private:
  static FoundVersion Found(const index::CrowdVersion& version, const index::OrdinalSet* set) {
    FoundVersion found;
    found.version = {version.number, version.data_version, version.create_us};
    found.set = set;
    return found;
  }

  // A crowd that has versions.
  absl::StatusOr<const index::CrowdEntry*> Require(const CrowdVersionRef& reference,
                                                   const Place& place) const {
    const std::string field = place.ToString("crowd");
    THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, view_.Require(reference.crowd, field));
    if (crowd->definition->deleted()) {
      return index::MakeError(absl::StatusCode::kFailedPrecondition,
                              fmt::format("crowd \"{}\" is deleted: undelete it", reference.crowd),
                              {.reason = "CROWD_DELETED", .field = field});
    }
    if (crowd->versions->empty()) {
      return index::MakeError(
          absl::StatusCode::kFailedPrecondition,
          fmt::format("crowd \"{}\" has no version yet: refresh it", reference.crowd),
          {.reason = "CROWD_NOT_REFRESHED", .field = field});
    }
    return crowd;
  }

  static absl::Status Gone(const index::CrowdEntry& crowd, const CrowdVersionRef& reference,
                           const Place& place) {
    return index::MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("crowd \"{}\" has no version {}; the oldest is {}, the newest {}",
                    reference.crowd, reference.version, crowd.versions->front().number,
                    crowd.versions->back().number),
        {.reason = "CROWD_VERSION_GONE",
         .field = place.ToString("version"),
         .requested = reference.version});
  }

  const Universe& universe_;
  const index::Snapshot& snapshot_;
  const CrowdView view_;
  const bool skip_missing_;
};

MemberState StateOf(const index::OrdinalSet* set, std::optional<uint32_t> user) {
  if (set == nullptr) return MemberState::kNoVersion;
  if (!user.has_value()) return MemberState::kUnknownUser;
  return set->Contains(*user) ? MemberState::kMember : MemberState::kNotMember;
}

absl::Status CheckNumber(uint64_t number, uint64_t most, std::string_view what,
                         std::string_view reason, std::string_view field) {
  if (number == 0) {
    return index::InvalidArgument("REQUIRED", field,
                                  fmt::format("{} is 0; at least one is needed", what));
  }
  if (number <= most) return absl::OkStatus();
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kResourceExhausted, reason, what, most, number),
      field);
}

absl::Status CheckCrowdNumber(uint64_t number) {
  return CheckNumber(number, kCheckCrowdsMax, "the number of crowds", "TOO_MANY_CROWDS", "crowds");
}

// A pinned data version is leased; the newest is not: a look-up is no reason to hold an old
// snapshot, and there are very many of them.
absl::StatusOr<index::SnapshotRef> SnapshotOf(Universe& universe, uint64_t read_version) {
  if (read_version == 0) return universe.newest();
  return universe.Pin(read_version);
}

// Users by id, as a BatchCheck names them.
std::vector<UserMatch> FindAll(const index::Snapshot& snapshot, const index::IdTypeDefinition* type,
                               const BatchCheckRequest& request) {
  return request.ids.empty() ? FindUsers(snapshot, type, request.numbers)
                             : FindUsers(snapshot, type, request.ids);
}

absl::Status CheckIds(const BatchCheckRequest& request) {
  if (!request.ids.empty() && !request.numbers.empty()) {
    return index::InvalidArgument("IDS_AND_NUMBERS", "numbers",
                                  "ids are given as text or as numbers, not as both");
  }
  return CheckNumber(std::max(request.ids.size(), request.numbers.size()), kCheckUsersMax,
                     "the number of ids", "TOO_MANY_IDS",
                     request.numbers.empty() ? "ids" : "numbers");
}

template <typename T>
bool IsSame(const std::weak_ptr<T>& known, const std::shared_ptr<T>& now) {
  return !known.owner_before(now) && !now.owner_before(known);
}

}  // namespace

absl::StatusOr<CheckResult> Memberships::Check(const CallContext& context,
                                               const CheckRequest& request) {
  THRONG_RETURN_IF_ERROR(CheckCrowdNumber(request.crowds.size()));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(request.population));
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot,
                          SnapshotOf(*universe, request.read_version));
  THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* type,
                          FindIdType(*universe, *snapshot, request.id_type, "user.id_type"));
  THRONG_ASSIGN_OR_RETURN(const std::optional<uint32_t> user,
                          FindUser(*snapshot, type, request.id, "user.id"));
  const VersionFinder versions(*universe, *snapshot, context.visibility, request.skip_missing);
  CheckResult result{.data_version = snapshot->data_version()};
  for (size_t i = 0; i < request.crowds.size(); ++i) {
    if (i % kCrowdsBetweenChecks == 0) THRONG_RETURN_IF_ERROR(context.Check());
    // What was read from disk goes at once: ten thousand sets would not fit.
    THRONG_ASSIGN_OR_RETURN(const FoundVersion found,
                            versions.Find(request.crowds[i], {"crowds", i}));
    result.states.push_back(StateOf(found.set, user));
    result.versions.push_back(found.version);
  }
  return result;
}

std::optional<CheckResult> Memberships::CheckNow(const CallContext& context,
                                                 const CheckRequest& request) {
  if (request.crowds.empty() || request.crowds.size() > kCheckNowCrowdsMax) return std::nullopt;
  if (request.read_version != 0) return std::nullopt;
  const absl::StatusOr<std::shared_ptr<Universe>> universe = universes_.Find(request.population);
  if (!universe.ok()) return std::nullopt;
  const index::SnapshotRef snapshot = (*universe)->newest();
  const absl::StatusOr<const index::IdTypeDefinition*> type =
      FindIdType(**universe, *snapshot, request.id_type, "user.id_type");
  if (!type.ok()) return std::nullopt;
  const absl::StatusOr<std::optional<uint32_t>> user =
      FindUser(*snapshot, *type, request.id, "user.id");
  if (!user.ok()) return std::nullopt;
  const VersionFinder versions(**universe, *snapshot, context.visibility, request.skip_missing);
  CheckResult result{.data_version = snapshot->data_version()};
  result.states.reserve(request.crowds.size());
  result.versions.reserve(request.crowds.size());
  for (const CrowdVersionRef& reference : request.crowds) {
    const std::optional<FoundVersion> found = versions.FindNow(reference);
    if (!found.has_value()) return std::nullopt;
    result.states.push_back(StateOf(found->set, *user));
    result.versions.push_back(found->version);
  }
  return result;
}

absl::StatusOr<BatchCheckResult> Memberships::BatchCheck(const CallContext& context,
                                                         const BatchCheckRequest& request) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_RETURN_IF_ERROR(CheckIds(request));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(request.population));
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Pin(request.read_version));
  THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* type,
                          FindIdType(*universe, *snapshot, request.id_type, "id_type"));
  const VersionFinder versions(*universe, *snapshot, context.visibility, /*skip_missing=*/false);
  THRONG_ASSIGN_OR_RETURN(const FoundVersion found, versions.Find(request.crowd, {"crowd", {}}));
  BatchCheckResult result{.version = found.version, .data_version = snapshot->data_version()};
  const std::vector<UserMatch> users = FindAll(*snapshot, type, request);
  result.states.reserve(users.size());
  for (const UserMatch& user : users) {
    const MemberState state =
        user.is_refused ? MemberState::kInvalidId : StateOf(found.set, user.ordinal);
    result.members += state == MemberState::kMember ? 1 : 0;
    result.unknown_users += state == MemberState::kUnknownUser ? 1 : 0;
    result.invalid_ids += state == MemberState::kInvalidId ? 1 : 0;
    result.states.push_back(state);
  }
  return result;
}

absl::StatusOr<std::unique_ptr<CheckSession>> Memberships::OpenSession(const CallContext& context,
                                                                       SessionSetup setup) {
  THRONG_RETURN_IF_ERROR(CheckCrowdNumber(setup.crowds.size()));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(setup.population));
  return std::make_unique<CheckSession>(universe, context.visibility, std::move(setup));
}

CheckSession::CheckSession(std::shared_ptr<const Universe> universe,
                           const index::Visibility& visibility, SessionSetup setup)
    : universe_(std::move(universe)), visibility_(visibility), setup_(std::move(setup)) {}

absl::Status CheckSession::Bind(const index::Snapshot& snapshot, bool* changed) {
  *changed = false;
  if (is_bound_ && IsSame(crowds_, snapshot.shared_crowds()) &&
      IsSame(catalogue_, snapshot.shared_catalogue())) {
    return absl::OkStatus();
  }
  const VersionFinder finder(*universe_, snapshot, visibility_, setup_.skip_missing);
  std::vector<CheckedVersion> versions;
  sets_.clear();
  for (size_t i = 0; i < setup_.crowds.size(); ++i) {
    THRONG_ASSIGN_OR_RETURN(const FoundVersion found,
                            finder.Find({setup_.crowds[i]}, {"crowds", i}));
    sets_.push_back(found.set);
    versions.push_back(found.version);
  }
  *changed = !is_bound_ || versions != versions_;
  versions_ = std::move(versions);
  crowds_ = snapshot.shared_crowds();
  catalogue_ = snapshot.shared_catalogue();
  is_bound_ = true;
  return absl::OkStatus();
}

absl::Status CheckSession::Check(std::span<const std::string_view> ids, Answers* answers) {
  if (ids.size() > kCheckUsersMax) {
    return CheckNumber(ids.size(), kCheckUsersMax, "the number of checks", "TOO_MANY_IDS",
                       "checks");
  }
  const uint64_t states = ids.size() * setup_.crowds.size();
  if (states > kCheckStatesMax) {
    return CheckNumber(states, kCheckStatesMax, "the number of checks times that of the crowds",
                       "TOO_MANY_CHECKS", "checks");
  }
  const index::SnapshotRef snapshot = universe_->newest();
  const absl::Status bound = Bind(*snapshot, &answers->versions_changed);
  if (!bound.ok()) {
    is_bound_ = false;
    return bound;
  }
  THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* type,
                          FindIdType(*universe_, *snapshot, setup_.id_type, "id_type"));
  answers->data_version = snapshot->data_version();
  answers->states.clear();
  answers->states.reserve(states);
  for (const UserMatch& user : FindUsers(*snapshot, type, ids)) {
    for (const index::OrdinalSet* set : sets_) {
      const bool is_refused = user.is_refused && set != nullptr;
      answers->states.push_back(is_refused ? MemberState::kInvalidId : StateOf(set, user.ordinal));
    }
  }
  return absl::OkStatus();
}

}  // namespace throng::engine
