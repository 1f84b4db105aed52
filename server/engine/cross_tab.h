// A cross-tab: a crowd counted over the values of two tags at once. Types of Insights::CrossTab.
//
//   engine.insights().CrossTab(context, crowd, {.rows = {.tag = "city"}, .columns = {.tag = "age",
//                                               .edges = {Whole(18), Whole(65)}}});
//
// Types here are values; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_CROSS_TAB_H_
#define THRONG_SERVER_ENGINE_CROSS_TAB_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "index/catalogue.h"
#include "query/expression.h"
#include "server/engine/selection.h"

namespace throng::engine {

inline constexpr uint32_t kCrossTabTopMax = 10'000;
inline constexpr uint32_t kCrossTabEdgesMax = 1'000;
// Rows times columns, those of others and missing included. An answer of so many cells with all
// shares takes less than the 4 MB that gRPC clients take unless they are told to take more.
inline constexpr uint64_t kCrossTabCellsMax = 100'000;

struct CrossTabAxisRequest {
  std::string tag;
  // Of INTEGER, DECIMAL, DATE and DATETIME tags, and only of these: ascending. So many edges make
  // one bin more; a number that is an edge falls into the bin above it.
  std::vector<query::Value> edges = {};
  // Values of CATEGORY and LABELS tags, of most users first; the rest are others.
  uint32_t top = 100;
};

struct CrossTabRequest {
  CrossTabAxisRequest rows;
  CrossTabAxisRequest columns;
};

// A row or a column.
struct CrossTabEntry {
  std::string value;                            // FLAG: "true" and "false"; empty for bins
  std::optional<int64_t> lower = std::nullopt;  // of a bin, as the tag stores it; included
  std::optional<int64_t> upper = std::nullopt;  // not included
  uint64_t count = 0;                           // users of the crowd
};

struct CrossTabAxis {
  std::string tag;
  index::TagType type = index::TagType::kCategory;
  int scale = 0;
  // Values: those that users of the crowd have, of most users first, then by value. Bins: all, in
  // order. FLAG: true and false.
  std::vector<CrossTabEntry> entries;
  // Users with any of the values that `top` left out; a user with several labels of them once.
  CrossTabEntry others;
  CrossTabEntry missing;       // users without a value
  uint32_t others_values = 0;  // how many values `others` stands for

  // Entries, others, missing.
  size_t size() const { return entries.size() + 2; }
  // REQUIRES: i < size().
  const CrossTabEntry& at(size_t i) const {
    return i < entries.size() ? entries[i] : i == entries.size() ? others : missing;
  }
};

struct CrossTabResult {
  uint64_t count = 0;
  CrossTabAxis rows;
  CrossTabAxis columns;
  std::vector<uint64_t> cells;  // rows.size() rows of columns.size() cells
  ResultInfo info;

  uint64_t cell(size_t row, size_t column) const { return cells[row * columns.size() + column]; }
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROSS_TAB_H_
