// Errors of what a call does on its way, at the field of its own request that they are about.
//
//   if (!count.ok()) return AtField(count.status(), "name");
//   return MoveField(added, "crowd.name", "arms[2].name");
//
// Internal to the engine. Thread-safe functions.
#ifndef THRONG_SERVER_ENGINE_ERROR_FIELD_H_
#define THRONG_SERVER_ENGINE_ERROR_FIELD_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace throng::engine {

// The field of the error's detail; empty where it has none.
std::string FieldOfError(const absl::Status& status);

// The error, about `field`, whatever it was about before; as it is where it has no detail.
absl::Status AtField(const absl::Status& status, std::string_view field);

// The same of an error about `from`; others as they are.
absl::Status MoveField(const absl::Status& status, std::string_view from, std::string_view to);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_ERROR_FIELD_H_
