// Lists of numeric ids as portable Roaring bytes: the form on the wire. The only door through which
// bitmap bytes of clients come in (index/shard_codec.h has the form on disk).
//
//   std::string bytes = EncodeNumbers({17, 5'000'000'000});
//   absl::StatusOr<std::vector<uint64_t>> back = DecodeNumbers(bytes, 100);   // checked before use
//
// Format: https://github.com/RoaringBitmap/RoaringFormatSpec
#ifndef THRONG_INDEX_ROARING_CODEC_H_
#define THRONG_INDEX_ROARING_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace throng::index {

// Numeric ids as a 64-bit portable bitmap. `numbers` in any order.
std::string EncodeNumbers(const std::vector<uint64_t>& numbers);
// As a 32-bit one, which more programs read. Errors: kInvalidArgument (ID_TOO_LARGE) without a
// field when a number is 2^32 or more.
absl::StatusOr<std::string> EncodeNumbers32(const std::vector<uint64_t>& numbers);

// The members of a 32- or 64-bit portable bitmap sent by a client, ascending.
//
// Errors: kInvalidArgument (BAD_ROARING) when the bytes are no valid bitmap, LIST_TOO_LONG when it
// has more than `members_max` members.
absl::StatusOr<std::vector<uint64_t>> DecodeNumbers(std::string_view bytes, uint64_t members_max);

}  // namespace throng::index

#endif  // THRONG_INDEX_ROARING_CODEC_H_
