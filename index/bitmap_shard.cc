#include "index/bitmap_shard.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "index/chunk_ops.h"
#include "index/layout.h"

namespace throng::index {
namespace {

// A shard of so many members is one piece: up to there it takes less than blocks do.
constexpr uint32_t kSmallMax = 640;
constexpr uint32_t kSmallMaxCompact = 1'023;
// A shard is tiny with so many members, and so many in each chunk.
constexpr uint32_t kTinyMax = 64;
constexpr uint32_t kTinyChunkMax = 15;
constexpr uint32_t kTinyCountBits = 4;
using SmallEnds = std::array<uint16_t, kChunksPerShard>;
// So few tiny shards are not packed.
constexpr uint32_t kPackedMin = 4;
constexpr uint32_t kUnpackedShare = 8;  // one in so many may lie outside the pack
// A chunk's delta is folded when rewriting the block costs at most this many bytes a change.
constexpr size_t kFoldBytesPerChange = 16;
// A delta keeps at most so much unused memory.
constexpr size_t kSpareChangesMax = 64;

uint32_t ChunkOf(BitChange change) { return change >> (kChunkBits + 1); }
uint32_t OffsetInChunk(BitChange change) { return (change >> 1) & kChunkMask; }
bool IsSet(BitChange change) { return (change & 1) != 0; }

uint32_t SmallMax() { return CurrentLayout() == Layout::kCompact ? kSmallMaxCompact : kSmallMax; }

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
    const uint32_t size = set.empty() ? 0 : set.size;
    uint16_t* end = out.array.values;
    uint32_t i = 0;
    for (BitChange change : changes) {
      const uint32_t offset = OffsetInChunk(change);
      while (i < size && set.array[i] < offset) *end++ = set.array[i++];
      if (i < size && set.array[i] == offset) ++i;
      if (IsSet(change)) *end++ = static_cast<uint16_t>(offset);
    }
    while (i < size) *end++ = set.array[i++];
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

// One allocation for tiny shards that are neighbours: this header, then the shards, whose counts of
// references are replaced by this one. It goes when the last of them does.
struct BitmapShard::Pack {
  Pack(uint32_t count, uint32_t size) : references(count), bytes(size) {}

  std::atomic<uint32_t> references;
  uint32_t bytes;
};

class BitmapShardFactory {
 public:
  using Dense = BitmapShard::Dense;

  // `values` are offsets in the shard, ascending, at most kSmallMaxCompact.
  static BitmapShardRef MakeSmall(std::span<const uint32_t> values) {
    if (values.empty()) return BitmapShardRef();
    SmallEnds counts{};
    SmallEnds runs{};
    for (size_t i = 0; i < values.size(); ++i) {
      ++counts[values[i] >> kChunkBits];
      if (BeginsRun(values, i)) ++runs[values[i] >> kChunkBits];
    }
    const auto count = static_cast<uint32_t>(values.size());
    const uint32_t run_count = std::accumulate(runs.begin(), runs.end(), uint32_t{0});
    const bool is_tiny =
        count <= kTinyMax && *std::max_element(counts.begin(), counts.end()) <= kTinyChunkMax;
    auto form = is_tiny ? BitmapShard::kTiny : BitmapShard::kSparse;
    if (SmallBytes(BitmapShard::kRuns, run_count) < SmallBytes(form, count)) {
      form = BitmapShard::kRuns;
    }
    const uint32_t entries = form == BitmapShard::kRuns ? run_count : count;
    BitmapShard* shard = Allocate(form, count, SmallBytes(form, entries));
    auto* behind = const_cast<uint8_t*>(shard->behind());
    if (form == BitmapShard::kTiny) {
      uint64_t packed = 0;
      for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
        packed |= uint64_t{counts[chunk]} << (kTinyCountBits * chunk);
      }
      std::memcpy(behind, &packed, sizeof(packed));
    } else {
      const SmallEnds& sizes = form == BitmapShard::kRuns ? runs : counts;
      SmallEnds ends;
      std::partial_sum(sizes.begin(), sizes.end(), ends.begin());
      std::memcpy(behind, ends.data(), sizeof(ends));
    }
    auto* out = const_cast<uint16_t*>(shard->small_offsets());
    for (size_t i = 0; i < values.size(); ++i) {
      const auto offset = static_cast<uint16_t>(values[i] & kChunkMask);
      if (form != BitmapShard::kRuns || BeginsRun(values, i)) *out++ = offset;
      const bool ends_run = i + 1 == values.size() || BeginsRun(values, i + 1);
      if (form == BitmapShard::kRuns && ends_run) *out++ = offset;
    }
    return BitmapShardRef::Adopt(shard);
  }

