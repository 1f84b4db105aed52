// Dates and times as ISO 8601 text.
//
//   absl::StatusOr<IsoTime> t = ParseIsoTime("2024-W07", zone);   // Feb 12 to 18
//   t = ParseIsoTime("2024-02-12 09:30", zone);                   // an instant in the zone
//   t = ParseIsoTime("2024-02-12T09:30:00.5+08:00", zone);        // RFC 3339
//
// Every function is thread-safe.
#ifndef THRONG_QUERY_ISO_TIME_H_
#define THRONG_QUERY_ISO_TIME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "query/expression.h"

namespace throng::query {

// Whole civil days, both ends included.
struct DaySpan {
  absl::CivilDay first;
  absl::CivilDay last;
};

// What a date or time literal stands for.
using IsoTime = std::variant<DaySpan, absl::Time>;

// Reads YYYY-MM-DD, YYYY-Www (a whole week), YYYY-Www-D (Monday is 1), and YYYY-MM-DD followed by
// 'T' or one space and HH:MM, HH:MM:SS or HH:MM:SS.f (1 to 6 digits), with Z, +HH:MM or -HH:MM or,
// without one of these, in `zone`: a time that the zone skips is the instant of the change, one
// that it repeats is the first. Years are 0001 to 9999. Empty for anything else.
std::optional<IsoTime> ParseIsoTime(std::string_view text, const absl::TimeZone& zone);

// A day of the proleptic Gregorian calendar in the years 1 to 9999.
bool IsDate(const DateLiteral& literal);
// An instant in the years 1 to 9999 (UTC).
bool IsTimestamp(const TimestampLiteral& literal);

std::string FormatIsoDate(const absl::CivilDay& day);  // "2024-02-12"
std::string FormatIsoTimestamp(int64_t unix_us);       // "2024-02-12T01:30:00.5Z"

}  // namespace throng::query

#endif  // THRONG_QUERY_ISO_TIME_H_
