// Packs blocks so that each can be unpacked by itself and all of them together are one file.
//
//   PackBlock(PackageCompression::kGzip, block, &bytes);   // appends a whole gzip member
//
// A gzip file may have many members (RFC 1952, 2.2), a zstd file many frames (RFC 8878, 3): every
// program that unpacks them gives the blocks end to end. The same block gives the same bytes.
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_PACKAGE_COMPRESSION_H_
#define THRONG_SERVER_ENGINE_PACKAGE_COMPRESSION_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/engine/package_requests.h"

namespace throng::engine {

// Keeps what it works with. Not thread-safe.
class BlockPacker {
 public:
  explicit BlockPacker(PackageCompression compression);
  ~BlockPacker();
  BlockPacker(const BlockPacker&) = delete;
  BlockPacker& operator=(const BlockPacker&) = delete;

  // Appends the packed block, also of an empty one. REQUIRES: not kNone. Errors:
  // kResourceExhausted (memory), kInternal.
  absl::Status Pack(std::string_view block, std::string* bytes);

 private:
  struct Context;
  absl::Status Gzip(std::string_view block, std::string* bytes);
  absl::Status Zstd(std::string_view block, std::string* bytes);

  const PackageCompression compression_;
  std::unique_ptr<Context> context_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PACKAGE_COMPRESSION_H_
