// Rows of a package as text: an id a line, csv or ndjson.
//
//   PackageRows rows(source);
//   rows.AppendHead(&bytes);                                   // csv: "user_id,city\n"
//   next = rows.Append(first, end, 128 << 10, &bytes, &counts);   // until there is so much
//
// txt: the id and "\n". csv: RFC 4180 with "\n" for line ends; a field is in quotes where it has a
// comma, a quote or a line end, and else as it is: nothing is done about values that a spreadsheet
// would take for a formula. ndjson: ids are strings, FLAG true or false, INTEGER a number, LABELS
// a list of strings, all else a string, and what is missing is not there. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_PACKAGE_ROWS_H_
#define THRONG_SERVER_ENGINE_PACKAGE_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/id_chunk.h"
#include "index/linked_ids.h"
#include "server/engine/package_digest.h"
#include "server/engine/package_source.h"
#include "server/engine/value_text.h"

namespace throng::engine {

// Thread-safe.
void AppendCsvField(std::string_view field, std::string* bytes);
void AppendJsonText(std::string_view text, std::string* bytes);

// Borrows the source. Not thread-safe.
class PackageRows {
 public:
  explicit PackageRows(const PackageSource& source);

  // Of csv; nothing of other formats.
  void AppendHead(std::string* bytes) const;
  // Appends the rows of users with ordinals from `first` on, below `end`, whole users, until
  // `bytes` has `bytes_most` or more. Returns the ordinal to go on from, `end` when there are no
  // more users. The same for the same `first`, however it came to it. Errors: kFailedPrecondition
  // (LINE_END_IN_ID): txt has no way to write it.
  absl::StatusOr<uint64_t> Append(uint64_t first, uint64_t end, size_t bytes_most,
                                  std::string* bytes, PackageCounts* counts);

 private:
  // Offsets of the members of a chunk.
  void LoadChunk(uint32_t chunk);
  size_t AppendNumbers(std::span<const uint16_t> offsets, size_t bytes_most, std::string* bytes,
                       PackageCounts* counts) const;
  absl::StatusOr<size_t> AppendUsers(size_t begin, size_t end, size_t bytes_most,
                                     std::string* bytes, PackageCounts* counts);
  absl::Status AppendUser(size_t place, std::string* bytes, PackageCounts* counts);
  absl::Status AppendRow(std::string_view id, size_t place, std::string* bytes);
  void AppendJsonRow(std::string_view id, size_t row, std::string* bytes) const;
  void LoadColumns(size_t place);

  const PackageSource& source_;
  const PackageFormat format_;
  const bool is_plain_numbers_;           // where ids are numbers: txt of primary ids as they are
  const index::LinkedIds* const linked_;  // null: primary ids, or nobody has any
  std::vector<TagTextReader> readers_;
  IdHasher hasher_;
  std::string hashed_;

  std::optional<uint32_t> chunk_;  // that offsets_ are of
  std::vector<uint16_t> offsets_;
  size_t columns_begin_ = 0;  // places of offsets_ that columns_ are of
  size_t columns_end_ = 0;
  std::vector<std::vector<std::string>> columns_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PACKAGE_ROWS_H_
