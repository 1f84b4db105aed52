// The catalogue and what a population's base consists of <-> bytes.
//
//   std::string payload = EncodeTag(stored_tag);
//   absl::StatusOr<StoredTag> tag = DecodeTag(payload);
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_CATALOGUE_CODEC_H_
#define THRONG_STORAGE_CATALOGUE_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "index/change.h"
#include "index/tag_shard.h"
#include "storage/codec.h"
#include "storage/store.h"

namespace throng::storage {

// Values of a dictionary stored together: at most a megabyte.
inline constexpr uint32_t kValuesPerChunk = 1024;

// For each shard of a content, 1 more than the version of what is there, or 0 for nothing: so that
// a shard that is missing or stale is found.
std::vector<uint64_t> StampsOf(const index::TagContent* content);

// What a population's blocks, ids and dictionaries are to be read as: its state at the last fold.
struct StoredBase {
  uint64_t version = 0;  // of the last fold: records up to it are in the blocks
  uint32_t id_count = 0;
  uint32_t tag_count = 0;
  std::vector<uint64_t> universe_stamps;
  // Format 2, when not all of it is empty.
  std::vector<index::IdTypeDefinition> id_types;
  std::vector<uint32_t> linked_counts;  // entries ever linked, by id type
  uint64_t ledger_end = 0;
  // Format 3, from the first crowd on.
  uint32_t next_crowd_id = 1;
  uint32_t crowd_count = 0;

  uint8_t format() const {
    if (next_crowd_id > 1) return 3;
    return id_types.empty() && ledger_end == 0 ? 1 : 2;
  }
};

struct StoredTag {
  index::TagDefinition definition;
  uint32_t value_count = 0;
  std::vector<uint64_t> stamps;
};

struct StoredRequest {
  int64_t time_us = 0;
  uint64_t payload_hash = 0;
  std::string response;
};

// All errors of decoding: kDataLoss.
std::string EncodePopulation(const Population& population);
absl::StatusOr<Population> DecodePopulation(std::string_view payload);
std::string EncodeBase(const StoredBase& base);
absl::StatusOr<StoredBase> DecodeBase(std::string_view payload);
// The format of a tag's payload: kinds of storage/envelope.h.
inline uint8_t TagFormat(const index::TagDefinition& tag) { return tag.freshness_s > 0 ? 2 : 1; }
std::string EncodeTag(const StoredTag& tag);
absl::StatusOr<StoredTag> DecodeTag(std::string_view payload);
std::string EncodeRequest(const StoredRequest& request);
absl::StatusOr<StoredRequest> DecodeRequest(std::string_view payload);
// Codes from `chunk` * kValuesPerChunk on, as many as the dictionary has and the chunk holds.
std::string EncodeValues(const index::ValueDictionary& values, uint32_t chunk);
absl::StatusOr<std::vector<std::string>> DecodeValues(std::string_view payload);
// 2 when one of these values was dropped, else 1.
uint8_t ValuesFormat(const index::ValueDictionary& values, uint32_t chunk);

// Parts of the above that log records hold too. A reader that fails says so itself.
void WriteDefinition(const index::TagDefinition& definition, ByteWriter& out);
index::TagDefinition ReadDefinition(ByteReader& in);
void WriteIdType(const index::IdTypeDefinition& definition, ByteWriter& out);
index::IdTypeDefinition ReadIdType(ByteReader& in);
void WriteStamps(const std::vector<uint64_t>& stamps, ByteWriter& out);
std::vector<uint64_t> ReadStamps(ByteReader& in);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_CATALOGUE_CODEC_H_
