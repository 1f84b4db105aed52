// Everything a tag holds within a shard: its values' bitmaps, who has it, and its column.
//
//   TagShardRef next = ApplyTagChange(shard, TagType::kCategory, change, first, last, version);
//   next->values[code];        // BitmapShardRef
//   next->column->Get(offset)  // the code, or the number
//
// Which part is the truth: the value bitmaps for FLAG, CATEGORY and LABELS, the column for ordered
// tags. `exists`, and the column of CATEGORY, are derived (Derive() makes them anew).
#ifndef THRONG_INDEX_TAG_SHARD_H_
#define THRONG_INDEX_TAG_SHARD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "index/bitmap_shard.h"
#include "index/catalogue.h"
#include "index/change.h"
#include "index/column_shard.h"
#include "index/paged_vector.h"

namespace throng::index {

// Thread-safe: immutable once published.
struct TagShard {
  uint64_t version = 0;  // of the last commit it holds: an older record is not applied again
  PagedVector<BitmapShardRef> values;  // by code; FLAG: code 0; none for ordered tags
  BitmapShardRef exists;               // every type but FLAG
  ColumnShardRef column;               // CATEGORY (codes) and ordered tags (numbers)
};

using TagShardRef = std::shared_ptr<const TagShard>;  // null: nobody in the shard has the tag

// All shards of a tag. Thread-safe: immutable once published.
struct TagContent {
  std::vector<TagShardRef> shards;

  const TagShard* shard(uint32_t i) const { return i < shards.size() ? shards[i].get() : nullptr; }
  // Users with the value of `code`, with any value.
  uint64_t ValueCardinality(uint32_t code) const;
  uint64_t ExistsCardinality() const;
};

using TagContentRef = std::shared_ptr<const TagContent>;

// `base` with the entries [first, last) of `change` made; all of them lie in one shard. Returns
// `base` when its version is not older than `version`. Thread-safe.
TagShardRef ApplyTagChange(const TagShardRef& base, TagType type, const TagChange& change,
                           size_t first, size_t last, uint64_t version);

// Makes `exists` and the derived column from the truth, and packs the truth where it is tiny.
void Derive(TagType type, TagShard* shard);

}  // namespace throng::index

#endif  // THRONG_INDEX_TAG_SHARD_H_
