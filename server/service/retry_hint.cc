#include "server/service/retry_hint.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "absl/strings/cord.h"
#include "absl/types/optional.h"

namespace throng::service {
namespace {

constexpr char kPayloadUrl[] = "throng.service.RetryAfter";  // milliseconds, in decimal

}  // namespace

absl::Status WithRetryAfter(absl::Status status, std::chrono::milliseconds after) {
  const int64_t milliseconds = std::max<int64_t>(1, after.count());
  status.SetPayload(kPayloadUrl, absl::Cord(std::to_string(milliseconds)));
  return status;
}

std::chrono::milliseconds RetryAfter(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::chrono::milliseconds(0);
  const std::string text(*payload);
  int64_t milliseconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), milliseconds);
  return std::chrono::milliseconds(milliseconds);
}

}  // namespace throng::service
