#include "cli/value_text.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>

#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr std::pair<v1::TagState, std::string_view> kTagStates[] = {
    {v1::TAG_STATE_DRAFT, "DRAFT"},
    {v1::TAG_STATE_ONLINE, "ONLINE"},
    {v1::TAG_STATE_OFFLINE, "OFFLINE"}};

std::string UpperCase(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

}  // namespace

std::string ValueText(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kText:
      return value.text();
    case v1::Value::kInteger:
      return std::to_string(value.integer());
    case v1::Value::kDecimal:
      return value.decimal();
    case v1::Value::kFlag:
      return value.flag() ? "true" : "false";
    case v1::Value::kDate:
      return fmt::format("{:04}-{:02}-{:02}", value.date().year(), value.date().month(),
                         value.date().day());
    case v1::Value::kDateTime:
      return TimestampText(value.date_time());
    case v1::Value::kRelative:  // Only in questions, never in answers.
    case v1::Value::KIND_NOT_SET:
      return {};
  }
  return {};
}

std::string BinText(const v1::Value* lower, const v1::Value* upper) {
  if (lower != nullptr && upper != nullptr) {
    return fmt::format("{} to < {}", ValueText(*lower), ValueText(*upper));
  }
  if (lower != nullptr) return fmt::format(">= {}", ValueText(*lower));
  if (upper != nullptr) return fmt::format("< {}", ValueText(*upper));
  return {};
}

std::string TagStateName(v1::TagState state) {
  for (const auto& [known, name] : kTagStates) {
    if (known == state) return std::string(name);
  }
  return {};
}

std::optional<v1::TagState> ParseTagState(std::string_view name) {
  const std::string upper = UpperCase(name);
  for (const auto& [state, known] : kTagStates) {
    if (known == upper) return state;
  }
  return std::nullopt;
}

std::string LastPart(std::string_view resource_name) {
  return std::string(resource_name.substr(resource_name.rfind('/') + 1));
}

std::string TimestampText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*SZ",
                          absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos()),
                          absl::UTCTimeZone());
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace throng::cli
