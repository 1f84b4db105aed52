// Whether and why single users are in crowds and selections, at the cost of a few look-ups each.
//
//   engine.memberships().Check(context, {.id = "u17", .crowds = crowds})->states;
//   engine.memberships().Why(context, {.what = "city = 'Rome' and spend > 100"}, {.id = "u17"});
//   engine.memberships().WhyAll(context, selection, "phone", phones)->conditions[1].missed;
#ifndef THRONG_SERVER_ENGINE_MEMBERSHIPS_H_
#define THRONG_SERVER_ENGINE_MEMBERSHIPS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/engine/call_context.h"
#include "server/engine/crowd_membership.h"
#include "server/engine/identities.h"
#include "server/engine/selection.h"
#include "server/engine/why.h"

namespace throng::engine {

class Universes;

// Crowds that CheckNow looks up: what takes a few microseconds.
inline constexpr size_t kCheckNowCrowdsMax = 256;

// Thread-safe.
class Memberships {
 public:
  explicit Memberships(Universes& universes) : universes_(universes) {}

  // Whether a user is in crowds. An unknown user is no error. Errors: kInvalidArgument (REQUIRED at
  // "crowds"; at "user.id"), kNotFound (UNKNOWN_POPULATION, UNKNOWN_ID_TYPE at "user.id_type",
  // UNKNOWN_CROWD at "crowds[i].crowd"), kFailedPrecondition (CROWD_DELETED, CROWD_NOT_REFRESHED at
  // "crowds[i].crowd", CROWD_VERSION_GONE at "crowds[i].version", VERSION_GONE), kResourceExhausted
  // (TOO_MANY_CROWDS at "crowds"), the caller's deadline; what reading an older version answers.
  absl::StatusOr<CheckResult> Check(const CallContext& context, const CheckRequest& request);
  // The same answer where it takes neither the disk nor long: of newest versions, of up to
  // kCheckNowCrowdsMax crowds. Empty: Check gives it, or the error. Takes no lock but for the
  // pointers to population and snapshot, and copies no set.
  std::optional<CheckResult> CheckNow(const CallContext& context, const CheckRequest& request);
  // Whether users are in a crowd. Errors: as Check, with fields "id_type", "crowd.crowd" and
  // "crowd.version"; kInvalidArgument (REQUIRED at "ids", IDS_AND_NUMBERS at "numbers"),
  // kResourceExhausted (TOO_MANY_IDS at "ids" or "numbers").
  absl::StatusOr<BatchCheckResult> BatchCheck(const CallContext& context,
                                              const BatchCheckRequest& request);
  // Of a stream of checks; must not outlive the engine. Errors: kNotFound (UNKNOWN_POPULATION),
  // kInvalidArgument (REQUIRED), kResourceExhausted (TOO_MANY_CROWDS at "crowds").
  absl::StatusOr<std::unique_ptr<CheckSession>> OpenSession(const CallContext& context,
                                                            SessionSetup setup);

  // Each condition with what the user has, and the smallest set of conditions whose change would
  // turn the answer over. Errors: as Selections; kInvalidArgument ("user.id"), kNotFound
  // (UNKNOWN_ID_TYPE at "user.id_type", UNKNOWN_USER at "user.id").
  absl::StatusOr<UserReasons> Why(const CallContext& context, const Selection& selection,
                                  const TypedId& user);
  // How many of up to kWhyUsersMax users miss each condition. Errors: as Selections;
  // kInvalidArgument (REQUIRED at "users.ids"), kNotFound (UNKNOWN_ID_TYPE at "users.id_type"),
  // kResourceExhausted (TOO_MANY_IDS at "users.ids").
  absl::StatusOr<ListReasons> WhyAll(const CallContext& context, const Selection& selection,
                                     std::string_view id_type, const std::vector<std::string>& ids);

 private:
  Universes& universes_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_MEMBERSHIPS_H_
