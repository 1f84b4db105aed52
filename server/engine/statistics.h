// Statistics of numbers, days and times over a crowd. Types of Insights::Statistics.
//
//   engine.insights().Statistics(context, crowd, {.tags = {"spend", "seen"},
//                                                 .percentiles = {50'000'000, 99'900'000},
//                                                 .bins = 20, .period = Period::kWeek});
//
// Numbers are as the index stores them: the number, units of the scale, days or microseconds since
// 1970. Types here are values; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_STATISTICS_H_
#define THRONG_SERVER_ENGINE_STATISTICS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "index/catalogue.h"
#include "query/expression.h"
#include "query/statistics_collector.h"
#include "server/engine/selection.h"

namespace throng::engine {

inline constexpr uint32_t kStatisticsTagsMax = 64;
inline constexpr uint32_t kStatisticsPercentilesMax = 100;
inline constexpr uint32_t kStatisticsBinsMin = 2;
inline constexpr uint32_t kStatisticsBinsMax = 1'000;
inline constexpr uint32_t kStatisticsEdgesMax = 1'000;
inline constexpr uint32_t kStatisticsPeriodsMax = 10'000;
// Of all tags together. An answer of so many takes less than the 4 MB that gRPC clients take unless
// they are told to take more.
inline constexpr uint32_t kStatisticsAllBinsMax = 50'000;
// A percentile is in millionths of a percent: this is the 100th.
inline constexpr uint32_t kHundredPercent = 100'000'000;

enum class Period { kDay, kWeek, kMonth };

// A histogram of the tag by given edges.
struct TagEdges {
  std::string tag;  // one of those asked for
  // Ascending. So many edges make one bin more; a number that is an edge falls into the bin above.
  std::vector<query::Value> edges;
};

struct StatisticsRequest {
  std::vector<std::string> tags;           // INTEGER, DECIMAL, DATE or DATETIME
  std::vector<uint32_t> percentiles = {};  // up to kHundredPercent
  // INTEGER and DECIMAL tags: a histogram of at most so many bins; 0: none.
  uint32_t bins = 0;
  // DATE and DATETIME tags: a histogram by periods in the selection's zone.
  std::optional<Period> period = std::nullopt;
  // Histograms of single tags, whatever else is asked of them.
  std::vector<TagEdges> edges = {};
};

struct Percentile {
  uint32_t percent = 0;          // as asked for
  std::optional<int64_t> value;  // absent when nobody has one
};

struct HistogramBin {
  std::string label = {};                       // of a period: "2024-03-15", "2024-W11", "2024-03"
  std::optional<int64_t> lower = std::nullopt;  // included; absent: no bound
  std::optional<int64_t> upper = std::nullopt;
  bool includes_upper = false;
  uint64_t count = 0;
};

struct NumberStatistics {
  index::TagType type = index::TagType::kInteger;
  int scale = 0;                 // DECIMAL: the figures are in units of it
  query::TagStatistics figures;  // a sum beyond 64 bits is an error of the sum alone
  // DATE and DATETIME, which have no sum that would say anything: in microseconds since 1970.
  std::optional<int64_t> average_us;
  std::vector<Percentile> percentiles;  // in the order asked for
  bool has_histogram = false;
  // In ascending order, empty ones among them; none where nobody has a value, but for given edges.
  std::vector<HistogramBin> histogram;
};

struct StatisticsResult {
  uint64_t count = 0;
  std::vector<NumberStatistics> tags;  // in the order asked for
  ResultInfo info;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_STATISTICS_H_
