#include "query/range_counts.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <span>
#include <utility>

#include "index/chunk_ops.h"
#include "index/scratch_pool.h"
#include "query/column_bounds.h"
#include "query/column_codes.h"

namespace throng::query {
namespace {

using index::ChunkSet;

bool KeepsValues(const OpenRange& range) {
  return range.needs_values && range.users <= kKeptValuesMax;
}

// The narrowest buckets that the range can be cut into.
HistogramShape ShapeOf(const OpenRange& range) {
  const uint64_t distance = Distance(range.low, range.high);
  const auto shift = static_cast<uint32_t>(std::bit_width(distance / kRangeBucketsMax));
  return {.lowest = range.low,
          .highest = range.high,
          .shift = shift,
          .buckets = static_cast<uint32_t>(distance >> shift) + 1,
          .keeps_ends = false};
}

// What one thread has found in a range.
struct RangeContent {
  std::vector<int64_t> values;   // where it keeps them
  std::vector<uint32_t> counts;  // by cut, or by bucket

  void Add(const OpenRange& range, int64_t value) {
    if (KeepsValues(range)) {
      values.push_back(value);
      return;
    }
    if (!range.needs_values) {
      const auto cut = std::upper_bound(range.cuts.begin(), range.cuts.end(), value);
      if (counts.empty()) counts.resize(range.cuts.size() + 1);
      ++counts[static_cast<size_t>(cut - range.cuts.begin())];
      return;
    }
    const HistogramShape shape = ShapeOf(range);
    if (counts.empty()) counts.resize(shape.buckets);
    ++counts[Distance(range.low, value) >> shape.shift];
  }
  void Add(RangeContent&& other) {
    values.insert(values.end(), other.values.begin(), other.values.end());
    if (counts.empty()) {
      counts = std::move(other.counts);
      return;
    }
    for (size_t i = 0; i < other.counts.size(); ++i) counts[i] += other.counts[i];
  }
};

std::vector<ValueStep> StepsOf(std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  std::vector<ValueStep> steps;
  for (int64_t value : values) {
    if (steps.empty() || steps.back().last != value) steps.push_back({value, value, 0});
    ++steps.back().users;
  }
  return steps;
}

std::vector<ValueStep> StepsOf(const OpenRange& range, RangeContent content) {
  if (KeepsValues(range)) return StepsOf(std::move(content.values));
  std::vector<ValueStep> steps;
  const HistogramShape shape = ShapeOf(range);
  for (size_t i = 0; i < content.counts.size(); ++i) {
    if (content.counts[i] == 0) continue;
    ValueStep step{.users = content.counts[i]};
    if (range.needs_values) {
      const uint64_t first = uint64_t{i} << shape.shift;
      const uint64_t last =
          std::min(first + ((uint64_t{1} << shape.shift) - 1), Distance(range.low, range.high));
      step.first = static_cast<int64_t>(static_cast<uint64_t>(range.low) + first);
      step.last = static_cast<int64_t>(static_cast<uint64_t>(range.low) + last);
    } else {
      step.first = i == 0 ? range.low : range.cuts[i - 1];
      step.last = i == range.cuts.size() ? range.high : range.cuts[i] - 1;
    }
    steps.push_back(step);
  }
  return steps;
}

}  // namespace

uint64_t OpenRange::bytes() const {
  if (KeepsValues(*this)) return users * sizeof(int64_t);
  return (needs_values ? kRangeBucketsMax : cuts.size() + 1) * sizeof(uint32_t);
}

// By bucket of the tag's histogram: whether a range lies in it.
struct RangeCollector::Lookup {
  std::vector<uint8_t> is_open;
};

// One thread's counts of one tag.
class RangeCollector::TagRanges {
 public:
  TagRanges(const RangesOfTag& ranges, const Lookup& lookup)
      : ranges_(ranges), is_open_(lookup.is_open), contents_(ranges.ranges.size()) {}

  void Add(const index::ColumnShard& column, uint32_t chunk, const ChunkSet& users,
           index::ChunkScratch& scratch);
  std::vector<RangeContent>& contents() { return contents_; }

 private:
  template <typename Code>
  void AddCodes(const index::ColumnBlock& block, const ChunkSet& users, const uint8_t* next);
  void AddValue(int64_t value) {
    const uint64_t bucket = Distance(ranges_.shape.lowest, value) >> ranges_.shape.shift;
    if (bucket < is_open_.size() && is_open_[bucket] != 0) AddOpen(value);
  }
  void AddOpen(int64_t value);

