// A package's bytes in blocks that can be continued after each.
//
//   PackageBlocks blocks(source, {0, kPackageEnd}, PackageProgress());
//   while (*blocks.Next(&bytes)) file.Append(bytes);
//   blocks.progress().digest;     // SHA-256 of all of it
//
// A block is a function of the source and of where the one before ended; a packed one can be
// unpacked by itself (package_compression.h). So what follows a progress is the same bytes whoever
// asks for it, when. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_PACKAGE_BLOCKS_H_
#define THRONG_SERVER_ENGINE_PACKAGE_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/ordinal_set.h"
#include "server/engine/package_compression.h"
#include "server/engine/package_digest.h"
#include "server/engine/package_requests.h"
#include "server/engine/package_rows.h"
#include "server/engine/package_source.h"

namespace throng::engine {

// Of rows as text: a block ends with the row that reaches it. Packed blocks are made of more.
inline constexpr size_t kPackageBlockBytes = 128 << 10;
inline constexpr size_t kPackedBlockBytes = 512 << 10;

// Ordinals begin to end.
struct PackageRange {
  uint64_t begin = 0;
  uint64_t end = index::kOrdinalsMax;
};

// How far a file is: what comes next follows from it. A value.
struct PackageProgress {
  // The next ordinal; of bitmaps the next byte, before they are packed. 0 is the range's begin.
  uint64_t position = 0;
  PackageCounts counts;
  Sha256State digest;  // of the bytes so far

  uint64_t bytes() const { return digest.bytes; }
};

// Ranges of about as many users each, in order; together everybody.
std::vector<PackageRange> SplitUsers(const index::OrdinalSet& users, uint32_t parts);

// Borrows the source. Not thread-safe.
class PackageBlocks {
 public:
  PackageBlocks(const PackageSource& source, const PackageRange& range,
                const PackageProgress& progress);

  // Puts the next block into `bytes`; false, and nothing there, when there are no more. Errors: as
  // PackageRows::Append; kInvalidArgument (ID_TOO_LARGE, TOO_MANY_IDS) of bitmaps;
  // kFailedPrecondition (PACKAGE_CHANGED) of a bitmap that is not the one the progress is of.
  absl::StatusOr<bool> Next(std::string* bytes);

  PackageProgress progress() const;
  std::string Sha256Hex() const { return digest_.Hex(); }

 private:
  absl::Status AppendRaw(std::string* bytes);
  absl::Status MakeBitmap();

  const PackageSource& source_;
  const PackageRange range_;
  const PackageCompression compression_;
  const bool is_bitmap_;
  PackageRows rows_;
  BlockPacker packer_;
  uint64_t position_;
  PackageCounts counts_;
  Sha256 digest_;
  uint64_t bytes_;  // so far
  std::optional<std::string> bitmap_;
  std::string raw_;  // what is being packed
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PACKAGE_BLOCKS_H_
