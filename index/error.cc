#include "index/error.h"

#include <charconv>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "fmt/format.h"

namespace throng::index {
namespace {

constexpr char kPayloadUrl[] = "throng.index.ErrorDetail";
constexpr char kSeparator = '\x1f';

std::string Encode(const ErrorDetail& detail) {
  return fmt::format("{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}", detail.reason,
                     detail.field, detail.line, detail.column, detail.length, detail.expected,
                     detail.suggestion, detail.limit, detail.requested,
                     detail.row.has_value() ? std::to_string(*detail.row) : "");
}

template <typename Number>
Number ParseNumber(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = text.find(kSeparator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, std::string_view message, const ErrorDetail& detail) {
  absl::Status status(code, absl::string_view(message.data(), message.size()));
  status.SetPayload(kPayloadUrl, absl::Cord(Encode(detail)));
  return status;
}

absl::Status InvalidArgument(std::string_view reason, std::string_view field,
                             std::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, message,
                   {.reason = std::string(reason), .field = std::string(field)});
}

absl::Status LimitExceeded(absl::StatusCode code, std::string_view reason, std::string_view what,
                           uint64_t limit, uint64_t requested) {
  return MakeError(code, fmt::format("{} is {}; at most {} is allowed", what, requested, limit),
                   {.reason = std::string(reason), .limit = limit, .requested = requested});
}

std::optional<ErrorDetail> GetErrorDetail(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  std::vector<std::string> parts = Split(std::string(*payload));
  if (parts.size() != 10) return std::nullopt;
  ErrorDetail detail{.reason = std::move(parts[0]),
                     .field = std::move(parts[1]),
                     .line = ParseNumber<int>(parts[2]),
                     .column = ParseNumber<int>(parts[3]),
                     .length = ParseNumber<int>(parts[4]),
                     .expected = std::move(parts[5]),
                     .suggestion = std::move(parts[6]),
                     .limit = ParseNumber<uint64_t>(parts[7]),
                     .requested = ParseNumber<uint64_t>(parts[8])};
  if (!parts[9].empty()) detail.row = ParseNumber<uint64_t>(parts[9]);
  return detail;
}

absl::Status WithField(const absl::Status& status, std::string_view field) {
  std::optional<ErrorDetail> detail = GetErrorDetail(status);
  if (!detail.has_value() || !detail->field.empty()) return status;
  detail->field = std::string(field);
  const absl::string_view message = status.message();
  return MakeError(status.code(), std::string_view(message.data(), message.size()), *detail);
}

}  // namespace throng::index
