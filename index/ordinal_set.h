// An immutable set of users: a list given with a request, or a materialised result.
//
//   OrdinalSet::Builder builder;
//   for (uint32_t ordinal : ordinals) builder.Add(ordinal);   // any order, repeats allowed
//   std::shared_ptr<const OrdinalSet> set = builder.Build();
//   set->cardinality();
#ifndef THRONG_INDEX_ORDINAL_SET_H_
#define THRONG_INDEX_ORDINAL_SET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "index/block.h"
#include "index/chunk_set.h"

namespace throng::index {

// Thread-safe: immutable.
class OrdinalSet {
 public:
  // Collects ordinals. Not thread-safe.
  class Builder {
   public:
    void Add(uint32_t ordinal) { ordinals_.push_back(ordinal); }
    std::shared_ptr<const OrdinalSet> Build();

   private:
    std::vector<uint32_t> ordinals_;
  };

  // The set of `ordinals`, in any order, repeats allowed, each below kOrdinalsMax. Nothing is
  // sorted as a whole: it takes a few ns an ordinal.
  static std::shared_ptr<const OrdinalSet> FromOrdinals(std::span<const uint32_t> ordinals);
  // Chunk i (ordinal >> 16) has the users of blocks[i].
  static std::shared_ptr<const OrdinalSet> FromBlocks(std::vector<BlockRef> blocks);

  uint64_t cardinality() const { return cardinality_; }
  bool Contains(uint32_t ordinal) const;
  // The members of a chunk, in place; empty beyond the last.
  ChunkSet chunk(uint32_t chunk) const {
    if (chunk < blocks_.size()) return View(blocks_[chunk]);
    if (chunk < cardinalities_.size()) {
      return ChunkSet::Bitset(words_[chunk].words, cardinalities_[chunk]);
    }
    return ChunkSet::Empty();
  }
  uint32_t chunk_count() const {
    return static_cast<uint32_t>(blocks_.empty() ? cardinalities_.size() : blocks_.size());
  }
  // The block of a chunk, shared where the set has blocks, else a copy; null when it is empty.
  BlockRef ShareBlock(uint32_t chunk) const {
    if (chunk < blocks_.size()) return blocks_[chunk];
    return MakeBlock(this->chunk(chunk));
  }
  size_t memory_bytes() const;

 private:
  static std::shared_ptr<const OrdinalSet> OfBits(std::span<const uint32_t> ordinals,
                                                  uint32_t chunks);
  static std::shared_ptr<const OrdinalSet> OfChunks(std::span<const uint32_t> ordinals,
                                                    uint32_t chunks);

  // Either blocks, or the words of all chunks with their cardinalities.
  std::vector<BlockRef> blocks_;
  std::unique_ptr<ChunkWords[]> words_;
  std::vector<uint32_t> cardinalities_;
  uint64_t cardinality_ = 0;
};

}  // namespace throng::index

#endif  // THRONG_INDEX_ORDINAL_SET_H_
