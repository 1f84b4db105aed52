#include "index/bitmap_shard.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "index/chunk_ops.h"

namespace throng::index {
namespace {

constexpr uint32_t kSparseMax = 255;
// A chunk's delta is folded when rewriting the block costs at most this many bytes a change.
constexpr size_t kFoldBytesPerChange = 16;
// A delta keeps at most so much unused memory.
constexpr size_t kSpareChangesMax = 64;

uint32_t ChunkOf(BitChange change) { return change >> (kChunkBits + 1); }
uint32_t OffsetInChunk(BitChange change) { return (change >> 1) & kChunkMask; }
bool IsSet(BitChange change) { return (change & 1) != 0; }

// The changes of `changes` that lie in `chunk`, where `*position` is at its first one or beyond.
std::span<const BitChange> TakeChunk(std::span<const BitChange> changes, uint32_t chunk,
                                     size_t* position) {
  const size_t first = *position;
  while (*position < changes.size() && ChunkOf(changes[*position]) == chunk) ++*position;
  return changes.subspan(first, *position - first);
}

int32_t NetChange(std::span<const BitChange> changes) {
  int32_t net = 0;
  for (BitChange change : changes) net += IsSet(change) ? 1 : -1;
  return net;
}

// `set` with `changes` made, in `out`. `cardinality` is that of the result.
ChunkSet MergeDelta(const ChunkSet& set, std::span<const BitChange> changes, uint32_t cardinality,
                    ChunkScratch& out) {
  if ((set.kind == SetKind::kArray || set.empty()) && cardinality <= kArrayMax) {
    uint16_t* end = out.array.values;
    uint32_t i = 0;
    for (BitChange change : changes) {
      const uint32_t offset = OffsetInChunk(change);
      while (i < set.size && set.array[i] < offset) *end++ = set.array[i++];
      if (i < set.size && set.array[i] == offset) ++i;
      if (IsSet(change)) *end++ = static_cast<uint16_t>(offset);
    }
    while (i < set.size) *end++ = set.array[i++];
    return ChunkSet::Array(out.array.values, static_cast<uint32_t>(end - out.array.values));
  }
  CopyTo(set, out.bits.words);
  // Changes are effective, so that each turns its bit over, whichever it was: nothing to guess.
  for (BitChange change : changes) {
    const uint32_t offset = OffsetInChunk(change);
    out.bits.words[offset >> 6] ^= uint64_t{1} << (offset & 63);
  }
  return ChunkSet::Bitset(out.bits.words, cardinality);
}

// Appends two merged lists of changes of the same bits. A later change of a bit undoes the earlier
// one, because changes are effective: both vanish.
void AppendMerged(std::span<const BitChange> earlier, std::span<const BitChange> later,
                  std::vector<BitChange>* merged) {
  auto next = earlier.begin();
  for (const BitChange change : later) {
    const auto stop = std::lower_bound(next, earlier.end(), change & ~BitChange{1});
    merged->insert(merged->end(), next, stop);
    next = stop;
    if (stop != earlier.end() && *stop >> 1 == change >> 1) {
      ++next;
    } else {
      merged->push_back(change);
    }
  }
  merged->insert(merged->end(), next, earlier.end());
}

}  // namespace

struct BitmapShard::Dense {
  std::array<BlockRef, kChunksPerShard> blocks;
  std::array<uint32_t, kChunksPerShard> cardinalities{};  // with the delta
  std::array<uint32_t, kChunksPerShard> delta_ends{};     // of each chunk's part of `delta`
  std::vector<BitChange> delta;

  std::span<const BitChange> ChunkDelta(uint32_t chunk) const {
    const uint32_t first = chunk == 0 ? 0 : delta_ends[chunk - 1];
    return std::span(delta).subspan(first, delta_ends[chunk] - first);
  }
};

class BitmapShardFactory {
 public:
  using Dense = BitmapShard::Dense;

