// One tag value's users within a shard (16 chunks, 2^20 ordinals).
//
//   BitmapShardRef next = ApplyChanges(shard, changes);   // a write makes a new one
//   ChunkSet set = next->Load(chunk, scratch);            // a reader merges block and delta
//
// A write costs what it changes: recent changes stand in a small sorted delta beside the blocks
// until they are worth folding in. A shard of at most 640 members is one small allocation without
// blocks: 2 bytes a member and 40 bytes beside. Where values are so rare that most shards have a
// dozen members, neighbours share an allocation and take 16 bytes beside (PackTiny). Members that
// stand in a row take 4 bytes together.
#ifndef THRONG_INDEX_BITMAP_SHARD_H_
#define THRONG_INDEX_BITMAP_SHARD_H_

#include <array>
#include <atomic>
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

// Thread-safe: immutable but for the count.
class BitmapShard {
 public:
  BitmapShard(const BitmapShard&) = delete;
  BitmapShard& operator=(const BitmapShard&) = delete;
  void Ref() const { counter().fetch_add(1, std::memory_order_relaxed); }
  void Unref() const {
    if (counter().fetch_sub(1, std::memory_order_acq_rel) == 1) Destroy(this);
  }

  // Users in the shard, and in a chunk of it; changes in the delta included. Never 0 for the shard.
  uint32_t cardinality() const { return cardinality_; }
  uint32_t ChunkCardinality(uint32_t chunk) const;
  // The members of a chunk (0 to 15), in place where the chunk has no delta, else in `scratch`.
  ChunkSet Load(uint32_t chunk, ChunkScratch& scratch) const;
  // Whether Load() needs the scratch.
  bool HasDelta(uint32_t chunk) const;
  // Asks for the memory that Load() of the chunk will read first.
  void Prefetch(uint32_t chunk) const;
  // Asks for the memory that all chunks' Load() and ChunkCardinality() read before their blocks.
  void PrefetchChunks() const;
  // Where the words of a chunk are if it has a bitset, whose memory is not read; may be null.
  const uint64_t* WordsPlace(uint32_t chunk) const;
  bool Contains(uint32_t offset) const;
  // Adds what it takes; not null `beside`: without the blocks that are also there. Of a packed
  // shard, its part of the pack.
  void AddMemory(const BitmapShard* beside, BitmapMemory* memory) const;
  // The allocation that a packed shard is part of; null: it is not packed.
  const void* pack() const { return is_packed_ ? pack_header() : nullptr; }
  // Bytes from the header to the last member. REQUIRES: is_small().
  size_t small_bytes() const;
  // Has no blocks.
  bool is_small() const { return form_ != kDense; }
  // Changes not yet folded into blocks.
  uint32_t delta_size() const;

 private:
  friend class BitmapShardFactory;
  friend size_t PackBytes(const BitmapShard& shard);
  struct Dense;
  struct Pack;
  // What stands behind the object.
  enum Form : uint8_t {
    kDense,   // a pointer to blocks and delta
    kSparse,  // the 16 ends of the chunks, 2 bytes each, then the offsets
    kTiny,    // how many each chunk has, 4 bits each, then the offsets
    kRuns,    // as kSparse, of runs
  };

  BitmapShard(Form form, uint32_t cardinality)
      : cardinality_(cardinality), form_(form), is_packed_(false) {}

  static void Destroy(const BitmapShard* shard);
  const Pack* pack_header() const {
    return reinterpret_cast<const Pack*>(reinterpret_cast<const char*>(this) -
                                         references_.load(std::memory_order_relaxed));
  }
  std::atomic<uint32_t>& counter() const {
    // A pack begins with its count.
    return is_packed_ ? *const_cast<std::atomic<uint32_t>*>(
                            reinterpret_cast<const std::atomic<uint32_t>*>(pack_header()))
                      : references_;
  }
  const Dense* dense() const { return form_ == kDense ? DenseBehind() : nullptr; }
  const Dense* DenseBehind() const;
  ChunkSet LoadSmall(uint32_t chunk) const;
  // The end of a chunk's offsets among all.
  uint32_t SmallEnd(uint32_t chunk) const;
  uint32_t SmallBegin(uint32_t chunk) const { return chunk == 0 ? 0 : SmallEnd(chunk - 1); }
  const uint8_t* behind() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  const uint16_t* small_offsets() const;

  // Of a packed shard, the distance from its pack.
  mutable std::atomic<uint32_t> references_{1};
  uint32_t cardinality_ : 24;
  uint32_t form_ : 2;
  uint32_t is_packed_ : 1;
};

// The size of the allocation that it is packed in. REQUIRES: it is packed.
size_t PackBytes(const BitmapShard& shard);

using BitmapShardRef = RefPtr<const BitmapShard>;  // null is the empty set

// `base` with `changes` made. The result is null when nobody is left. Thread-safe.
BitmapShardRef ApplyChanges(const BitmapShardRef& base, std::span<const BitChange> changes);

// A shard of whole blocks.
BitmapShardRef MakeBitmapShard(const std::array<BlockRef, kChunksPerShard>& blocks);

// Puts the tiny ones of `shards`, which are neighbours, into one allocation, if that is worth a
// copy: if one in eight is not there yet. Thread-safe, like ApplyChanges.
void PackTiny(std::span<BitmapShardRef> shards);

// True for one and the same shard, and for small ones with the same members.
bool IsSameShard(const BitmapShardRef& a, const BitmapShardRef& b);

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
