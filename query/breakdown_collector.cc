#include "query/breakdown_collector.h"

#include <algorithm>
#include <cstring>

#include "index/chunk_ops.h"

namespace throng::query {
namespace {

using index::ChunkSet;

// Rough costs on one core, nanoseconds: intersecting two chunks without materialising, and reading
// one user's code. Only their ratio matters, and only for speed.
constexpr uint64_t kIntersectCost = 60;
constexpr uint64_t kReadCodeCost = 1;

uint32_t CodeCount(const index::TagEntry& entry) {
  return entry.definition.type == index::TagType::kFlag ? 1 : entry.values->size();
}

// Adds one to histogram[code] for each user with a code, where codes are stored as distance from
// the block's base plus one.
template <typename Code>
void CountCodes(const uint8_t* data, const ChunkSet& users, uint32_t* histogram) {
  index::ForEach(users, [&](uint32_t offset) {
    Code code;
    std::memcpy(&code, data + offset * sizeof(Code), sizeof(Code));
    ++histogram[code];
  });
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
    worker.scratch = std::make_unique<index::ChunkScratch>();
    worker.histogram.resize(size_t{index::kChunkSize});
    for (const Target& target : targets_)
      worker.tags.push_back({.counts = std::vector<uint64_t>(target.codes)});
  }
}

void BreakdownCollector::Collect(uint32_t chunk, const ChunkSet& users, uint32_t worker_number) {
  Worker& worker = workers_[worker_number];
  worker.users += users.cardinality;
  const uint32_t shard_number = chunk / index::kChunksPerShard;
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Target& target = targets_[i];
    if (target.type == index::TagType::kFlag) worker.tags[i].with_value += users.cardinality;
    const index::TagShard* shard = snapshot_.shard(target.tag, shard_number);
    if (shard == nullptr) continue;
    CollectTag(target, *shard, chunk % index::kChunksPerShard, users, worker, worker.tags[i]);
  }
}

void BreakdownCollector::CollectTag(const Target& target, const index::TagShard& shard,
                                    uint32_t chunk, const ChunkSet& users, Worker& worker,
                                    TagCounts& counts) const {
  if (target.type != index::TagType::kFlag) {
    counts.with_value +=
        index::IntersectCardinality(index::Load(shard.exists, chunk, *worker.scratch), users);
  }
  const index::ColumnBlock* block =
      shard.column == nullptr ? nullptr : shard.column->block(chunk).get();
  const bool plain = block != nullptr && block->codes() != nullptr && block->width() <= 2 &&
                     shard.column->delta(chunk).empty();
  if (plain && users.cardinality * kReadCodeCost < shard.values.size() * kIntersectCost) {
    uint32_t* histogram = worker.histogram.data();
    std::fill(worker.histogram.begin(), worker.histogram.end(), 0);
    if (block->width() == 1) {
      CountCodes<uint8_t>(block->codes(), users, histogram);
    } else {
      CountCodes<uint16_t>(block->codes(), users, histogram);
    }
    const auto base = static_cast<size_t>(block->base());
    for (size_t code = base; code < counts.counts.size() && code - base + 1 < index::kChunkSize;
         ++code) {
      counts.counts[code] += histogram[code - base + 1];
    }
    return;
  }
  for (size_t code = 0; code < shard.values.size() && code < counts.counts.size(); ++code) {
    const index::BitmapShardRef& bitmap = shard.values[code];
    if (!bitmap || bitmap->ChunkCardinality(chunk) == 0) continue;
    counts.counts[code] += index::IntersectCardinality(bitmap->Load(chunk, *worker.scratch), users);
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
