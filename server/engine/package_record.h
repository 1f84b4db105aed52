// What is kept of a package: the file .job.json in its folder, and manifest.json beside the parts.
//
//   std::string text = EncodeRecord(record);
//   absl::StatusOr<PackageRecord> again = DecodeRecord(text);
//   folder.WriteWhole(kManifestFile, EncodeManifest(manifest));
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_PACKAGE_RECORD_H_
#define THRONG_SERVER_ENGINE_PACKAGE_RECORD_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/engine/package_requests.h"
#include "server/engine/package_source.h"

namespace throng::engine {

inline constexpr std::string_view kRecordFile = ".job.json";
inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr uint64_t kRecordBytesMax = 8 << 20;

// A value; thread-compatible.
struct PackageRecord {
  PackageInfo info;
  uint32_t crowd = 0;  // its id
  std::vector<PackageTag> beneath;
  // Of the request that made it.
  std::string principal;
  std::string request_id;
  uint64_t payload_hash = 0;
};

// A JSON object of several lines, for people and programs (docs/api.md). Thread-safe, like all
// here.
std::string EncodeManifest(const PackageManifest& manifest);
std::string EncodeRecord(const PackageRecord& record);
// Errors: kDataLoss, without the name of the file.
absl::StatusOr<PackageManifest> DecodeManifest(std::string_view text);
absl::StatusOr<PackageRecord> DecodeRecord(std::string_view text);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PACKAGE_RECORD_H_
