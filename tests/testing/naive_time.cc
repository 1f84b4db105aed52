#include "tests/testing/naive_time.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <variant>

namespace throng::testing {
namespace {

using query::TimeAnchor;
using query::TimeUnit;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDaySeconds = 86'400;

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

bool IsLeap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysInMonth(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

// Days of all years before `year`, counted from the year 1.
int64_t DaysBeforeYear(int64_t year) {
  const int64_t y = year - 1;
  return 365 * y + FloorDiv(y, 4) - FloorDiv(y, 100) + FloorDiv(y, 400);
}

struct Date {
  int64_t year;
  int month;
  int day;
};

Date DateOf(int64_t days) {
  int64_t year = 1970 + FloorDiv(days, 366);
  while (NaiveDayOf(year + 1, 1, 1) <= days) ++year;
  while (NaiveDayOf(year, 1, 1) > days) --year;
  int month = 1;
  while (month < 12 && NaiveDayOf(year, month + 1, 1) <= days) ++month;
  return {year, month, static_cast<int>(days - NaiveDayOf(year, month, 1)) + 1};
}

int64_t AddMonths(int64_t days, int64_t months) {
  const Date date = DateOf(days);
  const int64_t total = date.year * 12 + (date.month - 1) + months;
  const int64_t year = FloorDiv(total, 12);
  const int month = static_cast<int>(total - year * 12) + 1;
  return NaiveDayOf(year, month, std::min(date.day, DaysInMonth(year, month)));
}

int64_t MoveDay(int64_t day, const query::TimeOffset& offset) {
  switch (offset.unit) {
    case TimeUnit::kDay:
      return day + offset.amount;
    case TimeUnit::kWeek:
      return day + 7 * int64_t{offset.amount};
    case TimeUnit::kMonth:
      return AddMonths(day, offset.amount);
    case TimeUnit::kYear:
      return AddMonths(day, 12 * int64_t{offset.amount});
    case TimeUnit::kMinute:
    case TimeUnit::kHour:
      break;
  }
  std::abort();
}

}  // namespace

int64_t NaiveDayOf(int64_t year, int month, int day) {
  int64_t days = DaysBeforeYear(year) - DaysBeforeYear(1970) + day - 1;
  for (int m = 1; m < month; ++m) days += DaysInMonth(year, m);
  return days;
}

NaiveClock::NaiveClock(const std::string& zone, int64_t reference_us)
    : reference_us_(reference_us) {
  if (!absl::LoadTimeZone(zone, &zone_)) std::abort();
}

int64_t NaiveClock::LocalSeconds(int64_t micros) const {
  const int64_t seconds = FloorDiv(micros, kSecond);
  return seconds + zone_.At(absl::FromUnixSeconds(seconds)).offset;
}

int64_t NaiveClock::DayOf(int64_t micros) const {
  return FloorDiv(LocalSeconds(micros), kDaySeconds);
}

// Where the zone shows a time twice the first one, where it skips it the instant of the change.
int64_t NaiveClock::InstantOf(int64_t local_seconds) const {
  const absl::TimeZone::TimeInfo info =
      zone_.At(absl::CivilSecond(1970, 1, 1, 0, 0, 0) + local_seconds);
  const absl::Time instant = info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
  return absl::ToUnixSeconds(instant) * kSecond;
}

NaiveClock::Moment NaiveClock::Move(const Moment& moment, const query::TimeOffset& offset) const {
  Moment moved = moment;
  if (offset.unit == TimeUnit::kMinute || offset.unit == TimeUnit::kHour) {
    if (moment.is_day) moved.micros = InstantOf(moment.day * kDaySeconds);
    moved.is_day = false;
    moved.micros += offset.amount * (offset.unit == TimeUnit::kHour ? 3600 : 60) * kSecond;
    return moved;
  }
  if (moment.is_day) {
    moved.day = MoveDay(moment.day, offset);
    return moved;
  }
  const int64_t local = LocalSeconds(moment.micros);
  const int64_t day = FloorDiv(local, kDaySeconds);
  const int64_t moved_day = MoveDay(day, offset);
  if (moved_day == day) return moment;
  const int64_t fraction = moment.micros - FloorDiv(moment.micros, kSecond) * kSecond;
  moved.micros = InstantOf(local + (moved_day - day) * kDaySeconds) + fraction;
  return moved;
}

NaiveClock::Moment NaiveClock::Resolve(const query::RelativeTimeLiteral& literal) const {
  Moment moment{.is_day = true, .day = DayOf(reference_us_), .micros = reference_us_};
  switch (literal.anchor) {
    case TimeAnchor::kToday:
      break;
    case TimeAnchor::kNow:
      moment.is_day = false;
      break;
    case TimeAnchor::kStartOfWeek:  // 1970-01-01 was a Thursday
      moment.day -= ((moment.day + 3) % 7 + 7) % 7;
      break;
    case TimeAnchor::kStartOfMonth:
      moment.day -= DateOf(moment.day).day - 1;
      break;
  }
  for (const query::TimeOffset& offset : literal.offsets) moment = Move(moment, offset);
  return moment;
}

// YYYY-MM-DD, and YYYY-MM-DDTHH:MM:SS[.f] with Z or without: in the zone.
NaiveClock::Moment NaiveClock::ReadText(const std::string& text) const {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3) std::abort();
  const int64_t days = NaiveDayOf(year, month, day);
  if (used == static_cast<int>(text.size())) return {.is_day = true, .day = days};
  std::string rest = text.substr(static_cast<size_t>(used));
  if (std::sscanf(rest.c_str(), "T%2d:%2d:%2d%n", &hour, &minute, &second, &used) != 3) {
    std::abort();
  }
  rest = rest.substr(static_cast<size_t>(used));
  int64_t fraction = 0;
  if (!rest.empty() && rest.front() == '.') {
    int64_t unit = kSecond / 10;
    size_t i = 1;
    for (; i < rest.size() && rest[i] >= '0' && rest[i] <= '9'; ++i, unit /= 10) {
      fraction += (rest[i] - '0') * unit;
    }
    rest = rest.substr(i);
  }
  const int64_t local = days * kDaySeconds + hour * 3600 + minute * 60 + second;
  if (rest == "Z") return {.is_day = false, .micros = local * kSecond + fraction};
  if (!rest.empty()) std::abort();
  return {.is_day = false, .micros = InstantOf(local) + fraction};
}

NaiveClock::Moment NaiveClock::Read(const query::Value& value) const {
  if (const auto* text = std::get_if<std::string>(&value.literal)) return ReadText(*text);
  if (const auto* date = std::get_if<query::DateLiteral>(&value.literal)) {
    return {.is_day = true, .day = NaiveDayOf(date->year, date->month, date->day)};
  }
  if (const auto* timestamp = std::get_if<query::TimestampLiteral>(&value.literal)) {
    return {.is_day = false, .micros = timestamp->unix_us};
  }
  return Resolve(std::get<query::RelativeTimeLiteral>(value.literal));
}

NaiveSpan NaiveClock::Days(const query::Value& value) const {
  const Moment moment = Read(value);
  const int64_t day = moment.is_day ? moment.day : DayOf(moment.micros);
  return {.low = day, .high = day};
}

NaiveSpan NaiveClock::Micros(const query::Value& value) const {
  const Moment moment = Read(value);
  if (!moment.is_day) return {.low = moment.micros, .high = moment.micros};
  return {.low = InstantOf(moment.day * kDaySeconds),
          .high = InstantOf((moment.day + 1) * kDaySeconds) - 1};
}

}  // namespace throng::testing
