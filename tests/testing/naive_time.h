// Dates and times for the naive model: calendar arithmetic of its own, zones from Abseil's tables.
//
//   NaiveClock clock("Asia/Shanghai", reference_us);
//   NaiveSpan span = clock.Micros(literal);   // what a literal covers in a DATETIME tag
//   NaiveDayOf(2024, 2, 29);                  // days since 1970-01-01
#ifndef THRONG_TESTS_TESTING_NAIVE_TIME_H_
#define THRONG_TESTS_TESTING_NAIVE_TIME_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "query/expression.h"

namespace throng::testing {

// Stored numbers from low to high; low > high: none, but there is a place between them.
struct NaiveSpan {
  query::Int128 low = 0;
  query::Int128 high = 0;
};

// Days since 1970-01-01 of the proleptic Gregorian calendar, by the rules of leap years.
int64_t NaiveDayOf(int64_t year, int month, int day);

// A reference time and a zone. Thread-safe: immutable.
class NaiveClock {
 public:
  // Dies when the zone is unknown.
  NaiveClock(const std::string& zone, int64_t reference_us);

  // What a date or time literal covers in a DATE tag: days.
  NaiveSpan Days(const query::Value& value) const;
  // ... in a DATETIME tag: microseconds.
  NaiveSpan Micros(const query::Value& value) const;

 private:
  // Either a day or an instant.
  struct Moment {
    bool is_day = true;
    int64_t day = 0;
    int64_t micros = 0;
  };

  Moment Read(const query::Value& value) const;
  Moment ReadText(const std::string& text) const;
  Moment Resolve(const query::RelativeTimeLiteral& literal) const;
  Moment Move(const Moment& moment, const query::TimeOffset& offset) const;
  int64_t DayOf(int64_t micros) const;
  // The instant at which clocks in the zone show `seconds` since 1970-01-01 00:00:00.
  int64_t InstantOf(int64_t local_seconds) const;
  int64_t LocalSeconds(int64_t micros) const;

  absl::TimeZone zone_;
  int64_t reference_us_;
};

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_NAIVE_TIME_H_
