#include "query/iso_time.h"

#include <string>
#include <string_view>
#include <variant>

#include "fmt/format.h"
#include "gtest/gtest.h"

namespace throng::query {
namespace {

// "2024-02-12", "2024-02-12..2024-02-18", "2024-02-12T01:30:00Z" or "no".
std::string Read(std::string_view text, std::string_view zone_name = "UTC") {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(std::string(zone_name), &zone)) return "no zone";
  const std::optional<IsoTime> parsed = ParseIsoTime(text, zone);
  if (!parsed.has_value()) return "no";
  if (const absl::Time* instant = std::get_if<absl::Time>(&*parsed)) {
    return FormatIsoTimestamp(absl::ToUnixMicros(*instant));
  }
  const DaySpan& days = std::get<DaySpan>(*parsed);
  if (days.first == days.last) return FormatIsoDate(days.first);
  return fmt::format("{}..{}", FormatIsoDate(days.first), FormatIsoDate(days.last));
}

TEST(IsoTimeTest, Days) {
  EXPECT_EQ(Read("2024-02-29"), "2024-02-29");
  EXPECT_EQ(Read("0001-01-01"), "0001-01-01");
  EXPECT_EQ(Read("9999-12-31"), "9999-12-31");
  for (const char* bad : {"", "2024", "2024-02", "2024-02-30", "2023-02-29", "2024-13-01",
                          "2024-00-01", "2024-01-00", "0000-01-01", "24-01-01", "2024-1-1",
                          "2024/01/01", "2024-01-01 ", " 2024-01-01", "20240101", "-024-01-01"}) {
    EXPECT_EQ(Read(bad), "no") << bad;
  }
}

TEST(IsoTimeTest, Weeks) {
  EXPECT_EQ(Read("2024-W07"), "2024-02-12..2024-02-18");
  EXPECT_EQ(Read("2024-W07-1"), "2024-02-12");
  EXPECT_EQ(Read("2024-W07-7"), "2024-02-18");
  EXPECT_EQ(Read("2021-W01"), "2021-01-04..2021-01-10");  // January 1 was a Friday
  EXPECT_EQ(Read("2020-W53"), "2020-12-28..2021-01-03");  // a year of 53 weeks
  EXPECT_EQ(Read("2015-W01"), "2014-12-29..2015-01-04");  // begins in the year before
  EXPECT_EQ(Read("2018-W01"), "2018-01-01..2018-01-07");  // January 1 a Monday
  EXPECT_EQ(Read("2023-W52"), "2023-12-25..2023-12-31");
  for (const char* bad : {"2021-W53", "2024-W00", "2024-W54", "2024-W7", "2024-W07-0", "2024-W07-8",
                          "2024-W07-", "2024-W071", "2024-w07"}) {
    EXPECT_EQ(Read(bad), "no") << bad;
  }
}

TEST(IsoTimeTest, Times) {
  EXPECT_EQ(Read("2024-02-12T09:30:00Z"), "2024-02-12T09:30:00Z");
  EXPECT_EQ(Read("2024-02-12T09:30:00.5+08:00"), "2024-02-12T01:30:00.5Z");
  EXPECT_EQ(Read("2024-02-12t09:30:00-00:30"), "2024-02-12T10:00:00Z");
  EXPECT_EQ(Read("2024-02-12 09:30", "Asia/Shanghai"), "2024-02-12T01:30:00Z");
  EXPECT_EQ(Read("2024-02-12 09:30:15.000001", "Asia/Shanghai"), "2024-02-12T01:30:15.000001Z");
  EXPECT_EQ(Read("2024-02-12T09:30Z", "Asia/Shanghai"), "2024-02-12T09:30:00Z");
  EXPECT_EQ(Read("1969-12-31 23:59:59.999999"), "1969-12-31T23:59:59.999999Z");
  for (const char* bad :
       {"2024-02-12 24:00", "2024-02-12 09:60", "2024-02-12 09:30:60", "2024-02-12 9:30",
        "2024-02-12 09:30:15.", "2024-02-12 09:30:15.1234567", "2024-02-12 09", "2024-02-12T",
        "2024-02-12  09:30", "2024-02-12 09:30 Z", "2024-02-12 09:30+8", "2024-02-12 09:30+24:00",
        "2024-02-12 09:30+0800", "2024-W07-1 09:30"}) {
    EXPECT_EQ(Read(bad), "no") << bad;
  }
}

TEST(IsoTimeTest, TimesThatAZoneSkipsOrRepeats) {
  // New York: 02:00 to 03:00 on 2024-03-10 did not exist, 01:00 to 02:00 on 2024-11-03 was twice.
  EXPECT_EQ(Read("2024-03-10 02:30", "America/New_York"), "2024-03-10T07:00:00Z");
  EXPECT_EQ(Read("2024-03-10 03:00", "America/New_York"), "2024-03-10T07:00:00Z");
  EXPECT_EQ(Read("2024-11-03 01:30", "America/New_York"), "2024-11-03T05:30:00Z");
}

TEST(IsoTimeTest, BoundsOfTypedLiterals) {
  EXPECT_TRUE(IsDate({.year = 2024, .month = 2, .day = 29}));
  EXPECT_FALSE(IsDate({.year = 2023, .month = 2, .day = 29}));
  EXPECT_FALSE(IsDate({.year = 0, .month = 1, .day = 1}));
  EXPECT_FALSE(IsDate({.year = 10'000, .month = 1, .day = 1}));
  EXPECT_FALSE(IsDate({.year = 2023, .month = -1, .day = 1}));
  EXPECT_TRUE(IsTimestamp({.unix_us = -62'135'596'800'000'000}));
  EXPECT_FALSE(IsTimestamp({.unix_us = -62'135'596'800'000'001}));
  EXPECT_TRUE(IsTimestamp({.unix_us = 253'402'300'799'999'999}));
  EXPECT_FALSE(IsTimestamp({.unix_us = 253'402'300'800'000'000}));
}

}  // namespace
}  // namespace throng::query
