#include "query/column_codes.h"

#include "index/chunk_ops.h"

namespace throng::query {

using index::ChunkSet;

const uint8_t* NextCodes(const index::ColumnShard& column, uint32_t chunk) {
  const index::ColumnBlock* next =
      chunk + 1 < index::kChunksPerShard ? column.block(chunk + 1).get() : nullptr;
  const uint8_t* codes = next == nullptr ? nullptr : next->codes();
  return codes == nullptr ? column.block(chunk)->codes() : codes;
}

ChunkSet WithoutDelta(const ChunkSet& users, std::span<const index::Cell> delta,
                      index::ChunkScratch& scratch) {
  if (users.kind == index::SetKind::kArray && users.size <= index::kArrayMax) {
    uint32_t size = 0;
    auto cell = delta.begin();
    for (uint32_t i = 0; i < users.size; ++i) {
      while (cell != delta.end() && (cell->offset & index::kChunkMask) < users.array[i]) ++cell;
      const bool kept = cell == delta.end() || (cell->offset & index::kChunkMask) != users.array[i];
      scratch.array.values[size] = users.array[i];
      size += kept ? 1 : 0;
    }
    return ChunkSet::Array(scratch.array.values, size);
  }
  uint64_t* words = scratch.bits.words;
  index::CopyTo(users, words);
  for (const index::Cell& cell : delta) {
    const uint32_t offset = cell.offset & index::kChunkMask;
    words[offset >> 6] &= ~(uint64_t{1} << (offset & 63));
  }
  return index::ViewOf(words);
}

}  // namespace throng::query
