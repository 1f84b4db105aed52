#include "storage/upload_writer.h"

#include <string_view>

#include "index/error.h"
#include "storage/upload_codec.h"

namespace throng::storage {
namespace {

constexpr size_t kPartBytes = 64 << 10;  // of the ids' texts
constexpr size_t kPartIdsMax = 16'384;   // unless more have one hash

}  // namespace

absl::Status UploadWriter::Begin() {
  count_ = kept_ = 0;
  parts_.clear();
  ids_.clear();
  texts_.clear();
  ends_.clear();
  return store_.BeginUpload(population_, id_);
}

absl::Status UploadWriter::Put(const ListedId& id) {
  if (++count_ > kUploadListedIdsMax) {
    return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_LISTED_IDS",
                                "the number of ids that are nobody's", kUploadListedIdsMax, count_);
  }
  if (id.is_kept) ++kept_;
  // A hash is of one part only, so that it is found by the first hashes of all.
  const bool is_full = texts_.size() >= kPartBytes || ids_.size() >= kPartIdsMax;
  if (is_full && ids_.back().hash != id.hash) THRONG_RETURN_IF_ERROR(WritePart());
  texts_.append(id.text);
  ids_.push_back(id);
  ends_.push_back(texts_.size());
  return absl::OkStatus();
}

absl::Status UploadWriter::End(const UploadRecord& record, std::span<const RefusedId> refused) {
  if (!ids_.empty()) THRONG_RETURN_IF_ERROR(WritePart());
  return store_.EndUpload(population_, id_, record, parts_, refused);
}

absl::Status UploadWriter::WritePart() {
  size_t begin = 0;
  for (size_t i = 0; i < ids_.size(); ++i) {
    ids_[i].text = std::string_view(texts_).substr(begin, ends_[i] - begin);
    begin = ends_[i];
  }
  THRONG_RETURN_IF_ERROR(
      store_.WriteUploadIds(population_, id_, static_cast<uint32_t>(parts_.size()), ids_));
  parts_.push_back(PartOf(ids_.front().hash, ids_));
  ids_.clear();
  texts_.clear();
  ends_.clear();
  return absl::OkStatus();
}

}  // namespace throng::storage
