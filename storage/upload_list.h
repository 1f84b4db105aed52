// What the store keeps of an upload beside the set of the crowd's version that it made: its
// numbers, the ids that are nobody's, and what was no id.
//
//   UploadRecord record{.mode = UploadMode::kReplace, .id_type = "phone", .received = 3};
//   UploadWriter writer(store, population, {7, 3});   // storage/upload_writer.h
//   absl::StatusOr<StoredUpload> upload = store.ReadUpload(population, {7, 3});
//
// A list lives and dies with its version. Types are values; thread-compatible.
#ifndef THRONG_STORAGE_UPLOAD_LIST_H_
#define THRONG_STORAGE_UPLOAD_LIST_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "index/id_fault.h"
#include "index/snapshot.h"

namespace throng::storage {

inline constexpr uint32_t kUploadRefusedMax = 10'000;        // listed of one upload
inline constexpr size_t kUploadRefusedBytesMax = 128;        // of the text of each
inline constexpr uint64_t kUploadListedIdsMax = 20'000'000;  // of one version
inline constexpr uint64_t kUploadReceivedMax = 1'000'000'000;

// Numbers are part of the disk format: never renumbered.
enum class UploadMode : uint8_t {
  kReplace = 1,  // the crowd is what was uploaded
  kAdd = 2,
  kRemove = 3,
  kRefresh = 4,  // nothing was uploaded: the ids that waited were looked up again
};

// Every id that was received is one of matched, duplicate, unknown and invalid.
struct UploadRecord {
  UploadMode mode = UploadMode::kReplace;
  bool keeps_unknown = false;  // of this upload, or of those that it adds to
  std::string id_type;         // empty: the primary one
  uint64_t received = 0;
  uint64_t matched = 0;    // users found
  uint64_t duplicate = 0;  // ids of users and unknown ids that came before in the upload
  uint64_t unknown = 0;    // ids of nobody, each once
  uint64_t invalid = 0;
  int64_t start_us = 0;  // when the upload began
  friend bool operator==(const UploadRecord&, const UploadRecord&) = default;
};

// An id of nobody. In order of (hash, id type, text).
struct ListedId {
  uint64_t hash = 0;  // index::IdHash(text)
  uint32_t id_type = 0;
  bool is_unmatched = false;  // the upload had it
  bool is_kept = false;       // it waits for its user
  std::string_view text;      // in its kept form

  friend bool operator<(const ListedId& a, const ListedId& b) {
    return std::tie(a.hash, a.id_type, a.text) < std::tie(b.hash, b.id_type, b.text);
  }
};

// What was no id of the type.
struct RefusedId {
  uint64_t position = 0;  // in the upload, from 1
  index::IdFault fault = index::IdFault::kNone;
  std::string text;  // its first bytes, which may be of any kind
  friend bool operator==(const RefusedId&, const RefusedId&) = default;
};

// The ids of a part of a list. Views of `texts`, which stays where it is when this is moved.
struct ListedIds {
  std::shared_ptr<const std::string> texts;
  std::vector<ListedId> ids;
};

struct UploadPart {
  uint64_t first_hash = 0;
  uint32_t count = 0;
  uint32_t unmatched = 0;
  uint32_t kept = 0;
  friend bool operator==(const UploadPart&, const UploadPart&) = default;
};

struct StoredUpload {
  UploadRecord record;
  std::vector<UploadPart> parts;        // of ids
  std::vector<uint32_t> refused_parts;  // how many each part has

  uint64_t kept() const;
  uint64_t unmatched() const;
};

// The part of a Store about lists (storage/store.h). Thread-safe, as each call says.
class UploadListStore {
 public:
  virtual ~UploadListStore() = default;

  // A list is written between the set of a version (WriteCrowdVersion) and the Append that makes it
  // one: begun, in place of what stands there; its parts, in order; ended, with what was refused
  // and the counts of all parts. While it is begun and not ended, an Append is refused. Each may
  // run beside everything but another call for the same version. Errors: as WriteCrowdVersion;
  // kAborted (CONTENT_LOST) when an I/O error took what was written. storage/upload_writer.h cuts
  // the parts.
  virtual absl::Status BeginUpload(uint32_t population, const index::CrowdVersionId& id) = 0;
  virtual absl::Status WriteUploadIds(uint32_t population, const index::CrowdVersionId& id,
                                      uint32_t part, std::span<const ListedId> ids) = 0;
  virtual absl::Status EndUpload(uint32_t population, const index::CrowdVersionId& id,
                                 const UploadRecord& record, std::span<const UploadPart> parts,
                                 std::span<const RefusedId> refused) = 0;

  // Errors, of all three: kNotFound when the version is not there (any more) or has no list,
  // kDataLoss naming the key.
  virtual absl::StatusOr<StoredUpload> ReadUpload(uint32_t population,
                                                  const index::CrowdVersionId& id) const = 0;
  virtual absl::StatusOr<ListedIds> ReadUploadIds(uint32_t population,
                                                  const index::CrowdVersionId& id,
                                                  uint32_t part) const = 0;
  virtual absl::StatusOr<std::vector<RefusedId>> ReadUploadRefused(uint32_t population,
                                                                   const index::CrowdVersionId& id,
                                                                   uint32_t part) const = 0;
  // Takes the ids of users who were erased since the fold that `folded` is of (null: none was) out
  // of the lists of all versions that `snapshot` has. A Fold does the same. Never beside a Fold.
  // Errors: as Append; kDataLoss.
  virtual absl::Status EraseFromUploads(uint32_t population, const index::Snapshot& snapshot,
                                        const index::Snapshot* folded) = 0;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_UPLOAD_LIST_H_
