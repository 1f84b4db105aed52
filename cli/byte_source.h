// Where the bytes of a file to load come from: a plain file, a gzip file or standard input.
//
//   absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenByteSource("users.csv.gz");
//   if (!source.ok()) return source.status();
//   absl::StatusOr<size_t> count = (*source)->Read(buffer, sizeof(buffer));  // 0: the end
//
// A name that ends in ".gz" is unpacked; "-" is standard input, taken as it comes.
#ifndef THRONG_CLI_BYTE_SOURCE_H_
#define THRONG_CLI_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace throng::cli {

// A stream of bytes, read once from start to end. Thread-compatible: one thread at a time, except
// bytes_consumed(), which any thread may call.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Reads up to `size` bytes (more than 0) into `buffer`. Returns how many; 0 only at the end.
  // Errors: kDataLoss for gzip data that is damaged or ends in the middle, kUnavailable when the
  // operating system cannot read. An error is final.
  virtual absl::StatusOr<size_t> Read(char* buffer, size_t size) = 0;

  // Bytes of the file taken so far (of the packed file for gzip): what a progress bar compares
  // with bytes_total().
  virtual uint64_t bytes_consumed() const = 0;
  // Size of the file in bytes; 0 when unknown (standard input, pipes).
  virtual uint64_t bytes_total() const = 0;
};

// Opens `path`. Errors: kNotFound, kPermissionDenied, kInvalidArgument (a directory), each naming
// the file.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path);

}  // namespace throng::cli

#endif  // THRONG_CLI_BYTE_SOURCE_H_
