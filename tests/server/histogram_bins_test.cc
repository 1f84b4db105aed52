// Round steps of numbers, and days, weeks and months in zones that skip and repeat midnights and
// days.
#include "server/engine/histogram_bins.h"

#include <limits>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/error.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3'600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

std::string Bound(const std::optional<int64_t>& bound) {
  return bound.has_value() ? std::to_string(*bound) : "";
}

// "0 10 20]": the ends; "]" where the last is included.
std::string Ends(const std::vector<HistogramBin>& bins) {
  std::string text = Bound(bins[0].lower);
  for (size_t i = 0; i < bins.size(); ++i) {
    if (i > 0) {
      EXPECT_EQ(bins[i].lower, bins[i - 1].upper);
      EXPECT_FALSE(bins[i - 1].includes_upper);
    }
    text += fmt::format(" {}", Bound(bins[i].upper));
  }
  return text + (bins.back().includes_upper ? "]" : "");
}

TEST(EvenBinsTest, StepsAreRound) {
  struct Case {
    int64_t min;
    int64_t max;
    uint32_t bins;
    std::string ends;
  };
  const std::vector<Case> cases = {
      {0, 97, 10, "0 10 20 30 40 50 60 70 80 90 100]"},
      {0, 100, 10, "0 10 20 30 40 50 60 70 80 90 100]"},
      {0, 101, 10, "0 20 40 60 80 100 120]"},
      {-7, 5, 4, "-10 -5 0 5]"},
      {-1, 1, 2, "-2 0 2]"},
      {5, 5, 10, "5 6"},
      {0, 1, 2, "0 1 2"},
      {0, 2, 2, "0 2]"},
      {1'994, 2'024, 3, "1980 2000 2020 2040]"},
      {0, 19, 20, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"},
      {0, 20, 20, "0 2 4 6 8 10 12 14 16 18 20]"},
      {kMax, kMax, 2, fmt::format("{} ", kMax)},
      {kMin, kMin, 2, fmt::format("{} {}", kMin, kMin + 1)},
      {kMin, kMax, 4, " -5000000000000000000 0 5000000000000000000 ]"},
      {kMin, kMax, 2, " 0 ]"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Ends(EvenBins(c.min, c.max, c.bins)), c.ends)
        << c.min << " to " << c.max << " in " << c.bins;
  }
}

TEST(EdgeBinsTest, OneMoreThanEdges) {
  EXPECT_EQ(Ends(EdgeBins({3})), " 3 ");
  EXPECT_EQ(Ends(EdgeBins({kMin, 0, kMax})), fmt::format(" {} 0 {} ", kMin, kMax));
}

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(name, &zone)) ADD_FAILURE() << name;
  return zone;
}

// "2011-12-29 24h, 2011-12-31 24h"
std::string Periods(const std::string& zone, const absl::CivilSecond& first,
                    const absl::CivilSecond& last, Period period) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const auto bins =
      Must(PeriodBins(index::TagType::kDateTime, absl::ToUnixMicros(absl::FromCivil(first, utc)),
                      absl::ToUnixMicros(absl::FromCivil(last, utc)), period, Zone(zone)));
  std::string text;
  for (const HistogramBin& bin : bins) {
    text += fmt::format("{}{} {}h", text.empty() ? "" : ", ", bin.label,
                        static_cast<double>(*bin.upper - *bin.lower) / kHour);
  }
  return text;
}

TEST(PeriodBinsTest, DaysAreAsLongAsTheZoneMakesThem) {
  using Civil = absl::CivilSecond;
  EXPECT_EQ(Periods("UTC", Civil(2024, 2, 28, 23), Civil(2024, 3, 1), Period::kDay),
            "2024-02-28 24h, 2024-02-29 24h, 2024-03-01 24h");
  EXPECT_EQ(Periods("Europe/Berlin", Civil(2024, 3, 30, 12), Civil(2024, 3, 31, 12), Period::kDay),
            "2024-03-30 24h, 2024-03-31 23h");
  EXPECT_EQ(
      Periods("Europe/Berlin", Civil(2024, 10, 26, 12), Civil(2024, 10, 27, 12), Period::kDay),
      "2024-10-26 24h, 2024-10-27 25h");
  // Clocks jump from midnight to 01:00.
  EXPECT_EQ(
      Periods("America/Sao_Paulo", Civil(2018, 11, 3, 12), Civil(2018, 11, 4, 12), Period::kDay),
      "2018-11-03 24h, 2018-11-04 23h");
  // And back from midnight to 23:00: the day before has 25 hours.
  EXPECT_EQ(
      Periods("America/Sao_Paulo", Civil(2019, 2, 16, 12), Civil(2019, 2, 17, 12), Period::kDay),
      "2019-02-16 25h, 2019-02-17 24h");
  // Half an hour.
  EXPECT_EQ(
      Periods("Australia/Lord_Howe", Civil(2024, 4, 6, 6), Civil(2024, 4, 7, 6), Period::kDay),
      "2024-04-06 24h, 2024-04-07 24.5h");
  // Samoa had no December 30, 2011.
  EXPECT_EQ(Periods("Pacific/Apia", Civil(2011, 12, 29, 20), Civil(2011, 12, 31, 9), Period::kDay),
            "2011-12-29 24h, 2011-12-31 24h");
  // Clocks went from 00:01 back to 23:01: the day has begun by then, and goes on.
  EXPECT_EQ(
      Periods("America/St_Johns", Civil(2010, 11, 6, 12), Civil(2010, 11, 7, 12), Period::kDay),
      "2010-11-06 24h, 2010-11-07 25h");
}

