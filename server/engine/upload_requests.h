// What the calls about uploads take and give. Types are values; thread-compatible.
//
//   UploadRequest request{.crowd = "vip", .id_type = "phone", .create = CreateCrowd{}};
//   std::unique_ptr<UploadSession> session = *engine.uploads().Start(context, request, {});
#ifndef THRONG_SERVER_ENGINE_UPLOAD_REQUESTS_H_
#define THRONG_SERVER_ENGINE_UPLOAD_REQUESTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "server/engine/crowd_requests.h"
#include "server/engine/write_batch.h"
#include "storage/upload_list.h"

namespace throng::engine {

inline constexpr uint32_t kUploadFrameIdsMax = 262'144;               // in one Add
inline constexpr uint64_t kUploadSpillBytesMax = uint64_t{16} << 30;  // of all uploads that run
inline constexpr size_t kUploadSamplesMax = 10;  // of what was no id, in an answer

using storage::UploadMode;

struct UploadRequest {
  std::string population = "default";
  std::string crowd;    // its name
  std::string id_type;  // empty: the primary one
  UploadMode mode = UploadMode::kReplace;
  bool keep_unknown = false;  // so that they match when their user appears
  std::string etag;           // of the crowd's definition; empty: whatever it is
  // The crowd where there is none; its population, name and kind are not looked at.
  std::optional<CreateCrowd> create;
};

// Ids as they come: numbers, or texts.
using UploadIds = std::variant<std::span<const uint64_t>, TextsView>;

// An upload, or another computation of a crowd of uploads (UploadMode::kRefresh).
struct UploadInfo {
  std::string crowd;  // its name now
  CrowdVersionInfo version;
  storage::UploadRecord record;
  uint64_t kept = 0;            // ids that wait for their user, of all uploads
  uint64_t unknown_listed = 0;  // that can be listed: less than `unknown` once users were erased
  uint64_t invalid_listed = 0;  // likewise, and at most storage::kUploadRefusedMax
  uint64_t data_version = 0;    // at which the version is visible; 0: of an older one
  std::vector<storage::RefusedId> samples;  // the first of what was no id; not in lists
};

// A part of what an upload did not find.
struct Unmatched {
  std::vector<std::string_view> unknown;  // in the form in which they would be kept
  std::span<const storage::RefusedId> refused;
};
using TakeUnmatched = std::function<absl::Status(const Unmatched&)>;

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_UPLOAD_REQUESTS_H_
