// The counts of a selection for every threshold of one of its numeric conditions: how far to loosen
// or tighten it.
//
//   engine.insights().Curve(context, {.what = "city = 'Rome' and spend > 100"},
//                           {.tag = "spend", .reach = 50'000})->reached->threshold;
//
// Types here are values; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_CURVE_H_
#define THRONG_SERVER_ENGINE_CURVE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "index/catalogue.h"
#include "query/expression.h"
#include "server/engine/selection.h"

namespace throng::engine {

inline constexpr uint32_t kCurvePointsMax = 10'000;

enum class CurveBound { kLower, kUpper };

struct CurveRequest {
  // Which condition: its number in the expression, from 1; 0: the only range over `tag`.
  uint32_t condition = 0;
  std::string tag;  // may be empty where there is a number
  // Of a condition with two bounds, the one to move; the other is kept. Absent: the lower one.
  std::optional<CurveBound> bound;
  uint32_t points_max = 1'000;  // 2 to kCurvePointsMax
  std::optional<uint64_t> reach;
};

// Numbers are as the index stores them: the number, units of the scale, days or microseconds since
// 1970.
struct CurvePoint {
  int64_t threshold = 0;
  uint64_t count = 0;  // of the expression with that threshold
};

// All counts are of the expression without its limit, if it has one: how many users there are to
// choose from.
struct CurveResult {
  uint64_t count = 0;  // of the expression as it is
  uint32_t condition = 0;
  std::string condition_text;
  query::SourceSpan span;
  std::string tag;
  index::TagType type = index::TagType::kInteger;
  int scale = 0;
  std::string operator_text;  // ">=", ">", "<=" or "<": how the threshold is compared
  // Of the expression as it is; absent where no number meets it, and where it is no date of the
  // years 1 to 9999.
  std::optional<int64_t> threshold;
  // In ascending order of threshold. The first and the last are the ends: everybody whom the
  // condition can decide about with a number meets it, or nobody. An end beyond all that the tag
  // can store is left out.
  std::vector<CurvePoint> points;
  bool every_value = false;  // between two points the count does not change
  // The point of the least count that is `reach` or more; absent where there is none.
  std::optional<CurvePoint> reached;
  std::optional<CurvePoint> nearest;  // to `reach`, the larger count where two are
  ResultInfo info;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CURVE_H_
