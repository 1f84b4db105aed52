#include "index/ordinal_set.h"

#include <algorithm>

#include "index/chunk_ops.h"

namespace throng::index {
namespace {

constexpr size_t kOffsetsMax = 2048;

ChunkSet SortedView(std::vector<uint16_t>& offsets) {
  std::sort(offsets.begin(), offsets.end());
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
  return ChunkSet::Array(offsets.data(), static_cast<uint32_t>(offsets.size()));
}

}  // namespace

void OrdinalSet::Builder::Add(uint32_t ordinal) {
  const uint32_t chunk = ordinal >> kChunkBits;
  if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
  Collected& collected = chunks_[chunk];
  const uint32_t offset = ordinal & kChunkMask;
  if (collected.words != nullptr) {
    collected.words->words[offset >> 6] |= uint64_t{1} << (offset & 63);
    return;
  }
  collected.offsets.push_back(static_cast<uint16_t>(offset));
  if (collected.offsets.size() < kOffsetsMax) return;
  collected.words = std::make_unique<ChunkWords>();
  for (uint16_t o : collected.offsets) collected.words->words[o >> 6] |= uint64_t{1} << (o & 63);
  collected.offsets = {};
}

std::shared_ptr<const OrdinalSet> OrdinalSet::Builder::Build() {
  std::vector<BlockRef> blocks(chunks_.size());
  for (size_t chunk = 0; chunk < chunks_.size(); ++chunk) {
    Collected& collected = chunks_[chunk];
    blocks[chunk] = MakeBlock(collected.words != nullptr ? ViewOf(collected.words->words)
                                                         : SortedView(collected.offsets));
  }
  chunks_.clear();
  return FromBlocks(std::move(blocks));
}

std::shared_ptr<const OrdinalSet> OrdinalSet::FromBlocks(std::vector<BlockRef> blocks) {
  auto set = std::make_shared<OrdinalSet>();
  set->blocks_ = std::move(blocks);
  for (const BlockRef& block : set->blocks_) set->cardinality_ += block ? block->cardinality() : 0;
  return set;
}

bool OrdinalSet::Contains(uint32_t ordinal) const {
  return index::Contains(chunk(ordinal >> kChunkBits), ordinal & kChunkMask);
}

size_t OrdinalSet::memory_bytes() const {
  size_t bytes = sizeof(*this) + blocks_.capacity() * sizeof(BlockRef);
  for (const BlockRef& block : blocks_) bytes += block ? block->memory_bytes() : 0;
  return bytes;
}

}  // namespace throng::index
