#include "server/engine/insights.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "query/breakdown_collector.h"
#include "query/executor.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/sampled_breakdown.h"
#include "server/engine/visible_tag.h"

namespace throng::engine {
namespace {

using index::TagEntry;
using index::TagType;
using query::TagCounts;

absl::Status CheckLimits(const BreakdownRequest& request) {
  if (request.tags.empty()) {
    return index::InvalidArgument("NO_TAGS", "tags", "a breakdown needs at least one tag");
  }
  if (request.tags.size() > kBreakdownTagsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_TAGS",
                             "the number of tags", kBreakdownTagsMax, request.tags.size()),
        "tags");
  }
  if (request.top_k < 1 || request.top_k > kBreakdownRowsMax) {
    return index::MakeError(
        absl::StatusCode::kInvalidArgument,
        fmt::format("top_k is {}; it must be 1 to {}", request.top_k, kBreakdownRowsMax),
        {.reason = "VALUE_OUT_OF_RANGE",
         .field = "top_k",
         .limit = kBreakdownRowsMax,
         .requested = request.top_k});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<const TagEntry*>> FindTags(const index::CatalogueView& view,
                                                      const std::vector<std::string>& names) {
  THRONG_ASSIGN_OR_RETURN(const std::vector<const TagEntry*> tags, FindVisibleTags(view, names));
  for (size_t i = 0; i < names.size(); ++i) {
    const TagEntry* entry = tags[i];
    if (index::IsNumeric(entry->definition.type)) {
      return index::InvalidArgument(
          "NO_VALUES", fmt::format("tags[{}]", i),
          fmt::format("tag \"{}\" is of type {}: only CATEGORY, LABELS and FLAG can be broken down",
                      names[i], index::TagTypeName(entry->definition.type)));
    }
  }
  return tags;
}

// The users of a selection, counted over tags.
struct Counted {
  uint64_t users = 0;
  std::vector<TagCounts> tags;
};

absl::StatusOr<Counted> CountSelection(const ResolvedSelection& selection,
                                       const std::vector<uint32_t>& tags) {
  query::BreakdownCollector collector(*selection.snapshot, tags);
  THRONG_RETURN_IF_ERROR(query::Execute(selection.plan, *selection.snapshot,
                                        selection.universe->parallel(), selection.check,
                                        collector));
  return Counted{.users = collector.users(), .tags = collector.Finish()};
}

// The two crowds of a breakdown; where a sample is asked for, their estimates.
class CrowdCounter {
 public:
  CrowdCounter(const ResolvedSelection& selection, std::vector<const TagEntry*> entries,
               const std::optional<SampleRequest>& sample)
      : selection_(selection), entries_(std::move(entries)), sample_(sample) {
    for (const TagEntry* entry : entries_) tags_.push_back(entry->definition.id);
    if (!sample.has_value()) return;
    frame_ = query::PickSample(*selection.snapshot, {sample->millionths, sample->salt});
  }

  absl::StatusOr<Counted> Crowd() { return Count(selection_, &sampled_); }
  // Everybody is known without looking.
  absl::StatusOr<Counted> Baseline(const CallContext& context, const BreakdownRequest& request) {
    if (!request.baseline.has_value() && request.baseline_exclude.empty()) {
      return Counted{.users = selection_.snapshot->user_count(),
                     .tags = query::CountEverybody(*selection_.snapshot, tags_)};
    }
    THRONG_ASSIGN_OR_RETURN(
        const ResolvedSelection baseline,
        ResolveBeside(selection_, context,
                      request.baseline.value_or(query::Expression{query::AllUsers()}),
                      request.baseline_exclude, "baseline"));
    baseline_crowds_ = baseline.crowds;
    SampledCrowd sampled;
    return Count(baseline, &sampled);
  }
  // REQUIRES: Crowd() and Baseline() were called.
  void Report(BreakdownResult* result) const {
    AddCrowds(baseline_crowds_, &result->info);
    if (!sample_.has_value()) return;
    result->info.exact = false;
    result->sample = ReportOf(*sample_, frame_);
    AddRanges(sampled_, query::SampleIntervals(frame_, sample_->confidence), entries_, result);
  }

 private:
  absl::StatusOr<Counted> Count(const ResolvedSelection& selection, SampledCrowd* sampled) {
    if (!sample_.has_value()) return CountSelection(selection, tags_);
    THRONG_RETURN_IF_ERROR(CheckNoLimit(selection.resolved.limit));
    THRONG_ASSIGN_OR_RETURN(*sampled, CountSampledCrowd(selection, tags_, &frame_));
    const query::SampleIntervals intervals(frame_, sample_->confidence);
    return Counted{.users = intervals.EstimateOf(sampled->users.found),
                   .tags = sampled->Estimates(intervals, entries_)};
  }

  const ResolvedSelection& selection_;
  const std::vector<const TagEntry*> entries_;
  std::vector<uint32_t> tags_;
  const std::optional<SampleRequest>& sample_;
  query::SampleFrame frame_;
  SampledCrowd sampled_;  // of the selection
  std::vector<CrowdVersionRead> baseline_crowds_;
};

// Makes the rows of one tag. Counts are exact; shares are their quotients.
class RowMaker {
 public:
  RowMaker(uint64_t users, uint64_t baseline_users)
      : users_(users), baseline_users_(baseline_users) {}

  BreakdownRow Make(std::string value, uint64_t count, uint64_t baseline_count) const {
    BreakdownRow row{.value = std::move(value),
                     .count = count,
                     .share = Share(count, users_),
                     .baseline_count = baseline_count,
                     .baseline_share = Share(baseline_count, baseline_users_)};
    if (baseline_count > 0) row.tgi = row.share / row.baseline_share * 100;
    return row;
  }

  TagBreakdown MakeTag(const TagEntry& entry, const TagCounts& crowd, const TagCounts& baseline,
                       uint32_t top_k) const {
    TagBreakdown tag{.tag = entry.definition.name, .type = entry.definition.type};
    if (tag.type == TagType::kFlag) {
      AddRow("true", crowd.counts[0], baseline.counts[0], &tag);
      AddRow("false", users_ - crowd.counts[0], baseline_users_ - baseline.counts[0], &tag);
    } else {
      for (uint32_t code = 0; code < entry.values->size(); ++code) {
        AddRow(entry.values->value(code), crowd.counts[code], baseline.counts[code], &tag);
      }
    }
    std::sort(tag.rows.begin(), tag.rows.end(), [](const BreakdownRow& a, const BreakdownRow& b) {
      return a.count != b.count ? a.count > b.count : a.value < b.value;
    });
    tag.missing = Make("", users_ - crowd.with_value, baseline_users_ - baseline.with_value);
    CutOthers(top_k, &tag);
    return tag;
  }

 private:
  static double Share(uint64_t count, uint64_t users) {
    return users == 0 ? 0 : static_cast<double>(count) / static_cast<double>(users);
  }

  void AddRow(const std::string& value, uint64_t count, uint64_t baseline_count,
              TagBreakdown* tag) const {
    if (count > 0 || baseline_count > 0) tag->rows.push_back(Make(value, count, baseline_count));
  }

  void CutOthers(uint32_t top_k, TagBreakdown* tag) const {
    uint64_t count = 0;
    uint64_t baseline_count = 0;
    for (size_t i = top_k; i < tag->rows.size(); ++i) {
      count += tag->rows[i].count;
      baseline_count += tag->rows[i].baseline_count;
      ++tag->others_values;
    }
    tag->others = Make("", count, baseline_count);
    if (tag->rows.size() > top_k) tag->rows.resize(top_k);
  }

  const uint64_t users_;
  const uint64_t baseline_users_;
};

}  // namespace

absl::StatusOr<BreakdownResult> Insights::Breakdown(const CallContext& context,
                                                    const Selection& selection,
                                                    const BreakdownRequest& request) {
  THRONG_RETURN_IF_ERROR(CheckLimits(request));
  if (request.sample.has_value()) THRONG_RETURN_IF_ERROR(CheckSample(*request.sample));
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          request.sample.has_value()
                              ? BindSelection(universes_, context, selection)
                              : ResolveSelection(universes_, context, selection));
  if (request.sample.has_value()) THRONG_RETURN_IF_ERROR(CheckNoLimit(bound.resolved.limit));
  const index::CatalogueView view(bound.snapshot->catalogue(), context.visibility);
  THRONG_ASSIGN_OR_RETURN(const std::vector<const TagEntry*> entries, FindTags(view, request.tags));
  CrowdCounter counter(bound, entries, request.sample);
  THRONG_ASSIGN_OR_RETURN(const Counted crowd, counter.Crowd());
  THRONG_ASSIGN_OR_RETURN(const Counted baseline, counter.Baseline(context, request));

  BreakdownResult result{.count = crowd.users, .baseline_count = baseline.users};
  const RowMaker rows(crowd.users, baseline.users);
  for (size_t i = 0; i < entries.size(); ++i) {
    result.tags.push_back(
        rows.MakeTag(*entries[i], crowd.tags[i], baseline.tags[i], request.top_k));
  }
  result.info = bound.Info();
  counter.Report(&result);
  return result;
}

}  // namespace throng::engine
