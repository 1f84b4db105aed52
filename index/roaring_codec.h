// Bitmaps as portable Roaring bytes: the form on disk and on the wire. The only door through which
// bitmap bytes from outside come in.
//
//   std::string bytes = EncodeShard(shard);
//   absl::StatusOr<BitmapShardRef> back = DecodeShard(bytes);   // checked before use
//
// Format: https://github.com/RoaringBitmap/RoaringFormatSpec
#ifndef THRONG_INDEX_ROARING_CODEC_H_
#define THRONG_INDEX_ROARING_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bitmap_shard.h"

namespace throng::index {

// Offsets in the shard as a 32-bit portable bitmap, deltas folded in. Thread-safe, like all here.
std::string EncodeShard(const BitmapShardRef& shard);

// Errors: kDataLoss when the bytes are not exactly one valid portable bitmap with offsets below
// kShardSize.
absl::StatusOr<BitmapShardRef> DecodeShard(std::string_view bytes);

// Numeric ids as a 64-bit portable bitmap. `numbers` in any order.
std::string EncodeNumbers(const std::vector<uint64_t>& numbers);

// The members of a 32- or 64-bit portable bitmap sent by a client, ascending.
//
// Errors: kInvalidArgument (BAD_ROARING) when the bytes are no valid bitmap, LIST_TOO_LONG when it
// has more than `members_max` members.
absl::StatusOr<std::vector<uint64_t>> DecodeNumbers(std::string_view bytes, uint64_t members_max);

}  // namespace throng::index

#endif  // THRONG_INDEX_ROARING_CODEC_H_
