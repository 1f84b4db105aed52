// A temporary file of the data directory for what does not fit into memory. It has no name, so that
// nothing is left of it when the process ends, however it ends.
//
//   SpillBudget budget(uint64_t{16} << 30);
//   SpillFile spill("/var/lib/throng", budget);
//   absl::StatusOr<uint64_t> place = spill.Append(bytes);
//   absl::Status read = spill.Read(*place, bytes.size(), &back);
//
// It is never synced: what is in it is not the data.
#ifndef THRONG_STORAGE_SPILL_FILE_H_
#define THRONG_STORAGE_SPILL_FILE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace throng::storage {

// The bytes that several files may have together. Thread-safe; outlives them.
struct SpillBudget {
  explicit SpillBudget(uint64_t most) : bytes_max(most) {}
  const uint64_t bytes_max;
  std::atomic<uint64_t> bytes = 0;
};

// Made by the first Append. Not thread-safe.
class SpillFile {
 public:
  SpillFile(std::string directory, SpillBudget& budget)
      : directory_(std::move(directory)), budget_(budget) {}
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;
  ~SpillFile();

  // Where the bytes begin. Errors: kResourceExhausted (SPILL_FULL: the budget is spent; DISK_FULL),
  // kUnavailable.
  absl::StatusOr<uint64_t> Append(std::string_view bytes);
  // Writes over what was appended. Errors: kUnavailable.
  absl::Status Overwrite(uint64_t place, std::string_view bytes);
  // Appends `size` bytes from `place` to `bytes`. Errors: kUnavailable.
  absl::Status Read(uint64_t place, size_t size, std::string* bytes) const;

 private:
  absl::Status Open();
  absl::Status WriteAt(uint64_t place, std::string_view bytes);
  absl::Status Failed(std::string_view doing, int error) const;

  const std::string directory_;
  SpillBudget& budget_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_SPILL_FILE_H_
