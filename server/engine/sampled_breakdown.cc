#include "server/engine/sampled_breakdown.h"

#include <algorithm>
#include <cstddef>

#include "index/error.h"

namespace throng::engine {
namespace {

using index::TagEntry;
using query::SampledTagCounts;
using query::SampleIntervals;
using query::SampleTally;

// The tally of a row's value. REQUIRES: the row was made of the same counts.
const SampleTally& TallyOf(const TagEntry& entry, const SampledTagCounts& counts,
                           const BreakdownRow& row) {
  if (entry.definition.type == index::TagType::kFlag) {
    return row.value == "true" ? counts.counts[0] : counts.without_value;
  }
  return counts.counts[*entry.values->Find(row.value)];
}

// Of the values that are shown in no row.
SampleRange RangeOfOthers(const SampledTagCounts& counts, const std::vector<bool>& shown,
                          const SampleIntervals& intervals, const SampleRange& crowd) {
  SampleRange others;
  for (size_t code = 0; code < counts.counts.size(); ++code) {
    if (shown[code] || counts.counts[code].found == 0) continue;
    const SampleRange one = RangeOf(counts.counts[code], intervals);
    others.found += one.found;
    others.low += one.low;
    others.high += one.high;
  }
  // Of LABELS a user counts for each.
  if (others.found <= crowd.found) others.high = std::min(others.high, crowd.high);
  return others;
}

void AddTagRanges(const TagEntry& entry, const SampledTagCounts& counts,
                  const SampleIntervals& intervals, const SampleRange& crowd, uint64_t users,
                  TagBreakdown* tag) {
  const bool is_flag = entry.definition.type == index::TagType::kFlag;
  std::vector<bool> shown(counts.counts.size());
  for (BreakdownRow& row : tag->rows) {
    row.range = RangeOf(TallyOf(entry, counts, row), intervals);
    if (!is_flag) shown[*entry.values->Find(row.value)] = true;
  }
  tag->missing.range = is_flag ? SampleRange() : RangeOf(counts.without_value, intervals);
  tag->others.range = SampleRange();
  if (is_flag) return;
  const SampleRange others = RangeOfOthers(counts, shown, intervals, crowd);
  tag->others.range = others;
  tag->others.count = intervals.EstimateOf(others.found);  // not the sum of rounded estimates
  tag->others.share =
      users == 0 ? 0 : static_cast<double>(tag->others.count) / static_cast<double>(users);
  tag->others.tgi.reset();
  if (tag->others.baseline_share > 0) {
    tag->others.tgi = tag->others.share / tag->others.baseline_share * 100;
  }
}

}  // namespace

std::vector<query::TagCounts> SampledCrowd::Estimates(
    const SampleIntervals& intervals, const std::vector<const TagEntry*>& entries) const {
  const uint64_t all = intervals.EstimateOf(users.found);
  std::vector<query::TagCounts> estimates;
  for (size_t t = 0; t < tags.size(); ++t) {
    query::TagCounts& counts = estimates.emplace_back();
    for (const SampleTally& tally : tags[t].counts) {
      counts.counts.push_back(intervals.EstimateOf(tally.found));
    }
    const bool is_flag = entries[t]->definition.type == index::TagType::kFlag;
    const uint64_t with = users.found - tags[t].without_value.found;
    counts.with_value = is_flag ? all : intervals.EstimateOf(with);
  }
  return estimates;
}

absl::StatusOr<SampledCrowd> CountSampledCrowd(const ResolvedSelection& selection,
                                               const std::vector<uint32_t>& tags,
                                               query::SampleFrame* frame) {
  SampledCrowd crowd;
  THRONG_RETURN_IF_ERROR(query::BreakDownSample(selection.resolved.plan, tags, *selection.snapshot,
                                                selection.universe->parallel(), selection.check,
                                                frame, &crowd.users, &crowd.tags));
  return crowd;
}

void AddRanges(const SampledCrowd& crowd, const SampleIntervals& intervals,
               const std::vector<const TagEntry*>& entries, BreakdownResult* result) {
  const SampleRange users = RangeOf(crowd.users, intervals);
  result->range = users;
  for (size_t t = 0; t < entries.size(); ++t) {
    AddTagRanges(*entries[t], crowd.tags[t], intervals, users, result->count, &result->tags[t]);
  }
}

}  // namespace throng::engine
