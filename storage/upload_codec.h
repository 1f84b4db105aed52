// The lists of uploads <-> bytes: header, parts of ids, parts of what was refused.
//
//   std::string payload = EncodeUploadHeader(upload);
//   absl::StatusOr<StoredUpload> back = DecodeUploadHeader(payload);
//
// Thread-safe functions. All errors of decoding: kDataLoss.
#ifndef THRONG_STORAGE_UPLOAD_CODEC_H_
#define THRONG_STORAGE_UPLOAD_CODEC_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/upload_list.h"

namespace throng::storage {

std::string EncodeUploadHeader(const StoredUpload& upload);
absl::StatusOr<StoredUpload> DecodeUploadHeader(std::string_view payload);

// REQUIRES: in their order, each once.
std::string EncodeListedIds(std::span<const ListedId> ids);
absl::StatusOr<ListedIds> DecodeListedIds(std::string_view payload);

std::string EncodeRefusedIds(std::span<const RefusedId> refused);
absl::StatusOr<std::vector<RefusedId>> DecodeRefusedIds(std::string_view payload);

// How the header counts a part.
UploadPart PartOf(uint64_t first_hash, std::span<const ListedId> ids);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_UPLOAD_CODEC_H_
