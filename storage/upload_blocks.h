// The lists of uploads on disk, beside the sets of the versions that they made: parts of ids in
// order of their hash, parts of what was refused, and a header that says what belongs there.
//
//   THRONG_RETURN_IF_ERROR(WriteUploadPart(database, population, {7, 3}, 0, ids));
//   THRONG_RETURN_IF_ERROR(WriteUploadEnd(database, population, {7, 3}, upload, refused));
//   absl::StatusOr<StoredUpload> upload = ReadUploadHeader(database, population, {7, 3});
//   absl::StatusOr<ListedIds> ids = ReadUploadIds(database, population, {7, 3}, 0);
//
// Thread-safe functions, as long as a list is written by one thread.
#ifndef THRONG_STORAGE_UPLOAD_BLOCKS_H_
#define THRONG_STORAGE_UPLOAD_BLOCKS_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "storage/database.h"
#include "storage/upload_list.h"

namespace throng::storage {

// Deletes the list of a version, not its set; not synced. Errors, of all that writes: as FromRocks.
absl::Status DeleteUploadList(Database& database, uint32_t population,
                              const index::CrowdVersionId& id);
// One part; not synced.
absl::Status WriteUploadPart(Database& database, uint32_t population,
                             const index::CrowdVersionId& id, uint32_t part,
                             std::span<const ListedId> ids);
// What was refused, and the header, beside a set that stands there; not synced.
absl::Status WriteUploadEnd(Database& database, uint32_t population,
                            const index::CrowdVersionId& id, StoredUpload upload,
                            std::span<const RefusedId> refused);

// Errors, of all that reads: kNotFound when the version is not there or has no list; kDataLoss
// naming the key that is damaged or missing.
absl::StatusOr<StoredUpload> ReadUploadHeader(const Database& database, uint32_t population,
                                              const index::CrowdVersionId& id);
absl::StatusOr<ListedIds> ReadUploadIds(const Database& database, uint32_t population,
                                        const index::CrowdVersionId& id, uint32_t part);
absl::StatusOr<std::vector<RefusedId>> ReadUploadRefused(const Database& database,
                                                         uint32_t population,
                                                         const index::CrowdVersionId& id,
                                                         uint32_t part);
// Reads all of it, if there is a list, and keeps nothing.
absl::Status CheckUploadList(const Database& database, uint32_t population,
                             const index::CrowdVersionId& id);

// What is to be taken out of the list of a version. Thread-safe.
class Unwanted {
 public:
  virtual ~Unwanted() = default;
  // Hashes of the ids, ascending.
  virtual const std::vector<uint64_t>& hashes() const = 0;
  // Whether an id, or what was refused as one, goes from lists of ids that were looked up at
  // `data_version`.
  virtual bool Has(std::string_view id, uint64_t data_version) const = 0;
  virtual bool HasRefused(std::string_view text, uint64_t data_version) const = 0;
};
// Rewrites the parts that hold any of it, each in a batch with the header; not synced. Nothing is
// done where there is no list. Errors: kDataLoss; as FromRocks.
absl::Status TakeFromUploadList(Database& database, uint32_t population,
                                const index::CrowdVersionId& id, uint64_t data_version,
                                const Unwanted& unwanted);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_UPLOAD_BLOCKS_H_