  static BitmapShardRef MakeDense(std::unique_ptr<const Dense> dense) {
    uint32_t cardinality = 0;
    for (uint32_t count : dense->cardinalities) cardinality += count;
    if (cardinality == 0) return BitmapShardRef();
    BitmapShard* shard =
        Allocate(BitmapShard::kDense, cardinality, sizeof(BitmapShard) + sizeof(const Dense*));
    const Dense* content = dense.release();
    std::memcpy(const_cast<uint8_t*>(shard->behind()), &content, sizeof(content));
    return BitmapShardRef::Adopt(shard);
  }

  // With so many offsets, or runs.
  static size_t SmallBytes(uint32_t form, uint32_t entries) {
    const size_t counts = form == BitmapShard::kTiny ? sizeof(uint64_t) : sizeof(SmallEnds);
    return sizeof(BitmapShard) + counts +
           entries * (form == BitmapShard::kRuns ? sizeof(Run) : sizeof(uint16_t));
  }

  // Offsets in the shard of a small shard or null.
  static std::vector<uint32_t> SmallMembers(const BitmapShardRef& shard) {
    std::vector<uint32_t> members;
    if (!shard) return members;
    members.reserve(shard->cardinality());
    for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
      ForEach(shard->LoadSmall(chunk),
              [&](uint32_t offset) { members.push_back(chunk << kChunkBits | offset); });
    }
    return members;
  }

  static const Dense* GetDense(const BitmapShardRef& shard) {
    return shard ? shard->dense() : nullptr;
  }
  static bool IsTiny(const BitmapShardRef& shard) {
    return shard && shard->form_ == BitmapShard::kTiny;
  }

