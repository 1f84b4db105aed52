#include "query/iso_time.h"

#include "fmt/format.h"

namespace throng::query {
namespace {

// Reads fixed-width fields from the front of a text.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool Skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Reads exactly `digits` digits.
  bool Read(size_t digits, int* number) {
    if (rest_.size() < digits) return false;
    *number = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return false;
      *number = *number * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return true;
  }
  // Reads 1 to 6 digits of a second's fraction as microseconds.
  bool ReadFraction(int* microseconds) {
    size_t digits = 0;
    *microseconds = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits) {
      if (digits == 6) return false;
      *microseconds = *microseconds * 10 + (rest_[digits] - '0');
    }
    rest_.remove_prefix(digits);
    for (size_t i = digits; i < 6; ++i) *microseconds *= 10;
    return digits > 0;
  }

 private:
  std::string_view rest_;
};

std::optional<absl::CivilDay> MakeDay(int year, int month, int day) {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return std::nullopt;
  const absl::CivilDay civil(year, month, day);  // normalises what the month does not have
  if (civil.month() != month) return std::nullopt;
  return civil;
}

// The Monday of an ISO 8601 week: week 1 is the one with January 4.
std::optional<absl::CivilDay> MondayOfWeek(int year, int week) {
  if (year < 1 || year > 9999 || week < 1 || week > 53) return std::nullopt;
  const absl::CivilDay january4(year, 1, 4);
  const absl::CivilDay first =
      absl::PrevWeekday(january4 + 1, absl::Weekday::monday);  // on or before January 4
  const absl::CivilDay monday = first + 7 * (week - 1);
  if ((monday + 3).year() != year) return std::nullopt;  // the Thursday says whose week it is
  return monday;
}

std::optional<IsoTime> ParseWeek(int year, FieldReader* reader) {
  int week = 0;
  if (!reader->Read(2, &week)) return std::nullopt;
  const std::optional<absl::CivilDay> monday = MondayOfWeek(year, week);
  if (!monday.has_value()) return std::nullopt;
  if (reader->done()) return DaySpan{*monday, *monday + 6};
  int day = 0;
  if (!reader->Skip('-') || !reader->Read(1, &day) || !reader->done()) return std::nullopt;
  if (day < 1 || day > 7) return std::nullopt;
  return DaySpan{*monday + (day - 1), *monday + (day - 1)};
}

// Reads Z, +HH:MM or -HH:MM as seconds east of UTC.
bool ReadOffset(FieldReader* reader, int* seconds) {
  *seconds = 0;
  if (reader->Skip('Z') || reader->Skip('z')) return true;
  const bool west = reader->Skip('-');
  if (!west && !reader->Skip('+')) return false;
  int hours = 0;
  int minutes = 0;
  if (!reader->Read(2, &hours) || !reader->Skip(':') || !reader->Read(2, &minutes)) return false;
  *seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
  return hours <= 23 && minutes <= 59;
}

std::optional<IsoTime> ParseTimeOfDay(const absl::CivilDay& day, const absl::TimeZone& zone,
                                      FieldReader* reader) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int microseconds = 0;
  if (!reader->Read(2, &hour) || !reader->Skip(':') || !reader->Read(2, &minute)) {
    return std::nullopt;
  }
  if (reader->Skip(':')) {
    if (!reader->Read(2, &second)) return std::nullopt;
    if (reader->Skip('.') && !reader->ReadFraction(&microseconds)) return std::nullopt;
  }
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const absl::CivilSecond civil(day.year(), day.month(), day.day(), hour, minute, second);
  const absl::Duration fraction = absl::Microseconds(microseconds);
  if (reader->done()) return absl::FromCivil(civil, zone) + fraction;
  int offset = 0;
  if (!ReadOffset(reader, &offset) || !reader->done()) return std::nullopt;
  return absl::FromCivil(civil, absl::UTCTimeZone()) - absl::Seconds(offset) + fraction;
}

}  // namespace

std::optional<IsoTime> ParseIsoTime(std::string_view text, const absl::TimeZone& zone) {
  FieldReader reader(text);
  int year = 0;
  int month = 0;
  int day = 0;
  if (!reader.Read(4, &year) || !reader.Skip('-')) return std::nullopt;
  if (reader.Skip('W')) return ParseWeek(year, &reader);
  if (!reader.Read(2, &month) || !reader.Skip('-') || !reader.Read(2, &day)) return std::nullopt;
  const std::optional<absl::CivilDay> civil = MakeDay(year, month, day);
  if (!civil.has_value()) return std::nullopt;
  if (reader.done()) return DaySpan{*civil, *civil};
  if (!reader.Skip('T') && !reader.Skip('t') && !reader.Skip(' ')) return std::nullopt;
  return ParseTimeOfDay(*civil, zone, &reader);
}

bool IsDate(const DateLiteral& literal) {
  return MakeDay(literal.year, literal.month, literal.day).has_value();
}

bool IsTimestamp(const TimestampLiteral& literal) {
  constexpr int64_t kMicrosPerSecond = 1'000'000;
  const absl::Time first = absl::FromCivil(absl::CivilSecond(1), absl::UTCTimeZone());
  const absl::Time end = absl::FromCivil(absl::CivilSecond(10'000), absl::UTCTimeZone());
  return literal.unix_us >= absl::ToUnixSeconds(first) * kMicrosPerSecond &&
         literal.unix_us < absl::ToUnixSeconds(end) * kMicrosPerSecond;
}

std::string FormatIsoDate(const absl::CivilDay& day) {
  return fmt::format("{:04}-{:02}-{:02}", day.year(), day.month(), day.day());
}

std::string FormatIsoTimestamp(int64_t unix_us) {
  return absl::FormatTime("%E4Y-%m-%d%ET%H:%M:%E*SZ", absl::FromUnixMicros(unix_us),
                          absl::UTCTimeZone());
}

}  // namespace throng::query
