// Whether users are in saved crowds: looked up in sets that are there, nothing is computed.
//
//   const CrowdVersionRef crowds[] = {{"spring"}, {"autumn", 3}};
//   engine.memberships().Check(context, {.id = "u17", .crowds = crowds})->states[0];
//   engine.memberships().BatchCheck(context, {.crowd = {"spring"}, .ids = ids})->members;
//
// Requests are views of what the caller keeps. The newest version of every crowd is in memory;
// older ones come from disk through the cache of crowd sets. Types here are values, thread-
// compatible, unless they say otherwise.
#ifndef THRONG_SERVER_ENGINE_CROWD_MEMBERSHIP_H_
#define THRONG_SERVER_ENGINE_CROWD_MEMBERSHIP_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "index/catalogue.h"
#include "index/crowd.h"
#include "index/crowd_sets.h"
#include "index/snapshot.h"
#include "server/engine/call_context.h"

namespace throng::engine {

class Universe;

inline constexpr uint32_t kCheckCrowdsMax = 10'000;  // of a Check and of a session
inline constexpr uint32_t kCheckUsersMax = 10'000;   // of a BatchCheck and of a step of a session
inline constexpr uint32_t kCheckStatesMax = 1'000'000;  // of a step of a session

// The numbers are those of the API.
enum class MemberState : uint8_t {
  kNotMember = 1,
  kMember = 2,
  kUnknownUser = 3,  // nobody has the id
  kInvalidId = 4,    // the id's type refuses it
  kNoVersion = 5,    // the crowd or its version is not there; only where missing ones are skipped
};

struct CrowdVersionRef {
  std::string_view crowd;
  uint32_t version = 0;  // 0: the newest
};

// The version that was looked in.
struct CheckedVersion {
  uint32_t number = 0;        // 0: there is none
  uint64_t data_version = 0;  // that it was computed on
  int64_t create_us = 0;
  friend bool operator==(const CheckedVersion&, const CheckedVersion&) = default;
};

// One user, many crowds.
struct CheckRequest {
  std::string_view population = "default";
  std::string_view id_type;  // empty: the primary one
  std::string_view id;
  std::span<const CrowdVersionRef> crowds;  // 1 to kCheckCrowdsMax
  bool skip_missing = false;
  uint64_t read_version = 0;  // 0: the newest, which is not leased
};

struct CheckResult {
  std::vector<MemberState> states;       // one a crowd
  std::vector<CheckedVersion> versions;  // likewise
  uint64_t data_version = 0;
};

// Many users, one crowd.
struct BatchCheckRequest {
  std::string_view population = "default";
  std::string_view id_type;
  CrowdVersionRef crowd;
  std::span<const std::string_view> ids;  // 1 to kCheckUsersMax, or
  std::span<const uint64_t> numbers;      // numeric ones
  uint64_t read_version = 0;
};

struct BatchCheckResult {
  std::vector<MemberState> states;  // one an id
  CheckedVersion version;
  uint64_t data_version = 0;
  uint32_t members = 0;
  uint32_t unknown_users = 0;
  uint32_t invalid_ids = 0;
};

// What a CheckSession asks for. Names are copied.
struct SessionSetup {
  std::string population = "default";
  std::string id_type;
  std::vector<std::string> crowds;  // 1 to kCheckCrowdsMax
  bool skip_missing = false;
};

// Many users against the newest versions of the same crowds, step by step, each on the newest data
// version. What was found of the crowds is used again until they or the tags change; between two
// steps nothing of a snapshot is held. Not thread-safe.
class CheckSession {
 public:
  CheckSession(std::shared_ptr<const Universe> universe, const index::Visibility& visibility,
               SessionSetup setup);

  // The answers of a step: of users x crowds, users first.
  struct Answers {
    std::vector<MemberState> states;
    uint64_t data_version = 0;
    bool versions_changed = false;  // against the step before; true in the first
  };
  // Answers of up to kCheckUsersMax ids, whose number times that of the crowds is at most
  // kCheckStatesMax. Errors: as Memberships::Check, of fields "id_type" and "crowds[i].crowd";
  // kResourceExhausted (TOO_MANY_IDS, TOO_MANY_CHECKS at "checks").
  absl::Status Check(std::span<const std::string_view> ids, Answers* answers);

  uint32_t crowd_count() const { return static_cast<uint32_t>(setup_.crowds.size()); }
  // Of the last step, one a crowd.
  const std::vector<CheckedVersion>& versions() const { return versions_; }

 private:
  // Finds the crowds in the snapshot, unless that was done on the same ones.
  absl::Status Bind(const index::Snapshot& snapshot, bool* changed);

  const std::shared_ptr<const Universe> universe_;
  const index::Visibility visibility_;
  const SessionSetup setup_;
  // What `sets_` was found in. Not held: sets of crowds are large, and a stream may be idle.
  std::weak_ptr<const index::CrowdCatalogue> crowds_;
  std::weak_ptr<const index::Catalogue> catalogue_;
  bool is_bound_ = false;
  std::vector<const index::OrdinalSet*> sets_;  // null: missing; of the snapshot of the step only
  std::vector<CheckedVersion> versions_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_MEMBERSHIP_H_
