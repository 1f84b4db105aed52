// An immutable, reference-counted set of offsets in one chunk, in whichever form is cheapest.
//
//   BlockRef block = MakeBlock(ChunkSet::Array(offsets, size));   // null when empty
//   ChunkSet set = View(block);                                   // in place
//
// Empty takes no memory and Full is one shared object. Arrays stay arrays up to 1,024 members:
// larger ones are bitsets, which evaluate up to 4 times faster for a third more memory; the compact
// layout (index/layout.h) chooses what takes least.
#ifndef THRONG_INDEX_BLOCK_H_
#define THRONG_INDEX_BLOCK_H_

#include <cstddef>
#include <cstdint>

#include "index/chunk_set.h"
#include "index/memory_use.h"
#include "index/ref_ptr.h"

namespace throng::index {

// Blocks of more members are bitsets, unless runs are much smaller or the layout is compact.
inline constexpr uint32_t kBlockArrayMax = 1024;

// One allocation: this header, then the payload. Thread-safe: immutable but for the count.
class Block : public RefCounted<Block> {
 public:
  ChunkSet view() const;
  // Without a view between: who asks for one user waits for every copy of it.
  bool Contains(uint32_t offset) const;
  uint32_t cardinality() const { return cardinality_; }
  SetKind kind() const { return kind_; }
  // Header and payload.
  size_t memory_bytes() const;
  // Where the words of a bitset would be, behind the header; the block is not read.
  static constexpr size_t kWordsOffset = 64;
  const uint64_t* words_place() const {
    return reinterpret_cast<const uint64_t*>(reinterpret_cast<const char*>(this) + kWordsOffset);
  }
  void AddMemory(BitmapMemory* memory) const;

  static void Destroy(const Block* block);

 private:
  friend class BlockFactory;
  Block(SetKind kind, uint32_t cardinality, uint32_t size)
      : kind_(kind), cardinality_(cardinality), size_(size) {}

  const void* payload() const;

  SetKind kind_;
  uint32_t cardinality_;
  uint32_t size_;
};

// Shares a block; null is the empty set.
using BlockRef = RefPtr<const Block>;

// A copy of `set` in the cheapest form. Thread-safe.
BlockRef MakeBlock(const ChunkSet& set);

inline ChunkSet View(const BlockRef& block) { return block ? block->view() : ChunkSet::Empty(); }

}  // namespace throng::index

#endif  // THRONG_INDEX_BLOCK_H_
