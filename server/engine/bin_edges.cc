#include "server/engine/bin_edges.h"

#include <cstddef>
#include <limits>
#include <string>

#include "fmt/format.h"
#include "index/error.h"
#include "query/value_resolver.h"

namespace throng::engine {

absl::StatusOr<std::vector<int64_t>> BindEdges(const std::vector<query::Value>& edges,
                                               const index::TagDefinition& tag,
                                               const query::TimeContext& time,
                                               std::string_view field) {
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < edges.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", field, i);
    const absl::StatusOr<query::ValueSpan> span = query::ResolveOrdered(edges[i], tag, time);
    if (!span.ok()) return index::WithField(span.status(), path);
    if (span->low < std::numeric_limits<int64_t>::min() ||
        span->low > std::numeric_limits<int64_t>::max()) {
      return index::InvalidArgument("VALUE_OUT_OF_RANGE", path,
                                    fmt::format("{} is beyond what the tag can hold", path));
    }
    numbers.push_back(static_cast<int64_t>(span->low));
    if (i > 0 && numbers[i] <= numbers[i - 1]) {
      return index::InvalidArgument("NOT_ASCENDING", path,
                                    fmt::format("{} is not above the edge before it", path));
    }
  }
  return numbers;
}

}  // namespace throng::engine
