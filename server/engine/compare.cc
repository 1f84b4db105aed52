#include "server/engine/compare.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "query/crowd_pair.h"
#include "server/engine/insights.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/visible_tag.h"

namespace throng::engine {
namespace {

using index::TagEntry;
using index::TagType;
using query::TagCounts;

absl::Status OutOfRange(const char* field, const std::string& given, uint64_t least,
                        uint64_t most) {
  return index::MakeError(absl::StatusCode::kInvalidArgument,
                          fmt::format("{} is {}; it must be {} to {}", field, given, least, most),
                          {.reason = "VALUE_OUT_OF_RANGE", .field = field, .limit = most});
}

absl::Status CheckLimits(const CompareRequest& request) {
  if (request.tags.size() > kCompareTagsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_TAGS",
                             "the number of tags", kCompareTagsMax, request.tags.size()),
        "tags");
  }
  const auto is_within = [](uint64_t number, uint64_t least, uint64_t most) {
    return least <= number && number <= most;
  };
  if (!is_within(request.rows_max, 1, kCompareRowsMax)) {
    return OutOfRange("rows", std::to_string(request.rows_max), 1, kCompareRowsMax);
  }
  if (!is_within(request.features_max, 0, kCompareFeaturesMax)) {
    return OutOfRange("features", std::to_string(request.features_max), 0, kCompareFeaturesMax);
  }
  if (!is_within(request.bins, 2, kCompareBinsMax)) {
    return OutOfRange("bins", std::to_string(request.bins), 2, kCompareBinsMax);
  }
  if (request.confidence >= 0.5 && request.confidence <= 0.9999) return absl::OkStatus();
  return index::InvalidArgument(
      "VALUE_OUT_OF_RANGE", "confidence",
      fmt::format("confidence is {}; it must be 0.5 to 0.9999", request.confidence));
}

// The tags of the request, or all that are online.
absl::StatusOr<std::vector<const TagEntry*>> FindTags(const index::CatalogueView& view,
                                                      const std::vector<std::string>& names) {
  if (names.empty()) {
    std::vector<const TagEntry*> tags;
    for (const TagEntry* entry : view.List()) {
      if (entry->definition.state == index::TagState::kOnline) tags.push_back(entry);
    }
    if (tags.empty()) {
      return index::InvalidArgument("NO_TAGS", "tags", "there are no online tags to compare by");
    }
    if (tags.size() <= kCompareTagsMax) return tags;
    return index::InvalidArgument(
        "TOO_MANY_TAGS", "tags",
        fmt::format("there are {} online tags; name those to compare by, {} at most", tags.size(),
                    kCompareTagsMax));
  }
  return FindVisibleTags(view, names);
}

// A row with its counts; shares and intervals come later.
ComparedRow RowOf(std::string value, uint64_t count, uint64_t baseline_count) {
  ComparedRow row;
  row.value = std::move(value);
  row.count = count;
  row.baseline_count = baseline_count;
  return row;
}

// All rows of a tag that anybody is in; bins and FLAG always.
ComparedTag RowsOf(const TagEntry& entry, const std::vector<int64_t>& edges,
                   const query::CrowdPair& pair, const TagCounts& crowd,
                   const TagCounts& baseline) {
  const index::TagDefinition& definition = entry.definition;
  ComparedTag tag;
  tag.tag = definition.name;
  tag.type = definition.type;
  tag.scale = definition.scale;
  const uint64_t users = pair.crowd->cardinality();
  const uint64_t baseline_users = pair.baseline->cardinality();
  if (tag.type == TagType::kFlag) {
    tag.rows.push_back(RowOf("true", crowd.counts[0], baseline.counts[0]));
    tag.rows.push_back(
        RowOf("false", users - crowd.counts[0], baseline_users - baseline.counts[0]));
  }
  const bool is_ordered = index::IsNumeric(tag.type);
  for (uint32_t i = 0; tag.type != TagType::kFlag && i < crowd.counts.size(); ++i) {
    if (!is_ordered && crowd.counts[i] == 0 && baseline.counts[i] == 0) continue;
    ComparedRow row =
        RowOf(is_ordered ? "" : entry.values->value(i), crowd.counts[i], baseline.counts[i]);
    if (is_ordered && i > 0) row.lower = edges[i - 1];
    if (is_ordered && i < edges.size()) row.upper = edges[i];
    tag.rows.push_back(std::move(row));
  }
  tag.missing = RowOf("", users - crowd.with_value, baseline_users - baseline.with_value);
  tag.missing.is_missing = true;
  return tag;
}

