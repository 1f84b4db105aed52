#include "index/crowd_sets.h"

#include <algorithm>
#include <array>
#include <utility>

#include "index/chunk_ops.h"
#include "index/snapshot.h"

namespace throng::index {
namespace {

// The blocks of a set, to be changed one by one.
std::vector<BlockRef> BlocksOf(const OrdinalSet& set) {
  std::vector<BlockRef> blocks;
  blocks.reserve(set.chunk_count());
  for (uint32_t chunk = 0; chunk < set.chunk_count(); ++chunk) {
    blocks.push_back(set.ShareBlock(chunk));
  }
  return blocks;
}

}  // namespace

uint32_t ShardEnd(const OrdinalSet& set) {
  uint32_t end = set.chunk_count();
  while (end > 0 && set.chunk(end - 1).empty()) --end;
  return (end + kChunksPerShard - 1) / kChunksPerShard;
}

BitmapShardRef ShardOf(const OrdinalSet& set, uint32_t shard) {
  std::array<BlockRef, kChunksPerShard> blocks;
  for (uint32_t i = 0; i < kChunksPerShard; ++i) {
    blocks[i] = set.ShareBlock(shard * kChunksPerShard + i);
  }
  return MakeBitmapShard(blocks);
}

OrdinalSetRef SetOfShards(std::span<const BitmapShardRef> shards) {
  const auto scratch = std::make_unique<ChunkScratch>();
  std::vector<BlockRef> blocks(shards.size() * kChunksPerShard);
  for (size_t shard = 0; shard < shards.size(); ++shard) {
    for (uint32_t i = 0; i < kChunksPerShard; ++i) {
      blocks[shard * kChunksPerShard + i] = MakeBlock(Load(shards[shard], i, *scratch));
    }
  }
  return OrdinalSet::FromBlocks(std::move(blocks));
}

OrdinalSetRef Without(const OrdinalSetRef& set, std::span<const uint32_t> ordinals) {
  if (set == nullptr) return set;
  const bool has_any = std::any_of(ordinals.begin(), ordinals.end(),
                                   [&](uint32_t ordinal) { return set->Contains(ordinal); });
  if (!has_any) return set;
  std::vector<BlockRef> blocks = BlocksOf(*set);
  const auto words = std::make_unique<ChunkWords>();
  for (size_t i = 0; i < ordinals.size();) {
    const uint32_t chunk = ordinals[i] >> kChunkBits;
    if (chunk >= blocks.size()) break;
    CopyTo(View(blocks[chunk]), words->words);
    for (; i < ordinals.size() && ordinals[i] >> kChunkBits == chunk; ++i) {
      const uint32_t offset = ordinals[i] & kChunkMask;
      words->words[offset >> 6] &= ~(uint64_t{1} << (offset & 63));
    }
    blocks[chunk] = MakeBlock(ViewOf(words->words));
  }
  return OrdinalSet::FromBlocks(std::move(blocks));
}

OrdinalSetRef LivingIn(const Snapshot& snapshot, const OrdinalSetRef& set) {
  // Without holes in the universe everybody below its end lives.
  if (set == nullptr || snapshot.user_count() == snapshot.ordinal_end()) return set;
  const auto scratch = std::make_unique<ChunkScratch>();
  const auto result = std::make_unique<ChunkScratch>();
  std::vector<BlockRef> blocks = BlocksOf(*set);
  bool is_changed = false;
  for (uint32_t chunk = 0; chunk < blocks.size(); ++chunk) {
    if (!blocks[chunk]) continue;
    const TagShard* universe = snapshot.shard(kUniverseTag, chunk / kChunksPerShard);
    const ChunkSet living = universe == nullptr
                                ? ChunkSet::Empty()
                                : Load(universe->values[0], chunk % kChunksPerShard, *scratch);
    const ChunkSet members = View(blocks[chunk]);
    if (IntersectCardinality(members, living) == members.cardinality) continue;
    blocks[chunk] = MakeBlock(Intersect(members, living, *result));
    is_changed = true;
  }
  return is_changed ? OrdinalSet::FromBlocks(std::move(blocks)) : set;
}

SetDifference Compare(const OrdinalSet& before, const OrdinalSet& now) {
  uint64_t both = 0;
  const uint32_t chunks = std::min(before.chunk_count(), now.chunk_count());
  for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
    both += IntersectCardinality(before.chunk(chunk), now.chunk(chunk));
  }
  return {.added = now.cardinality() - both, .removed = before.cardinality() - both};
}

OrdinalSetRef Difference(const OrdinalSet& a, const OrdinalSet& b) {
  const auto result = std::make_unique<ChunkScratch>();
  std::vector<BlockRef> blocks(a.chunk_count());
  for (uint32_t chunk = 0; chunk < a.chunk_count(); ++chunk) {
    const ChunkSet from = a.chunk(chunk);
    if (!from.empty()) blocks[chunk] = MakeBlock(Subtract(from, b.chunk(chunk), *result));
  }
  return OrdinalSet::FromBlocks(std::move(blocks));
}

OrdinalSetRef Union(const OrdinalSet& a, const OrdinalSet& b) {
  const auto result = std::make_unique<ChunkScratch>();
  std::vector<BlockRef> blocks(std::max(a.chunk_count(), b.chunk_count()));
  for (uint32_t chunk = 0; chunk < blocks.size(); ++chunk) {
    const ChunkSet first = a.chunk(chunk);
    const ChunkSet second = b.chunk(chunk);
    if (second.empty()) {
      blocks[chunk] = chunk < a.chunk_count() ? a.ShareBlock(chunk) : BlockRef();
    } else {
      blocks[chunk] = MakeBlock(Unite(first, second, *result));
    }
  }
  return OrdinalSet::FromBlocks(std::move(blocks));
}

}  // namespace throng::index
