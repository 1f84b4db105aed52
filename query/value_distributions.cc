#include "query/value_distributions.h"

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "query/column_bounds.h"

namespace throng::query {

using index::ChunkSet;

// Counts the values of some of the tags; those of wide ones are added up beside, as they lie.
class ValueDistributions::CountCollector final : public Collector {
 public:
  CountCollector(const index::Snapshot& snapshot, std::span<const Tag> tags)
      : snapshot_(snapshot), tags_(tags), sums_(snapshot, WideOf(tags)) {}

  void Start(uint32_t workers, uint32_t chunks) override {
    workers_.resize(workers);
    sums_.Start(workers, chunks);
  }
  uint64_t BytesAChunk() const override {
    uint64_t bytes = 0;
    for (const Tag& tag : tags_) bytes += CodeBytesAChunk(snapshot_, tag.id);
    return bytes;
  }
  void Collect(uint32_t chunk, const ChunkSet& users, uint32_t number) override {
    if (workers_[number] == nullptr) workers_[number] = std::make_unique<Worker>(tags_);
    Worker& worker = *workers_[number];
    worker.users += users.cardinality;
    for (size_t i = 0; i < tags_.size(); ++i) {
      const index::TagShard* shard = snapshot_.shard(tags_[i].id, chunk / index::kChunksPerShard);
      if (shard == nullptr || shard->column == nullptr || tags_[i].is_empty) continue;
      worker.histograms[i]->Add(*shard->column, chunk % index::kChunksPerShard, users);
    }
    sums_.Collect(chunk, users, number);
  }

  // After execution, like all below.
  uint64_t users() const {
    uint64_t users = 0;
    for (const auto& worker : workers_) users += worker == nullptr ? 0 : worker->users;
    return users;
  }
  // Of the wide tags, in order.
  std::vector<TagStatistics> sums() const { return sums_.Finish(); }
  // Null where nobody was seen. Once.
  std::unique_ptr<ValueHistogram> Merged(size_t tag) {
    std::unique_ptr<ValueHistogram> merged;
    for (const auto& worker : workers_) {
      if (worker == nullptr) continue;
      if (merged == nullptr) {
        merged = std::move(worker->histograms[tag]);
      } else {
        merged->Merge(*worker->histograms[tag]);
      }
    }
    return merged;
  }

 private:
  struct alignas(64) Worker {
    explicit Worker(std::span<const Tag> tags) {
      for (const Tag& tag : tags) histograms.push_back(std::make_unique<ValueHistogram>(tag.shape));
    }
    uint64_t users = 0;
    std::vector<std::unique_ptr<ValueHistogram>> histograms;
  };

  static std::vector<uint32_t> WideOf(std::span<const Tag> tags) {
    std::vector<uint32_t> ids;
    for (const Tag& tag : tags) {
      if (tag.is_wide) ids.push_back(tag.id);
    }
    return ids;
  }

