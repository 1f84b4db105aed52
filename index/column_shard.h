// The numbers of one tag for the users of a shard: 16 packed chunks and a small sorted delta.
//
//   ColumnShardRef next = ApplyCells(shard, cells);
//   std::optional<int64_t> v = next->Get(offset);
//
// Serves ordered tags (the numbers are the truth) and CATEGORY tags (the codes, derived from the
// value bitmaps, for breakdowns and portraits).
#ifndef THRONG_INDEX_COLUMN_SHARD_H_
#define THRONG_INDEX_COLUMN_SHARD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "index/chunk_set.h"
#include "index/column_block.h"

namespace throng::index {

// The new content of one user's cell.
struct Cell {
  uint32_t offset = 0;  // in the shard
  bool present = false;
  int64_t value = 0;
};

class ColumnShard;
using ColumnShardRef = std::shared_ptr<const ColumnShard>;  // null: nobody has a value

// Thread-safe: immutable.
class ColumnShard {
 public:
  std::optional<int64_t> Get(uint32_t offset) const;
  // Whether the chunk has nothing: Get() of its offsets gives no value.
  bool empty(uint32_t chunk) const { return blocks_[chunk] == nullptr && delta(chunk).empty(); }
  // Users of a chunk with low <= value <= high.
  ChunkSet Scan(uint32_t chunk, int64_t low, int64_t high, ChunkScratch& out) const;
  void Decode(uint32_t chunk, ColumnChunk* out) const;  // delta included
  // The packed part of a chunk, null if empty, and the cells that override it, ascending.
  const ColumnBlockRef& block(uint32_t chunk) const { return blocks_[chunk]; }
  std::span<const Cell> delta(uint32_t chunk) const;

  // Not null `beside`: without the blocks that are also there.
  size_t block_bytes(const ColumnShard* beside) const;
  size_t delta_bytes() const;

 private:
  friend ColumnShardRef ApplyCells(const ColumnShardRef&, std::span<const Cell>);
  friend ColumnShardRef MakeColumnShard(std::array<ColumnBlockRef, kChunksPerShard>);

  std::array<ColumnBlockRef, kChunksPerShard> blocks_;
  std::array<uint32_t, kChunksPerShard> delta_ends_{};
  std::vector<Cell> delta_;
};

// `base` with `cells` written; they ascend and name an offset once. Thread-safe.
ColumnShardRef ApplyCells(const ColumnShardRef& base, std::span<const Cell> cells);

ColumnShardRef MakeColumnShard(std::array<ColumnBlockRef, kChunksPerShard> blocks);

}  // namespace throng::index

#endif  // THRONG_INDEX_COLUMN_SHARD_H_
