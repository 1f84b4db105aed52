// One tag value's users within a shard (16 chunks, 2^20 ordinals).
//
//   BitmapShardRef next = ApplyChanges(shard, changes);   // a write makes a new one
//   ChunkSet set = next->Load(chunk, scratch);            // a reader merges block and delta
//
// A write costs what it changes: recent changes stand in a small sorted delta beside the blocks
// until they are worth folding in. A shard of at most 255 members is one small allocation without
// blocks: 2 bytes a member and 28 bytes beside.
#ifndef THRONG_INDEX_BITMAP_SHARD_H_
#define THRONG_INDEX_BITMAP_SHARD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "index/block.h"
#include "index/chunk_set.h"
#include "index/memory_use.h"
#include "index/ref_ptr.h"

namespace throng::index {

// A change of one bit of a shard: the offset in the shard, shifted left by one, plus 1 if it is
// set and 0 if it is cleared. Lists of changes ascend, hold an offset once, and are effective:
// what is set was clear and the other way round.
using BitChange = uint32_t;
inline BitChange SetBit(uint32_t offset) { return offset << 1 | 1; }
inline BitChange ClearBit(uint32_t offset) { return offset << 1; }

// Thread-safe: immutable.
class BitmapShard : public RefCounted<BitmapShard> {
 public:
  // Users in the shard, and in a chunk of it; changes in the delta included. Never 0 for the shard.
  uint32_t cardinality() const { return cardinality_; }
  uint32_t ChunkCardinality(uint32_t chunk) const;
  // The members of a chunk (0 to 15), in place where the chunk has no delta, else in `scratch`.
  ChunkSet Load(uint32_t chunk, ChunkScratch& scratch) const;
  // Whether Load() needs the scratch.
  bool HasDelta(uint32_t chunk) const;
  // Asks for the memory that Load() of the chunk will read first.
  void Prefetch(uint32_t chunk) const;
  bool Contains(uint32_t offset) const;
  // Adds what it takes; not null `beside`: without the blocks that are also there.
  void AddMemory(const BitmapShard* beside, BitmapMemory* memory) const;
  // Changes not yet folded into blocks.
  uint32_t delta_size() const;

  static void Destroy(const BitmapShard* shard);

 private:
  friend class BitmapShardFactory;
  struct Dense;

  explicit BitmapShard(uint32_t cardinality) : cardinality_(cardinality) {}

  ChunkSet LoadSparse(uint32_t chunk) const {
    const uint32_t first = chunk == 0 ? 0 : sparse_ends()[chunk - 1];
    return ChunkSet::Array(sparse_values() + first, sparse_ends()[chunk] - first);
  }

  const uint8_t* sparse_ends() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  const uint16_t* sparse_values() const {
    return reinterpret_cast<const uint16_t*>(sparse_ends() + kChunksPerShard);
  }

  uint32_t cardinality_;
  // Null: sparse; behind the object stand the 16 ends of the chunks, then the offsets.
  const Dense* dense_ = nullptr;
};

using BitmapShardRef = RefPtr<const BitmapShard>;  // null is the empty set

// `base` with `changes` made. The result is null when nobody is left. Thread-safe.
BitmapShardRef ApplyChanges(const BitmapShardRef& base, std::span<const BitChange> changes);

// A shard of whole blocks.
BitmapShardRef MakeBitmapShard(const std::array<BlockRef, kChunksPerShard>& blocks);

// The shard with every delta folded in; `shard` itself when it has none.
BitmapShardRef Fold(const BitmapShardRef& shard);

inline ChunkSet Load(const BitmapShardRef& shard, uint32_t chunk, ChunkScratch& scratch) {
  return shard ? shard->Load(chunk, scratch) : ChunkSet::Empty();
}
inline uint32_t Cardinality(const BitmapShardRef& shard) {
  return shard ? shard->cardinality() : 0;
}
inline bool Contains(const BitmapShardRef& shard, uint32_t offset) {
  return shard && shard->Contains(offset);
}

}  // namespace throng::index

#endif  // THRONG_INDEX_BITMAP_SHARD_H_
