// The literals of expressions, as written: exact numbers, texts, dates and relative times.
//
//   Value value{.literal = DecimalLiteral{.units = 125, .scale = 1}};   // 12.5
//
// Every type here is a value: copyable, movable, thread-compatible. Equality ignores positions.
#ifndef THRONG_QUERY_LITERAL_H_
#define THRONG_QUERY_LITERAL_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace throng::query {

// Where something stands in the expression's text. Lines and columns are 1-based, columns and
// lengths count Unicode code points; all zero for trees that came without text.
struct SourceSpan {
  int line = 0;
  int column = 0;
  int length = 0;
};

__extension__ typedef __int128 Int128;  // an extension, which -Wpedantic would refuse

// An exact decimal number: units x 10^-scale. Canonical: no trailing zero in the fraction.
struct DecimalLiteral {
  Int128 units = 0;  // at most 38 digits
  int scale = 0;     // 0 to 38

  friend bool operator==(const DecimalLiteral&, const DecimalLiteral&) = default;
};

struct DateLiteral {
  int year = 1970;
  int month = 1;
  int day = 1;

  friend bool operator==(const DateLiteral&, const DateLiteral&) = default;
};

// Microseconds since 1970-01-01T00:00:00Z.
struct TimestampLiteral {
  int64_t unix_us = 0;

  friend bool operator==(const TimestampLiteral&, const TimestampLiteral&) = default;
};

enum class TimeAnchor { kToday, kNow, kStartOfWeek, kStartOfMonth };
enum class TimeUnit { kMinute, kHour, kDay, kWeek, kMonth, kYear };

struct TimeOffset {
  int amount = 0;  // negative: into the past
  TimeUnit unit = TimeUnit::kDay;

  friend bool operator==(const TimeOffset&, const TimeOffset&) = default;
};

// `today() - 30d`: resolved against the request's reference time and zone.
struct RelativeTimeLiteral {
  TimeAnchor anchor = TimeAnchor::kToday;
  std::vector<TimeOffset> offsets;  // at most 8, applied in order

  friend bool operator==(const RelativeTimeLiteral&, const RelativeTimeLiteral&) = default;
};

// A literal. In text a quoted literal is always std::string; dates become DateLiteral only in
// trees built by programs.
struct Value {
  std::variant<std::string, DecimalLiteral, bool, DateLiteral, TimestampLiteral,
               RelativeTimeLiteral>
      literal;
  SourceSpan span;

  friend bool operator==(const Value& a, const Value& b) { return a.literal == b.literal; }
};

}  // namespace throng::query

#endif  // THRONG_QUERY_LITERAL_H_
