#include "cli/cell_parser.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr uint64_t kDecimalUnitsEnd = 1'000'000'000'000'000'000;
constexpr int kYearMax = 9999;

absl::Status Reason(std::string_view reason) {
  return absl::InvalidArgumentError(absl::string_view(reason.data(), reason.size()));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool Contains(const std::vector<std::string>& texts, std::string_view text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

bool ContainsIgnoringCase(std::initializer_list<std::string_view> words, std::string_view text) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return word.size() == text.size() &&
           std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
             return a == std::tolower(static_cast<unsigned char>(b));
           });
  });
}

// Reads exactly `count` digits at the start of `text` and removes them.
bool TakeDigits(std::string_view& text, size_t count, int& value) {
  if (text.size() < count) return false;
  value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!IsDigit(text[i])) return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool Take(std::string_view& text, char wanted) {
  if (text.empty() || text[0] != wanted) return false;
  text.remove_prefix(1);
  return true;
}

// Reads YYYY-MM-DD at the start of `text` and removes it.
absl::StatusOr<absl::CivilDay> TakeDay(std::string_view& text) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!TakeDigits(text, 4, year) || !Take(text, '-') || !TakeDigits(text, 2, month) ||
      !Take(text, '-') || !TakeDigits(text, 2, day)) {
    return Reason("not a date written YYYY-MM-DD");
  }
  const absl::CivilDay civil(year, month, day);
  if (year == 0 || civil.month() != month || civil.day() != day) {
    return Reason("there is no such day");
  }
  return civil;
}

int64_t DayNumber(absl::CivilDay day) { return day - absl::CivilDay(1970, 1, 1); }

// What stands after the day in an ISO 8601 time.
struct ClockTime {
  int64_t second_of_day = 0;
  int64_t microseconds = 0;
  bool has_offset = false;
  int64_t offset_seconds = 0;
};

bool TakeOffset(std::string_view& text, ClockTime& clock) {
  if (text.empty()) return true;
  clock.has_offset = true;
  if (text == "Z" || text == "z") {
    text = {};
    return true;
  }
  const int sign = text[0] == '-' ? -1 : 1;
  if (text[0] != '+' && text[0] != '-') return false;
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!TakeDigits(text, 2, hours)) return false;
  Take(text, ':');
  if (!text.empty() && !TakeDigits(text, 2, minutes)) return false;
  clock.offset_seconds = sign * (hours * 3600 + minutes * 60);
  return text.empty() && hours <= 23 && minutes <= 59;
}

// Reads HH:MM:SS with an optional fraction and offset, to the end.
absl::StatusOr<ClockTime> ParseClock(std::string_view text) {
  constexpr std::string_view kExpected =
      "not a time written YYYY-MM-DD HH:MM:SS, or in RFC 3339 as 2026-01-31T08:00:00Z";
  ClockTime clock;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!TakeDigits(text, 2, hour) || !Take(text, ':') || !TakeDigits(text, 2, minute) ||
      !Take(text, ':') || !TakeDigits(text, 2, second)) {
    return Reason(kExpected);
  }
  if (hour > 23 || minute > 59 || second > 59) return Reason("there is no such time of day");
  clock.second_of_day = hour * 3600 + minute * 60 + second;
  if (Take(text, '.')) {
    size_t digits = 0;
    for (; digits < text.size() && IsDigit(text[digits]); ++digits) {
      if (digits < 6) {
        clock.microseconds = clock.microseconds * 10 + (text[digits] - '0');
      } else if (text[digits] != '0') {
        return Reason("finer than a microsecond");
      }
    }
    if (digits == 0) return Reason(kExpected);
    for (size_t i = digits; i < 6; ++i) clock.microseconds *= 10;
    text.remove_prefix(digits);
  }
  if (!TakeOffset(text, clock)) return Reason(kExpected);
  return clock;
}