// Fills in what follows from the counts.
class Comparer {
 public:
  // `rows` is how many rows the answer compares at once.
  Comparer(const query::CrowdPair& pair, uint64_t common, double confidence, uint64_t rows)
      : sizes_{.users = pair.crowd->cardinality(),
               .baseline_users = pair.baseline->cardinality(),
               .common = common},
        // By Bonferroni: each interval may fail so rarely that any of them fails rarely enough.
        shares_(sizes_,
                StandardDeviations(1 - (1 - confidence) /
                                           static_cast<double>(std::max<uint64_t>(1, rows)))) {}

  void Fill(ComparedTag* tag) const {
    for (ComparedRow& row : tag->rows) FillRow(&row);
    FillRow(&tag->missing);
    if (tag->type == TagType::kLabels) {
      MeasureLabels(tag);
    } else {
      MeasureValues(tag);
    }
    if (!index::HasDictionary(tag->type)) return;
    std::sort(tag->rows.begin(), tag->rows.end(), &IsSurer);
  }

  // The surest difference first.
  static bool IsSurer(const ComparedRow& a, const ComparedRow& b) {
    const double least_a = a.difference.least();
    const double least_b = b.difference.least();
    if (least_a != least_b) return least_a > least_b;
    const double size_a = std::abs(a.difference.difference);
    const double size_b = std::abs(b.difference.difference);
    return size_a != size_b ? size_a > size_b : a.value < b.value;
  }

 private:
  static double Share(uint64_t count, uint64_t users) {
    return users == 0 ? 0 : static_cast<double>(count) / static_cast<double>(users);
  }

  void FillRow(ComparedRow* row) const {
    row->share = Share(row->count, sizes_.users);
    row->baseline_share = Share(row->baseline_count, sizes_.baseline_users);
    row->difference = shares_.Compare(row->count, row->baseline_count);
    if (row->baseline_count > 0) row->tgi = row->share / row->baseline_share * 100;
  }

  // Each user is in one row: half of all differences is what would have to move.
  void MeasureValues(ComparedTag* tag) const {
    // The mean size of a normal variable, in its standard deviations.
    const double mean_size = std::sqrt(2 / std::acos(-1.0));
    double chi_square = 0;
    uint32_t cells = 0;
    const auto add = [&](const ComparedRow& row) {
      if (row.count == 0 && row.baseline_count == 0) return;
      tag->difference += std::abs(row.difference.difference) / 2;
      tag->by_chance += mean_size * shares_.ChanceDeviation(row.count, row.baseline_count) / 2;
      chi_square += shares_.ChiSquare(row.count, row.baseline_count);
      ++cells;
    };
    for (const ComparedRow& row : tag->rows) add(row);
    add(tag->missing);
    tag->p_value = cells < 2 ? 1 : ChiSquareTail(chi_square, cells - 1);
  }

