// Dates, times, zones and relative times: what a literal is against DATE and against DATETIME.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "index/error.h"
#include "query/iso_time.h"
#include "query/parser.h"
#include "query/resolver.h"
#include "tests/query/resolver_fixture.h"

namespace throng::query {
namespace {

struct Case {
  std::string_view text;
  std::string_view plan;
};

void ExpectPlans(const ResolverFixture& fixture, const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(fixture.Plan(c.text), c.plan) << c.text;
}

TEST(ResolverTimeTest, DaysAndWeeksAgainstDate) {
  ExpectPlans(
      ResolverFixture(),
      {{"born = '2024-02-29'", "born in [2024-02-29, 2024-02-29]"},
       {"born != '2024-02-29'", "and(exists(born), not(born in [2024-02-29, 2024-02-29]))"},
       {"born > '2024-02-29'", "born in [2024-03-01, max]"},
       {"born < '2024-02-29'", "born in [min, 2024-02-28]"},
       {"born between '1969-12-31' and '1970-01-02' exclusive", "born in [1969-12-31, 1970-01-01]"},
       {"born in ('2024-01-02', '2024-01-01', '2024-01-05')",
        "born in [2024-01-01, 2024-01-02], [2024-01-05, 2024-01-05]"},
       {"born = '2024-W07'", "born in [2024-02-12, 2024-02-18]"},
       {"born = '2024-W07-3'", "born in [2024-02-14, 2024-02-14]"},
       {"born >= '2024-W07'", "born in [2024-02-12, max]"},
       {"born > '2024-W07'", "born in [2024-02-19, max]"},
       {"born < '2024-W07'", "born in [min, 2024-02-11]"},
       {"born <= '2024-W07'", "born in [min, 2024-02-18]"},
       {"born between '2024-W07' and '2024-W08'", "born in [2024-02-12, 2024-02-25]"},
       {"born in ('2024-W07', '2024-W08')", "born in [2024-02-12, 2024-02-25]"}});
}

TEST(ResolverTimeTest, TimesAgainstDateAreTheirDayInTheZone) {
  ResolverFixture fixture;
  fixture.SetClock("Asia/Shanghai", "2024-05-31T10:20:30.5Z");
  ExpectPlans(fixture, {{"born = '2024-02-12T15:59:59Z'", "born in [2024-02-12, 2024-02-12]"},
                        {"born = '2024-02-12T16:00:00Z'", "born in [2024-02-13, 2024-02-13]"},
                        {"born > '2024-02-12 16:00'", "born in [2024-02-13, max]"}});
}

TEST(ResolverTimeTest, LiteralsAgainstDateTime) {
  ResolverFixture fixture;
  ExpectPlans(
      fixture,
      {{"seen = '2024-02-12'", "seen in [2024-02-12T00:00:00Z, 2024-02-12T23:59:59.999999Z]"},
       {"seen > '2024-02-12'", "seen in [2024-02-13T00:00:00Z, max]"},
       {"seen <= '2024-02-12'", "seen in [min, 2024-02-12T23:59:59.999999Z]"},
       {"seen < '2024-02-12'", "seen in [min, 2024-02-11T23:59:59.999999Z]"},
       {"seen = '2024-02-12 09:30'", "seen in [2024-02-12T09:30:00Z, 2024-02-12T09:30:00Z]"},
       {"seen > '2024-02-12 09:30:00.5'", "seen in [2024-02-12T09:30:00.500001Z, max]"},
       {"seen = '2024-W07'", "seen in [2024-02-12T00:00:00Z, 2024-02-18T23:59:59.999999Z]"}});
  fixture.SetClock("Asia/Shanghai", "2024-05-31T10:20:30.5Z");
  ExpectPlans(fixture, {{"seen = '2024-02-12'",
                         "seen in [2024-02-11T16:00:00Z, 2024-02-12T15:59:59.999999Z]"},
                        {"seen >= '2024-02-12 09:30'", "seen in [2024-02-12T01:30:00Z, max]"},
                        {"seen >= '2024-02-12T09:30:00Z'", "seen in [2024-02-12T09:30:00Z, max]"}});
}

TEST(ResolverTimeTest, DaysOfZonesThatChangeTheirClocks) {
  ResolverFixture fixture;
  fixture.SetClock("America/New_York", "2024-05-31T10:20:30.5Z");
  ExpectPlans(
      fixture,  // 23 hours and 25 hours
      {{"seen = '2024-03-10'", "seen in [2024-03-10T05:00:00Z, 2024-03-11T03:59:59.999999Z]"},
       {"seen = '2024-11-03'", "seen in [2024-11-03T04:00:00Z, 2024-11-04T04:59:59.999999Z]"}});
  fixture.SetClock("America/Sao_Paulo", "2024-05-31T10:20:30.5Z");
  ExpectPlans(  // midnight did not exist: the day began at 01:00
      fixture,
      {{"seen = '2018-11-04'", "seen in [2018-11-04T03:00:00Z, 2018-11-05T01:59:59.999999Z]"}});
}

TEST(ResolverTimeTest, RelativeDays) {
  ExpectPlans(ResolverFixture(),  // a Friday
              {{"born = today()", "born in [2024-05-31, 2024-05-31]"},
               {"born >= today() - 30d", "born in [2024-05-01, max]"},
               {"born = today() - 3m", "born in [2024-02-29, 2024-02-29]"},  // no February 31
               {"born = today() - 3m - 1y", "born in [2023-02-28, 2023-02-28]"},
               {"born = today() - 1y - 3m", "born in [2023-02-28, 2023-02-28]"},
               {"born = today() + 1m", "born in [2024-06-30, 2024-06-30]"},
               {"born = today() - 3m + 3m", "born in [2024-05-29, 2024-05-29]"},
               {"born = today() + 2w", "born in [2024-06-14, 2024-06-14]"},
               {"born = start_of_week()", "born in [2024-05-27, 2024-05-27]"},
               {"born = start_of_week() - 1w", "born in [2024-05-20, 2024-05-20]"},
               {"born = start_of_month()", "born in [2024-05-01, 2024-05-01]"},
               {"born = start_of_month() - 1m", "born in [2024-04-01, 2024-04-01]"},
               {"born = start_of_month() - 1d", "born in [2024-04-30, 2024-04-30]"},
               {"born = now() - 11h", "born in [2024-05-30, 2024-05-30]"},
               {"born = now() - 10h", "born in [2024-05-31, 2024-05-31]"},
               {"born = today() - 1min", "born in [2024-05-30, 2024-05-30]"}});
}

TEST(ResolverTimeTest, RelativeTimesAgainstDateTime) {
  ExpectPlans(ResolverFixture(),
              {{"seen = today()", "seen in [2024-05-31T00:00:00Z, 2024-05-31T23:59:59.999999Z]"},
               {"seen > today() - 1d", "seen in [2024-05-31T00:00:00Z, max]"},
               {"seen >= today() - 1d", "seen in [2024-05-30T00:00:00Z, max]"},
               {"seen < start_of_month()", "seen in [min, 2024-04-30T23:59:59.999999Z]"},
               {"seen = now()", "seen in [2024-05-31T10:20:30.5Z, 2024-05-31T10:20:30.5Z]"},
               {"seen > now() - 3m", "seen in [2024-02-29T10:20:30.500001Z, max]"},
               {"seen >= now() - 90min", "seen in [2024-05-31T08:50:30.5Z, max]"},
               {"seen >= today() + 9h", "seen in [2024-05-31T09:00:00Z, max]"},
               {"seen >= today() + 9h - 1m", "seen in [2024-04-30T09:00:00Z, max]"}});
}

TEST(ResolverTimeTest, MondayAndSundayBelongToTheirWeek) {
  ResolverFixture fixture;
  fixture.SetClock("UTC", "2024-05-27T00:00:00Z");
  EXPECT_EQ(fixture.Plan("born = start_of_week()"), "born in [2024-05-27, 2024-05-27]");
  fixture.SetClock("UTC", "2024-06-02T23:59:59.999999Z");
  EXPECT_EQ(fixture.Plan("born = start_of_week()"), "born in [2024-05-27, 2024-05-27]");
  fixture.SetClock("UTC", "2021-01-01T12:00:00Z");
  EXPECT_EQ(fixture.Plan("born = start_of_week()"), "born in [2020-12-28, 2020-12-28]");
}

TEST(ResolverTimeTest, TodayIsTheZonesToday) {
  ResolverFixture fixture;
  fixture.SetClock("Asia/Shanghai", "2024-05-31T16:00:00Z");
  EXPECT_EQ(fixture.Plan("born = today()"), "born in [2024-06-01, 2024-06-01]");
  fixture.SetClock("America/New_York", "2024-05-31T03:59:59.999999Z");
  EXPECT_EQ(fixture.Plan("born = today()"), "born in [2024-05-30, 2024-05-30]");
  fixture.SetClock("Pacific/Kiritimati", "2024-12-31T10:00:00Z");
  EXPECT_EQ(fixture.Plan("born = today()"), "born in [2025-01-01, 2025-01-01]");
}

TEST(ResolverTimeTest, CivilUnitsKeepTheTimeOfDayElapsedOnesDoNot) {
  ResolverFixture fixture;
  fixture.SetClock("America/New_York",
                   "2024-03-10T16:00:00Z");  // noon, the day clocks went forward
  EXPECT_EQ(fixture.Plan("seen >= now() - 1d"), "seen in [2024-03-09T17:00:00Z, max]");
  EXPECT_EQ(fixture.Plan("seen >= now() - 24h"), "seen in [2024-03-09T16:00:00Z, max]");
  // 01:30 for the second time: no move, no jump to the first.
  fixture.SetClock("America/New_York", "2024-11-03T06:30:00Z");
  EXPECT_EQ(fixture.Plan("seen >= now() + 0d"), "seen in [2024-11-03T06:30:00Z, max]");
  EXPECT_EQ(fixture.Plan("seen >= now() - 60min"), "seen in [2024-11-03T05:30:00Z, max]");
  // A move into the hour that did not exist ends at the change.
  fixture.SetClock("America/New_York", "2024-03-09T07:30:00Z");
  EXPECT_EQ(fixture.Plan("seen >= now() + 1d"), "seen in [2024-03-10T07:00:00Z, max]");
}

TEST(ResolverTimeTest, FarTimesAreStillOrdered) {
  ExpectPlans(ResolverFixture(),
              {{"seen > now() + 100000y + 100000y + 100000y + 100000y", "none"},
               {"seen < now() + 100000y + 100000y + 100000y + 100000y", "seen in [min, max]"},
               {"seen < today() - 100000y - 100000y - 100000y - 100000y", "none"},
               {"seen = today() - 100000y - 100000y - 100000y - 100000y", "none"},
               {"born < today() + 100000y + 100000y", "born in [min, 202024-05-30]"}});
}

TEST(ResolverTimeTest, TypedLiterals) {
  const ResolverFixture fixture;
  const auto plan = [&](const std::string& tag, Value value) {
    return fixture.Plan(Expression{Condition{tag, AnyOf{{std::move(value)}}, {}, {}}});
  };
  const Value date{DateLiteral{2024, 2, 29}, {}};
  const Value timestamp{TimestampLiteral{1'000'001}, {}};
  EXPECT_EQ(plan("born", date), "born in [2024-02-29, 2024-02-29]");
  EXPECT_EQ(plan("seen", date), "seen in [2024-02-29T00:00:00Z, 2024-02-29T23:59:59.999999Z]");
  EXPECT_EQ(plan("born", timestamp), "born in [1970-01-01, 1970-01-01]");
  EXPECT_EQ(plan("seen", timestamp),
            "seen in [1970-01-01T00:00:01.000001Z, 1970-01-01T00:00:01.000001Z]");
  EXPECT_EQ(plan("city", date), "WRONG_VALUE_TYPE 0:0+0 text in single quotes");
  EXPECT_EQ(plan("views", timestamp), "WRONG_VALUE_TYPE 0:0+0 a number");
}

TEST(ResolverTimeTest, BadDates) {
  const std::string forms =
      " 'YYYY-MM-DD', 'YYYY-Www', 'YYYY-Www-D', 'YYYY-MM-DD HH:MM:SS' or a relative time";
  const ResolverFixture fixture;
  EXPECT_EQ(fixture.Plan("born = '2024-02-30'"), "BAD_DATE 1:8+12" + forms);
  EXPECT_EQ(fixture.Plan("born in ('2024-02-29', 'yesterday')"), "BAD_DATE 1:24+11" + forms);
  EXPECT_EQ(fixture.Plan("seen < '2024-02-29 25:00'"), "BAD_DATE 1:8+18" + forms);
  EXPECT_EQ(fixture.Plan("born = 20240229"), "WRONG_VALUE_TYPE 1:8+8" + forms);
  EXPECT_EQ(fixture.Plan("seen = true"), "WRONG_VALUE_TYPE 1:8+4" + forms);
}

TEST(ResolverTimeTest, ResolveDayAndInstant) {
  const TimeContext time = *MakeTimeContext("Asia/Shanghai", 1'717'150'830'500'000);  // 18:20:30.5
  EXPECT_EQ(ResolveDay({TimeAnchor::kToday, {}}, time), 19'874);
  EXPECT_EQ(ResolveDay({TimeAnchor::kNow, {{6, TimeUnit::kHour}}}, time), 19'875);
  EXPECT_EQ(ResolveInstant({TimeAnchor::kToday, {}}, time), 1'717'084'800'000'000);
  EXPECT_EQ(ResolveInstant({TimeAnchor::kNow, {}}, time), 1'717'150'830'500'000);
  RelativeTimeLiteral far{TimeAnchor::kNow, {}};
  far.offsets.assign(8, TimeOffset{100'000, TimeUnit::kYear});
  EXPECT_EQ(ResolveInstant(far, time), INT64_MAX);
}

TEST(MakeTimeContextTest, TakesNamesOfTheDatabaseOnly) {
  EXPECT_EQ(MakeTimeContext("", 5)->zone_name, "UTC");
  EXPECT_EQ(MakeTimeContext("America/Argentina/Buenos_Aires", 5)->reference_us, 5);
  EXPECT_TRUE(MakeTimeContext("Etc/GMT+8", 0).ok());
  for (const char* name : {"Mars/Olympus", "/etc/localtime", "../../etc/localtime", "file:UTC",
                           "libc:localtime", "Fixed/UTC+01:00:00", "UTC ", "America"}) {
    const absl::Status status = MakeTimeContext(name, 0).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    ASSERT_TRUE(index::GetErrorDetail(status).has_value()) << name;
    EXPECT_EQ(index::GetErrorDetail(status)->reason, "UNKNOWN_TIME_ZONE");
  }
  EXPECT_FALSE(MakeTimeContext(std::string(65, 'A'), 0).ok());
}

}  // namespace
}  // namespace throng::query
