#include "cli/flag_checks.h"

#include <charconv>
#include <cstdint>
#include <system_error>

#include "absl/time/time.h"
#include "fmt/format.h"

namespace throng::cli {

std::string CheckWholeNumber(const std::string& text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number);
  const bool octal = text.size() > 1 && text.front() == '0';
  if (error == std::errc() && parsed == end && !octal) return {};
  return fmt::format("\"{}\" is not a whole number in range", text);
}

std::string CheckDuration(const std::string& text) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration >= absl::ZeroDuration()) return {};
  return fmt::format("\"{}\" is not a duration: expected e.g. 30s, 500ms, 2m or 0", text);
}

}  // namespace throng::cli
