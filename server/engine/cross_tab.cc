#include "server/engine/cross_tab.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "query/breakdown_collector.h"
#include "query/cross_tab_collector.h"
#include "query/executor.h"
#include "server/engine/bin_edges.h"
#include "server/engine/insights.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/visible_tag.h"

namespace throng::engine {
namespace {

using index::TagEntry;
using index::TagType;

// Where all values of a CATEGORY tag make no more cells than this, all are counted in one pass and
// those beyond the top are added up; otherwise a breakdown finds the top first.
constexpr uint64_t kWideCellsMax = 262'144;

// An axis as it is asked for, counted and shown.
struct Axis {
  const CrossTabAxisRequest* request = nullptr;
  const char* name = "";  // "rows" or "columns"
  const TagEntry* entry = nullptr;
  query::CrossTabAxis counted;
  bool needs_top = false;         // of values, and more than `top`
  bool has_others_slot = false;   // the last of the slots
  std::vector<uint32_t> codes;    // by slot, of values
  uint32_t values_in_others = 0;  // with has_others_slot

  bool is_ordered() const { return index::IsNumeric(entry->definition.type); }
  bool is_flag() const { return entry->definition.type == TagType::kFlag; }
  // Slots asked for, with others and missing.
  uint64_t ShownMax() const {
    return std::min<uint64_t>(counted.slots, is_ordered() ? counted.slots : request->top) + 2;
  }
};

absl::Status CheckLimits(const CrossTabAxisRequest& request, const char* name) {
  if (request.edges.size() > kCrossTabEdgesMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_EDGES",
                             "the number of edges", kCrossTabEdgesMax, request.edges.size()),
        fmt::format("{}.edges", name));
  }
  if (request.top >= 1 && request.top <= kCrossTabTopMax) return absl::OkStatus();
  return index::MakeError(
      absl::StatusCode::kInvalidArgument,
      fmt::format("{}.top is {}; it must be 1 to {}", name, request.top, kCrossTabTopMax),
      {.reason = "VALUE_OUT_OF_RANGE",
       .field = fmt::format("{}.top", name),
       .limit = kCrossTabTopMax,
       .requested = request.top});
}

absl::StatusOr<Axis> BindAxis(const CrossTabAxisRequest& request, const char* name,
                              const index::CatalogueView& view, const query::TimeContext& time) {
  Axis axis{.request = &request, .name = name};
  THRONG_ASSIGN_OR_RETURN(axis.entry,
                          FindVisibleTag(view, request.tag, fmt::format("{}.tag", name)));
  const index::TagDefinition& tag = axis.entry->definition;
  axis.counted.tag = tag.id;
  const std::string field = fmt::format("{}.edges", name);
  if (axis.is_ordered()) {
    if (request.edges.empty()) {
      return index::InvalidArgument("NO_EDGES", field,
                                    fmt::format("tag \"{}\" is of type {}: it needs edges of bins",
                                                tag.name, index::TagTypeName(tag.type)));
    }
    THRONG_ASSIGN_OR_RETURN(axis.counted.edges, BindEdges(request.edges, tag, time, field));
    axis.counted.slots = static_cast<uint32_t>(axis.counted.edges.size()) + 1;
    return axis;
  }
  if (!request.edges.empty()) {
    return index::InvalidArgument("NOT_ORDERED", field,
                                  fmt::format("tag \"{}\" is of type {}: only INTEGER, DECIMAL, "
                                              "DATE and DATETIME have bins",
                                              tag.name, index::TagTypeName(tag.type)));
  }
  axis.counted.slots = axis.is_flag() ? 2 : axis.entry->values->size();
  if (axis.is_flag()) return axis;
  axis.counted.slot_of_code.resize(axis.counted.slots);
  std::iota(axis.counted.slot_of_code.begin(), axis.counted.slot_of_code.end(), 0u);
  axis.codes = axis.counted.slot_of_code;
  axis.needs_top = axis.counted.slots > request.top;
  return axis;
}

