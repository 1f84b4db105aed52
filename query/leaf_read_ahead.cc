// LeafReader: what will be read is asked for before, where a plan reads more than the caches hold.
#include <algorithm>
#include <variant>

#include "query/leaf_reader.h"

namespace throng::query {
namespace {

using index::ChunkScratch;
using index::ChunkSet;

// Bitmaps ahead of which all of one is asked for while another is read.
constexpr size_t kReadAheadDistance = 16;

// Of a leaf that reads one bitmap in each shard.
uint32_t OnlyBitmapsTag(const PhysicalPlan& plan) {
  if (const auto* values = std::get_if<TagValues>(&plan.node)) return values->tag;
  if (const auto* exists = std::get_if<TagExists>(&plan.node)) return exists->tag;
  return index::kUniverseTag;
}

}  // namespace

ChunkSet LeafReader::LoadBitmap(size_t i, uint32_t chunk, ChunkScratch& scratch) const {
  ChunkSet users = bitmaps_[i].Load(chunk, scratch);
  if (!reads_ahead_) return users;
  const uint64_t* ahead = WordsAhead(i, chunk);
  if (ahead != nullptr) {
    __builtin_prefetch(reinterpret_cast<const char*>(ahead) - index::Block::kWordsOffset);
  }
  if (users.kind == index::SetKind::kBitset) users.ahead = ahead;
  return users;
}

// What is read after a bitmap is the one some places behind it, of the next chunk in the end.
const uint64_t* LeafReader::WordsAhead(size_t i, uint32_t chunk) const {
  const size_t next = i + std::min(kReadAheadDistance, bitmaps_.size());
  if (next < bitmaps_.size()) return bitmaps_[next].WordsPlace(chunk);
  if (chunk + 1 < index::kChunksPerShard) {
    return bitmaps_[next - bitmaps_.size()].WordsPlace(chunk + 1);
  }
  const index::BitmapShard* bitmap = bitmaps_.size() == 1 ? NextShardsBitmap() : nullptr;
  return bitmap == nullptr ? nullptr : bitmap->WordsPlace(0);
}

// The only bitmap in the next shard of a leaf that has one in this shard.
const index::BitmapShard* LeafReader::NextShardsBitmap() const {
  if (values_ != nullptr && values_->codes.size() > 1) return nullptr;
  const index::TagShard* shard = snapshot_.shard(OnlyBitmapsTag(plan_), shard_ + 1);
  if (shard == nullptr) return nullptr;
  return std::holds_alternative<TagExists>(plan_.node)
             ? shard->exists.get()
             : shard->values[values_ == nullptr ? 0 : values_->codes[0]].get();
}

// The way to a bitmap of the next shard leads from one place of memory to the next: a step every
// few chunks, so that none is waited for.
void LeafReader::ApproachNextShard(uint32_t chunk) const {
  const bool one_value = values_ == nullptr || values_->codes.size() == 1;
  const index::TagShard* shard =
      one_value ? snapshot_.shard(OnlyBitmapsTag(plan_), shard_ + 1) : nullptr;
  if (shard == nullptr) return;
  const index::BitmapShard* bitmap = nullptr;
  switch (chunk) {
    case 1:
      __builtin_prefetch(shard);
      __builtin_prefetch(&shard->exists);
      return;
    case 4:
      shard->values.PrefetchPage();
      return;
    case 7:
      shard->values.PrefetchEntry(values_ == nullptr ? 0 : values_->codes[0]);
      return;
    case 10:
      __builtin_prefetch(NextShardsBitmap());
      return;
    case 13:
      bitmap = NextShardsBitmap();
      if (bitmap != nullptr) bitmap->PrefetchChunks();
      return;
  }
}

}  // namespace throng::query
