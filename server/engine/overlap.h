// How several selections of one population lie over each other. Types of Insights::Overlap.
//
//   engine.insights().Overlap(context, {.selections = {{"buyers", "spend > 0"},
//                                                      {"locals", "city = 'Beijing'"}}});
//
// Types here are values; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_OVERLAP_H_
#define THRONG_SERVER_ENGINE_OVERLAP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "query/expression.h"
#include "query/overlap_collector.h"
#include "query/resolver.h"
#include "server/engine/selection.h"

namespace throng::engine {

inline constexpr size_t kOverlapSelectionsMax = query::kOverlapPlansMax;  // 64
inline constexpr size_t kOverlapNameBytesMax = 128;
inline constexpr uint32_t kOverlapTopMax = 10'000;

struct NamedSelection {
  std::string name;  // not empty, distinct
  std::variant<std::string, query::Expression> what;
  std::vector<query::CrowdRef> exclude = {};
};

// All selections are read on one snapshot, with one reference time and zone.
struct OverlapRequest {
  std::string population = "default";
  std::vector<NamedSelection> selections;  // 1 to 64
  std::string time_zone = {};
  std::optional<int64_t> reference_us = std::nullopt;
  uint64_t read_version = 0;
  uint32_t top = 100;  // exclusive intersections
};

struct OverlapSelection {
  std::string name;
  uint64_t count = 0;
  uint64_t unique = 0;  // users who are in no other of the selections
  std::string canonical_expression;
  std::vector<query::Warning> warnings;
};

// Users who are in exactly these selections.
struct ExclusiveUsers {
  std::vector<uint32_t> selections;  // ascending places in the list
  uint64_t count = 0;
};

struct OverlapResult {
  std::vector<OverlapSelection> selections;  // in the order asked for
  std::vector<uint64_t> pairs;               // row by row; on the diagonal the counts
  uint64_t union_count = 0;
  std::vector<ExclusiveUsers> intersections;  // most users first; at most `top`
  uint64_t intersections_left_out = 0;        // how many `top` left out
  uint64_t users_left_out = 0;                // in these
  // kResourceExhausted (TOO_MANY_INTERSECTIONS) where there are more combinations of two or more
  // than query::kOverlapCombinationsMax: `intersections` is empty, all else exact all the same.
  absl::Status intersections_status;
  ResultInfo info;  // canonical_expression and warnings are those of the selections

  uint64_t pair(size_t a, size_t b) const { return pairs[a * selections.size() + b]; }
  // Users in both / users in either; 0 where nobody is.
  double Jaccard(size_t a, size_t b) const {
    const uint64_t either = selections[a].count + selections[b].count - pair(a, b);
    return either == 0 ? 0 : static_cast<double>(pair(a, b)) / static_cast<double>(either);
  }
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_OVERLAP_H_
