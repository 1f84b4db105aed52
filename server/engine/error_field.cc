#include "server/engine/error_field.h"

#include <optional>

#include "index/error.h"

namespace throng::engine {

std::string FieldOfError(const absl::Status& status) {
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  return detail.has_value() ? detail->field : std::string();
}

absl::Status AtField(const absl::Status& status, std::string_view field) {
  std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  if (!detail.has_value()) return status;
  detail->field = std::string(field);
  return index::MakeError(status.code(), {status.message().data(), status.message().size()},
                          *detail);
}

absl::Status MoveField(const absl::Status& status, std::string_view from, std::string_view to) {
  return FieldOfError(status) == from ? AtField(status, to) : status;
}

}  // namespace throng::engine
