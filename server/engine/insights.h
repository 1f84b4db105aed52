// What a crowd is made of: counts over tags against a baseline, sums and extremes of numbers,
// counts over two tags at once; and how crowds lie over each other.
//
//   engine.insights().Breakdown(context, crowd, {.tags = {"city", "gender"}});
//   engine.insights().Statistics(context, crowd, {"spend"});
#ifndef THRONG_SERVER_ENGINE_INSIGHTS_H_
#define THRONG_SERVER_ENGINE_INSIGHTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "query/expression.h"
#include "query/statistics_collector.h"
#include "server/engine/call_context.h"
#include "server/engine/cross_tab.h"
#include "server/engine/curve.h"
#include "server/engine/overlap.h"
#include "server/engine/sample.h"
#include "server/engine/selection.h"

namespace throng::engine {

class Universes;

inline constexpr uint32_t kBreakdownTagsMax = 64;
inline constexpr uint32_t kBreakdownRowsMax = 65'536;
inline constexpr uint32_t kStatisticsTagsMax = 64;

struct BreakdownRequest {
  std::vector<std::string> tags;  // CATEGORY, LABELS or FLAG
  // Absent: all users.
  std::optional<std::variant<std::string, query::Expression>> baseline;
  uint32_t top_k = 1'000;
  // Present: an estimate from a sample, of the crowd and of a baseline that is an expression.
  std::optional<SampleRequest> sample = std::nullopt;
};

struct BreakdownRow {
  std::string value;  // FLAG: "true" and "false"
  uint64_t count = 0;
  double share = 0;  // of the crowd, 0 to 1
  uint64_t baseline_count = 0;
  double baseline_share = 0;
  std::optional<double> tgi;                        // absent where the baseline has none
  std::optional<SampleRange> range = std::nullopt;  // of `count`, where that is an estimate
};

struct TagBreakdown {
  std::string tag;
  index::TagType type = index::TagType::kCategory;
  std::vector<BreakdownRow> rows;  // largest count first, then by value; none of 0 in both
  BreakdownRow missing;
  BreakdownRow others;
  uint32_t others_values = 0;
};

struct BreakdownResult {
  uint64_t count = 0;
  uint64_t baseline_count = 0;
  std::vector<TagBreakdown> tags;
  ResultInfo info;
  // Where a sample was asked for.
  std::optional<SampleReport> sample = std::nullopt;
  SampleRange range = {};
};

struct NumberStatistics {
  index::TagType type = index::TagType::kInteger;
  int scale = 0;                 // DECIMAL: the figures are in units of it
  query::TagStatistics figures;  // a sum beyond 64 bits is an error of the sum alone
};

struct StatisticsResult {
  uint64_t count = 0;
  std::vector<NumberStatistics> tags;  // in the order asked for
  ResultInfo info;
};

// Thread-safe.
class Insights {
 public:
  explicit Insights(Universes& universes) : universes_(universes) {}

  // Errors: as Selections; kInvalidArgument with field "tags[i]" (UNKNOWN_TAG, NO_VALUES for an
  // ordered tag, DUPLICATE_TAG), "tags" (none, too many), "baseline.expression", and as
  // CheckSample.
  absl::StatusOr<BreakdownResult> Breakdown(const CallContext& context, const Selection& selection,
                                            const BreakdownRequest& request);
  // Over INTEGER, DECIMAL, DATE and DATETIME tags. Errors: as Breakdown; NO_NUMBERS for a tag of
  // another type.
  absl::StatusOr<StatisticsResult> Statistics(const CallContext& context,
                                              const Selection& selection,
                                              const std::vector<std::string>& tags);
  // Errors: as Selections; kInvalidArgument with field "condition" (NO_SUCH_CONDITION, NOT_A_RANGE,
  // AMBIGUOUS_CONDITION), "tag" (NO_SUCH_CONDITION, REQUIRED), "bound" (NO_SUCH_BOUND), "points"
  // (VALUE_OUT_OF_RANGE).
  absl::StatusOr<CurveResult> Curve(const CallContext& context, const Selection& selection,
                                    const CurveRequest& request);
  // Counts over two tags at once. Errors: as Selections; kInvalidArgument with field "rows.tag",
  // "rows.edges" (NO_EDGES for an ordered tag, NOT_ORDERED for edges of another, TOO_MANY_EDGES),
  // "rows.edges[i]" (NOT_ASCENDING, or of the value), "rows.top", the same of "columns";
  // kResourceExhausted (TOO_MANY_CELLS).
  absl::StatusOr<CrossTabResult> CrossTab(const CallContext& context, const Selection& selection,
                                          const CrossTabRequest& request);
  // Errors: as Selections; kInvalidArgument with field "selections" (NO_SELECTIONS,
  // TOO_MANY_SELECTIONS), "selections[i].name" (BAD_NAME, DUPLICATE_NAME), "top", and
  // "selections[i].selection.expression" or ".tree".
  absl::StatusOr<OverlapResult> Overlap(const CallContext& context, const OverlapRequest& request);

 private:
  Universes& universes_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_INSIGHTS_H_
