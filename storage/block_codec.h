// What a tag holds in a shard <-> bytes: the header and the column of an ordered tag. The bitmaps
// of values are portable Roaring (index/roaring_codec.h).
//
//   std::string header = EncodeShardHeader(HeaderOf(type, shard));
//   std::string column = EncodeColumn(*shard.column);
//   absl::StatusOr<index::ColumnShardRef> back = DecodeColumn(column, &cells);
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_BLOCK_CODEC_H_
#define THRONG_STORAGE_BLOCK_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/column_shard.h"
#include "index/tag_shard.h"

namespace throng::storage {

// What must be there, so that a part that is missing, stale or left over is found.
struct ShardHeader {
  uint64_t version = 0;
  bool is_column = false;
  // Bitmaps: the values somebody has, ascending, and how many users have each.
  std::vector<uint32_t> codes;
  std::vector<uint64_t> cardinalities;
  // Column: users with a number.
  uint32_t cells = 0;
};

// Numbers are stored as a column, other types as bitmaps.
bool IsColumn(index::TagType type);
ShardHeader HeaderOf(index::TagType type, const index::TagShard& shard);

// All errors of decoding: kDataLoss.
std::string EncodeShardHeader(const ShardHeader& header);
absl::StatusOr<ShardHeader> DecodeShardHeader(std::string_view payload);

std::string EncodeColumn(const index::ColumnShard& column);
// `*cells` gets the number of users with a number.
absl::StatusOr<index::ColumnShardRef> DecodeColumn(std::string_view payload, uint32_t* cells);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_BLOCK_CODEC_H_