  // `values` are offsets in the shard, ascending, at most kSparseMax.
  static BitmapShardRef MakeSparse(std::span<const uint32_t> values) {
    if (values.empty()) return BitmapShardRef();
    const size_t bytes = sizeof(BitmapShard) + kChunksPerShard + values.size() * sizeof(uint16_t);
    void* memory = std::malloc(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    auto* shard = new (memory) BitmapShard(static_cast<uint32_t>(values.size()));
    auto* ends = const_cast<uint8_t*>(shard->sparse_ends());
    auto* out = const_cast<uint16_t*>(shard->sparse_values());
    std::memset(ends, 0, kChunksPerShard);
    for (uint32_t value : values) {
      *out++ = static_cast<uint16_t>(value & kChunkMask);
      ++ends[value >> kChunkBits];
    }
    for (uint32_t chunk = 1; chunk < kChunksPerShard; ++chunk) ends[chunk] += ends[chunk - 1];
    return BitmapShardRef::Adopt(shard);
  }

  static BitmapShardRef MakeDense(std::unique_ptr<const Dense> dense) {
    uint32_t cardinality = 0;
    for (uint32_t count : dense->cardinalities) cardinality += count;
    if (cardinality == 0) return BitmapShardRef();
    void* memory = std::malloc(sizeof(BitmapShard));
    if (memory == nullptr) throw std::bad_alloc();
    auto* shard = new (memory) BitmapShard(cardinality);
    shard->dense_ = dense.release();
    return BitmapShardRef::Adopt(shard);
  }

  // Offsets in the shard of a sparse shard or null.
  static std::vector<uint32_t> SparseMembers(const BitmapShardRef& shard) {
    std::vector<uint32_t> members;
    if (!shard) return members;
    members.reserve(shard->cardinality());
    for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
      ForEach(shard->LoadSparse(chunk),
              [&](uint32_t offset) { members.push_back(chunk << kChunkBits | offset); });
    }
    return members;
  }

  static const Dense* GetDense(const BitmapShardRef& shard) {
    return shard ? shard->dense_ : nullptr;
  }

  static void Free(const BitmapShard* shard) {
    delete shard->dense_;
    shard->~BitmapShard();
    std::free(const_cast<BitmapShard*>(shard));
  }
};

void BitmapShard::Destroy(const BitmapShard* shard) { BitmapShardFactory::Free(shard); }

uint32_t BitmapShard::ChunkCardinality(uint32_t chunk) const {
  if (dense_ != nullptr) return dense_->cardinalities[chunk];
  return uint32_t{sparse_ends()[chunk]} - (chunk == 0 ? 0u : sparse_ends()[chunk - 1]);
}

ChunkSet BitmapShard::Load(uint32_t chunk, ChunkScratch& scratch) const {
  if (dense_ == nullptr) return LoadSparse(chunk);
  const ChunkSet block = View(dense_->blocks[chunk]);
  const std::span<const BitChange> delta = dense_->ChunkDelta(chunk);
  if (delta.empty()) return block;
  return MergeDelta(block, delta, dense_->cardinalities[chunk], scratch);
}

bool BitmapShard::HasDelta(uint32_t chunk) const {
  if (dense_ == nullptr) return false;
  const uint32_t first = chunk == 0 ? 0 : dense_->delta_ends[chunk - 1];
  return dense_->delta_ends[chunk] != first;
}

void BitmapShard::Prefetch(uint32_t chunk) const {
  constexpr int kLines = 4;  // from there on the machine sees where the reader is going
  if (dense_ == nullptr) return;
  const auto* block = reinterpret_cast<const char*>(dense_->blocks[chunk].get());
  if (block == nullptr) return;
  for (int line = 0; line < kLines; ++line) __builtin_prefetch(block + line * 64);
}

bool BitmapShard::Contains(uint32_t offset) const {
  const uint32_t chunk = offset >> kChunkBits;
  if (dense_ == nullptr) return index::Contains(LoadSparse(chunk), offset & kChunkMask);
  const std::span<const BitChange> delta = dense_->ChunkDelta(chunk);
  const auto change = std::lower_bound(delta.begin(), delta.end(), ClearBit(offset));
  if (change != delta.end() && *change >> 1 == offset) return IsSet(*change);
  return index::Contains(View(dense_->blocks[chunk]), offset & kChunkMask);
}

void BitmapShard::AddMemory(const BitmapShard* beside, BitmapMemory* memory) const {
  if (dense_ == nullptr) {
    const size_t bytes = cardinality_ * sizeof(uint16_t);
    memory->small.Add(bytes);
    memory->overhead += HeapBytes(sizeof(BitmapShard) + kChunksPerShard + bytes) - bytes;
    return;
  }
  const Dense* other = beside == nullptr ? nullptr : beside->dense_;
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    const BlockRef& block = dense_->blocks[chunk];
    if (block && (other == nullptr || other->blocks[chunk] != block)) block->AddMemory(memory);
  }
  memory->overhead += HeapBytes(sizeof(BitmapShard)) + HeapBytes(sizeof(Dense));
  const size_t deltas = dense_->delta.capacity() * sizeof(BitChange);
  if (deltas == 0) return;
  memory->deltas += deltas;
  memory->overhead += HeapBytes(deltas) - deltas;
}

