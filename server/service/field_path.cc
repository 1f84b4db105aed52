#include "server/service/field_path.h"

#include <optional>

#include "fmt/format.h"
#include "index/error.h"

namespace throng::service {

std::string FieldPath::ToString() const {
  std::string text = parent_ == nullptr ? std::string() : parent_->ToString();
  if (!text.empty() && !name_.empty()) text += '.';
  text += name_;
  if (index_ >= 0) text += fmt::format("[{}]", index_);
  return text;
}

absl::Status RequiredField(const FieldPath& field) {
  const std::string path = field.ToString();
  return index::InvalidArgument("REQUIRED", path, fmt::format("{} is not set", path));
}

absl::Status UnspecifiedEnum(const FieldPath& field) {
  const std::string path = field.ToString();
  return index::InvalidArgument("UNSPECIFIED", path,
                                fmt::format("{} is unspecified or unknown", path));
}

absl::Status MoveField(const absl::Status& status, std::string_view from, std::string_view to) {
  std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  if (!detail.has_value() || detail->field != from) return status;
  detail->field = std::string(to);
  const absl::string_view message = status.message();
  return index::MakeError(status.code(), std::string_view(message.data(), message.size()), *detail);
}

}  // namespace throng::service
