// Two crowds over many tags: in what they differ, and how sure that is. Types of Insights::Compare.
//
//   const CompareResult result = *engine.insights().Compare(context, {.what = "is_graduate"},
//                                                           {.baseline = "not is_graduate"});
//   result.features[0];   // what marks the crowd most: a tag, a value, both shares
//
// Types here are values; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_COMPARE_H_
#define THRONG_SERVER_ENGINE_COMPARE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "index/catalogue.h"
#include "query/expression.h"
#include "server/engine/selection.h"
#include "server/engine/share_difference.h"

namespace throng::engine {

inline constexpr uint32_t kCompareTagsMax = 256;
inline constexpr uint32_t kCompareRowsMax = 10'000;
inline constexpr uint32_t kCompareFeaturesMax = 1'000;
inline constexpr uint32_t kCompareBinsMax = 100;
// Rows of all tags together; a value of more than 100 bytes counts for one more for every 100
// bytes.
inline constexpr uint64_t kCompareAllRowsMax = 20'000;

struct CompareRequest {
  // Absent: all users.
  std::optional<std::variant<std::string, query::Expression>> baseline;
  std::vector<query::CrowdRef> baseline_exclude = {};
  // Of any type. Empty: all that are online and that the caller may see.
  std::vector<std::string> tags;
  uint32_t rows_max = 20;      // of a tag
  uint32_t features_max = 20;  // 0: none
  uint32_t bins = 10;          // of an ordered tag, at most; 2 or more
  double confidence = 0.95;    // that all intervals of the answer hold at once; 0.5 to 0.9999
};

// A value, a bin, or whoever has none.
struct ComparedRow {
  std::string value;             // FLAG: "true" and "false"; empty for bins and missing
  std::optional<int64_t> lower;  // of a bin, as the tag stores it; included
  std::optional<int64_t> upper;  // not included
  bool is_missing = false;
  uint64_t count = 0;
  double share = 0;  // of the crowd, 0 to 1
  uint64_t baseline_count = 0;
  double baseline_share = 0;
  ShareDifference difference;
  std::optional<double> tgi;  // share / baseline_share x 100; absent where the baseline has none
};

struct ComparedTag {
  std::string tag;
  index::TagType type = index::TagType::kCategory;
  int scale = 0;
  // How far the crowds differ: the share of one of them that would need another value (or none) to
  // be like the other, 0 to 1; of LABELS that of the label that differs most.
  double difference = 0;
  double by_chance = 0;  // the difference to expect of two random draws from the same people
  double p_value = 1;    // that chance makes a difference so large
  // Values: the surest differences first. Bins: in order. FLAG: true and false.
  std::vector<ComparedRow> rows;
  ComparedRow missing;
  uint32_t rows_left_out = 0;  // beyond rows_max

  double beyond_chance() const { return difference > by_chance ? difference - by_chance : 0; }
};

// A row of one of the tags.
struct ComparedFeature {
  size_t tag = 0;  // of CompareResult::tags
  ComparedRow row;
};

struct CompareResult {
  uint64_t count = 0;
  uint64_t baseline_count = 0;
  uint64_t common = 0;  // users in both
  // The rows whose interval does not hold 0, the surest difference first; of a FLAG only "true".
  std::vector<ComparedFeature> features;
  std::vector<ComparedTag> tags;    // that differ most beyond chance first, then by name
  std::string baseline_expression;  // canonical; empty: all users
  ResultInfo info;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_COMPARE_H_
