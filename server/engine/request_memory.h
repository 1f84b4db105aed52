// Idempotent writes: a request id and its answer are kept for 24 hours. Thread-safe.
//
//   RequestKey key{.scope = "tags.create", .request_id = id, .payload_hash = hash};
//   absl::StatusOr<std::optional<std::string>> first = FindAnswer(universe, key);
//   if (first.ok() && first->has_value()) return Decode(**first);   // a retry
//   ...
//   Remember(key, Encode(answer), &record);
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_REQUEST_MEMORY_H_
#define THRONG_SERVER_ENGINE_REQUEST_MEMORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/change.h"
#include "server/engine/call_context.h"
#include "server/engine/universe.h"

namespace throng::engine {

struct RequestKey {
  std::string scope;       // principal and method
  std::string request_id;  // empty: not remembered
  uint64_t payload_hash = 0;
};

RequestKey MakeRequestKey(const CallContext& context, std::string_view method,
                          std::string_view request_id, uint64_t payload_hash);

// Errors: kInvalidArgument (REQUEST_ID_TOO_LONG) at "request_id" when it is over 128 bytes.
absl::Status CheckRequestId(std::string_view request_id);

// Whether an answer is kept for the id, whatever the payload was. Errors: REQUEST_ID_TOO_LONG.
absl::StatusOr<bool> HasAnswer(const Universe& universe, const RequestKey& key);

// The answer kept for `key`, if any. Errors: kInvalidArgument (REQUEST_ID_REUSED) when the id was
// used with another payload; (REQUEST_ID_TOO_LONG) when it is over 128 bytes.
absl::StatusOr<std::optional<std::string>> FindAnswer(const Universe& universe,
                                                      const RequestKey& key);

// Adds the answer to the commit, unless the key has no request id.
void Remember(const RequestKey& key, std::string answer, index::CommitRecord* record);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_REQUEST_MEMORY_H_
