// A file that is there in full or not at all.
//
//   absl::StatusOr<std::unique_ptr<OutputFile>> file = OutputFile::Create("crowd.csv", force);
//   (*file)->Append("10001\n");
//   (*file)->Commit();  // Synced and renamed; without this the file never was.
#ifndef THRONG_CLI_OUTPUT_FILE_H_
#define THRONG_CLI_OUTPUT_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace throng::cli {

// Whether `path` may be written to. Errors: kAlreadyExists (the file exists and not `force`),
// kInvalidArgument (it exists and is not a regular file).
absl::Status CheckTarget(const std::string& path, bool force);

// Writes to "PATH.partial-XXXXXX" beside the file, or to standard output for "-". Not thread-safe.
class OutputFile {
 public:
  // Errors: kAlreadyExists (the file exists and not `force`), kInvalidArgument (it exists and is
  // not a regular file), else the error of the system, e.g. kNotFound for a missing directory.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path, bool force);

  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Removes what was written unless Commit() returned OK.
  ~OutputFile();

  // Buffers and writes. Errors: the system's, e.g. kResourceExhausted for a full disk.
  absl::Status Append(std::string_view bytes);

  // Writes what is buffered, syncs the file and its directory's entry, and gives the file its
  // name. Errors: the system's; kAlreadyExists (the file came up meanwhile and not `force`).
  // REQUIRES: called once, nothing after it.
  absl::Status Commit();

  // Bytes appended.
  std::uint64_t bytes() const { return bytes_; }

 private:
  OutputFile(std::string path, bool force) : path_(std::move(path)), force_(force) {}

  absl::Status Open();
  absl::Status Flush();
  absl::Status Rename();
  absl::Status Error(std::string_view action) const;

  // The target with symbolic links followed; "-" for standard output.
  const std::string path_;
  const bool force_;
  // Empty when there is nothing to remove.
  std::string temporary_;
  int descriptor_ = -1;
  std::string buffer_;
  std::uint64_t bytes_ = 0;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_OUTPUT_FILE_H_
