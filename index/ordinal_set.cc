#include "index/ordinal_set.h"

#include <algorithm>
#include <cstring>

#include "index/chunk_ops.h"

namespace throng::index {
namespace {

// Lists of at least one user in so many are bits set one by one in words for everybody: what that
// touches stays in the caches, and nothing needs to be moved.
constexpr uint64_t kUsersForBits = 256;
// So few offsets are sorted; more are set as bits, which puts them in order.
constexpr size_t kSortedMax = 64;

// A block of `offsets`, which may repeat and are put in order.
BlockRef BlockOf(std::span<uint16_t> offsets, ChunkWords* words) {
  if (offsets.size() <= kSortedMax) {
    std::sort(offsets.begin(), offsets.end());
    const auto end = std::unique(offsets.begin(), offsets.end());
    return MakeBlock(ChunkSet::Array(offsets.data(), static_cast<uint32_t>(end - offsets.begin())));
  }
  std::memset(words, 0, sizeof(*words));
  for (uint16_t offset : offsets) words->words[offset >> 6] |= uint64_t{1} << (offset & 63);
  return MakeBlock(ViewOf(words->words));
}

}  // namespace

std::shared_ptr<const OrdinalSet> OrdinalSet::Builder::Build() {
  std::vector<uint32_t> ordinals;
  ordinals.swap(ordinals_);
  return FromOrdinals(ordinals);
}

std::shared_ptr<const OrdinalSet> OrdinalSet::FromOrdinals(std::span<const uint32_t> ordinals) {
  if (ordinals.empty()) return std::make_shared<OrdinalSet>();
  const uint32_t last = *std::max_element(ordinals.begin(), ordinals.end());
  const uint32_t chunks = (last >> kChunkBits) + 1;
  return ordinals.size() * kUsersForBits >= last ? OfBits(ordinals, chunks)
                                                 : OfChunks(ordinals, chunks);
}

std::shared_ptr<const OrdinalSet> OrdinalSet::OfBits(std::span<const uint32_t> ordinals,
                                                     uint32_t chunks) {
  auto set = std::make_shared<OrdinalSet>();
  set->words_ = std::make_unique<ChunkWords[]>(chunks);
  uint64_t* const words = set->words_[0].words;
  for (uint32_t ordinal : ordinals) words[ordinal >> 6] |= uint64_t{1} << (ordinal & 63);
  set->cardinalities_.resize(chunks);
  for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
    set->cardinalities_[chunk] = CountBits(set->words_[chunk].words);
    set->cardinality_ += set->cardinalities_[chunk];
  }
  return set;
}

// By chunk, in the manner of a counting sort.
std::shared_ptr<const OrdinalSet> OrdinalSet::OfChunks(std::span<const uint32_t> ordinals,
                                                       uint32_t chunks) {
  std::vector<size_t> ends(chunks + size_t{1});
  for (uint32_t ordinal : ordinals) ++ends[(ordinal >> kChunkBits) + 1];
  for (uint32_t chunk = 1; chunk <= chunks; ++chunk) ends[chunk] += ends[chunk - 1];
  std::vector<uint16_t> offsets(ordinals.size());
  for (uint32_t ordinal : ordinals) {
    offsets[ends[ordinal >> kChunkBits]++] = static_cast<uint16_t>(ordinal & kChunkMask);
  }
  // Each entry has moved to the end of its chunk, which is where the next one begins.
  std::vector<BlockRef> blocks(chunks);
  const auto words = std::make_unique<ChunkWords>();
  size_t begin = 0;
  for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
    blocks[chunk] = BlockOf(std::span(offsets).subspan(begin, ends[chunk] - begin), words.get());
    begin = ends[chunk];
  }
  return FromBlocks(std::move(blocks));
}

std::shared_ptr<const OrdinalSet> OrdinalSet::FromBlocks(std::vector<BlockRef> blocks) {
  auto set = std::make_shared<OrdinalSet>();
  set->blocks_ = std::move(blocks);
  for (const BlockRef& block : set->blocks_) set->cardinality_ += block ? block->cardinality() : 0;
  return set;
}

bool OrdinalSet::Contains(uint32_t ordinal) const {
  const uint32_t chunk = ordinal >> kChunkBits;
  const uint32_t offset = ordinal & kChunkMask;
  if (chunk < blocks_.size()) return blocks_[chunk] && blocks_[chunk]->Contains(offset);
  return chunk < cardinalities_.size() && (words_[chunk].words[offset >> 6] >> (offset & 63) & 1);
}

size_t OrdinalSet::memory_bytes() const {
  size_t bytes = sizeof(*this) + blocks_.capacity() * sizeof(BlockRef) +
                 cardinalities_.size() * (sizeof(ChunkWords) + sizeof(uint32_t));
  for (const BlockRef& block : blocks_) bytes += block ? block->memory_bytes() : 0;
  return bytes;
}

}  // namespace throng::index
