// Ids <-> bytes: numbers packed, texts as lengths and bytes.
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
#include "index/linked_ids.h"
#include "storage/codec.h"

namespace throng::storage {

// Ids of 1 to index::kIdBytesMax bytes.
void EncodeIds(const std::vector<std::string>& ids, ByteWriter& out);
// Empty when `in` fails.
std::vector<std::string> DecodeIds(size_t count, ByteReader& in);

// Format 2 when `has_erased`, else 1.
struct EncodedIds {
  std::string payload;
  bool has_erased = false;
};
// The ids of ordinals [chunk << 16, ...) that are below `ids.size()`, as one stored value.
EncodedIds EncodeIdChunk(const index::IdDictionary& ids, uint32_t chunk);
// The first `count` ids of such a value, which may hold more: it may be of a later version. Those
// erased are listed. Errors: kDataLoss.
absl::StatusOr<index::IdList> DecodeIdChunk(std::string_view payload, size_t count);

// Links as index::LinkedIds::With takes them.
struct StoredLinks {
  std::vector<uint32_t> owners;  // 0 where the id is erased
  std::vector<std::string> ids;
};
// The entries [chunk << 16, ...) of a type's linked ids, and the first `count` of them again, whose
// owners are below `ordinal_end`. Errors: kDataLoss.
std::string EncodeLinkedIds(const index::LinkedIds& linked, uint32_t chunk);
absl::StatusOr<StoredLinks> DecodeLinkedIds(std::string_view payload, size_t count,
                                            uint32_t ordinal_end);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_ID_CODEC_H_
