#include "server/engine/histogram_bins.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/civil_time.h"
#include "fmt/format.h"
#include "index/error.h"
#include "query/iso_time.h"
#include "query/time_resolver.h"
#include "server/engine/write_batch.h"

namespace throng::engine {
namespace {

using query::Int128;

constexpr absl::CivilDay kEpoch(1970, 1, 1);

std::optional<int64_t> Within(Int128 number, int64_t low, int64_t high) {
  if (number < low || number > high) return std::nullopt;
  return static_cast<int64_t>(number);
}

Int128 RoundDown(Int128 number, Int128 step) {
  const Int128 rest = number % step;
  return number - (rest < 0 ? rest + step : rest);
}

absl::CivilDay FirstDayOf(const absl::CivilDay& day, Period period) {
  switch (period) {
    case Period::kDay:
      return day;
    case Period::kWeek:
      return absl::PrevWeekday(day + 1, absl::Weekday::monday);
    case Period::kMonth:
      return absl::CivilDay(absl::CivilMonth(day));
  }
  return day;
}

absl::CivilDay NextPeriod(const absl::CivilDay& first, Period period) {
  switch (period) {
    case Period::kDay:
      return first + 1;
    case Period::kWeek:
      return first + 7;
    case Period::kMonth:
      return absl::CivilDay(absl::CivilMonth(first) + 1);
  }
  return first + 1;
}

int64_t PeriodsBetween(const absl::CivilDay& first, const absl::CivilDay& last, Period period) {
  switch (period) {
    case Period::kDay:
      return last - first + 1;
    case Period::kWeek:
      return (last - first) / 7 + 1;
    case Period::kMonth:
      return absl::CivilMonth(last) - absl::CivilMonth(first) + 1;
  }
  return 0;
}

std::string LabelOf(const absl::CivilDay& first, Period period) {
  switch (period) {
    case Period::kDay:
      return query::FormatIsoDate(first);
    case Period::kWeek: {
      const absl::CivilDay thursday = first + 3;  // says whose week it is
      return fmt::format("{:04}-W{:02}", thursday.year(), (absl::GetYearDay(thursday) - 1) / 7 + 1);
    }
    case Period::kMonth:
      return fmt::format("{:04}-{:02}", first.year(), first.month());
  }
  return "";
}

// Where days begin in the numbers of a tag.
class Calendar {
 public:
  Calendar(index::TagType type, const absl::TimeZone& zone) : type_(type), zone_(zone) {}

  Int128 BeginOf(const absl::CivilDay& day) const {
    if (type_ == index::TagType::kDate) return day - kEpoch;
    return query::ToMicroseconds(query::DaySpan{day, day}, zone_).low;
  }
  // The day whose begin is the last that is not after `number`.
  absl::CivilDay DayOf(int64_t number) const {
    if (type_ == index::TagType::kDate) return kEpoch + number;
    absl::CivilDay day(zone_.At(absl::FromUnixMicros(number)).cs);
    while (BeginOf(day) > number) --day;
    while (BeginOf(day + 1) <= number) ++day;
    return day;
  }

 private:
  const index::TagType type_;
  const absl::TimeZone& zone_;
};

absl::Status CheckPeriods(const absl::CivilDay& first, const absl::CivilDay& last, Period period) {
  const int64_t periods = PeriodsBetween(first, last, period);
  if (periods <= kStatisticsPeriodsMax) return absl::OkStatus();
  const char* names[] = {"days", "weeks", "months"};
  return index::MakeError(
      absl::StatusCode::kResourceExhausted,
      fmt::format("from {} to {} there are {} {}, at most {} are counted", LabelOf(first, period),
                  LabelOf(last, period), periods, names[static_cast<int>(period)],
                  kStatisticsPeriodsMax),
      {.reason = "TOO_MANY_PERIODS",
       .expected = period == Period::kMonth
                       ? "a selection of fewer years, or edges"
                       : "a longer period, a selection of fewer years, or edges",
       .limit = kStatisticsPeriodsMax,
       .requested = static_cast<uint64_t>(periods)});
}

}  // namespace

std::vector<HistogramBin> EvenBins(int64_t min, int64_t max, uint32_t bins_max) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  Int128 step = 1;
  Int128 bins = 0;
  for (Int128 power = 1; bins == 0; power *= 10) {
    for (const int factor : {1, 2, 5}) {
      step = power * factor;
      const Int128 reach = Int128{max} - RoundDown(min, step);
      const Int128 needed = step == 1 ? reach + 1 : std::max<Int128>((reach + step - 1) / step, 1);
      if (needed > bins_max) continue;
      bins = needed;
      break;
    }
  }
  std::vector<HistogramBin> list;
  Int128 lower = RoundDown(min, step);
  for (Int128 i = 0; i < bins; ++i, lower += step) {
    list.push_back({.lower = Within(lower, kLeast, kMost),
                    .upper = Within(lower + step, kLeast, kMost),
                    .includes_upper = step > 1 && i + 1 == bins});
  }
  return list;
}

std::vector<HistogramBin> EdgeBins(const std::vector<int64_t>& edges) {
  std::vector<HistogramBin> bins(edges.size() + 1);
  for (size_t i = 0; i < edges.size(); ++i) {
    bins[i].upper = edges[i];
    bins[i + 1].lower = edges[i];
  }
  return bins;
}

absl::StatusOr<std::vector<HistogramBin>> PeriodBins(index::TagType type, int64_t min, int64_t max,
                                                     Period period, const absl::TimeZone& zone) {
  const Calendar calendar(type, zone);
  absl::CivilDay first = FirstDayOf(calendar.DayOf(min), period);
  const absl::CivilDay last = FirstDayOf(calendar.DayOf(max), period);
  THRONG_RETURN_IF_ERROR(CheckPeriods(first, last, period));
  const StoredRange range = StoredRangeOf(type);
  std::vector<HistogramBin> bins;
  Int128 begin = calendar.BeginOf(first);
  while (first <= last) {
    const absl::CivilDay next = NextPeriod(first, period);
    const Int128 end = calendar.BeginOf(next);
    if (begin < end) {
      bins.push_back({.label = LabelOf(first, period),
                      .lower = Within(begin, range.low, range.high),
                      .upper = Within(end, range.low, range.high)});
    }
    first = next;
    begin = end;
  }
  return bins;
}

}  // namespace throng::engine
