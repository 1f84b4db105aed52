#include "query/column_bounds.h"

#include <algorithm>
#include <limits>

namespace throng::query {

Interval BoundsOf(const index::Snapshot& snapshot, uint32_t tag) {
  Interval bounds{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
  const auto extend = [&](int64_t low, int64_t high) {
    bounds.low = std::min(bounds.low, low);
    bounds.high = std::max(bounds.high, high);
  };
  for (uint32_t s = 0; s < snapshot.shard_count(); ++s) {
    const index::TagShard* shard = snapshot.shard(tag, s);
    if (shard == nullptr || shard->column == nullptr) continue;
    for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
      for (const index::Cell& cell : shard->column->delta(c)) {
        if (cell.present) extend(cell.value, cell.value);
      }
      const index::ColumnBlock* block = shard->column->block(c).get();
      if (block == nullptr) continue;
      const uint64_t largest = static_cast<uint64_t>(block->base()) + block->span();
      extend(block->base(), static_cast<int64_t>(largest));
    }
  }
  return bounds;
}

uint64_t CodeBytesAChunk(const index::Snapshot& snapshot, uint32_t tag) {
  const index::TagShard* shard = snapshot.shard(tag, 0);
  const index::ColumnBlock* block =
      shard == nullptr || shard->column == nullptr ? nullptr : shard->column->block(0).get();
  return block == nullptr ? 0 : uint64_t{index::kChunkSize} * static_cast<uint64_t>(block->width());
}

}  // namespace throng::query
