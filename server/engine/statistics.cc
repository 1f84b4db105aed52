#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "query/executor.h"
#include "query/statistics_collector.h"
#include "server/engine/insights.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/visible_tag.h"

namespace throng::engine {
namespace {

using index::TagEntry;

absl::Status CheckLimits(const std::vector<std::string>& tags) {
  if (tags.empty()) {
    return index::InvalidArgument("NO_TAGS", "tags", "statistics need at least one tag");
  }
  if (tags.size() <= kStatisticsTagsMax) return absl::OkStatus();
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_TAGS",
                           "the number of tags", kStatisticsTagsMax, tags.size()),
      "tags");
}

absl::StatusOr<std::vector<const TagEntry*>> FindTags(const index::CatalogueView& view,
                                                      const std::vector<std::string>& names) {
  std::vector<const TagEntry*> tags;
  std::set<uint32_t> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    THRONG_ASSIGN_OR_RETURN(const TagEntry* entry, FindVisibleTag(view, names[i], i));
    const std::string field = fmt::format("tags[{}]", i);
    if (!index::IsNumeric(entry->definition.type)) {
      return index::InvalidArgument(
          "NO_NUMBERS", field,
          fmt::format("tag \"{}\" is of type {}: only INTEGER, DECIMAL, DATE and DATETIME have "
                      "statistics",
                      names[i], index::TagTypeName(entry->definition.type)));
    }
    if (!seen.insert(entry->definition.id).second) {
      return index::InvalidArgument("DUPLICATE_TAG", field,
                                    fmt::format("tag \"{}\" stands twice in the list", names[i]));
    }
    tags.push_back(entry);
  }
  return tags;
}

}  // namespace

absl::StatusOr<StatisticsResult> Insights::Statistics(const CallContext& context,
                                                      const Selection& selection,
                                                      const std::vector<std::string>& tags) {
  THRONG_RETURN_IF_ERROR(CheckLimits(tags));
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, selection));
  const index::CatalogueView view(bound.snapshot->catalogue(), context.visibility);
  THRONG_ASSIGN_OR_RETURN(const std::vector<const TagEntry*> entries, FindTags(view, tags));
  std::vector<uint32_t> ids;
  for (const TagEntry* entry : entries) ids.push_back(entry->definition.id);
  query::StatisticsCollector collector(*bound.snapshot, ids);
  THRONG_RETURN_IF_ERROR(query::Execute(bound.plan, *bound.snapshot, bound.universe->parallel(),
                                        bound.check, collector));
  StatisticsResult result;
  std::vector<query::TagStatistics> figures = collector.Finish();
  for (size_t i = 0; i < entries.size(); ++i) {
    result.tags.push_back({.type = entries[i]->definition.type,
                           .scale = entries[i]->definition.scale,
                           .figures = std::move(figures[i])});
  }
  result.count = result.tags[0].figures.users;
  result.info = bound.Info();
  return result;
}

}  // namespace throng::engine
