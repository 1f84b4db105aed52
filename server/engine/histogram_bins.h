// The bins of a histogram: round steps for numbers, days, weeks and months for dates and times.
//
//   EvenBins(0, 97, 10);   // 0 to 10, 10 to 20, ..., 90 to 100
//   PeriodBins(index::TagType::kDate, min, max, Period::kWeek, zone);
//
// Bins follow each other without a gap and cover all numbers from min to max: users of bin i are
// those below its upper end less those below the one before. Internal to the engine. Thread-safe.
#ifndef THRONG_SERVER_ENGINE_HISTOGRAM_BINS_H_
#define THRONG_SERVER_ENGINE_HISTOGRAM_BINS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "index/catalogue.h"
#include "server/engine/statistics.h"

namespace throng::engine {

// At most `bins_max`, 2 or more, each as wide as the smallest number of 1, 2 or 5 times a power of
// ten that so few suffice with, and beginning at a multiple of it. The last includes its upper end
// where bins are wider than one unit. A bound beyond 64 bits is absent. REQUIRES: min <= max.
std::vector<HistogramBin> EvenBins(int64_t min, int64_t max, uint32_t bins_max);

// One more than edges, the first and the last without a bound.
std::vector<HistogramBin> EdgeBins(const std::vector<int64_t>& edges);

// The periods from that of min to that of max; weeks are ISO 8601's, from Monday on. Of a DATETIME
// tag a day begins when the zone's clocks first show its midnight, or skip it; a day that the zone
// skips is left out. A bound before the year 1 or after 9999 is absent. REQUIRES: min <= max.
// Errors: kResourceExhausted (TOO_MANY_PERIODS) without a field.
absl::StatusOr<std::vector<HistogramBin>> PeriodBins(index::TagType type, int64_t min, int64_t max,
                                                     Period period, const absl::TimeZone& zone);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_HISTOGRAM_BINS_H_