  const RangesOfTag& ranges_;
  const std::vector<uint8_t>& is_open_;
  std::vector<RangeContent> contents_;  // by range
};

void RangeCollector::TagRanges::AddOpen(int64_t value) {
  const auto after =
      std::upper_bound(ranges_.ranges.begin(), ranges_.ranges.end(), value,
                       [](int64_t number, const OpenRange& range) { return number < range.low; });
  if (after == ranges_.ranges.begin() || value > std::prev(after)->high) return;
  contents_[static_cast<size_t>(after - ranges_.ranges.begin()) - 1].Add(*std::prev(after), value);
}

template <typename Code>
void RangeCollector::TagRanges::AddCodes(const index::ColumnBlock& block, const ChunkSet& users,
                                         const uint8_t* next) {
  const uint64_t before = static_cast<uint64_t>(block.base()) - 1;  // a code and this are the value
  const uint64_t from_lowest = before - static_cast<uint64_t>(ranges_.shape.lowest);
  const uint32_t shift = ranges_.shape.shift;
  const uint8_t* const is_open = is_open_.data();
  const uint64_t buckets = is_open_.size();
  VisitCodes<Code>(block.codes(), users, next, [&](const uint8_t* codes, uint32_t size) {
    for (uint32_t i = 0; i < size; ++i) {
      const uint64_t code = LoadCode<Code>(codes, i);
      const uint64_t bucket = (code + from_lowest) >> shift;
      if (code == 0 || bucket >= buckets || is_open[bucket] == 0) continue;
      AddOpen(static_cast<int64_t>(before + code));
    }
  });
}

void RangeCollector::TagRanges::Add(const index::ColumnShard& column, uint32_t chunk,
                                    const ChunkSet& users, index::ChunkScratch& scratch) {
  const std::span<const index::Cell> delta = column.delta(chunk);
  for (const index::Cell& cell : delta) {
    if (cell.present && index::Contains(users, cell.offset & index::kChunkMask)) {
      AddValue(cell.value);
    }
  }
  const index::ColumnBlock* block = column.block(chunk).get();
  if (block == nullptr) return;
  const ChunkSet in_block = delta.empty() ? users : WithoutDelta(users, delta, scratch);
  if (block->codes() == nullptr) {
    index::ForEach(in_block, [&](uint32_t offset) {
      if (const std::optional<int64_t> value = block->Get(offset)) AddValue(*value);
    });
    return;
  }
  const uint8_t* next = NextCodes(column, chunk);
  switch (block->width()) {
    case 1:
      AddCodes<uint8_t>(*block, in_block, next);
      break;
    case 2:
      AddCodes<uint16_t>(*block, in_block, next);
      break;
    case 4:
      AddCodes<uint32_t>(*block, in_block, next);
      break;
    case 8:
      AddCodes<uint64_t>(*block, in_block, next);
      break;
  }
  block->VisitExceptions(in_block, [&](int64_t value) { AddValue(value); });
}

// Apart from each other in memory: threads do not wait for each other's cache lines.
struct alignas(64) RangeCollector::Worker {
  std::vector<TagRanges> tags;
  index::ScratchRef scratch = index::TakeScratch();
};

RangeCollector::RangeCollector(const index::Snapshot& snapshot, std::vector<RangesOfTag> tags)
    : snapshot_(snapshot), tags_(std::move(tags)) {
  for (const RangesOfTag& tag : tags_) {
    Lookup& lookup = lookups_.emplace_back();
    lookup.is_open.resize(tag.shape.buckets);
    for (const OpenRange& range : tag.ranges) {
      lookup.is_open[Distance(tag.shape.lowest, range.low) >> tag.shape.shift] = 1;
    }
  }
}

RangeCollector::~RangeCollector() = default;

void RangeCollector::Start(uint32_t workers, uint32_t /*chunks*/) { workers_.resize(workers); }

uint64_t RangeCollector::BytesAChunk() const {
  uint64_t bytes = 0;
  for (const RangesOfTag& tag : tags_) bytes += CodeBytesAChunk(snapshot_, tag.tag);
  return bytes;
}

void RangeCollector::Collect(uint32_t chunk, const ChunkSet& users, uint32_t number) {
  if (workers_[number] == nullptr) {
    workers_[number] = std::make_unique<Worker>();
    for (size_t i = 0; i < tags_.size(); ++i) {
      workers_[number]->tags.emplace_back(tags_[i], lookups_[i]);
    }
  }
  Worker& worker = *workers_[number];
  for (size_t i = 0; i < tags_.size(); ++i) {
    const index::TagShard* shard = snapshot_.shard(tags_[i].tag, chunk / index::kChunksPerShard);
    if (shard == nullptr || shard->column == nullptr) continue;
    worker.tags[i].Add(*shard->column, chunk % index::kChunksPerShard, users, *worker.scratch);
  }
}

std::vector<std::vector<std::vector<ValueStep>>> RangeCollector::Finish() {
  std::vector<std::vector<std::vector<ValueStep>>> steps(tags_.size());
  for (size_t i = 0; i < tags_.size(); ++i) {
    for (size_t r = 0; r < tags_[i].ranges.size(); ++r) {
      RangeContent merged;
      for (const std::unique_ptr<Worker>& worker : workers_) {
        if (worker != nullptr) merged.Add(std::move(worker->tags[i].contents()[r]));
      }
      steps[i].push_back(StepsOf(tags_[i].ranges[r], std::move(merged)));
    }
  }
  return steps;
}

}  // namespace throng::query
