// Tags as resources.
//
//   engine.tags().Create(context, "default", {.name = "city", .type = TagType::kCategory}, {});
//   engine.tags().ListValues(context, "default", "city");
#ifndef THRONG_SERVER_ENGINE_TAGS_H_
#define THRONG_SERVER_ENGINE_TAGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "server/engine/call_context.h"

namespace throng::engine {

class Universes;

struct TagInfo {
  index::TagDefinition definition;
  uint64_t user_count = 0;   // with any value; FLAG: set
  uint32_t value_count = 0;  // in the dictionary
  uint64_t data_version = 0;
};

struct TagValueCount {
  std::string value;  // FLAG: "true"
  uint64_t user_count = 0;
};

struct TagValues {
  index::TagType type = index::TagType::kFlag;
  std::vector<TagValueCount> values;  // largest first, then by value; none of 0 users
  uint64_t missing = 0;               // users without any value
  uint64_t data_version = 0;
};

// How a write is made idempotent or only tried.
struct WriteOptions {
  std::string request_id;     // at most 128 bytes; empty: not idempotent
  uint64_t payload_hash = 0;  // of the request without request_id
  bool validate_only = false;
};

// Fields of a tag that Update may change.
struct TagUpdate {
  std::string name;  // which tag
  std::optional<std::string> display_name;
  std::optional<std::string> path;
  std::optional<std::string> description;
  std::optional<std::string> owner;
  std::optional<int> sensitivity;
  std::optional<index::TagState> state;
  std::optional<uint32_t> values_max;
  std::optional<uint32_t> freshness_s;
};

// Thread-safe. Every call answers kNotFound for what the caller may not see.
class Tags {
 public:
  explicit Tags(Universes& universes) : universes_(universes) {}

  // `definition`'s id, generation and content time are chosen here. Errors: kInvalidArgument (see
  // index::Validate), kAlreadyExists, kNotFound (population), kResourceExhausted (TOO_MANY_TAGS).
  absl::StatusOr<TagInfo> Create(const CallContext& context, std::string_view population,
                                 const index::TagDefinition& definition,
                                 const WriteOptions& options);
  absl::StatusOr<TagInfo> Get(const CallContext& context, std::string_view population,
                              std::string_view name);
  // In order of name; `path_prefix` empty: all.
  absl::StatusOr<std::vector<TagInfo>> List(const CallContext& context, std::string_view population,
                                            std::string_view path_prefix);
  absl::StatusOr<TagInfo> Update(const CallContext& context, std::string_view population,
                                 const TagUpdate& update, const WriteOptions& options);
  // Errors: kInvalidArgument (NO_VALUES) for ordered tags.
  absl::StatusOr<TagValues> ListValues(const CallContext& context, std::string_view population,
                                       std::string_view name);

 private:
  Universes& universes_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_TAGS_H_
