// A crowd over two tags at once.
//
// Shown row totals are the only sums that hold withheld cells: the total of a column in which a
// cell is withheld is withheld too, and so each withheld cell is in one equation, that of its row,
// in which at least two cells of `minimum` users together are withheld. Rows whose total is
// withheld are withheld whole; of them only the sum of all is known.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "index/error.h"
#include "server/service/minimum_rules.h"
#include "server/service/withheld_answers.h"
#include "server/service/withhold.h"

namespace throng::service {
namespace {

using index::TagType;

// What becomes of the entries of an axis: others and missing are its last two.
struct Axis {
  TagType type = TagType::kCategory;
  std::vector<std::vector<int>> groups;  // which old places each new one sums up
  std::vector<uint64_t> counts;          // of the new ones
  std::vector<bool> is_there;            // others and missing may stand for nothing
  std::vector<bool> is_withheld;         // totals
};

v1::CrossTabEntry* EntryAt(int place, v1::CrossTabAxis* axis) {
  if (place < axis->entries_size()) return axis->mutable_entries(place);
  return place == axis->entries_size() ? axis->mutable_others() : axis->mutable_missing();
}

// What is kept, values in their own order: that of their counts would say what is withheld.
void Regroup(const std::vector<int>& kept, const std::vector<int>& folded, v1::CrossTabAxis* proto,
             Axis* axis) {
  const int others = proto->entries_size();
  google::protobuf::RepeatedPtrField<v1::CrossTabEntry> all;
  all.Swap(proto->mutable_entries());
  for (const int i : kept) {
    axis->groups.push_back({i});
    proto->add_entries()->Swap(&all[i]);
  }
  for (const int i : folded) {
    proto->mutable_others()->set_count(proto->others().count() + all[i].count());
    proto->mutable_others()->set_share(proto->others().share() + all[i].share());
  }
  proto->set_others_values(proto->others_values() + static_cast<uint32_t>(folded.size()));
  axis->groups.push_back(folded);
  axis->groups.back().push_back(others);
  axis->groups.push_back({others + 1});
}

// Decides which totals of the axis are withheld; values of few users go to the others.
Axis TakeAxis(TagType type, uint64_t minimum, v1::CrossTabAxis* proto) {
  Axis axis{.type = type};
  const int entries = proto->entries_size();
  std::vector<int> places;
  std::vector<uint64_t> counts;
  for (int i = 0; i < entries + 2; ++i) {
    if (i == entries && proto->others_values() == 0) continue;
    if (i == entries + 1 && type == TagType::kFlag) continue;
    places.push_back(i);
    counts.push_back(EntryAt(i, proto)->count());
  }
  const std::vector<bool> hidden = WithheldCells(counts, minimum);
  std::vector<bool> is_hidden(static_cast<size_t>(entries) + 2);
  for (size_t i = 0; i < places.size(); ++i) is_hidden[static_cast<size_t>(places[i])] = hidden[i];
  std::vector<int> kept;
  std::vector<int> folded;
  for (int i = 0; i < entries; ++i) {
    const bool folds = type == TagType::kCategory && is_hidden[static_cast<size_t>(i)];
    (folds ? folded : kept).push_back(i);
  }
  if (type == TagType::kCategory) {
    std::sort(kept.begin(), kept.end(), [&](int a, int b) {
      return proto->entries(a).value().text() < proto->entries(b).value().text();
    });
  }
  for (const int i : kept) axis.is_withheld.push_back(is_hidden[static_cast<size_t>(i)]);
  Regroup(kept, folded, proto, &axis);
  const bool hides_missing = is_hidden.back();
  const bool has_others = proto->others_values() > 0;
  axis.is_withheld.push_back(has_others && hides_missing && type == TagType::kCategory);
  axis.is_withheld.push_back(hides_missing);
  const int places_now = proto->entries_size() + 2;
  for (int i = 0; i < places_now; ++i) axis.counts.push_back(EntryAt(i, proto)->count());
  axis.is_there.assign(static_cast<size_t>(places_now), true);
  axis.is_there[static_cast<size_t>(places_now) - 2] = has_others;
  axis.is_there.back() = type != TagType::kFlag;
  return axis;
}

using Cells = std::vector<std::vector<uint64_t>>;

Cells SumUp(const v1::CrossTabResponse& response, const Axis& rows, const Axis& columns) {
  Cells cells(rows.groups.size(), std::vector<uint64_t>(columns.groups.size()));
  for (size_t r = 0; r < cells.size(); ++r) {
    for (size_t c = 0; c < cells[r].size(); ++c) {
      for (const int row : rows.groups[r]) {
        for (const int column : columns.groups[c]) {
          cells[r][c] += response.cells(row).counts(column);
        }
      }
    }
  }
  return cells;
}

// Which cells of a row are withheld; what is not there is not counted among them.
std::vector<bool> WithheldOfRow(const std::vector<uint64_t>& cells, bool is_whole,
                                const Axis& columns, uint64_t minimum) {
  std::vector<uint64_t> counts;
  std::vector<bool> more;
  for (size_t c = 0; c < cells.size(); ++c) {
    if (!columns.is_there[c]) continue;
    counts.push_back(cells[c]);
    more.push_back(is_whole || columns.is_withheld[c]);
  }
  const std::vector<bool> hidden = WithheldCells(counts, minimum, more);
  std::vector<bool> withheld(cells.size());
  size_t next = 0;
  for (size_t c = 0; c < cells.size(); ++c) withheld[c] = columns.is_there[c] && hidden[next++];
  return withheld;
}

double Share(uint64_t count, uint64_t of, bool is_known) {
  return is_known && of > 0 ? static_cast<double>(count) / static_cast<double>(of) : 0;
}

void WriteRow(const std::vector<uint64_t>& cells, const std::vector<bool>& withheld, size_t row,
              const Axis& rows, const Axis& columns, uint64_t total, v1::CrossTabRow* proto) {
  for (size_t c = 0; c < cells.size(); ++c) {
    const bool is_shown = !withheld[c];
    if (!is_shown) proto->add_withheld_cells(static_cast<uint32_t>(c));
    proto->add_counts(is_shown ? cells[c] : 0);
    proto->add_row_shares(Share(cells[c], rows.counts[row], is_shown && !rows.is_withheld[row]));
    proto->add_column_shares(
        Share(cells[c], columns.counts[c], is_shown && !columns.is_withheld[c]));
    proto->add_total_shares(Share(cells[c], total, is_shown));
  }
}

void WithholdTotals(const Axis& axis, v1::CrossTabAxis* proto) {
  for (size_t i = 0; i < axis.is_withheld.size(); ++i) {
    if (axis.is_withheld[i]) Withhold(EntryAt(static_cast<int>(i), proto), {"count", "share"});
  }
}

void WithholdCells(uint64_t minimum, Axis rows, Axis columns, v1::CrossTabResponse* response) {
  const Cells cells = SumUp(*response, rows, columns);
  std::vector<std::vector<bool>> withheld;
  for (size_t r = 0; r < cells.size(); ++r) {
    withheld.push_back(rows.is_there[r]
                           ? WithheldOfRow(cells[r], rows.is_withheld[r], columns, minimum)
                           : std::vector<bool>(cells[r].size()));
  }
  for (size_t c = 0; c < columns.counts.size(); ++c) {
    for (const std::vector<bool>& row : withheld) {
      if (row[c]) columns.is_withheld[c] = true;
    }
  }
  response->clear_cells();
  for (size_t r = 0; r < cells.size(); ++r) {
    WriteRow(cells[r], withheld[r], r, rows, columns, response->count(), response->add_cells());
  }
  WithholdTotals(rows, response->mutable_rows());
  WithholdTotals(columns, response->mutable_columns());
}

// Of a crowd of few users: others and missing, all withheld.
void WithholdAll(v1::CrossTabResponse* response) {
  Withhold(response, {"count"});
  for (v1::CrossTabAxis* axis : {response->mutable_rows(), response->mutable_columns()}) {
    axis->clear_entries();
    axis->set_others_values(0);
    Withhold(axis->mutable_others(), {"count", "share"});
    Withhold(axis->mutable_missing(), {"count", "share"});
  }
  response->clear_cells();
  const Axis axis{.counts = {0, 0}, .is_withheld = {true, true}};
  for (size_t r = 0; r < 2; ++r) {
    WriteRow({0, 0}, {true, true}, r, axis, axis, 0, response->add_cells());
  }
}

}  // namespace

absl::Status WithholdFrom(const CallScope& scope, const v1::CrossTabRequest& request,
                          v1::CrossTabResponse* response) {
  const uint64_t minimum = scope.who.minimum_count;
  const std::string& population = request.selection().population();
  THRONG_ASSIGN_OR_RETURN(const TagType row_type,
                          TypeOfTag(scope, population, response->rows().tag()));
  THRONG_ASSIGN_OR_RETURN(const TagType column_type,
                          TypeOfTag(scope, population, response->columns().tag()));
  // Rows that overlap say by sums and differences how they do.
  if (row_type == TagType::kLabels || column_type == TagType::kLabels) {
    return RefusedByMinimum("a cross-tab over a LABELS tag",
                            row_type == TagType::kLabels ? "rows.tag" : "columns.tag", minimum);
  }
  if (response->count() < minimum) {
    WithholdAll(response);
    return absl::OkStatus();
  }
  Axis rows = TakeAxis(row_type, minimum, response->mutable_rows());
  Axis columns = TakeAxis(column_type, minimum, response->mutable_columns());
  WithholdCells(minimum, std::move(rows), std::move(columns), response);
  return absl::OkStatus();
}

}  // namespace throng::service
