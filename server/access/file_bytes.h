// Small files of configuration: their bytes, and whether they have changed since.
//
//   absl::StatusOr<std::string> text = ReadFileBytes("access.toml", 1 << 20);
//   FileStamp seen = StampOf("access.toml");
//   ...
//   if (StampOf("access.toml") != seen) ...   // read it again
//
// Thread-safe.
#ifndef THRONG_SERVER_ACCESS_FILE_BYTES_H_
#define THRONG_SERVER_ACCESS_FILE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace throng::access {

// Errors: kUnavailable (cannot be read, naming the file and why), kInvalidArgument (longer than
// `bytes_max`).
absl::StatusOr<std::string> ReadFileBytes(const std::string& path, size_t bytes_max);

// What tells one content of a file from the next. A value.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = -1;  // -1: there is no such file
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Of no file, and not of a missing one either: what was read is to be read again.
inline constexpr FileStamp kNeverRead{.size = -2};

FileStamp StampOf(const std::string& path);

}  // namespace throng::access

#endif  // THRONG_SERVER_ACCESS_FILE_BYTES_H_
