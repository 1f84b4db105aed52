// A crowd over the values of tags, against a baseline. Rows of few users are not named: they are
// counted among the others.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "index/error.h"
#include "server/service/withheld_answers.h"
#include "server/service/withhold.h"

namespace throng::service {
namespace {

using index::TagType;

// What is known of the whole answer.
struct Totals {
  uint64_t minimum = 0;
  uint64_t count = 0;
  uint64_t baseline = 0;
  bool has_baseline = true;  // false: its numbers are withheld

  // Whether a crowd's and the baseline's number of the same value say how many few users are in
  // only one of them.
  bool AreClose(uint64_t of_crowd, uint64_t of_baseline) const {
    if (count == baseline && of_crowd == of_baseline) return false;
    return IsClose(of_crowd, of_baseline, minimum);
  }
};

void WithholdRow(v1::BreakdownRow* row) { Withhold(row, {"count", "share", "tgi"}); }
void WithholdBaseline(v1::BreakdownRow* row) {
  Withhold(row, {"baseline_count", "baseline_share", "tgi"});
}

bool IsWithheld(const v1::BreakdownRow& row) { return !row.withheld().empty(); }

void AddTo(v1::BreakdownRow* sum, const v1::BreakdownRow& row, const Totals& totals) {
  sum->set_count(sum->count() + row.count());
  sum->set_baseline_count(sum->baseline_count() + row.baseline_count());
  const auto share = [](uint64_t count, uint64_t total) {
    return total == 0 ? 0 : static_cast<double>(count) / static_cast<double>(total);
  };
  sum->set_share(share(sum->count(), totals.count));
  sum->set_baseline_share(share(sum->baseline_count(), totals.baseline));
  sum->clear_tgi();
  if (sum->baseline_share() > 0) sum->set_tgi(sum->share() / sum->baseline_share() * 100);
}

// Moves the rows that are `withheld` to the others.
void Fold(const std::vector<bool>& withheld, const Totals& totals, v1::TagBreakdown* tag) {
  google::protobuf::RepeatedPtrField<v1::BreakdownRow> all;
  all.Swap(tag->mutable_rows());
  for (int i = 0; i < all.size(); ++i) {
    if (withheld[static_cast<size_t>(i)]) {
      AddTo(tag->mutable_others(), all[i], totals);
      tag->set_others_values(tag->others_values() + 1);
    } else {
      tag->add_rows()->Swap(&all[i]);
    }
  }
}

// The rows, the others if there are any, and the missing of all tags but flags.
std::vector<v1::BreakdownRow*> CellsOf(TagType type, v1::TagBreakdown* tag) {
  std::vector<v1::BreakdownRow*> cells;
  for (v1::BreakdownRow& row : *tag->mutable_rows()) cells.push_back(&row);
  if (tag->others_values() > 0) cells.push_back(tag->mutable_others());
  if (type != TagType::kFlag) cells.push_back(tag->mutable_missing());
  return cells;
}

// Withholds the baseline of all rows if that of one says too much.
void WithholdBaselines(TagType type, const Totals& totals, v1::TagBreakdown* tag) {
  bool says_too_much = !totals.has_baseline;
  uint64_t hidden = totals.count;
  uint64_t hidden_baseline = totals.baseline;
  bool hides_any = false;
  const auto check = [&](uint64_t count, uint64_t baseline) {
    const bool is_close = totals.AreClose(count, baseline);
    says_too_much = says_too_much || baseline < totals.minimum || is_close;
  };
  for (const v1::BreakdownRow* row : CellsOf(type, tag)) {
    if (IsWithheld(*row)) {
      hides_any = true;
      continue;
    }
    hidden -= row->count();
    hidden_baseline -= row->baseline_count();
    check(row->count(), row->baseline_count());
  }
  // What the withheld rows have together follows from the totals.
  if (type != TagType::kLabels && hides_any) check(hidden, hidden_baseline);
  for (v1::BreakdownRow* row : CellsOf(type, tag)) {
    if (says_too_much || IsWithheld(*row)) WithholdBaseline(row);
  }
}

// Of a tag of which each user has one value or none: the rows add up to the crowd.
void WithholdFromValues(TagType type, const Totals& totals, v1::TagBreakdown* tag) {
  std::vector<uint64_t> counts;
  std::vector<bool> small;
  for (const v1::BreakdownRow* cell : CellsOf(type, tag)) {
    counts.push_back(cell->count());
    small.push_back(totals.has_baseline && cell->baseline_count() < totals.minimum);
  }
  const std::vector<bool> withheld = WithheldCells(counts, totals.minimum, small);
  const bool hides_missing = type != TagType::kFlag && withheld.back();
  Fold(withheld, totals, tag);
  if (hides_missing) {
    WithholdRow(tag->mutable_missing());
    if (tag->others_values() > 0) WithholdRow(tag->mutable_others());
  }
  WithholdBaselines(type, totals, tag);
}

// Whether one of the complements of a number is small: who lacks a label, of all or of those who
// have any.
bool HasSmallRest(uint64_t count, uint64_t total, uint64_t missing, uint64_t minimum) {
  return count < minimum || IsClose(total, count, minimum) ||
         IsClose(total - missing, count, minimum);
}

// Of LABELS: a user may be in several rows, whose sum is not the crowd.
void WithholdFromLabels(const Totals& totals, v1::TagBreakdown* tag) {
  const uint64_t missing = tag->missing().count();
  const uint64_t baseline_missing = tag->missing().baseline_count();
  const auto says_too_much = [&](const v1::BreakdownRow& row) {
    return HasSmallRest(row.count(), totals.count, missing, totals.minimum) ||
           (totals.has_baseline &&
            HasSmallRest(row.baseline_count(), totals.baseline, baseline_missing, totals.minimum));
  };
  // How many labels users have beyond their first ones is as good as a number of users.
  uint64_t labels = tag->others().count();
  uint64_t baseline_labels = tag->others().baseline_count();
  std::vector<bool> withheld;
  for (const v1::BreakdownRow& row : tag->rows()) {
    labels += row.count();
    baseline_labels += row.baseline_count();
    withheld.push_back(says_too_much(row));
  }
  const bool hides_others = (tag->others_values() > 0 && says_too_much(tag->others())) ||
                            std::find(withheld.begin(), withheld.end(), true) != withheld.end();
  Fold(withheld, totals, tag);
  if (hides_others) WithholdRow(tag->mutable_others());
  const bool hides_missing =
      missing < totals.minimum || IsClose(totals.count, missing, totals.minimum) ||
      IsClose(labels, totals.count - missing, totals.minimum) ||
      (totals.has_baseline &&
       IsClose(baseline_labels, totals.baseline - baseline_missing, totals.minimum));
  if (hides_missing) WithholdRow(tag->mutable_missing());
  WithholdBaselines(TagType::kLabels, totals, tag);
}

// Of a crowd of few users.
void WithholdAll(v1::TagBreakdown* tag) {
  tag->clear_rows();
  tag->set_others_values(0);
  for (v1::BreakdownRow* row : {tag->mutable_others(), tag->mutable_missing()}) {
    WithholdRow(row);
    WithholdBaseline(row);
  }
}

}  // namespace

absl::Status WithholdFrom(const CallScope& scope, const v1::BreakdownRequest& request,
                          v1::BreakdownResponse* response) {
  Totals totals{.minimum = scope.who.minimum_count,
                .count = response->count(),
                .baseline = response->baseline_count()};
  totals.has_baseline =
      totals.baseline >= totals.minimum &&
      (totals.count == totals.baseline || !IsClose(totals.count, totals.baseline, totals.minimum));
  const bool is_small = totals.count < totals.minimum;
  if (is_small) Withhold(response, {"count"});
  if (!totals.has_baseline) Withhold(response, {"baseline_count"});
  for (v1::TagBreakdown& tag : *response->mutable_tags()) {
    if (is_small) {
      WithholdAll(&tag);
      continue;
    }
    THRONG_ASSIGN_OR_RETURN(const TagType type,
                            TypeOfTag(scope, request.selection().population(), tag.tag()));
    if (type == TagType::kLabels) {
      WithholdFromLabels(totals, &tag);
    } else {
      WithholdFromValues(type, totals, &tag);
    }
  }
  return absl::OkStatus();
}

}  // namespace throng::service
