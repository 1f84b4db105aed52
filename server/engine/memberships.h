// Whether and why single users are in a selection, at the cost of a few look-ups each.
//
//   engine.memberships().Why(context, {.what = "city = 'Rome' and spend > 100"}, {.id = "u17"});
//   engine.memberships().WhyAll(context, selection, "phone", phones)->conditions[1].missed;
#ifndef THRONG_SERVER_ENGINE_MEMBERSHIPS_H_
#define THRONG_SERVER_ENGINE_MEMBERSHIPS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/engine/call_context.h"
#include "server/engine/identities.h"
#include "server/engine/selection.h"
#include "server/engine/why.h"

namespace throng::engine {

class Universes;

// Thread-safe.
class Memberships {
 public:
  explicit Memberships(Universes& universes) : universes_(universes) {}

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
