// Relative times and spans of time, as numbers of DATE and DATETIME tags.
//
//   IsoTime t = ResolveRelative({.anchor = TimeAnchor::kToday, .offsets = {{-30}}}, time);
//   ValueSpan days = ToDays(t, time.zone);          // the day itself
//   ValueSpan us = ToMicroseconds(t, time.zone);    // its 86,400,000,000 us, in most zones
//
// Every function is thread-safe.
#ifndef THRONG_QUERY_TIME_RESOLVER_H_
#define THRONG_QUERY_TIME_RESOLVER_H_

#include "query/iso_time.h"
#include "query/resolver.h"

namespace throng::query {

// The stored numbers that a literal stands for, both ends included. A literal between two numbers
// is an empty span with low == high + 1: every comparison with it is still exact.
struct ValueSpan {
  Int128 low = 0;
  Int128 high = 0;
};

// A day if the anchor is not now() and no offset is in hours or minutes, else an instant.
IsoTime ResolveRelative(const RelativeTimeLiteral& literal, const TimeContext& time);

// Days since 1970-01-01: the days, or the day of the instant in `zone`.
ValueSpan ToDays(const IsoTime& iso_time, const absl::TimeZone& zone);

// Microseconds since 1970-01-01T00:00:00Z: from the begin of the first day in `zone` to the end of
// the last, or the instant.
ValueSpan ToMicroseconds(const IsoTime& iso_time, const absl::TimeZone& zone);

}  // namespace throng::query

#endif  // THRONG_QUERY_TIME_RESOLVER_H_
