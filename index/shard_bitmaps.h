// The bitmaps of several values of a tag in one shard, with their cardinalities by chunk.
//
//   ShardBitmaps bitmaps;
//   bitmaps.Assign(shard, codes);
//   for (size_t i = 0; i < bitmaps.size(); ++i) {
//     if (bitmaps.cardinalities(chunk)[i] > 0) bitmaps[i].Load(chunk, scratch);
//   }
//
// Who asks hundreds of bitmaps in each chunk finds what it needs to choose in one row, rather than
// in as many places of memory.
#ifndef THRONG_INDEX_SHARD_BITMAPS_H_
#define THRONG_INDEX_SHARD_BITMAPS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/bitmap_shard.h"
#include "index/tag_shard.h"

namespace throng::index {

// Not thread-safe. Borrows the shard.
class ShardBitmaps {
 public:
  void Clear();
  // Takes the bitmaps of `codes`, which are ascending, or of all codes below `code_count`; without
  // those that are empty in the shard.
  void Assign(const TagShard& shard, std::span<const uint32_t> codes);
  void Assign(const TagShard& shard, uint32_t code_count);
  void Assign(const BitmapShardRef& bitmap);
  // Puts the largest first.
  void Sort();

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  const BitmapShard& operator[](size_t i) const { return *entries_[i].bitmap; }
  uint32_t code(size_t i) const { return entries_[i].code; }
  // Of chunk 0 to 15, by bitmap; until the next change.
  std::span<const uint32_t> cardinalities(uint32_t chunk) const {
    return std::span(cardinalities_).subspan(chunk * entries_.size(), entries_.size());
  }
  // The sum of the cardinalities.
  uint64_t cardinality() const;

 private:
  struct Entry {
    uint32_t code;
    const BitmapShard* bitmap;
  };

  void Add(const TagShard& shard, uint32_t code);
  void CountChunks();

  std::vector<Entry> entries_;
  std::vector<uint32_t> cardinalities_;  // 16 rows
};

}  // namespace throng::index

#endif  // THRONG_INDEX_SHARD_BITMAPS_H_
