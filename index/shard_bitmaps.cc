#include "index/shard_bitmaps.h"

#include <algorithm>

namespace throng::index {

void ShardBitmaps::Clear() {
  entries_.clear();
  cardinalities_.clear();
}

void ShardBitmaps::Add(const TagShard& shard, uint32_t code) {
  const BitmapShardRef& bitmap = shard.values[code];
  if (bitmap) entries_.push_back({code, bitmap.get()});
}

void ShardBitmaps::Assign(const TagShard& shard, std::span<const uint32_t> codes) {
  entries_.clear();
  for (uint32_t code : codes) Add(shard, code);
  CountChunks();
}

void ShardBitmaps::Assign(const TagShard& shard, uint32_t code_count) {
  entries_.clear();
  for (uint32_t code = 0; code < code_count; ++code) Add(shard, code);
  CountChunks();
}

void ShardBitmaps::Assign(const BitmapShardRef& bitmap) {
  entries_.clear();
  if (bitmap) entries_.push_back({0, bitmap.get()});
  CountChunks();
}

void ShardBitmaps::Sort() {
  if (entries_.size() < 2) return;
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return a.bitmap->cardinality() > b.bitmap->cardinality();
  });
  CountChunks();
}

void ShardBitmaps::CountChunks() {
  cardinalities_.resize(entries_.size() * kChunksPerShard);
  constexpr size_t kFirstStep = 8;  // bitmaps ahead of which one is asked for, and then its chunks
  constexpr size_t kSecondStep = 4;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (i + kFirstStep < entries_.size()) __builtin_prefetch(entries_[i + kFirstStep].bitmap);
    if (i + kSecondStep < entries_.size()) entries_[i + kSecondStep].bitmap->PrefetchChunks();
    for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
      cardinalities_[chunk * entries_.size() + i] = entries_[i].bitmap->ChunkCardinality(chunk);
    }
  }
}

uint64_t ShardBitmaps::cardinality() const {
  uint64_t total = 0;
  for (const Entry& entry : entries_) total += entry.bitmap->cardinality();
  return total;
}

}  // namespace throng::index