uint32_t BitmapShard::delta_size() const {
  return dense_ == nullptr ? 0 : static_cast<uint32_t>(dense_->delta.size());
}

namespace {

BitmapShardRef ApplySparse(const BitmapShardRef& base, std::span<const BitChange> changes) {
  const std::vector<uint32_t> members = BitmapShardFactory::SparseMembers(base);
  std::vector<uint32_t> result;
  result.reserve(members.size() + changes.size());
  size_t i = 0;
  for (BitChange change : changes) {
    const uint32_t offset = change >> 1;
    while (i < members.size() && members[i] < offset) result.push_back(members[i++]);
    if (i < members.size() && members[i] == offset) ++i;
    if (IsSet(change)) result.push_back(offset);
  }
  result.insert(result.end(), members.begin() + static_cast<ptrdiff_t>(i), members.end());
  return BitmapShardFactory::MakeSparse(result);
}

}  // namespace

BitmapShardRef ApplyChanges(const BitmapShardRef& base, std::span<const BitChange> changes) {
  if (changes.empty()) return base;
  const auto* old = BitmapShardFactory::GetDense(base);
  const auto total =
      static_cast<uint32_t>(static_cast<int32_t>(Cardinality(base)) + NetChange(changes));
  if (old == nullptr && total <= kSparseMax) return ApplySparse(base, changes);

  auto dense = std::make_unique<BitmapShardFactory::Dense>();
  std::vector<BitChange>& delta = dense->delta;
  delta.reserve(std::min<size_t>(changes.size(), kChunkSize) +
                (old == nullptr ? 0 : old->delta.size()));
  ChunkScratch scratch;
  size_t position = 0;
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    const std::span<const BitChange> added = TakeChunk(changes, chunk, &position);
    const uint32_t before = base ? base->ChunkCardinality(chunk) : 0;
    const auto cardinality = static_cast<uint32_t>(static_cast<int32_t>(before) + NetChange(added));
    dense->cardinalities[chunk] = cardinality;
    if (old == nullptr) {
      const ChunkSet was = Load(base, chunk, scratch);  // in place: the base is sparse or null
      dense->blocks[chunk] = MakeBlock(MergeDelta(was, added, cardinality, scratch));
    } else {
      const BlockRef& block = old->blocks[chunk];
      const size_t begin = delta.size();
      AppendMerged(old->ChunkDelta(chunk), added, &delta);
      const std::span<const BitChange> merged = std::span(delta).subspan(begin);
      const bool is_touched = !added.empty() && !merged.empty();
      if (is_touched &&
          merged.size() * kFoldBytesPerChange >= (block ? block->memory_bytes() : 0)) {
        dense->blocks[chunk] = MakeBlock(MergeDelta(View(block), merged, cardinality, scratch));
        delta.resize(begin);
      } else {
        dense->blocks[chunk] = block;
      }
    }
    dense->delta_ends[chunk] = static_cast<uint32_t>(delta.size());
  }
  if (delta.capacity() - delta.size() > kSpareChangesMax) delta.shrink_to_fit();
  return BitmapShardFactory::MakeDense(std::move(dense));
}

BitmapShardRef MakeBitmapShard(const std::array<BlockRef, kChunksPerShard>& blocks) {
  uint32_t total = 0;
  for (const BlockRef& block : blocks) total += block ? block->cardinality() : 0;
  if (total <= kSparseMax) {
    std::vector<uint32_t> members;
    for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
      ForEach(View(blocks[chunk]),
              [&](uint32_t offset) { members.push_back(chunk << kChunkBits | offset); });
    }
    return BitmapShardFactory::MakeSparse(members);
  }
  auto dense = std::make_unique<BitmapShardFactory::Dense>();
  dense->blocks = blocks;
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    dense->cardinalities[chunk] = blocks[chunk] ? blocks[chunk]->cardinality() : 0;
  }
  return BitmapShardFactory::MakeDense(std::move(dense));
}

BitmapShardRef Fold(const BitmapShardRef& shard) {
  if (!shard || shard->delta_size() == 0) return shard;
  std::array<BlockRef, kChunksPerShard> blocks;
  auto scratch = std::make_unique<ChunkScratch>();
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    blocks[chunk] = MakeBlock(shard->Load(chunk, *scratch));
  }
  return MakeBitmapShard(blocks);
}

}  // namespace throng::index
