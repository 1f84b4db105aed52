// Which users a call means, and what every answer that read users says about itself.
//
//   Selection selection{.population = "default", .what = "city = 'Beijing'"};
//
// Types here are values; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_SELECTION_H_
#define THRONG_SERVER_ENGINE_SELECTION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "query/expression.h"
#include "query/resolver.h"

namespace throng::engine {

inline constexpr size_t kExclusionsMax = 64;  // of a Selection

// The argument of every call that reads users. A value.
struct Selection {
  std::string population = "default";
  std::variant<std::string, query::Expression> what;  // text or tree
  std::string time_zone;                              // IANA; empty: UTC
  std::optional<int64_t> reference_us;                // Unix microseconds; absent: now
  uint64_t read_version = 0;                          // 0: the newest
  bool is_crowd = false;  // `what` is a tree of one crowd: errors point at "selection.crowd"
  // Standing exclusions: users of these crowds are left out. A limit is taken of who remains.
  std::vector<query::CrowdRef> exclude = {};
};

// A version of a crowd that an answer rests on.
struct CrowdVersionRead {
  std::string crowd;  // its name as it is now
  uint32_t version = 0;
  uint64_t data_version = 0;  // that it was computed on
  int64_t create_us = 0;
  friend bool operator==(const CrowdVersionRead&, const CrowdVersionRead&) = default;
};

// In every answer that read users.
struct ResultInfo {
  uint64_t data_version = 0;
  int64_t reference_us = 0;
  std::string time_zone;
  std::string canonical_expression;
  std::chrono::nanoseconds engine_time{0};
  std::vector<query::Warning> warnings;
  bool exact = true;
  std::vector<CrowdVersionRead> crowds;  // in order of name and version
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_SELECTION_H_