TEST(PeriodBinsTest, WeeksAreOfTheIsoYearAndMonthsOfTheZone) {
  using Civil = absl::CivilSecond;
  EXPECT_EQ(Periods("UTC", Civil(2020, 12, 27, 23), Civil(2021, 1, 4), Period::kWeek),
            "2020-W52 168h, 2020-W53 168h, 2021-W01 168h");
  EXPECT_EQ(Periods("UTC", Civil(2024, 12, 30), Civil(2024, 12, 31), Period::kWeek),
            "2025-W01 168h");
  EXPECT_EQ(Periods("Asia/Shanghai", Civil(2024, 1, 31, 15, 59, 59), Civil(2024, 1, 31, 16),
                    Period::kMonth),
            "2024-01 744h, 2024-02 696h");
  EXPECT_EQ(Periods("America/New_York", Civil(2024, 3, 5), Civil(2024, 3, 5), Period::kMonth),
            "2024-03 743h");
}

TEST(PeriodBinsTest, DatesHaveNoZone) {
  const auto bins =
      Must(PeriodBins(index::TagType::kDate, -1, 1, Period::kDay, Zone("Asia/Tokyo")));
  ASSERT_EQ(bins.size(), 3u);
  EXPECT_EQ(bins[0].label, "1969-12-31");
  EXPECT_EQ(bins[0].lower, -1);
  EXPECT_EQ(bins[2].upper, 2);
  // 1970-01-01 was a Thursday.
  const auto weeks = Must(PeriodBins(index::TagType::kDate, 0, 4, Period::kWeek, Zone("UTC")));
  ASSERT_EQ(weeks.size(), 2u);
  EXPECT_EQ(weeks[0].label, "1970-W01");
  EXPECT_EQ(weeks[0].lower, -3);
  EXPECT_EQ(weeks[1].lower, 4);
}

TEST(PeriodBinsTest, BoundsBeyondTheYearsThatThereAreAreAbsent) {
  constexpr int64_t kFirst = -719'162;
  constexpr int64_t kLast = 2'932'896;
  const auto first = Must(PeriodBins(index::TagType::kDate, kFirst, kFirst, Period::kMonth, {}));
  EXPECT_EQ(first[0].lower, kFirst);
  const auto last = Must(PeriodBins(index::TagType::kDate, kLast, kLast, Period::kMonth, {}));
  EXPECT_EQ(last[0].label, "9999-12");
  EXPECT_FALSE(last[0].upper.has_value());
  const auto west = Must(PeriodBins(index::TagType::kDateTime, kFirst * kDay, kFirst * kDay,
                                    Period::kDay, Zone("America/New_York")));
  EXPECT_EQ(west[0].label, "0000-12-31");
  EXPECT_FALSE(west[0].lower.has_value());
}

TEST(PeriodBinsTest, PeriodsEndAtTheirLimit) {
  const auto days = [](int64_t last) {
    return PeriodBins(index::TagType::kDate, 0, last, Period::kDay, absl::UTCTimeZone());
  };
  EXPECT_EQ(days(kStatisticsPeriodsMax - 1)->size(), kStatisticsPeriodsMax);
  const absl::Status status = days(kStatisticsPeriodsMax).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(),
            "from 1970-01-01 to 1997-05-19 there are 10001 days, at most 10000 are counted");
  EXPECT_EQ(index::GetErrorDetail(status)->limit, kStatisticsPeriodsMax);
  EXPECT_EQ(index::GetErrorDetail(status)->requested, kStatisticsPeriodsMax + 1u);
  // All weeks there are do not fit, all months of 800 years do.
  EXPECT_FALSE(PeriodBins(index::TagType::kDate, -719'162, 2'932'896, Period::kWeek, {}).ok());
  EXPECT_TRUE(PeriodBins(index::TagType::kDate, 0, 365 * 800, Period::kMonth, {}).ok());
}

// Every number is in the bin that has it between its bounds, wherever the bins come from.
TEST(PeriodBinsTest, BinsHaveNoGapsAndCoverAll) {
  for (const char* name : {"UTC", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca"}) {
    for (const Period period : {Period::kDay, Period::kWeek, Period::kMonth}) {
      const int64_t min = 631'152'001 * kSecond;  // 1990
      const int64_t max = min + 3'000 * kDay;
      const auto bins = Must(PeriodBins(index::TagType::kDateTime, min, max, period, Zone(name)));
      EXPECT_LE(*bins.front().lower, min);
      EXPECT_GT(*bins.front().upper, min);
      EXPECT_LE(*bins.back().lower, max);
      EXPECT_GT(*bins.back().upper, max);
      for (size_t i = 1; i < bins.size(); ++i) EXPECT_EQ(bins[i].lower, bins[i - 1].upper);
    }
  }
}

}  // namespace
}  // namespace throng::engine
