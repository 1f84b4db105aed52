// CommitRecord <-> the bytes of the change log.
//
//   std::string bytes = EncodeRecord({.record = record});
//   absl::StatusOr<LoggedRecord> back = DecodeRecord(bytes);   // every field checked
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_RECORD_CODEC_H_
#define THRONG_STORAGE_RECORD_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/change.h"

namespace throng::storage {

// A tag whose content the record replaces by what stands under its definition's generation.
struct Flip {
  uint32_t tag = 0;
  std::vector<uint64_t> stamps;  // of the new content, as StampsOf gives them
};

struct LoggedRecord {
  index::CommitRecord record;
  std::vector<Flip> flips;  // of tags in record.definitions
};

// REQUIRES: CheckShape(record) is OK.
std::string EncodeRecord(const LoggedRecord& logged);
std::string EncodeRecord(const index::CommitRecord& record, const std::vector<Flip>& flips);

// The format of the record's bytes: 3 when it is about crowds, 2 when it is about ids of declared
// types or erasures.
uint8_t RecordFormat(const index::CommitRecord& record);

// Errors: kDataLoss when the bytes are not exactly one record that passes CheckShape.
absl::StatusOr<LoggedRecord> DecodeRecord(std::string_view bytes);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_RECORD_CODEC_H_
