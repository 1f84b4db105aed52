#include "index/column_shard.h"

#include <algorithm>
#include <cstring>

#include "index/chunk_ops.h"
#include "index/memory_use.h"

namespace throng::index {
namespace {

// A chunk's delta is packed when rewriting the block costs at most this many bytes a cell.
constexpr size_t kFoldBytesPerCell = 256;
// A delta keeps at most so much unused memory.
constexpr size_t kSpareCellsMax = 16;

// Appends the cells of both; `later` wins.
void AppendMerged(std::span<const Cell> earlier, std::span<const Cell> later,
                  std::vector<Cell>* merged) {
  auto next = earlier.begin();
  for (const Cell& cell : later) {
    const auto stop = std::lower_bound(next, earlier.end(), cell.offset,
                                       [](const Cell& c, uint32_t o) { return c.offset < o; });
    merged->insert(merged->end(), next, stop);
    next = stop != earlier.end() && stop->offset == cell.offset ? stop + 1 : stop;
    merged->push_back(cell);
  }
  merged->insert(merged->end(), next, earlier.end());
}

void Overwrite(std::span<const Cell> cells, ColumnChunk* chunk) {
  for (const Cell& cell : cells) {
    if (cell.present) {
      chunk->Set(cell.offset & kChunkMask, cell.value);
    } else {
      chunk->Clear(cell.offset & kChunkMask);
    }
  }
}

}  // namespace

std::span<const Cell> ColumnShard::delta(uint32_t chunk) const {
  const uint32_t first = chunk == 0 ? 0 : delta_ends_[chunk - 1];
  return std::span(delta_).subspan(first, delta_ends_[chunk] - first);
}

std::optional<int64_t> ColumnShard::Get(uint32_t offset) const {
  const uint32_t chunk = offset >> kChunkBits;
  const std::span<const Cell> cells = delta(chunk);
  if (!cells.empty()) {
    const auto cell = std::lower_bound(cells.begin(), cells.end(), offset,
                                       [](const Cell& c, uint32_t o) { return c.offset < o; });
    if (cell != cells.end() && cell->offset == offset) {
      return cell->present ? std::optional<int64_t>(cell->value) : std::nullopt;
    }
  }
  if (blocks_[chunk] == nullptr) return std::nullopt;
  return blocks_[chunk]->Get(offset & kChunkMask);
}

ChunkSet ColumnShard::Scan(uint32_t chunk, int64_t low, int64_t high, ChunkScratch& out) const {
  ChunkSet set =
      blocks_[chunk] == nullptr ? ChunkSet::Empty() : blocks_[chunk]->Scan(low, high, out);
  const std::span<const Cell> cells = delta(chunk);
  if (cells.empty()) return set;
  uint64_t* words = out.bits.words;
  CopyTo(set, words);
  for (const Cell& cell : cells) {
    const uint32_t offset = cell.offset & kChunkMask;
    const uint64_t bit = uint64_t{1} << (offset & 63);
    if (cell.present && low <= cell.value && cell.value <= high) {
      words[offset >> 6] |= bit;
    } else {
      words[offset >> 6] &= ~bit;
    }
  }
  return ViewOf(words);
}

void ColumnShard::Decode(uint32_t chunk, ColumnChunk* out) const {
  if (blocks_[chunk] == nullptr) {
    std::memset(out, 0, sizeof(*out));
  } else {
    blocks_[chunk]->Decode(out);
  }
  Overwrite(delta(chunk), out);
}

size_t ColumnShard::block_bytes(const ColumnShard* beside) const {
  size_t bytes = SharedBytes<ColumnShard>();
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    const ColumnBlockRef& block = blocks_[chunk];
    if (block == nullptr || (beside != nullptr && beside->blocks_[chunk] == block)) continue;
    bytes += block->heap_bytes();
  }
  return bytes;
}

size_t ColumnShard::delta_bytes() const {
  return delta_.capacity() == 0 ? 0 : HeapBytes(delta_.capacity() * sizeof(Cell));
}

ColumnShardRef ApplyCells(const ColumnShardRef& base, std::span<const Cell> cells) {
  auto shard = std::make_shared<ColumnShard>();
  std::vector<Cell>& delta = shard->delta_;
  delta.reserve(std::min<size_t>(cells.size(), kChunkSize) +
                (base == nullptr ? 0 : base->delta_.size()));
  std::unique_ptr<ColumnChunk> unpacked;  // made when a chunk is packed: it is large
  size_t position = 0;
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    const size_t first = position;
    while (position < cells.size() && cells[position].offset >> kChunkBits == chunk) ++position;
    const std::span<const Cell> added = cells.subspan(first, position - first);
    const std::span<const Cell> earlier =
        base == nullptr ? std::span<const Cell>() : base->delta(chunk);
    if (base != nullptr) shard->blocks_[chunk] = base->blocks_[chunk];
    const size_t begin = delta.size();
    AppendMerged(earlier, added, &delta);
    const ColumnBlockRef& block = shard->blocks_[chunk];
    const size_t rewrite_bytes = block == nullptr ? kChunkSize : block->memory_bytes();
    if (!added.empty() && (delta.size() - begin) * kFoldBytesPerCell >= rewrite_bytes) {
      if (unpacked == nullptr) unpacked = std::make_unique<ColumnChunk>();
      if (block == nullptr) {
        std::memset(unpacked.get(), 0, sizeof(ColumnChunk));
      } else {
        block->Decode(unpacked.get());
      }
      Overwrite(std::span(delta).subspan(begin), unpacked.get());
      shard->blocks_[chunk] = EncodeColumn(*unpacked);
      delta.resize(begin);
    }
    shard->delta_ends_[chunk] = static_cast<uint32_t>(delta.size());
  }
  if (delta.capacity() - delta.size() > kSpareCellsMax) delta.shrink_to_fit();
  return shard;
}

ColumnShardRef MakeColumnShard(std::array<ColumnBlockRef, kChunksPerShard> blocks) {
  if (std::all_of(blocks.begin(), blocks.end(),
                  [](const ColumnBlockRef& block) { return block == nullptr; })) {
    return nullptr;
  }
  auto shard = std::make_shared<ColumnShard>();
  shard->blocks_ = std::move(blocks);
  return shard;
}

}  // namespace throng::index