// Microseconds since 1970 of an ISO 8601 time.
absl::StatusOr<int64_t> ParseIsoTime(std::string_view cell, const absl::TimeZone& zone) {
  absl::StatusOr<absl::CivilDay> day = TakeDay(cell);
  if (!day.ok()) return day.status();
  if (!Take(cell, 'T') && !Take(cell, 't') && !Take(cell, ' ')) {
    return Reason("the time of day is missing: YYYY-MM-DD HH:MM:SS");
  }
  absl::StatusOr<ClockTime> clock = ParseClock(cell);
  if (!clock.ok()) return clock.status();
  int64_t seconds = DayNumber(*day) * 86'400 + clock->second_of_day - clock->offset_seconds;
  if (!clock->has_offset && zone != absl::UTCTimeZone()) {
    const absl::CivilSecond local = absl::CivilSecond(*day) + clock->second_of_day;
    const absl::TimeZone::TimeInfo info = zone.At(local);
    if (info.kind == absl::TimeZone::TimeInfo::SKIPPED) {
      return Reason(fmt::format("the clocks of {} skip this time",
                                std::string_view(zone.name().data(), zone.name().size())));
    }
    seconds = absl::ToUnixSeconds(info.pre);
  }
  return seconds * 1'000'000 + clock->microseconds;
}

// A time in a format of absl::ParseTime.
absl::StatusOr<absl::Time> ParseFormatted(std::string_view cell, const std::string& format,
                                          const absl::TimeZone& zone) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(format, absl::string_view(cell.data(), cell.size()), zone, &time, &error)) {
    return Reason(fmt::format("not written as {}: {}", format, error));
  }
  const int64_t year = absl::ToCivilYear(time, zone).year();
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast() || year < 1 ||
      year > kYearMax) {
    return Reason("the year must be from 1 to 9999");
  }
  return time;
}

// Removes a sign; true for a minus.
bool TakeSign(std::string_view& text) {
  if (Take(text, '-')) return true;
  Take(text, '+');
  return false;
}

}  // namespace

CellParser::CellParser(const TagSchema& tag, const Schema& schema)
    : type_(tag.type),
      scale_(tag.scale),
      integral_floats_(tag.integral_floats),
      format_(tag.format),
      separator_(tag.separator),
      true_texts_(tag.true_texts),
      false_texts_(tag.false_texts),
      missing_(tag.missing.value_or(schema.missing)),
      only_empty_is_missing_(std::all_of(missing_.begin(), missing_.end(),
                                         [](const std::string& text) { return text.empty(); })) {
  if (!absl::LoadTimeZone(tag.time_zone, &zone_)) zone_ = absl::UTCTimeZone();
}

bool CellParser::IsMissing(std::string_view cell) const {
  if (only_empty_is_missing_ && !cell.empty()) return false;
  if (!Contains(missing_, cell)) return false;
  return !Contains(true_texts_, cell) && !Contains(false_texts_, cell);
}

absl::StatusOr<bool> CellParser::ParseFlag(std::string_view cell) const {
  if (true_texts_.empty() && false_texts_.empty() && cell.size() == 1) {  // the usual ones, fast
    if (cell[0] == '1') return true;
    if (cell[0] == '0') return false;
  }
  if (Contains(true_texts_, cell)) return true;
  if (Contains(false_texts_, cell)) return false;
  if (true_texts_.empty() && ContainsIgnoringCase({"1", "true", "yes", "y", "t"}, cell)) {
    return true;
  }
  if (false_texts_.empty() && ContainsIgnoringCase({"0", "false", "no", "n", "f"}, cell)) {
    return false;
  }
  return Reason("neither true nor false; the schema's true = [...] and false = [...] say what is");
}

