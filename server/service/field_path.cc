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

}  // namespace throng::service
