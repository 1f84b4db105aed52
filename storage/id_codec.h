// Primary ids <-> bytes: numbers packed, texts as lengths and bytes.
//
//   EncodeIds({"17", "18", "19"}, out);                       // a few bytes: gaps of 1
//   std::vector<std::string> ids = DecodeIds(3, in);
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_ID_CODEC_H_
#define THRONG_STORAGE_ID_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/id_dictionary.h"
#include "storage/codec.h"

namespace throng::storage {

// Ids of 1 to index::kIdBytesMax bytes.
void EncodeIds(const std::vector<std::string>& ids, ByteWriter& out);
// Empty when `in` fails.
std::vector<std::string> DecodeIds(size_t count, ByteReader& in);

// The ids of ordinals [chunk << 16, ...) that are below `ids.size()`, as one stored value.
std::string EncodeIdChunk(const index::IdDictionary& ids, uint32_t chunk);
// The first `count` ids of such a value, which may hold more: it may be of a later version.
// Errors: kDataLoss.
absl::StatusOr<std::vector<std::string>> DecodeIdChunk(std::string_view payload, size_t count);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_ID_CODEC_H_
