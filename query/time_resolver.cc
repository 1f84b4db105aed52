#include "query/time_resolver.h"

#include <algorithm>
#include <limits>

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"

namespace throng::query {
namespace {

constexpr size_t kZoneNameBytesMax = 64;

// Names of the IANA database only: the library would also open paths and read special names.
bool IsZoneName(std::string_view name) {
  if (name.empty() || name.size() > kZoneNameBytesMax || name.front() == '/') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  });
}

absl::CivilDay AddMonths(const absl::CivilDay& day, int64_t months) {
  const absl::CivilMonth month = absl::CivilMonth(day) + months;
  const absl::CivilDay last = absl::CivilDay(month + 1) - 1;
  return std::min(last, absl::CivilDay(month) + (day.day() - 1));
}

absl::CivilDay AddCivil(const absl::CivilDay& day, const TimeOffset& offset) {
  const int64_t amount = offset.amount;
  switch (offset.unit) {
    case TimeUnit::kDay:
      return day + amount;
    case TimeUnit::kWeek:
      return day + 7 * amount;
    case TimeUnit::kMonth:
      return AddMonths(day, amount);
    case TimeUnit::kYear:
      return AddMonths(day, 12 * amount);
    case TimeUnit::kMinute:
    case TimeUnit::kHour:
      break;
  }
  return day;
}

bool IsElapsed(TimeUnit unit) { return unit == TimeUnit::kMinute || unit == TimeUnit::kHour; }

// The first instant of a civil day. Where the zone skips midnight, the instant of the change.
absl::Time StartOfDay(const absl::CivilDay& day, const absl::TimeZone& zone) {
  return absl::FromCivil(absl::CivilSecond(day), zone);
}

absl::Time AddToInstant(absl::Time instant, const TimeOffset& offset, const absl::TimeZone& zone) {
  if (IsElapsed(offset.unit)) {
    const absl::Duration unit = offset.unit == TimeUnit::kHour ? absl::Hours(1) : absl::Minutes(1);
    return instant + offset.amount * unit;
  }
  const absl::TimeZone::CivilInfo info = zone.At(instant);
  const absl::CivilDay day = AddCivil(absl::CivilDay(info.cs), offset);
  const absl::CivilSecond moved(day.year(), day.month(), day.day(), info.cs.hour(),
                                info.cs.minute(), info.cs.second());
  if (moved == info.cs) return instant;  // also where the zone repeats this hour
  return absl::FromCivil(moved, zone) + info.subsecond;
}

Int128 ToMicros(absl::Time instant) {
  const int64_t seconds = absl::ToUnixSeconds(instant);  // rounds down
  const absl::Duration rest = instant - absl::FromUnixSeconds(seconds);
  return Int128{seconds} * 1'000'000 + absl::ToInt64Microseconds(rest);
}

int64_t Saturate(Int128 number) {
  return static_cast<int64_t>(std::clamp<Int128>(number, std::numeric_limits<int64_t>::min(),
                                                 std::numeric_limits<int64_t>::max()));
}

}  // namespace

absl::StatusOr<TimeContext> MakeTimeContext(std::string_view zone_name, int64_t reference_us) {
  TimeContext time;
  time.zone_name = zone_name.empty() ? "UTC" : std::string(zone_name);
  time.reference_us = reference_us;
  if (!IsZoneName(time.zone_name) || !absl::LoadTimeZone(time.zone_name, &time.zone)) {
    return index::MakeError(
        absl::StatusCode::kInvalidArgument,
        fmt::format(
            "\"{}\" is not a name of the IANA database of time zones",
            std::string_view(time.zone_name)
                .substr(0, index::ValidUtf8Prefix(
                               std::string_view(time.zone_name).substr(0, kZoneNameBytesMax)))),
        {.reason = "UNKNOWN_TIME_ZONE",
         .expected = "an IANA name such as \"Asia/Shanghai\" or \"UTC\""});
  }
  return time;
}

IsoTime ResolveRelative(const RelativeTimeLiteral& literal, const TimeContext& time) {
  absl::Time instant = absl::FromUnixMicros(time.reference_us);
  absl::CivilDay day(time.zone.At(instant).cs);
  bool is_day = true;
  switch (literal.anchor) {
    case TimeAnchor::kToday:
      break;
    case TimeAnchor::kNow:
      is_day = false;
      break;
    case TimeAnchor::kStartOfWeek:
      day = absl::PrevWeekday(day + 1, absl::Weekday::monday);
      break;
    case TimeAnchor::kStartOfMonth:
      day = absl::CivilDay(absl::CivilMonth(day));
      break;
  }
  for (const TimeOffset& offset : literal.offsets) {
    if (is_day && IsElapsed(offset.unit)) {
      instant = StartOfDay(day, time.zone);
      is_day = false;
    }
    if (is_day) {
      day = AddCivil(day, offset);
    } else {
      instant = AddToInstant(instant, offset, time.zone);
    }
  }
  if (is_day) return DaySpan{day, day};
  return instant;
}

ValueSpan ToDays(const IsoTime& iso_time, const absl::TimeZone& zone) {
  const absl::CivilDay epoch(1970, 1, 1);
  if (const absl::Time* instant = std::get_if<absl::Time>(&iso_time)) {
    const absl::CivilDay day(zone.At(*instant).cs);
    return {.low = day - epoch, .high = day - epoch};
  }
  const DaySpan& days = std::get<DaySpan>(iso_time);
  return {.low = days.first - epoch, .high = days.last - epoch};
}

ValueSpan ToMicroseconds(const IsoTime& iso_time, const absl::TimeZone& zone) {
  if (const absl::Time* instant = std::get_if<absl::Time>(&iso_time)) {
    const Int128 micros = ToMicros(*instant);
    return {.low = micros, .high = micros};
  }
  const DaySpan& days = std::get<DaySpan>(iso_time);
  return {.low = ToMicros(StartOfDay(days.first, zone)),
          .high = ToMicros(StartOfDay(days.last + 1, zone)) - 1};
}

int64_t ResolveDay(const RelativeTimeLiteral& literal, const TimeContext& time) {
  return Saturate(ToDays(ResolveRelative(literal, time), time.zone).low);
}

int64_t ResolveInstant(const RelativeTimeLiteral& literal, const TimeContext& time) {
  return Saturate(ToMicroseconds(ResolveRelative(literal, time), time.zone).low);
}

}  // namespace throng::query
