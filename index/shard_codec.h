// The bitmap of a shard <-> bytes, in the portable Roaring format (RoaringFormatSpec, 32 bits).
//
//   std::string bytes = EncodeShard(shard);
//   absl::StatusOr<BitmapShardRef> again = DecodeShard(bytes);
//
// A container of the format is a chunk, so that blocks are made of it and it of blocks without a
// Roaring bitmap between them. Any other reader of the format takes the bytes (tests compare with
// CRoaring, both ways).
#ifndef THRONG_INDEX_SHARD_CODEC_H_
#define THRONG_INDEX_SHARD_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/bitmap_shard.h"

namespace throng::index {

// Offsets in the shard, deltas folded in, each container in its smallest form. Thread-safe, like
// all here.
std::string EncodeShard(const BitmapShardRef& shard);

// Every field is checked before it is used. Errors: kDataLoss when the bytes are not exactly one
// valid bitmap with offsets below kShardSize.
absl::StatusOr<BitmapShardRef> DecodeShard(std::string_view bytes);

}  // namespace throng::index

#endif  // THRONG_INDEX_SHARD_CODEC_H_