  // Users are in several rows: the row that differs most beyond chance stands for all.
  void MeasureLabels(ComparedTag* tag) const {
    const auto rows = static_cast<double>(tag->rows.size() + 1);
    // The largest of so many normal variables is about this large.
    const double largest = std::sqrt(2 * std::log(2 * rows));
    double beyond = -1;
    const auto look_at = [&](const ComparedRow& row) {
      const double size = std::abs(row.difference.difference);
      const double deviation = shares_.ChanceDeviation(row.count, row.baseline_count);
      if (deviation > 0) {
        const double deviations = size / deviation;
        tag->p_value = std::min(tag->p_value, rows * ChiSquareTail(deviations * deviations, 1));
      }
      if (size - largest * deviation <= beyond) return;
      beyond = size - largest * deviation;
      tag->difference = size;
      tag->by_chance = largest * deviation;
    };
    for (const ComparedRow& row : tag->rows) look_at(row);
    look_at(tag->missing);
  }

  const CrowdSizes sizes_;
  const ShareComparison shares_;
};

// Rows of a tag that differ or not: what the intervals are corrected for.
uint64_t CountRows(const TagEntry& entry, const TagCounts& crowd, const TagCounts& baseline) {
  if (entry.definition.type == TagType::kFlag) return 1;
  if (index::IsNumeric(entry.definition.type)) return crowd.counts.size() + 1;
  uint64_t rows = 1;  // of users without a value
  for (size_t code = 0; code < crowd.counts.size(); ++code) {
    rows += crowd.counts[code] > 0 || baseline.counts[code] > 0 ? 1 : 0;
  }
  return rows;
}

// A row that marks the crowd, of a tag by its place among the request's.
struct Mark {
  size_t tag = 0;
  ComparedRow row;
};

// Adds the rows of a tag that differ for sure; of all of them the surest `most` are kept.
void AddMarks(const ComparedTag& tag, size_t number, uint32_t most, std::vector<Mark>* marks) {
  const auto add = [&](const ComparedRow& row) {
    if (row.difference.least() > 0) marks->push_back({number, row});
  };
  if (tag.type == TagType::kFlag) {
    add(tag.rows[0]);
  } else {
    for (const ComparedRow& row : tag.rows) add(row);
    add(tag.missing);
  }
  std::stable_sort(marks->begin(), marks->end(),
                   [](const Mark& a, const Mark& b) { return Comparer::IsSurer(a.row, b.row); });
  if (marks->size() > most) marks->resize(most);
}

void CutRows(uint32_t most, ComparedTag* tag) {
  if (!index::HasDictionary(tag->type) || tag->rows.size() <= most) return;
  tag->rows_left_out = static_cast<uint32_t>(tag->rows.size()) - most;
  tag->rows.resize(most);
  tag->rows.shrink_to_fit();
}

// What the row counts for in kCompareAllRowsMax: long values take the room of several rows.
uint64_t RoomOf(const ComparedRow& row) { return 1 + row.value.size() / 100; }

absl::Status CheckRoom(uint64_t rows) {
  if (rows <= kCompareAllRowsMax) return absl::OkStatus();
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_ROWS",
                           "the number of rows of all tags", kCompareAllRowsMax, rows),
      "rows");
}

// Bins of the ordered ones are made of both crowds.
absl::StatusOr<std::vector<query::PairTag>> TagsToCount(const ResolvedSelection& bound,
                                                        const std::vector<const TagEntry*>& entries,
                                                        uint32_t bins,
                                                        const query::CrowdPair& pair) {
  std::vector<query::PairTag> tags;
  for (const TagEntry* entry : entries) {
    THRONG_RETURN_IF_ERROR(bound.check());
    query::PairTag tag{.tag = entry->definition.id};
    if (index::IsNumeric(entry->definition.type)) {
      tag.edges = query::QuantileEdges(pair, tag.tag, bins, *bound.snapshot);
    }
    tags.push_back(std::move(tag));
  }
  return tags;
}