  const index::Snapshot& snapshot_;
  const std::span<const Tag> tags_;
  StatisticsCollector sums_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

ValueDistributions::ValueDistributions(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                                       index::Parallel& parallel, const Check& check,
                                       std::vector<uint32_t> tags)
    : plan_(plan), snapshot_(snapshot), parallel_(parallel), check_(check) {
  for (uint32_t id : tags) {
    Tag& tag = tags_.emplace_back();
    tag.id = id;
    const Interval bounds = BoundsOf(snapshot, id);
    tag.is_empty = bounds.low > bounds.high;
    if (tag.is_empty) continue;
    const uint64_t distance = Distance(bounds.low, bounds.high);
    tag.is_wide = distance >= kSingleValuesMax;
    tag.shape = {.lowest = bounds.low, .highest = bounds.high, .keeps_ends = false};
    if (tag.is_wide) {
      tag.shape.shift = static_cast<uint32_t>(std::bit_width(distance / kWideBucketsMax));
    }
    tag.shape.buckets = static_cast<uint32_t>(distance >> tag.shape.shift) + 1;
  }
}

absl::Status ValueDistributions::Count() {
  figures_.clear();
  for (size_t first = 0; first < tags_.size();) {
    size_t last = first;
    uint64_t buckets = 0;
    while (last < tags_.size() &&
           (last == first || buckets + tags_[last].shape.buckets <= kPassBucketsMax)) {
      buckets += tags_[last++].shape.buckets;
    }
    if (absl::Status status = CountSome(first, last); !status.ok()) return status;
    first = last;
  }
  return absl::OkStatus();
}

absl::Status ValueDistributions::CountSome(size_t first, size_t last) {
  CountCollector collector(snapshot_, std::span<const Tag>(tags_).subspan(first, last - first));
  ++passes_;
  if (absl::Status status = Execute(plan_, snapshot_, parallel_, check_, collector); !status.ok()) {
    return status;
  }
  std::vector<TagStatistics> sums = collector.sums();
  auto next_sum = sums.begin();
  for (size_t i = first; i < last; ++i) {
    Tag& tag = tags_[i];
    tag.histogram = collector.Merged(i - first);
    if (!tag.is_wide) {
      figures_.push_back(FiguresOf(tag, collector.users()));
      continue;
    }
    figures_.push_back(std::move(*next_sum++));
    if (tag.histogram != nullptr) tag.steps = tag.histogram->Steps();
    tag.histogram.reset();
    if (tag.steps.empty()) continue;
    tag.steps.front().first = *figures_.back().min;
    tag.steps.back().last = *figures_.back().max;
  }
  return absl::OkStatus();
}

TagStatistics ValueDistributions::FiguresOf(const Tag& tag, uint64_t users) const {
  TagStatistics figures;
  figures.tag = snapshot_.catalogue().FindById(tag.id)->definition.name;
  figures.users = users;
  if (tag.histogram == nullptr) return figures;
  // Less than 2^20 times less than 2^32 users: 64 bits hold the sum of distances.
  uint64_t distances = 0;
  int64_t max = 0;
  tag.histogram->VisitSteps([&](const ValueStep& step) {
    if (figures.with_value == 0) figures.min = step.first;
    figures.with_value += step.users;
    distances += Distance(tag.shape.lowest, step.first) * step.users;
    max = step.first;
  });
  if (figures.with_value == 0) return figures;
  figures.max = max;
  figures.total =
      absl::int128(distances) + absl::int128(tag.shape.lowest) * absl::int128(figures.with_value);
  return figures;
}

// The steps that a question cannot be answered without looking into.
std::vector<OpenRange> ValueDistributions::OpenRanges(
    size_t tag, const DistributionQuestions& questions) const {
  std::vector<OpenRange> open;
  auto rank = questions.ranks.begin();
  auto limit = questions.limits.begin();
  const uint64_t users = figures_[tag].with_value;
  uint64_t before = 0;
  for (const ValueStep& step : tags_[tag].steps) {
    OpenRange range{.low = step.first, .high = step.last, .users = step.users};
    for (; rank != questions.ranks.end() && *rank <= before + step.users; ++rank) {
      // The first and the last are known.
      range.needs_values |= *rank > 1 && *rank < users;
    }
    while (limit != questions.limits.end() && *limit <= step.first) ++limit;
    for (; limit != questions.limits.end() && *limit <= step.last; ++limit) {
      range.cuts.push_back(*limit);
    }
    before += step.users;
    if (step.first < step.last && (range.needs_values || !range.cuts.empty())) {
      open.push_back(std::move(range));
    }
  }
  return open;
}

absl::StatusOr<std::vector<DistributionAnswers>> ValueDistributions::Answer(
    const std::vector<DistributionQuestions>& questions) {
  while (true) {
    std::vector<RangesOfTag> ranges;
    std::vector<size_t> places;
    uint64_t bytes = 0;
    for (size_t i = 0; i < tags_.size(); ++i) {
      if (!tags_[i].is_wide) continue;
      RangesOfTag of_tag{tags_[i].id, tags_[i].shape, OpenRanges(i, questions[i])};
      uint64_t more = 0;
      for (const OpenRange& range : of_tag.ranges) more += range.bytes();
      if (of_tag.ranges.empty() || (bytes > 0 && bytes + more > kPassRangeBytesMax)) continue;
      bytes += more;
      ranges.push_back(std::move(of_tag));
      places.push_back(i);
    }
    if (ranges.empty()) break;
    if (absl::Status status = CutUp(std::move(ranges), places); !status.ok()) return status;
  }
  std::vector<DistributionAnswers> answers;
  for (size_t i = 0; i < tags_.size(); ++i) answers.push_back(AnswerOne(i, questions[i]));
  return answers;
}

absl::Status ValueDistributions::CutUp(std::vector<RangesOfTag> ranges,
                                       const std::vector<size_t>& places) {
  const std::vector<RangesOfTag> asked = ranges;
  RangeCollector collector(snapshot_, std::move(ranges));
  ++passes_;
  if (absl::Status status = Execute(plan_, snapshot_, parallel_, check_, collector); !status.ok()) {
    return status;
  }
  const std::vector<std::vector<std::vector<ValueStep>>> found = collector.Finish();
  for (size_t i = 0; i < places.size(); ++i) {
    std::vector<ValueStep>& steps = tags_[places[i]].steps;
    std::vector<ValueStep> finer;
    size_t next = 0;
    for (const ValueStep& step : steps) {
      if (next < asked[i].ranges.size() && asked[i].ranges[next].low == step.first) {
        finer.insert(finer.end(), found[i][next].begin(), found[i][next].end());
        ++next;
      } else {
        finer.push_back(step);
      }
    }
    steps = std::move(finer);
  }
  return absl::OkStatus();
}

DistributionAnswers ValueDistributions::AnswerOne(size_t tag,
                                                  const DistributionQuestions& questions) const {
  DistributionAnswers answers;
  const TagStatistics& figures = figures_[tag];
  auto rank = questions.ranks.begin();
  auto limit = questions.limits.begin();
  uint64_t before = 0;
  const auto visit = [&](const ValueStep& step) {
    for (; limit != questions.limits.end() && *limit <= step.first; ++limit) {
      answers.below.push_back(before);
    }
    before += step.users;
    for (; rank != questions.ranks.end() && *rank <= before; ++rank) {
      answers.values.push_back(*rank == 1                    ? *figures.min
                               : *rank == figures.with_value ? *figures.max
                                                             : step.first);
    }
  };
  if (tags_[tag].is_wide) {
    for (const ValueStep& step : tags_[tag].steps) visit(step);
  } else if (tags_[tag].histogram != nullptr) {
    tags_[tag].histogram->VisitSteps(visit);
  }
  for (; limit != questions.limits.end(); ++limit) answers.below.push_back(before);
  return answers;
}

}  // namespace throng::query
