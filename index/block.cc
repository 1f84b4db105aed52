#include "index/block.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "index/chunk_ops.h"
#include "index/layout.h"

namespace throng::index {
namespace {

constexpr size_t kPayloadOffset = Block::kWordsOffset;  // aligned for vector loads
constexpr size_t kSmallPayloadOffset = 16;
static_assert(sizeof(Block) <= kSmallPayloadOffset);

// Runs are chosen when they take at most this many, and a quarter of the other forms' bytes:
// fewer, longer runs evaluate faster than words, many short ones slower.
constexpr uint32_t kRunsMax = 512;

std::atomic<Layout> current_layout = Layout::kSpeed;

uint32_t BlockArrayMax(Layout layout) {
  return layout == Layout::kCompact ? kArrayMax : kBlockArrayMax;
}

// Whether `runs` runs are the form to take, where another takes so many bytes.
bool PrefersRuns(Layout layout, size_t runs, size_t other_bytes) {
  if (layout == Layout::kCompact) return runs * sizeof(Run) < other_bytes;
  return runs <= kRunsMax && runs * sizeof(Run) * 4 <= other_bytes;
}

size_t PayloadBytes(SetKind kind, uint32_t size) {
  switch (kind) {
    case SetKind::kEmpty:
    case SetKind::kFull:
      return 0;
    case SetKind::kArray:
      return size * sizeof(uint16_t);
    case SetKind::kBitset:
      return sizeof(ChunkWords);
    case SetKind::kRuns:
      return size * sizeof(Run);
  }
  return 0;
}

size_t PayloadOffset(SetKind kind) {
  return kind == SetKind::kBitset ? kPayloadOffset : kSmallPayloadOffset;
}

template <typename Visit>
void ForEachRun(const ChunkSet& set, Visit visit) {
  int64_t first = -1;
  int64_t last = -2;
  ForEach(set, [&](uint32_t offset) {
    if (offset != last + 1) {
      if (first >= 0) visit(static_cast<uint16_t>(first), static_cast<uint16_t>(last));
      first = offset;
    }
    last = offset;
  });
  if (first >= 0) visit(static_cast<uint16_t>(first), static_cast<uint16_t>(last));
}

uint32_t CountRuns(const ChunkSet& set) {
  if (set.kind == SetKind::kRuns) return set.size;
  uint32_t runs = 0;
  if (set.kind == SetKind::kBitset) {
    uint64_t carry = 0;  // the bit before this word
    for (uint32_t w = 0; w < kWordsPerChunk; ++w) {
      const uint64_t word = set.words[w];
      runs += static_cast<uint32_t>(std::popcount(word & ~((word << 1) | carry)));
      carry = word >> 63;
    }
    return runs;
  }
  ForEachRun(set, [&](uint16_t, uint16_t) { ++runs; });
  return runs;
}

}  // namespace

void SetLayout(Layout layout) { current_layout.store(layout, std::memory_order_relaxed); }

Layout CurrentLayout() { return current_layout.load(std::memory_order_relaxed); }

// Allocates blocks: the only code that knows their layout beside Block itself.
class BlockFactory {
 public:
  static Block* Allocate(SetKind kind, uint32_t cardinality, uint32_t size) {
    const size_t bytes = PayloadOffset(kind) + PayloadBytes(kind, size);
    void* memory = kind == SetKind::kBitset ? std::aligned_alloc(64, bytes) : std::malloc(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    return new (memory) Block(kind, cardinality, size);
  }
  static void* Payload(Block* block) { return const_cast<void*>(block->payload()); }
  static BlockRef Adopt(Block* block) { return BlockRef::Adopt(block); }
};

const void* Block::payload() const {
  return reinterpret_cast<const char*>(this) + PayloadOffset(kind_);
}

ChunkSet Block::view() const {
  switch (kind_) {
    case SetKind::kEmpty:
      return ChunkSet::Empty();
    case SetKind::kArray:
      return ChunkSet::Array(static_cast<const uint16_t*>(payload()), size_);
    case SetKind::kBitset:
      return ChunkSet::Bitset(static_cast<const uint64_t*>(payload()), cardinality_);
    case SetKind::kRuns:
      return ChunkSet::Runs(static_cast<const Run*>(payload()), size_, cardinality_);
    case SetKind::kFull:
      return ChunkSet::Full();
  }
  return ChunkSet::Empty();
}

bool Block::Contains(uint32_t offset) const {
  if (kind_ == SetKind::kBitset) return words_place()[offset >> 6] >> (offset & 63) & 1;
  return index::Contains(view(), offset);
}

size_t Block::memory_bytes() const { return PayloadOffset(kind_) + PayloadBytes(kind_, size_); }

void Block::AddMemory(BitmapMemory* memory) const {
  const size_t bytes = memory_bytes();
  switch (kind_) {
    case SetKind::kEmpty:
      return;
    case SetKind::kFull:
      memory->full.Add(0);
      return;
    case SetKind::kArray:
      memory->arrays.Add(bytes);
      break;
    case SetKind::kBitset:
      memory->bitsets.Add(bytes);
      break;
    case SetKind::kRuns:
      memory->runs.Add(bytes);
      break;
  }
  memory->overhead += HeapBytes(bytes) - bytes;
}

void Block::Destroy(const Block* block) {
  block->~Block();
  std::free(const_cast<Block*>(block));
}

BlockRef MakeBlock(const ChunkSet& set) {
  if (set.empty()) return BlockRef();
  if (set.cardinality == kChunkSize) {
    static const BlockRef* const full =
        new BlockRef(BlockFactory::Adopt(BlockFactory::Allocate(SetKind::kFull, kChunkSize, 0)));
    return *full;
  }
  const Layout layout = CurrentLayout();
  const bool is_array = set.cardinality <= BlockArrayMax(layout);
  const uint32_t runs = CountRuns(set);
  if (PrefersRuns(layout, runs, is_array ? set.cardinality * 2 : sizeof(ChunkWords))) {
    Block* block = BlockFactory::Allocate(SetKind::kRuns, set.cardinality, runs);
    Run* out = static_cast<Run*>(BlockFactory::Payload(block));
    if (set.kind == SetKind::kRuns) {
      std::memcpy(out, set.runs, runs * sizeof(Run));
    } else {
      ForEachRun(set, [&](uint16_t first, uint16_t last) { *out++ = Run{first, last}; });
    }
    return BlockFactory::Adopt(block);
  }
  if (is_array) {
    Block* block = BlockFactory::Allocate(SetKind::kArray, set.cardinality, set.cardinality);
    ToArray(set, static_cast<uint16_t*>(BlockFactory::Payload(block)));
    return BlockFactory::Adopt(block);
  }
  Block* block = BlockFactory::Allocate(SetKind::kBitset, set.cardinality, 0);
  CopyTo(set, static_cast<uint64_t*>(BlockFactory::Payload(block)));
  return BlockFactory::Adopt(block);
}

}  // namespace throng::index
