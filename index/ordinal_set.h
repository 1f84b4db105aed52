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
#include <vector>

#include "index/block.h"
#include "index/chunk_set.h"

namespace throng::index {

// Thread-safe: immutable.
class OrdinalSet {
 public:
  // Collects ordinals without sorting. Not thread-safe.
  class Builder {
   public:
    void Add(uint32_t ordinal);
    std::shared_ptr<const OrdinalSet> Build();

   private:
    struct Collected {
      std::vector<uint16_t> offsets;      // until they are many
      std::unique_ptr<ChunkWords> words;  // from then on
    };
    std::vector<Collected> chunks_;
  };

  // Chunk i (ordinal >> 16) has the users of blocks[i].
  static std::shared_ptr<const OrdinalSet> FromBlocks(std::vector<BlockRef> blocks);

  uint64_t cardinality() const { return cardinality_; }
  bool Contains(uint32_t ordinal) const;
  // The members of a chunk, in place; empty beyond the last.
  ChunkSet chunk(uint32_t chunk) const {
    return chunk < blocks_.size() ? View(blocks_[chunk]) : ChunkSet::Empty();
  }
  uint32_t chunk_count() const { return static_cast<uint32_t>(blocks_.size()); }
  size_t memory_bytes() const;

 private:
  std::vector<BlockRef> blocks_;
  uint64_t cardinality_ = 0;
};

}  // namespace throng::index

#endif  // THRONG_INDEX_ORDINAL_SET_H_
