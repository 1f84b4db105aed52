// What stands around every value of the store: its kind, the version of that kind's bytes, and a
// checksum over key, kind and content, so that a flipped bit or a value under another key is found.
//
//   std::string value = Seal(Kind::kBitmap, key, payload);
//   absl::StatusOr<std::string_view> payload = Unseal(Kind::kBitmap, Family::kBlocks, key, value);
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_ENVELOPE_H_
#define THRONG_STORAGE_ENVELOPE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/keys.h"

namespace throng::storage {

// Numbers are part of the format: never renumbered.
enum class Kind : uint8_t {
  kPopulation = 1,
  kBase = 2,
  kTag = 3,
  kValues = 4,
  kRequest = 5,
  kRequestTime = 6,
  kIdChunk = 7,
  kRecord = 8,
  kShardHeader = 9,
  kBitmap = 10,
  kColumn = 11,
  kLinkedIds = 12,
  kScrub = 13,
  kCrowd = 14,
  kCrowdHeader = 15,
  kCrowdBlock = 16,
  kUploadHeader = 17,
  kUploadIds = 18,
  kUploadRefused = 19,
};

// The newest format of a kind's payload that this program reads. A value is written in the oldest
// format that can hold it.
constexpr uint8_t PayloadFormatMax(Kind kind) {
  if (kind == Kind::kRecord) return 4;
  if (kind == Kind::kBase) return 3;
  return kind == Kind::kValues || kind == Kind::kIdChunk || kind == Kind::kTag ||
                 kind == Kind::kCrowdHeader
             ? 2
             : 1;
}
inline constexpr size_t kEnvelopeBytes = 10;

std::string Seal(Kind kind, std::string_view key, std::string_view payload, uint8_t format = 1);

// The payload, a view of `value`. Errors: kDataLoss naming the key when anything is damaged,
// kFailedPrecondition when a newer version wrote it.
absl::StatusOr<std::string_view> Unseal(Kind kind, Family family, std::string_view key,
                                        std::string_view value);

// kDataLoss: "damaged data at KEY: WHY".
absl::Status DamagedAt(Family family, std::string_view key, std::string_view why);

// The checksum of FORMAT.md over two strings.
uint64_t Checksum(std::string_view key, uint64_t salt, std::string_view payload);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_ENVELOPE_H_
