// The ids of an upload that are nobody's, each once and in order of their hash, within a bound of
// memory: what is beyond it is spilled to a temporary file, in 256 parts by hash, of which one is
// sorted at a time.
//
//   UnknownIdSet unknown(directory, budget);
//   THRONG_RETURN_IF_ERROR(unknown.Add(key.hash, key.text));
//   absl::StatusOr<uint64_t> distinct = unknown.Settle();
//   unknown.ForEach([&](uint64_t hash, std::string_view id) { ... });
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_UNKNOWN_ID_SET_H_
#define THRONG_SERVER_ENGINE_UNKNOWN_ID_SET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/spill_file.h"
#include "storage/upload_list.h"

namespace throng::engine {

inline constexpr size_t kUnknownBufferBytes = size_t{32} << 20;  // of one upload

// Not thread-safe.
class UnknownIdSet {
 public:
  // `ids_max` is for tests.
  UnknownIdSet(std::string directory, storage::SpillBudget& budget,
               size_t buffer_bytes_max = kUnknownBufferBytes,
               uint64_t ids_max = storage::kUploadListedIdsMax)
      : buffer_bytes_max_(buffer_bytes_max),
        ids_max_(ids_max),
        spill_(std::move(directory), budget) {}

  // An id of 1 to index::kIdBytesMax bytes, and its index::IdHash. Errors: kResourceExhausted
  // (TOO_MANY_LISTED_IDS with repeats counted; SPILL_FULL, DISK_FULL), kUnavailable.
  absl::Status Add(uint64_t hash, std::string_view id);
  // Those added, with repeats.
  uint64_t added() const { return added_; }

  // Sorts, and says how many distinct ones there are. Once, behind the last Add. Errors: as Add.
  absl::StatusOr<uint64_t> Settle();
  // In order of (hash, id), each once; may be called again. REQUIRES: Settle() was OK. Errors: the
  // visitor's; kUnavailable.
  using Visit = std::function<absl::Status(uint64_t hash, std::string_view id)>;
  absl::Status ForEach(const Visit& visit) const;

 private:
  static constexpr size_t kParts = 256;
  struct Extent {
    uint64_t place = 0;
    size_t bytes = 0;
  };
  struct Part {
    std::string buffer;  // ids, each behind a byte of its length
    std::vector<Extent> spilled;
  };

  absl::Status Spill();
  absl::Status ReadPart(const Part& part, std::string* bytes) const;

  const size_t buffer_bytes_max_;
  const uint64_t ids_max_;
  storage::SpillFile spill_;
  std::array<Part, kParts> parts_;
  size_t buffer_bytes_ = 0;
  uint64_t added_ = 0;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_UNKNOWN_ID_SET_H_
