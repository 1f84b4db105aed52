// Files and directories that are on the disk when the call returns: for copies of a store.
//
//   absl::StatusOr<CopiedFile> copied = CopyFileSynced(from, to, never);
//   THRONG_RETURN_IF_ERROR(SyncDirectory(directory));
//
// Errors of all: kResourceExhausted "disk full ...", kUnavailable, kNotFound, with the file's name.
// Thread-safe functions.
#ifndef THRONG_STORAGE_FILE_COPY_H_
#define THRONG_STORAGE_FILE_COPY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace throng::storage {

struct CopiedFile {
  uint64_t bytes = 0;
  std::string digest;  // storage/digest.h
};

// `to` must not exist. `check` is asked every megabyte; an error of it ends the copy.
absl::StatusOr<CopiedFile> CopyFileSynced(const std::string& from, const std::string& to,
                                          const std::function<absl::Status()>& check);
absl::Status WriteFileSynced(const std::string& path, std::string_view text);
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);
absl::Status SyncDirectory(const std::string& path);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_FILE_COPY_H_
