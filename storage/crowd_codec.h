// Crowds <-> bytes: definitions, versions, what a commit changes of them, and the header of a
// version's set. The set itself is portable Roaring, a shard a value (index/shard_codec.h).
//
//   std::string payload = EncodeCrowd({.definition = definition, .versions = versions});
//   absl::StatusOr<StoredCrowd> crowd = DecodeCrowd(payload);
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_CROWD_CODEC_H_
#define THRONG_STORAGE_CROWD_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "storage/codec.h"

namespace throng::storage {

struct StoredCrowd {
  index::CrowdDefinition definition;
  std::vector<index::CrowdVersion> versions;  // ascending
};

// What must be there of a version's set, so that a shard that is missing, left over or of other
// users is found.
struct CrowdSetHeader {
  // The data version of the fold that last took erased users out; 0: none did.
  uint64_t erased_through = 0;
  std::vector<uint32_t> cardinalities;  // by shard; 0: nothing is stored; the last one is not 0
  bool has_upload = false;              // a list of an upload stands beside it: format 2 says so
};

// All errors of decoding: kDataLoss.
std::string EncodeCrowd(const StoredCrowd& crowd);
absl::StatusOr<StoredCrowd> DecodeCrowd(std::string_view payload);
std::string EncodeCrowdSetHeader(const CrowdSetHeader& header);
absl::StatusOr<CrowdSetHeader> DecodeCrowdSetHeader(std::string_view payload);

// Part of a log record. A reader that fails says so itself.
void WriteCrowdChanges(const index::CrowdChanges& changes, ByteWriter& out);
index::CrowdChanges ReadCrowdChanges(ByteReader& in);
// The bytes of a definition alone: what digests are of.
void WriteCrowdDefinition(const index::CrowdDefinition& definition, ByteWriter& out);
void WriteCrowdVersion(const index::CrowdVersion& version, ByteWriter& out);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_CROWD_CODEC_H_
