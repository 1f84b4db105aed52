// Edges of bins as a request gives them, bound to the numbers that a tag stores.
//
//   absl::StatusOr<std::vector<int64_t>> edges =
//       BindEdges(request.edges, entry->definition, bound.time, "rows.edges");
//
// Internal to the engine. Thread-safe.
#ifndef THRONG_SERVER_ENGINE_BIN_EDGES_H_
#define THRONG_SERVER_ENGINE_BIN_EDGES_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "query/expression.h"
#include "query/resolver.h"

namespace throng::engine {

// The edges of an INTEGER, DECIMAL, DATE or DATETIME tag. Errors: kInvalidArgument at "field[i]"
// (VALUE_OUT_OF_RANGE, NOT_ASCENDING, or of the value).
absl::StatusOr<std::vector<int64_t>> BindEdges(const std::vector<query::Value>& edges,
                                               const index::TagDefinition& tag,
                                               const query::TimeContext& time,
                                               std::string_view field);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_BIN_EDGES_H_
