// Values, times and tag states as people and JSON readers see them. (Tag types: cli/schema.h.)
//
//   ValueText(value);             // "Beijing", "-12.50", "2024-05-01"
//   ParseTagState("offline");     // v1::TAG_STATE_OFFLINE
//   LastPart("populations/default/tags/city");  // "city"
#ifndef THRONG_CLI_VALUE_TEXT_H_
#define THRONG_CLI_VALUE_TEXT_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "throng/v1/expression.pb.h"
#include "throng/v1/tag.pb.h"

namespace throng::cli {

// The value as text: numbers in decimal, days as YYYY-MM-DD, times in RFC 3339 (UTC), flags as
// true and false. Empty if no kind is set.
std::string ValueText(const v1::Value& value);

// A bin as text: "< 18", "18 to < 65", ">= 65". Null: no bound; empty without both.
std::string BinText(const v1::Value* lower, const v1::Value* upper);

// DRAFT, ONLINE, OFFLINE; empty for unspecified.
std::string TagStateName(v1::TagState state);
std::optional<v1::TagState> ParseTagState(std::string_view name);

// The last part of "populations/default/tags/city": "city".
std::string LastPart(std::string_view resource_name);

// RFC 3339 in UTC, e.g. "2024-05-01T08:00:00Z".
std::string TimestampText(const google::protobuf::Timestamp& time);

absl::Duration ToDuration(const google::protobuf::Duration& duration);

}  // namespace throng::cli

#endif  // THRONG_CLI_VALUE_TEXT_H_
