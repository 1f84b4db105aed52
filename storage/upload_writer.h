// Writes the list of an upload: cuts its ids into parts.
//
//   UploadWriter writer(store, population, {7, 3});
//   THRONG_RETURN_IF_ERROR(writer.Begin());
//   THRONG_RETURN_IF_ERROR(writer.Put(id));            // in their order, each once
//   THRONG_RETURN_IF_ERROR(writer.End(record, refused));
#ifndef THRONG_STORAGE_UPLOAD_WRITER_H_
#define THRONG_STORAGE_UPLOAD_WRITER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "index/crowd.h"
#include "storage/upload_list.h"

namespace throng::storage {

// Not thread-safe. Holds one part in memory.
class UploadWriter {
 public:
  UploadWriter(UploadListStore& store, uint32_t population, const index::CrowdVersionId& id)
      : store_(store), population_(population), id_(id) {}

  // Errors, of all: as UploadListStore. After one, the list may be begun again.
  absl::Status Begin();
  // Copies the text. Errors besides: kResourceExhausted (TOO_MANY_LISTED_IDS).
  absl::Status Put(const ListedId& id);
  absl::Status End(const UploadRecord& record, std::span<const RefusedId> refused);

  // Of those put.
  uint64_t kept() const { return kept_; }

 private:
  absl::Status WritePart();

  UploadListStore& store_;
  const uint32_t population_;
  const index::CrowdVersionId id_;
  uint64_t count_ = 0;
  uint64_t kept_ = 0;
  std::vector<UploadPart> parts_;
  std::vector<ListedId> ids_;  // of the part, without texts until it is written
  std::string texts_;
  std::vector<size_t> ends_;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_UPLOAD_WRITER_H_