absl::StatusOr<int64_t> CellParser::ParseNumber(std::string_view cell) const {
  switch (type_) {
    case v1::TAG_TYPE_INTEGER:
      return ParseInteger(cell, integral_floats_);
    case v1::TAG_TYPE_DECIMAL:
      return ParseDecimal(cell, scale_);
    case v1::TAG_TYPE_DATE: {
      if (!format_.empty()) {
        absl::StatusOr<absl::Time> time = ParseFormatted(cell, format_, absl::UTCTimeZone());
        if (!time.ok()) return time.status();
        return DayNumber(absl::ToCivilDay(*time, absl::UTCTimeZone()));
      }
      absl::StatusOr<absl::CivilDay> day = TakeDay(cell);
      if (!day.ok()) return day.status();
      if (!cell.empty()) return Reason("not a date written YYYY-MM-DD");
      return DayNumber(*day);
    }
    case v1::TAG_TYPE_DATE_TIME: {
      if (format_.empty()) return ParseIsoTime(cell, zone_);
      absl::StatusOr<absl::Time> time = ParseFormatted(cell, format_, zone_);
      if (!time.ok()) return time.status();
      const int64_t microseconds = absl::ToUnixMicros(*time);
      if (absl::FromUnixMicros(microseconds) != *time) return Reason("finer than a microsecond");
      return microseconds;
    }
    case v1::TAG_TYPE_FLAG:
    case v1::TAG_TYPE_CATEGORY:
    case v1::TAG_TYPE_LABELS:
    case v1::TAG_TYPE_UNSPECIFIED:
    case v1::TagType_INT_MIN_SENTINEL_DO_NOT_USE_:
    case v1::TagType_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return absl::InternalError("not a tag of numbers");
}

absl::Status CellParser::CheckText(std::string_view text) {
  if (text.empty()) return Reason("a value must not be empty; name it in missing = [...]");
  if (text.size() > kValueBytesMax) {
    return Reason(fmt::format("has {} bytes, more than {}", text.size(), kValueBytesMax));
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ParseInteger(std::string_view cell, bool integral_floats) {
  std::string_view digits = cell;
  const bool negative = TakeSign(digits);
  const size_t point = digits.find('.');
  if (point != std::string_view::npos) {
    const std::string_view fraction = digits.substr(point + 1);
    if (fraction.find_first_not_of('0') != std::string_view::npos) {
      return Reason("not a whole number");
    }
    if (!integral_floats) {
      return Reason("not a whole number; integral_floats = true in the schema lets \".0\" pass");
    }
    digits = digits.substr(0, point);
  }
  if (digits.empty() || !IsDigit(digits[0])) return Reason("not a whole number");
  uint64_t magnitude = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), magnitude);
  if (end != digits.data() + digits.size()) return Reason("not a whole number");
  const uint64_t limit =
      static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + (negative ? 1 : 0);
  if (error != std::errc() || magnitude > limit) {
    return Reason("out of range: a whole number is from -2^63 to 2^63-1");
  }
  return static_cast<int64_t>(negative ? uint64_t{0} - magnitude : magnitude);
}

absl::StatusOr<int64_t> ParseDecimal(std::string_view cell, int32_t scale) {
  std::string_view text = cell;
  const bool negative = TakeSign(text);
  uint64_t units = 0;  // stays below 10^19
  int32_t decimals = 0;
  bool point = false;
  bool digit = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!IsDigit(c)) return Reason("not a decimal number such as -12.50");
    digit = true;
    if (point && ++decimals > scale) {
      return Reason(fmt::format("has more decimals than the tag's {}", scale));
    }
    units = units * 10 + static_cast<uint64_t>(c - '0');
    if (units >= kDecimalUnitsEnd) break;
  }
  if (!digit) return Reason("not a decimal number such as -12.50");
  for (; decimals < scale && units < kDecimalUnitsEnd; ++decimals) units *= 10;
  if (units >= kDecimalUnitsEnd) return Reason("out of range: more than 18 digits");
  return negative ? -static_cast<int64_t>(units) : static_cast<int64_t>(units);
}

bool ParseCanonicalId(std::string_view text, uint64_t& number) {
  if (text.empty() || !IsDigit(text[0]) || (text[0] == '0' && text.size() > 1)) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace throng::cli
