// What the calls about packages take and give. Types are values; thread-compatible.
//
//   PackageSpec spec{.crowd = "spring", .id_type = "phone", .hashing = IdHashing::kSha256,
//                    .format = PackageFormat::kCsv};
#ifndef THRONG_SERVER_ENGINE_PACKAGE_REQUESTS_H_
#define THRONG_SERVER_ENGINE_PACKAGE_REQUESTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/engine/crowd_requests.h"

namespace throng::engine {

inline constexpr size_t kPackageTagsMax = 64;
inline constexpr uint32_t kPackageFilesMax = 1'000;
inline constexpr size_t kPackagePrefixBytesMax = 64;
inline constexpr uint64_t kBitmapIdsMax = 50'000'000;  // of one bitmap, which is made in memory
inline constexpr size_t kResumeTokenBytesMax = 1'024;

// Numbers stand in the records of jobs: never renumbered.
enum class PackageFormat : uint8_t {
  kText = 1,       // an id a line
  kCsv = 2,        // RFC 4180 but for the line ends, which are "\n"; a header
  kNdjson = 3,     // a JSON object a line
  kRoaring32 = 4,  // portable bitmaps of numeric primary ids
  kRoaring64 = 5,
};
enum class PackageCompression : uint8_t { kNone = 1, kGzip = 2, kZstd = 3 };
enum class IdHashing : uint8_t { kNone = 1, kSha256 = 2, kMd5 = 3 };
enum class PackageState : uint8_t {
  kQueued = 1,
  kRunning = 2,
  kReady = 3,
  kFailed = 4,
  kCancelled = 5,
  kCut = 6,  // the server stopped meanwhile
};

// As manifests write them: "csv", "gzip", "sha256", "ready".
std::string_view PackageFormatName(PackageFormat format);
std::string_view PackageCompressionName(PackageCompression compression);
std::string_view IdHashingName(IdHashing hashing);
std::string_view PackageStateName(PackageState state);
std::string_view SideName(DiffCrowdVersions::Side side);  // "added"

// Who came or who went between two versions.
struct PackageDelta {
  uint32_t from = 0;  // 0: the version before; nobody, if there is none
  DiffCrowdVersions::Side side = DiffCrowdVersions::Side::kAdded;
};

// What is exported, and how.
struct PackageSpec {
  std::string population = "default";
  std::string crowd;
  uint32_t version = 0;  // 0: the newest
  std::optional<PackageDelta> delta = std::nullopt;
  std::string id_type = {};  // empty: the primary one
  IdHashing hashing = IdHashing::kNone;
  std::vector<std::string> tags = {};  // columns
  PackageFormat format = PackageFormat::kText;
  PackageCompression compression = PackageCompression::kNone;
};

// Of what was written so far.
struct PackageCounts {
  uint64_t users = 0;       // who have a row
  uint64_t without_id = 0;  // who have no id of the type, and no row
  uint64_t rows = 0;        // ids: a user may have several of a type. Without the header of csv

  friend bool operator==(const PackageCounts&, const PackageCounts&) = default;
};

struct PackagePart {
  std::string name;
  uint64_t bytes = 0;
  uint64_t rows = 0;
  std::string sha256;  // of the file, in lower-case hexadecimal
};

// The account of a package. users + without_id + erased_meanwhile is total.
struct PackageManifest {
  std::string package;  // of a job
  PackageSpec spec;     // with the numbers of versions and the id type's name filled in
  std::string definition;
  bool definition_changed = false;  // since the version was computed, in whatever part
  uint64_t computed_count = 0;      // of the version, and those of them not erased
  uint64_t current_count = 0;
  uint64_t total = 0;  // users to export: current_count, or of the delta
  PackageCounts counts;
  uint64_t erased_meanwhile = 0;      // between the first stream of a package and its last
  uint64_t data_version = 0;          // that ids and tags were read on
  uint64_t version_data_version = 0;  // that the crowd's version was computed on
  int64_t version_create_us = 0;
  int64_t create_us = 0;  // of the package
  std::vector<PackagePart> files;
};

// Where a stream stands: everything before it was sent.
struct PackageSink {
  // Before the first block; the manifest has no counts and no files yet.
  std::function<absl::Status(const PackageManifest&)> start;
  // `token` continues behind these bytes.
  std::function<absl::Status(std::string_view bytes, std::string_view token)> block;
};

struct CreatePackage {
  PackageSpec spec;
  uint32_t file_count = 1;
  std::string file_prefix = "part";  // letters, digits, '-', '_' and '.', not '.' in front
};

// A package in the package directory, or the job that makes it.
struct PackageInfo {
  std::string population;
  std::string id;  // also the name of its folder
  PackageState state = PackageState::kQueued;
  PackageSpec spec;  // as in the manifest
  uint32_t file_count = 1;
  std::string file_prefix;
  std::string directory;
  std::string error;  // of kFailed and kCut: why, and what to do
  uint64_t total = 0;
  PackageCounts counts;  // so far
  uint64_t bytes = 0;    // so far
  uint64_t data_version = 0;
  int64_t create_us = 0;
  int64_t start_us = 0;  // 0: not yet
  int64_t end_us = 0;
  std::optional<PackageManifest> manifest;  // of kReady
};

// Jobs of now. A value.
struct PackageJobCounts {
  uint32_t running = 0;
  uint32_t waiting = 0;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PACKAGE_REQUESTS_H_
