// Errors that say where and why: an absl::Status with a structured detail.
//
//   return MakeError(absl::StatusCode::kInvalidArgument, "unknown tag \"citty\"",
//                    {.reason = "UNKNOWN_TAG", .field = "selection.expression", .line = 1,
//                     .column = 1, .length = 5, .suggestion = "city"});
//   ...
//   if (std::optional<ErrorDetail> detail = GetErrorDetail(status)) detail->suggestion;
//
// The server's edge maps the detail to the API's ErrorDetail; nothing else looks inside a payload.
#ifndef THRONG_INDEX_ERROR_H_
#define THRONG_INDEX_ERROR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace throng::index {

// The fields mean what proto/throng/v1/error.proto says of them.
struct ErrorDetail {
  std::string reason;
  std::string field = {};
  int line = 0;
  int column = 0;
  int length = 0;
  std::string expected = {};
  std::string suggestion = {};
  uint64_t limit = 0;
  uint64_t requested = 0;
  std::optional<uint64_t> row = std::nullopt;
};

// Returns a status of `code` (not kOk) that carries `detail`. Thread-safe.
absl::Status MakeError(absl::StatusCode code, std::string_view message, const ErrorDetail& detail);

// kInvalidArgument with a reason and a field path.
absl::Status InvalidArgument(std::string_view reason, std::string_view field,
                             std::string_view message);

// kInvalidArgument or kResourceExhausted for "`what` is `requested`, at most `limit` is allowed".
absl::Status LimitExceeded(absl::StatusCode code, std::string_view reason, std::string_view what,
                           uint64_t limit, uint64_t requested);

// Returns the detail `status` carries, if any. Thread-safe.
std::optional<ErrorDetail> GetErrorDetail(const absl::Status& status);

// Returns `status` with its detail's field set, when it has a detail without one: a caller knows
// the request's field, the callee only the text.
absl::Status WithField(const absl::Status& status, std::string_view field);

}  // namespace throng::index

// Returns from the function when `expression` is not OK.
#define THRONG_RETURN_IF_ERROR(expression)                                                    \
  do {                                                                                        \
    if (absl::Status throng_status = (expression); !throng_status.ok()) return throng_status; \
  } while (false)

// Declares or assigns `target` from a StatusOr, or returns its status.
#define THRONG_ASSIGN_OR_RETURN(target, expression) \
  THRONG_ASSIGN_OR_RETURN_(THRONG_CONCAT_(throng_statusor_, __LINE__), target, expression)
#define THRONG_ASSIGN_OR_RETURN_(statusor, target, expression) \
  auto statusor = (expression);                                \
  if (!statusor.ok()) return std::move(statusor).status();     \
  target = *std::move(statusor)
#define THRONG_CONCAT_(a, b) THRONG_CONCAT_INNER_(a, b)
#define THRONG_CONCAT_INNER_(a, b) a##b

#endif  // THRONG_INDEX_ERROR_H_
