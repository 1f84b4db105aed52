// Populations as resources.
//
//   absl::StatusOr<PopulationInfo> created = engine.populations().Create(
//       context, {.name = "renters", .primary_id_type = "user_id"}, "");
#ifndef THRONG_SERVER_ENGINE_POPULATIONS_H_
#define THRONG_SERVER_ENGINE_POPULATIONS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/engine/call_context.h"

namespace throng::engine {

class Universes;  // the loaded populations

inline constexpr uint32_t kPopulationsMax = 100;

struct PopulationInfo {
  std::string name;  // the last part: "default"
  std::string display_name;
  std::string primary_id_type = "user_id";
  uint64_t user_count = 0;
  uint64_t data_version = 0;
  uint32_t tag_count = 0;  // that the caller may see
};

// Thread-safe.
class Populations {
 public:
  explicit Populations(Universes& universes) : universes_(universes) {}

  // Errors: kInvalidArgument (BAD_NAME), kAlreadyExists, kResourceExhausted (TOO_MANY_POPULATIONS).
  absl::StatusOr<PopulationInfo> Create(const CallContext& context,
                                        const PopulationInfo& population,
                                        std::string_view request_id);
  // Errors: kNotFound (UNKNOWN_POPULATION).
  absl::StatusOr<PopulationInfo> Get(const CallContext& context, std::string_view name);
  // In order of name.
  absl::StatusOr<std::vector<PopulationInfo>> List(const CallContext& context);

 private:
  Universes& universes_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_POPULATIONS_H_
