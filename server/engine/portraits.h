// All tags of one user.
//
//   engine.portraits().Get(context, "default", "u17", 0)->entries[0].tag;
#ifndef THRONG_SERVER_ENGINE_PORTRAITS_H_
#define THRONG_SERVER_ENGINE_PORTRAITS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "server/engine/call_context.h"

namespace throng::engine {

class Universes;

struct PortraitEntry {
  std::string tag;
  index::TagType type = index::TagType::kFlag;
  int scale = 0;
  std::string display_name;
  // FLAG: true; CATEGORY, LABELS: texts (sorted); ordered tags: the number, see index::IsNumeric.
  std::variant<bool, std::vector<std::string>, int64_t> value;
};

struct LinkedId {
  std::string id_type;
  std::string id;
};

struct Portrait {
  std::string id;                      // the primary one
  std::vector<PortraitEntry> entries;  // in order of tag; only tags the user has
  uint64_t data_version = 0;
  std::vector<LinkedId> ids;  // of declared types, in order of declaration, then of linking
};

// Thread-safe.
class Portraits {
 public:
  explicit Portraits(Universes& universes) : universes_(universes) {}

  // Of the user with the id of a type; empty: the primary one.
  // Errors: kInvalidArgument (id), kNotFound (UNKNOWN_POPULATION, UNKNOWN_ID_TYPE, UNKNOWN_USER),
  // kFailedPrecondition (VERSION_GONE).
  absl::StatusOr<Portrait> Get(const CallContext& context, std::string_view population,
                               std::string_view id, uint64_t read_version,
                               std::string_view id_type = {});

 private:
  Universes& universes_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PORTRAITS_H_
