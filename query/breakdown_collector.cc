#include "query/breakdown_collector.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include "index/chunk_ops.h"
#include "query/leaf_choice.h"

namespace throng::query {
namespace {

using index::ChunkSet;

// Beside those of query/leaf_choice.h: counting one of many users' codes, and starting and emptying
// a histogram for each code.
constexpr uint64_t kCountCodeCost = 14;
constexpr uint64_t kHistogramCost = 20;

// Neighbours with one code would wait for each other's count: each has a histogram of its own.
constexpr uint32_t kHistograms = 4;
// Loads ahead of which a block is asked for.
constexpr size_t kPrefetchDistance = 8;

uint32_t CodeCount(const index::TagEntry& entry) {
  return entry.definition.type == index::TagType::kFlag ? 1 : entry.values->size();
}

// Counts the users' codes, stored as distance from the block's base plus one, in histograms of
// `stride` entries; those beyond it are left out.
template <typename Code>
void CountCodes(const uint8_t* data, const std::vector<uint16_t>& offsets, uint32_t users,
                uint32_t stride, uint32_t* histograms) {
  const auto code_of = [&](uint32_t i) {
    Code code;
    std::memcpy(&code, data + offsets[i] * sizeof(Code), sizeof(Code));
    return std::min<uint32_t>(code, stride - 1);
  };
  uint32_t i = 0;
  for (; i + kHistograms <= users; i += kHistograms) {
    for (uint32_t k = 0; k < kHistograms; ++k) ++histograms[k * stride + code_of(i + k)];
  }
  for (; i < users; ++i) ++histograms[code_of(i)];
}

// The block says what the users of the delta had before: takes that away and counts what they have,
// each as `unit`.
void CorrectByDelta(const index::ColumnBlock& block, std::span<const index::Cell> delta,
                    const ChunkSet& users, uint64_t unit, TagCounts& counts) {
  const auto add = [&](int64_t code, uint64_t one) {
    if (static_cast<uint64_t>(code) >= counts.counts.size()) return;
    counts.counts[static_cast<size_t>(code)] += one;
    counts.with_value += one;
  };
  for (const index::Cell& cell : delta) {
    const uint32_t offset = cell.offset & index::kChunkMask;
    if (!index::Contains(users, offset)) continue;
    if (const std::optional<int64_t> before = block.Get(offset)) add(*before, ~unit + 1);
    if (cell.present) add(cell.value, unit);
  }
}

// Counts everybody of the chunk, by cardinalities alone.
void AddEverybody(index::TagType type, const index::TagShard& shard,
                  const index::ShardBitmaps& bitmaps, uint32_t chunk, TagCounts& counts) {
  const std::span<const uint32_t> cardinalities = bitmaps.cardinalities(chunk);
  uint64_t total = 0;
  for (size_t i = 0; i < bitmaps.size(); ++i) {
    counts.counts[bitmaps.code(i)] += cardinalities[i];
    total += cardinalities[i];
  }
  if (type == index::TagType::kCategory) counts.with_value += total;  // one value a user
  if (type == index::TagType::kLabels && shard.exists) {
    counts.with_value += shard.exists->ChunkCardinality(chunk);
  }
}

uint64_t BitmapsCost(std::span<const uint32_t> cardinalities, uint64_t users) {
  uint64_t cost = 0;
  for (uint64_t cardinality : cardinalities) cost += TestCost(std::min(cardinality, users));
  return cost;
}

}  // namespace

BreakdownCollector::BreakdownCollector(const index::Snapshot& snapshot,
                                       const std::vector<uint32_t>& tags)
    : snapshot_(snapshot) {
  for (uint32_t tag : tags) {
    const index::TagEntry& entry = *snapshot.catalogue().FindById(tag);
    targets_.push_back({tag, entry.definition.type, CodeCount(entry)});
  }
}

void BreakdownCollector::Start(uint32_t workers, uint32_t /*chunks*/) {
  workers_.resize(workers);
  for (Worker& worker : workers_) {
    worker.scratch = index::TakeScratch();
    worker.others = index::TakeScratch();
    worker.bitmaps.resize(targets_.size());
    for (const Target& target : targets_)
      worker.tags.push_back({.counts = std::vector<uint64_t>(target.codes)});
  }
}

void BreakdownCollector::Collect(uint32_t chunk, const ChunkSet& users, uint32_t worker) {
  StartChunk(chunk, users, worker);
  for (size_t i = 0; i < targets_.size(); ++i) CollectTag(i, chunk, users, worker);
}

void BreakdownCollector::StartChunk(uint32_t chunk, const ChunkSet& users, uint32_t number) {
  Worker& worker = workers_[number];
  worker.users += users.cardinality;
  worker.has_offsets = false;
  PickCounted(chunk, users, worker);
  const uint32_t shard_number = chunk / index::kChunksPerShard;
  if (worker.shard == shard_number) return;
  worker.shard = shard_number;
  for (size_t i = 0; i < targets_.size(); ++i) {
    const index::TagShard* shard = snapshot_.shard(targets_[i].tag, shard_number);
    if (shard != nullptr) worker.bitmaps[i].Assign(*shard, targets_[i].codes);
  }
}

// Where most are selected, the others are fewer: everybody without them is the selected.
void BreakdownCollector::PickCounted(uint32_t chunk, const ChunkSet& users, Worker& worker) const {
  worker.counted = users;
  worker.unit = 1;
  const index::TagShard* universe =
      snapshot_.shard(index::kUniverseTag, chunk / index::kChunksPerShard);
  if (universe == nullptr || !universe->values[0]) return;
  const index::BitmapShard& everybody = *universe->values[0];
  const uint32_t chunk_of_shard = chunk % index::kChunksPerShard;
  if (uint64_t{users.cardinality} * 2 <= everybody.ChunkCardinality(chunk_of_shard)) return;
  worker.counted =
      index::Subtract(everybody.Load(chunk_of_shard, *worker.scratch), users, *worker.others);
  worker.unit = ~uint64_t{0};  // minus one
}

void BreakdownCollector::CollectTag(size_t tag, uint32_t chunk, const ChunkSet& users,
                                    uint32_t number) {
  Worker& worker = workers_[number];
  const Target& target = targets_[tag];
  TagCounts& counts = worker.tags[tag];
  if (target.type == index::TagType::kFlag) counts.with_value += users.cardinality;
  const index::TagShard* shard = snapshot_.shard(target.tag, chunk / index::kChunksPerShard);
  if (shard == nullptr) return;
  const uint32_t chunk_of_shard = chunk % index::kChunksPerShard;
  const index::ShardBitmaps& bitmaps = worker.bitmaps[tag];
  if (worker.unit != 1) AddEverybody(target.type, *shard, bitmaps, chunk_of_shard, counts);
  if (!worker.counted.empty()) CountTag(target, *shard, bitmaps, chunk_of_shard, worker, counts);
}

void BreakdownCollector::CountTag(const Target& target, const index::TagShard& shard,
                                  const index::ShardBitmaps& bitmaps, uint32_t chunk,
                                  Worker& worker, TagCounts& counts) const {
  const ChunkSet& users = worker.counted;
  const index::ColumnBlock* block =
      shard.column == nullptr ? nullptr : shard.column->block(chunk).get();
  const bool plain = block != nullptr && block->has_plain_codes();
  const uint64_t column_cost = users.cardinality * kCountCodeCost + target.codes * kHistogramCost;
  if (plain && column_cost < BitmapsCost(bitmaps.cardinalities(chunk), users.cardinality)) {
    CountColumn(*block, worker, counts);
    CorrectByDelta(*block, shard.column->delta(chunk), users, worker.unit, counts);
    return;
  }
  const uint64_t counted = CountBitmaps(bitmaps, chunk, worker, counts);
  if (target.type == index::TagType::kCategory) counts.with_value += counted;  // one value a user
  if (target.type == index::TagType::kLabels) {
    counts.with_value +=
        worker.unit *
        index::IntersectCardinality(index::Load(shard.exists, chunk, *worker.scratch), users);
  }
}

// Returns the sum of what was added.
uint64_t BreakdownCollector::CountBitmaps(const index::ShardBitmaps& bitmaps, uint32_t chunk,
                                          Worker& worker, TagCounts& counts) {
  const std::span<const uint32_t> cardinalities = bitmaps.cardinalities(chunk);
  uint64_t total = 0;
  for (size_t i = 0; i < bitmaps.size(); ++i) {
    const uint64_t* ahead = nullptr;
    if (const size_t next = i + kPrefetchDistance; next < bitmaps.size()) {
      bitmaps[next].Prefetch(chunk);
      if (cardinalities[next] > index::kBlockArrayMax) ahead = bitmaps[next].WordsPlace(chunk);
    }
    if (cardinalities[i] == 0) continue;
    ChunkSet set = bitmaps[i].Load(chunk, *worker.scratch);
    if (set.kind == index::SetKind::kBitset) set.ahead = ahead;
    const uint64_t both = worker.unit * index::IntersectCardinality(set, worker.counted);
    counts.counts[bitmaps.code(i)] += both;
    total += both;
  }
  return total;
}

void BreakdownCollector::CountColumn(const index::ColumnBlock& block, Worker& worker,
                                     TagCounts& counts) {
  const ChunkSet& users = worker.counted;
  if (!worker.has_offsets) {
    worker.offsets.resize(index::kChunkSize);
    index::ToArray(users, worker.offsets.data());
    worker.has_offsets = true;
  }
  const auto base = static_cast<size_t>(block.base());
  // Code 0 is "none", then the codes from `base`; one more for what the tag does not have.
  const auto stride = static_cast<uint32_t>(
      std::min<size_t>(counts.counts.size() - std::min(base, counts.counts.size()),
                       index::kChunkSize) +
      2);
  worker.histogram.assign(size_t{stride} * kHistograms, 0);
  uint32_t* histograms = worker.histogram.data();
  if (block.width() == 1) {
    CountCodes<uint8_t>(block.codes(), worker.offsets, users.cardinality, stride, histograms);
  } else {
    CountCodes<uint16_t>(block.codes(), worker.offsets, users.cardinality, stride, histograms);
  }
  for (uint32_t stored = 1; stored + 1 < stride; ++stored) {
    uint64_t count = 0;
    for (uint32_t k = 0; k < kHistograms; ++k) count += histograms[k * stride + stored];
    count *= worker.unit;
    counts.counts[base + stored - 1] += count;
    counts.with_value += count;
  }
}

std::vector<TagCounts> BreakdownCollector::Finish() const {
  std::vector<TagCounts> merged;
  for (const Target& target : targets_)
    merged.push_back({.counts = std::vector<uint64_t>(target.codes)});
  for (const Worker& worker : workers_) {
    for (size_t i = 0; i < targets_.size(); ++i) {
      merged[i].with_value += worker.tags[i].with_value;
      for (size_t code = 0; code < merged[i].counts.size(); ++code) {
        merged[i].counts[code] += worker.tags[i].counts[code];
      }
    }
  }
  return merged;
}

uint64_t BreakdownCollector::users() const {
  uint64_t users = 0;
  for (const Worker& worker : workers_) users += worker.users;
  return users;
}

std::vector<TagCounts> CountEverybody(const index::Snapshot& snapshot,
                                      const std::vector<uint32_t>& tags) {
  std::vector<TagCounts> all;
  for (uint32_t tag : tags) {
    const index::TagEntry& entry = *snapshot.catalogue().FindById(tag);
    const uint32_t codes = CodeCount(entry);
    TagCounts counts{.counts = std::vector<uint64_t>(codes)};
    if (const index::TagContent* content = snapshot.content(tag)) {
      for (const index::TagShardRef& shard : content->shards) {
        if (shard == nullptr) continue;
        for (uint32_t code = 0; code < codes; ++code) {
          counts.counts[code] += index::Cardinality(shard->values[code]);
        }
        counts.with_value += index::Cardinality(shard->exists);
      }
    }
    if (entry.definition.type == index::TagType::kFlag) counts.with_value = snapshot.user_count();
    all.push_back(std::move(counts));
  }
  return all;
}

}  // namespace throng::query
