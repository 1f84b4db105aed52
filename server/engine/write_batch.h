// Writes as the engine takes them: columnar batches of a load, and changes of single users.
//
// A ColumnBatch is a view: of the message it came in, which must outlive the call. Validation
// (lengths, masks, codes) is the engine's, so that a bad client cannot hurt. Types here are values;
// thread-compatible.
#ifndef THRONG_SERVER_ENGINE_WRITE_BATCH_H_
#define THRONG_SERVER_ENGINE_WRITE_BATCH_H_

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "index/catalogue.h"
#include "query/expression.h"

namespace throng::engine {

inline constexpr uint32_t kBatchRowsMax = 65'536;
inline constexpr uint32_t kWriteUsersMax = 10'000;
inline constexpr uint32_t kRequestIdBytesMax = 128;
// A REPLACE that leaves a tag with less than this share of the users it had wants confirmation,
// unless it had fewer than so many: a file cut short must not empty a tag.
inline constexpr double kCoverageKeptMin = 0.8;
inline constexpr uint64_t kCoverageUsersMin = 100;

enum class UnknownIds { kCreate, kSkip, kError };
enum class LoadMode { kUpsert, kReplace };

// What a tag of an ordered type can store: units of a DECIMAL (18 digits, whatever the scale), days
// and microseconds since 1970 in the years 1 to 9999. Both ends belong to it.
struct StoredRange {
  int64_t low;
  int64_t high;
};
constexpr StoredRange StoredRangeOf(index::TagType type) {
  constexpr int64_t kFirstDay = -719'162;  // 0001-01-01
  constexpr int64_t kLastDay = 2'932'896;  // 9999-12-31
  constexpr int64_t kDayUs = 86'400'000'000;
  constexpr int64_t kDecimalUnitsMax = 999'999'999'999'999'999;
  switch (type) {
    case index::TagType::kDecimal:
      return {-kDecimalUnitsMax, kDecimalUnitsMax};
    case index::TagType::kDate:
      return {kFirstDay, kLastDay};
    case index::TagType::kDateTime:
      return {kFirstDay * kDayUs, (kLastDay + 1) * kDayUs - 1};
    case index::TagType::kInteger:
    case index::TagType::kFlag:
    case index::TagType::kCategory:
    case index::TagType::kLabels:
      break;
  }
  return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
}

// Text i is data[ends[i-1], ends[i]).
struct TextsView {
  std::string_view data;
  std::span<const uint32_t> ends;
};

struct CodedView {  // CATEGORY: row i has values[codes[i]]
  std::vector<std::string_view> values;
  std::span<const uint32_t> codes;
};
struct LabelsView {  // LABELS: row i has values[codes[j]] for j in [ends[i-1], ends[i])
  std::vector<std::string_view> values;
  std::span<const uint32_t> codes;
  std::span<const uint32_t> ends;
};
struct IntegersView {  // ordered tags, as index::IsNumeric says
  std::span<const int64_t> values;
};
struct FlagsView {  // bit i of byte i/8, least significant first
  std::string_view bits;
};

struct TagColumn {
  std::string tag;
  std::string_view leave_mask;  // bit i: row i leaves the tag as it is; empty: none does
  std::string_view clear_mask;  // bit i: row i clears the tag
  std::variant<std::monostate, CodedView, LabelsView, IntegersView, FlagsView> values;
};

struct ColumnBatch {
  uint64_t number = 0;
  std::variant<std::span<const uint64_t>, TextsView> ids;
  std::vector<TagColumn> columns;
};

struct LoadHeader {
  std::string population = "default";
  LoadMode mode = LoadMode::kUpsert;
  UnknownIds unknown_ids = UnknownIds::kError;
  std::vector<std::string> tags;
  std::string load_id;
  uint64_t errors_max = 0;
  // REPLACE: take the new content even if it covers far fewer users than the old one.
  bool confirms_coverage_fall = false;
  std::string id_type;  // of the batches' ids; empty: the primary one
};

// A row that was refused and changed nothing.
struct RowError {
  uint64_t batch_number = 0;
  uint64_t row = 0;  // 0-based in the batch
  std::string tag;   // empty: the id
  std::string reason;
  std::string message;
};

struct LoadProgress {
  uint64_t batch_number = 0;
  uint64_t data_version = 0;
  uint64_t rows = 0;  // taken of this batch
  std::vector<RowError> errors;
};

struct LoadSummary {
  uint64_t data_version = 0;
  uint64_t rows = 0;
  uint64_t rows_refused = 0;
  uint64_t rows_skipped = 0;
  uint64_t users_created = 0;
  uint64_t batches_repeated = 0;
  std::chrono::nanoseconds server_time{0};
};

struct SetValue {
  query::Value value;
};
struct ClearValue {};
struct ChangeLabels {
  std::vector<std::string> add;
  std::vector<std::string> remove;
};
struct UserTagChange {
  std::string tag;
  std::variant<SetValue, ClearValue, ChangeLabels> change;
};
struct UserChange {
  std::string id;
  std::vector<UserTagChange> changes;
  std::string id_type = {};  // of `id`; empty: the primary one
};

struct WriteUsersRequest {
  std::string population = "default";
  UnknownIds unknown_ids = UnknownIds::kError;
  std::vector<UserChange> users;
  std::string request_id;
  uint64_t payload_hash = 0;  // of the request without request_id: tells a retry from a clash
  bool validate_only = false;
};

struct WriteUsersResult {
  uint64_t data_version = 0;
  uint64_t users_created = 0;
  uint64_t users_skipped = 0;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_WRITE_BATCH_H_
