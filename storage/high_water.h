// The high-water mark: the last version of each population that is known to be on disk, in a small
// file beside RocksDB's. A log that ends below it has lost a record; one that ends at or above it
// merely had a torn tail that nobody was told about.
//
//   THRONG_RETURN_IF_ERROR(WriteHighWater(file_system, directory, {{1, 17}}));
//   absl::StatusOr<std::optional<HighWater>> mark = ReadHighWater(file_system, directory);
//
// Thread-compatible: one writer of a directory at a time.
#ifndef THRONG_STORAGE_HIGH_WATER_H_
#define THRONG_STORAGE_HIGH_WATER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rocksdb/file_system.h"

namespace throng::storage {

inline constexpr std::string_view kHighWaterFile = "HIGH_WATER";

using HighWater = std::map<uint32_t, uint64_t>;  // population -> version

// Replaces the file: it is written beside, synced, renamed, and the directory is synced. A crash
// leaves the old or the new one. Errors: as FromRocks.
absl::Status WriteHighWater(rocksdb::FileSystem& file_system, const std::string& directory,
                            const HighWater& mark);

// nullopt when there is no such file. Errors: kDataLoss when it is damaged, else as FromRocks.
absl::StatusOr<std::optional<HighWater>> ReadHighWater(rocksdb::FileSystem& file_system,
                                                       const std::string& directory);

// The file's text. Errors of decoding: kDataLoss.
std::string EncodeHighWater(const HighWater& mark);
absl::StatusOr<HighWater> DecodeHighWater(std::string_view text);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_HIGH_WATER_H_