absl::Status CheckCells(const Axis& rows, const Axis& columns) {
  const uint64_t cells = rows.ShownMax() * columns.ShownMax();
  if (cells <= kCrossTabCellsMax) return absl::OkStatus();
  return index::WithField(
      index::LimitExceeded(
          absl::StatusCode::kResourceExhausted, "TOO_MANY_CELLS",
          fmt::format("{} rows x {} columns, others and missing included: the number of cells",
                      rows.ShownMax(), columns.ShownMax()),
          kCrossTabCellsMax, cells),
      "rows.top");
}

// Gives each of the top values a slot, and all others one together.
void TakeTop(const query::TagCounts& counts, Axis* axis) {
  const index::ValueDictionary& values = *axis->entry->values;
  std::vector<uint32_t> order = axis->codes;
  const auto before = [&](uint32_t a, uint32_t b) {
    const uint64_t users_a = counts.counts[a];
    const uint64_t users_b = counts.counts[b];
    return users_a != users_b ? users_a > users_b : values.value(a) < values.value(b);
  };
  const uint32_t top = axis->request->top;
  std::partial_sort(order.begin(), order.begin() + top, order.end(), before);
  axis->counted.slots = top + 1;
  std::fill(axis->counted.slot_of_code.begin(), axis->counted.slot_of_code.end(), top);
  for (uint32_t slot = 0; slot < top; ++slot) axis->counted.slot_of_code[order[slot]] = slot;
  axis->has_others_slot = true;
  for (size_t i = top; i < order.size(); ++i) {
    axis->values_in_others += counts.counts[order[i]] > 0 ? 1 : 0;
  }
  order.resize(top);
  axis->codes = std::move(order);
}

// Finds the top values where not all can be counted.
absl::Status ChooseTop(const ResolvedSelection& selection, Axis* rows, Axis* columns) {
  const auto width = [](const Axis& axis) { return uint64_t{axis.counted.slots} + 1; };
  const auto is_labels = [](const Axis& axis) {
    return axis.entry->definition.type == TagType::kLabels;
  };
  // Of LABELS with others nothing can be added up: users would count more than once.
  std::vector<Axis*> chosen;
  for (Axis* axis : {rows, columns}) {
    if (axis->needs_top && is_labels(*axis)) chosen.push_back(axis);
  }
  const auto counted = [&](const Axis& axis) {
    return axis.needs_top && is_labels(axis) ? uint64_t{axis.request->top} + 2 : width(axis);
  };
  if (counted(*rows) * counted(*columns) > kWideCellsMax) {
    for (Axis* axis : {rows, columns}) {
      if (axis->needs_top && !is_labels(*axis)) chosen.push_back(axis);
    }
  }
  if (chosen.empty()) return absl::OkStatus();
  std::vector<uint32_t> tags;
  for (const Axis* axis : chosen) tags.push_back(axis->counted.tag);
  query::BreakdownCollector collector(*selection.snapshot, tags);
  THRONG_RETURN_IF_ERROR(query::Execute(selection.plan, *selection.snapshot,
                                        selection.universe->parallel(), selection.check,
                                        collector));
  const std::vector<query::TagCounts> counts = collector.Finish();
  for (size_t i = 0; i < chosen.size(); ++i) TakeTop(counts[i], chosen[i]);
  return absl::OkStatus();
}

// Where each slot is shown.
struct Shown {
  CrossTabAxis axis;
  std::vector<size_t> place_of_slot;
};

CrossTabEntry EntryOf(const Axis& axis, uint32_t slot, uint64_t users) {
  CrossTabEntry entry{.count = users};
  if (axis.is_ordered()) {
    const std::vector<int64_t>& edges = axis.counted.edges;
    if (slot > 0) entry.lower = edges[slot - 1];
    if (slot < edges.size()) entry.upper = edges[slot];
  } else {
    entry.value = axis.is_flag() ? (slot == 0 ? "true" : "false")
                                 : axis.entry->values->value(axis.codes[slot]);
  }
  return entry;
}