// Orders the tags, and makes features of the marks.
void Arrange(std::vector<ComparedTag> tags, std::vector<Mark> marks, CompareResult* result) {
  std::vector<size_t> order(tags.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const double beyond_a = tags[a].beyond_chance();
    const double beyond_b = tags[b].beyond_chance();
    return beyond_a != beyond_b ? beyond_a > beyond_b : tags[a].tag < tags[b].tag;
  });
  std::vector<size_t> place(tags.size());
  for (size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
    result->tags.push_back(tags[order[i]]);
  }
  for (Mark& mark : marks) {
    result->features.push_back({.tag = place[mark.tag], .row = std::move(mark.row)});
  }
}

// Makes the rows of one tag after the other: there may be very many values.
absl::Status CompareTags(const ResolvedSelection& bound,
                         const std::vector<const TagEntry*>& entries, const CompareRequest& request,
                         const query::CrowdPair& pair, CompareResult* result) {
  THRONG_ASSIGN_OR_RETURN(const std::vector<query::PairTag> counted,
                          TagsToCount(bound, entries, request.bins, pair));
  THRONG_ASSIGN_OR_RETURN(
      const query::PairCounts counts,
      query::CountPair(pair, counted, *bound.snapshot, bound.universe->parallel(), bound.check));
  result->common = counts.common;
  uint64_t rows = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    rows += CountRows(*entries[i], counts.crowd[i], counts.baseline[i]);
  }
  const Comparer comparer(pair, counts.common, request.confidence, rows);
  std::vector<ComparedTag> tags;
  std::vector<Mark> marks;
  uint64_t room = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    THRONG_RETURN_IF_ERROR(bound.check());
    ComparedTag& tag = tags.emplace_back(
        RowsOf(*entries[i], counted[i].edges, pair, counts.crowd[i], counts.baseline[i]));
    comparer.Fill(&tag);
    AddMarks(tag, i, request.features_max, &marks);
    CutRows(request.rows_max, &tag);
    for (const ComparedRow& row : tag.rows) room += RoomOf(row);
    THRONG_RETURN_IF_ERROR(CheckRoom(++room));
  }
  Arrange(std::move(tags), std::move(marks), result);
  return absl::OkStatus();
}

// Warnings of the baseline stand beside those of the selection, without a place in its text.
void AppendWarnings(std::vector<query::Warning> warnings, ResultInfo* info) {
  for (query::Warning& warning : warnings) {
    warning.message = fmt::format("baseline: {}", warning.message);
    warning.span = {};
    info->warnings.push_back(std::move(warning));
  }
}

}  // namespace

absl::StatusOr<CompareResult> Insights::Compare(const CallContext& context,
                                                const Selection& selection,
                                                const CompareRequest& request) {
  THRONG_RETURN_IF_ERROR(CheckLimits(request));
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, selection));
  const index::CatalogueView view(bound.snapshot->catalogue(), context.visibility);
  THRONG_ASSIGN_OR_RETURN(const std::vector<const TagEntry*> entries, FindTags(view, request.tags));
  const bool is_everybody = !request.baseline.has_value() && request.baseline_exclude.empty();
  THRONG_ASSIGN_OR_RETURN(
      const ResolvedSelection baseline,
      ResolveBeside(bound, context, request.baseline.value_or(query::Expression{query::AllUsers()}),
                    request.baseline_exclude, "baseline"));
  THRONG_ASSIGN_OR_RETURN(query::CrowdPair pair,
                          query::SelectPair(bound.plan, baseline.plan, *bound.snapshot,
                                            bound.universe->parallel(), bound.check));
  pair.is_everybody = is_everybody;
  CompareResult result;
  result.count = pair.crowd->cardinality();
  result.baseline_count = pair.baseline->cardinality();
  THRONG_RETURN_IF_ERROR(CompareTags(bound, entries, request, pair, &result));
  result.info = bound.Info();
  if (!is_everybody) {
    ResultInfo info = baseline.Info();
    result.baseline_expression = std::move(info.canonical_expression);
    AppendWarnings(std::move(info.warnings), &result.info);
    AddCrowds(info.crowds, &result.info);
  }
  return result;
}

}  // namespace throng::engine
