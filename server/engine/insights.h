// What a crowd is made of: counts over tags against a baseline, statistics of numbers and dates,
// counts over two tags at once; how crowds lie over each other, and in what they differ.
//
//   engine.insights().Breakdown(context, crowd, {.tags = {"city", "gender"}});
//   engine.insights().Statistics(context, crowd, {.tags = {"spend"}, .bins = 20});
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
#include "server/engine/call_context.h"
#include "server/engine/compare.h"
#include "server/engine/cross_tab.h"
#include "server/engine/curve.h"
#include "server/engine/overlap.h"
#include "server/engine/sample.h"
#include "server/engine/selection.h"
#include "server/engine/statistics.h"

namespace throng::engine {

class Universes;

inline constexpr uint32_t kBreakdownTagsMax = 64;
inline constexpr uint32_t kBreakdownRowsMax = 65'536;

struct BreakdownRequest {
  std::vector<std::string> tags;  // CATEGORY, LABELS or FLAG
  // Absent: all users.
  std::optional<std::variant<std::string, query::Expression>> baseline;
  uint32_t top_k = 1'000;
  // Present: an estimate from a sample, of the crowd and of a baseline that is an expression.
  std::optional<SampleRequest> sample = std::nullopt;
  std::vector<query::CrowdRef> baseline_exclude = {};
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

// Thread-safe.
class Insights {
 public:
  explicit Insights(Universes& universes) : universes_(universes) {}

  // Errors: as Selections; kInvalidArgument with field "tags[i]" (UNKNOWN_TAG, NO_VALUES for an
  // ordered tag, DUPLICATE_TAG), "tags" (none, too many), "baseline.expression", and as
  // CheckSample.
  absl::StatusOr<BreakdownResult> Breakdown(const CallContext& context, const Selection& selection,
                                            const BreakdownRequest& request);
  // Sums, extremes, percentiles and histograms. Errors: as Selections; kInvalidArgument with field
  // "tags" (NO_TAGS, TOO_MANY_TAGS), "tags[i]" (UNKNOWN_TAG, NO_NUMBERS for a tag of another type,
  // DUPLICATE_TAG), "percentiles" (TOO_MANY_PERCENTILES), "percentiles[i]", "bins"
  // (VALUE_OUT_OF_RANGE; NOT_APPLICABLE without a tag they are of), "period" (NOT_APPLICABLE),
  // "edges[i].tag" (NOT_ASKED_FOR, DUPLICATE_TAG), "edges[i].edges" (NO_EDGES, TOO_MANY_EDGES),
  // "edges[i].edges[j]" (NOT_ASCENDING, or of the value); kResourceExhausted with "period"
  // (TOO_MANY_PERIODS), "bins" (TOO_MANY_BINS).
  absl::StatusOr<StatisticsResult> Statistics(const CallContext& context,
                                              const Selection& selection,
                                              const StatisticsRequest& request);
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
  // Two crowds over many tags. Errors: as Breakdown, of tags of every type; kInvalidArgument with
  // field "rows", "features", "bins", "confidence" (VALUE_OUT_OF_RANGE); kResourceExhausted
  // (TOO_MANY_ROWS).
  absl::StatusOr<CompareResult> Compare(const CallContext& context, const Selection& selection,
                                        const CompareRequest& request);

 private:
  Universes& universes_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_INSIGHTS_H_