Shown Show(const Axis& axis, const std::vector<uint64_t>& users) {
  const index::TagDefinition& tag = axis.entry->definition;
  Shown shown{.axis = {.tag = tag.name, .type = tag.type, .scale = tag.scale},
              .place_of_slot = std::vector<size_t>(users.size())};
  std::vector<std::pair<uint32_t, CrossTabEntry>> entries;
  const uint32_t values = axis.counted.slots - (axis.has_others_slot ? 1 : 0);
  const bool has_values = index::HasDictionary(tag.type);
  for (uint32_t slot = 0; slot < values; ++slot) {
    if (has_values && users[slot] == 0) continue;
    entries.emplace_back(slot, EntryOf(axis, slot, users[slot]));
  }
  if (has_values) {
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
      return a.second.count != b.second.count ? a.second.count > b.second.count
                                              : a.second.value < b.second.value;
    });
  }
  const size_t top =
      has_values ? std::min<size_t>(entries.size(), axis.request->top) : entries.size();
  std::fill(shown.place_of_slot.begin(), shown.place_of_slot.end(), top);  // others
  shown.axis.others_values = static_cast<uint32_t>(entries.size() - top) + axis.values_in_others;
  for (size_t i = 0; i < top; ++i) {
    shown.place_of_slot[entries[i].first] = i;
    shown.axis.entries.push_back(std::move(entries[i].second));
  }
  shown.place_of_slot.back() = top + 1;
  shown.axis.missing.count = users.back();
  for (size_t slot = 0; slot < users.size(); ++slot) {
    if (shown.place_of_slot[slot] == top) shown.axis.others.count += users[slot];
  }
  return shown;
}

CrossTabResult MakeResult(const Axis& rows, const Axis& columns,
                          const query::CrossTabCounts& counts) {
  Shown shown_rows = Show(rows, counts.row_users);
  Shown shown_columns = Show(columns, counts.column_users);
  CrossTabResult result{.count = counts.users,
                        .rows = std::move(shown_rows.axis),
                        .columns = std::move(shown_columns.axis)};
  const size_t width = result.columns.size();
  result.cells.resize(result.rows.size() * width);
  for (uint32_t row = 0; row < counts.rows; ++row) {
    uint64_t* cells = result.cells.data() + shown_rows.place_of_slot[row] * width;
    for (uint32_t column = 0; column < counts.columns; ++column) {
      cells[shown_columns.place_of_slot[column]] += counts.cell(row, column);
    }
  }
  return result;
}

}  // namespace

absl::StatusOr<CrossTabResult> Insights::CrossTab(const CallContext& context,
                                                  const Selection& selection,
                                                  const CrossTabRequest& request) {
  THRONG_RETURN_IF_ERROR(CheckLimits(request.rows, "rows"));
  THRONG_RETURN_IF_ERROR(CheckLimits(request.columns, "columns"));
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, selection));
  const index::CatalogueView view(bound.snapshot->catalogue(), context.visibility);
  THRONG_ASSIGN_OR_RETURN(Axis rows, BindAxis(request.rows, "rows", view, bound.time));
  THRONG_ASSIGN_OR_RETURN(Axis columns, BindAxis(request.columns, "columns", view, bound.time));
  THRONG_RETURN_IF_ERROR(CheckCells(rows, columns));
  THRONG_RETURN_IF_ERROR(ChooseTop(bound, &rows, &columns));
  query::CrossTabCollector collector(*bound.snapshot, rows.counted, columns.counted);
  THRONG_RETURN_IF_ERROR(query::Execute(bound.plan, *bound.snapshot, bound.universe->parallel(),
                                        bound.check, collector));
  CrossTabResult result = MakeResult(rows, columns, collector.Finish());
  result.info = bound.Info();
  return result;
}

}  // namespace throng::engine