  // REQUIRES: some of `shards` are tiny.
  static void PackAll(std::span<BitmapShardRef> shards) {
    size_t bytes = sizeof(BitmapShard::Pack);
    uint32_t count = 0;
    for (const BitmapShardRef& shard : shards) {
      if (!IsTiny(shard)) continue;
      bytes += Rounded(shard->small_bytes());
      ++count;
    }
    void* memory = std::malloc(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    new (memory) BitmapShard::Pack{count, static_cast<uint32_t>(bytes)};
    size_t place = sizeof(BitmapShard::Pack);
    for (BitmapShardRef& shard : shards) {
      if (!IsTiny(shard)) continue;
      const size_t size = shard->small_bytes();
      auto* copy = new (static_cast<char*>(memory) + place)
          BitmapShard(BitmapShard::kTiny, shard->cardinality_);
      copy->references_.store(static_cast<uint32_t>(place), std::memory_order_relaxed);
      copy->is_packed_ = true;
      std::memcpy(const_cast<uint8_t*>(copy->behind()), shard->behind(),
                  size - sizeof(BitmapShard));
      shard = BitmapShardRef::Adopt(copy);
      place += Rounded(size);
    }
  }

  static void Free(const BitmapShard* shard) {
    if (shard->is_packed_) {
      std::free(const_cast<BitmapShard::Pack*>(shard->pack_header()));
      return;
    }
    delete shard->dense();
    shard->~BitmapShard();
    std::free(const_cast<BitmapShard*>(shard));
  }

 private:
  static bool BeginsRun(std::span<const uint32_t> values, size_t i) {
    return i == 0 || values[i] != values[i - 1] + 1 || (values[i] & kChunkMask) == 0;
  }
  static BitmapShard* Allocate(BitmapShard::Form form, uint32_t cardinality, size_t bytes) {
    void* memory = std::malloc(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    return new (memory) BitmapShard(form, cardinality);
  }
  static size_t Rounded(size_t bytes) {
    return (bytes + alignof(BitmapShard) - 1) & ~(alignof(BitmapShard) - 1);
  }
};

void BitmapShard::Destroy(const BitmapShard* shard) { BitmapShardFactory::Free(shard); }

const BitmapShard::Dense* BitmapShard::DenseBehind() const {
  const Dense* dense = nullptr;
  std::memcpy(&dense, behind(), sizeof(dense));
  return dense;
}

const uint16_t* BitmapShard::small_offsets() const {
  return reinterpret_cast<const uint16_t*>(behind() +
                                           (form_ == kTiny ? sizeof(uint64_t) : sizeof(SmallEnds)));
}

uint32_t BitmapShard::SmallEnd(uint32_t chunk) const {
  if (form_ != kTiny) return reinterpret_cast<const uint16_t*>(behind())[chunk];
  uint64_t counts = 0;
  std::memcpy(&counts, behind(), sizeof(counts));
  counts <<= kTinyCountBits * (kChunksPerShard - 1 - chunk);  // this chunk's and those before it
  constexpr uint64_t kLowHalves = 0x0f0f'0f0f'0f0f'0f0f;
  constexpr uint64_t kOnes = 0x0101'0101'0101'0101;
  // No sum is beyond a byte: a tiny shard has at most 64 members.
  return static_cast<uint32_t>((((counts & kLowHalves) + (counts >> 4 & kLowHalves)) * kOnes) >>
                               56);
}

ChunkSet BitmapShard::LoadSmall(uint32_t chunk) const {
  const uint32_t begin = SmallBegin(chunk);
  const uint32_t end = SmallEnd(chunk);
  if (form_ != kRuns) return ChunkSet::Array(small_offsets() + begin, end - begin);
  if (begin == end) return ChunkSet::Empty();
  const Run* runs = reinterpret_cast<const Run*>(small_offsets());
  uint32_t cardinality = 0;
  for (uint32_t i = begin; i < end; ++i) cardinality += runs[i].last - runs[i].first + 1u;
  return ChunkSet::Runs(runs + begin, end - begin, cardinality);
}

uint32_t BitmapShard::ChunkCardinality(uint32_t chunk) const {
  if (const Dense* dense = this->dense()) return dense->cardinalities[chunk];
  if (form_ == kRuns) return LoadSmall(chunk).cardinality;
  return SmallEnd(chunk) - SmallBegin(chunk);
}

ChunkSet BitmapShard::Load(uint32_t chunk, ChunkScratch& scratch) const {
  const Dense* dense = this->dense();
  if (dense == nullptr) return LoadSmall(chunk);
  const ChunkSet block = View(dense->blocks[chunk]);
  const std::span<const BitChange> delta = dense->ChunkDelta(chunk);
  if (delta.empty()) return block;
  return MergeDelta(block, delta, dense->cardinalities[chunk], scratch);
}

bool BitmapShard::HasDelta(uint32_t chunk) const {
  const Dense* dense = this->dense();
  return dense != nullptr && !dense->ChunkDelta(chunk).empty();
}

void BitmapShard::Prefetch(uint32_t chunk) const {
  constexpr int kLines = 4;  // from there on the machine sees where the reader is going
  const Dense* dense = this->dense();
  if (dense == nullptr) return;
  const auto* block = reinterpret_cast<const char*>(dense->blocks[chunk].get());
  if (block == nullptr) return;
  for (int line = 0; line < kLines; ++line) __builtin_prefetch(block + line * 64);
}

void BitmapShard::PrefetchChunks() const {
  const auto* memory = reinterpret_cast<const char*>(dense());
  for (size_t at = 0; memory != nullptr && at < sizeof(Dense); at += 64) {
    __builtin_prefetch(memory + at);
  }
}

const uint64_t* BitmapShard::WordsPlace(uint32_t chunk) const {
  const Dense* dense = this->dense();
  const Block* block = dense == nullptr ? nullptr : dense->blocks[chunk].get();
  return block == nullptr ? nullptr : block->words_place();
}

bool BitmapShard::Contains(uint32_t offset) const {
  const uint32_t chunk = offset >> kChunkBits;
  const Dense* dense = this->dense();
  if (dense == nullptr) return index::Contains(LoadSmall(chunk), offset & kChunkMask);
  const std::span<const BitChange> delta = dense->ChunkDelta(chunk);
  const auto change = std::lower_bound(delta.begin(), delta.end(), ClearBit(offset));
  if (change != delta.end() && *change >> 1 == offset) return IsSet(*change);
  const Block* block = dense->blocks[chunk].get();
  return block != nullptr && block->Contains(offset & kChunkMask);
}

size_t PackBytes(const BitmapShard& shard) { return shard.pack_header()->bytes; }

size_t BitmapShard::small_bytes() const {
  return BitmapShardFactory::SmallBytes(
      form_, form_ == kRuns ? SmallEnd(kChunksPerShard - 1) : cardinality_);
}

void BitmapShard::AddMemory(const BitmapShard* beside, BitmapMemory* memory) const {
  const Dense* dense = this->dense();
  if (dense == nullptr) {
    const size_t bytes = small_bytes() - BitmapShardFactory::SmallBytes(form_, 0);
    memory->small.Add(bytes);
    memory->overhead += (is_packed_ ? small_bytes() : HeapBytes(small_bytes())) - bytes;
    return;
  }
  const Dense* other = beside == nullptr ? nullptr : beside->dense();
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    const BlockRef& block = dense->blocks[chunk];
    if (block && (other == nullptr || other->blocks[chunk] != block)) block->AddMemory(memory);
  }
  memory->overhead += HeapBytes(sizeof(BitmapShard) + sizeof(dense)) + HeapBytes(sizeof(Dense));
  const size_t deltas = dense->delta.capacity() * sizeof(BitChange);
  if (deltas == 0) return;
  memory->deltas += deltas;
  memory->overhead += HeapBytes(deltas) - deltas;
}

uint32_t BitmapShard::delta_size() const {
  const Dense* dense = this->dense();
  return dense == nullptr ? 0 : static_cast<uint32_t>(dense->delta.size());
}

void PackTiny(std::span<BitmapShardRef> shards) {
  uint32_t tiny = 0;
  uint32_t unpacked = 0;
  for (const BitmapShardRef& shard : shards) {
    if (!BitmapShardFactory::IsTiny(shard)) continue;
    ++tiny;
    unpacked += shard->pack() == nullptr ? 1 : 0;
  }
  if (tiny < kPackedMin || unpacked * kUnpackedShare < tiny) return;
  BitmapShardFactory::PackAll(shards);
}

bool IsSameShard(const BitmapShardRef& a, const BitmapShardRef& b) {
  if (a == b) return true;
  if (!a || !b || a->cardinality() != b->cardinality() || !a->is_small() || !b->is_small()) {
    return false;
  }
  return BitmapShardFactory::SmallMembers(a) == BitmapShardFactory::SmallMembers(b);
}

namespace {

BitmapShardRef ApplySmall(const BitmapShardRef& base, std::span<const BitChange> changes) {
  const std::vector<uint32_t> members = BitmapShardFactory::SmallMembers(base);
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
  return BitmapShardFactory::MakeSmall(result);
}

}  // namespace

BitmapShardRef ApplyChanges(const BitmapShardRef& base, std::span<const BitChange> changes) {
  if (changes.empty()) return base;
  const auto* old = BitmapShardFactory::GetDense(base);
  const auto total =
      static_cast<uint32_t>(static_cast<int32_t>(Cardinality(base)) + NetChange(changes));
  if (old == nullptr && total <= SmallMax()) return ApplySmall(base, changes);

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
      const ChunkSet was = Load(base, chunk, scratch);  // in place: the base is small or null
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
  if (total <= SmallMax()) {
    std::vector<uint32_t> members;
    for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
      ForEach(View(blocks[chunk]),
              [&](uint32_t offset) { members.push_back(chunk << kChunkBits | offset); });
    }
    return BitmapShardFactory::MakeSmall(members);
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
