// Turns the text of a cell into the value of a tag.
//
//   CellParser parser(schema.tags[0], schema);
//   if (parser.IsMissing(cell)) ...
//   absl::StatusOr<int64_t> days = parser.ParseNumber("2026-02-28");  // DATE: days since 1970
//   parser.ParseNumber("2026-02-30").status().message();             // "there is no such day"
//
// Nothing is rounded, guessed or cut: what is not exactly a value of the tag is an error.
#ifndef THRONG_CLI_CELL_PARSER_H_
#define THRONG_CLI_CELL_PARSER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/schema.h"

namespace throng::cli {

// The server's limits on texts.
inline constexpr size_t kIdBytesMax = 128;
inline constexpr size_t kValueBytesMax = 1024;

// What the cells of one tag mean. Immutable, so thread-safe. Errors are kInvalidArgument with the
// bare reason as message: the caller knows file, line, column and value.
class CellParser {
 public:
  // Copies what it needs of both.
  CellParser(const TagSchema& tag, const Schema& schema);

  v1::TagType type() const { return type_; }
  const std::string& separator() const { return separator_; }

  // Whether the cell, exactly so, means "no value". A FLAG's own words for true and false win.
  bool IsMissing(std::string_view cell) const;

  // FLAG. Without words of its own: 1, true, yes, y, t and 0, false, no, n, f in any case.
  absl::StatusOr<bool> ParseFlag(std::string_view cell) const;

  // INTEGER: the number. DECIMAL: units of its scale, fewer than 10^18. DATE: days since
  // 1970-01-01. DATETIME: microseconds since 1970-01-01T00:00:00Z; a time without a zone is in the
  // tag's; of a time that a change of clocks repeats, the first. One that it skips is an error
  // without a format and counts on from before the change with one.
  absl::StatusOr<int64_t> ParseNumber(std::string_view cell) const;

  // CATEGORY, or one label of LABELS: 1 to kValueBytesMax bytes.
  static absl::Status CheckText(std::string_view text);

 private:
  const v1::TagType type_;
  const int32_t scale_;
  const bool integral_floats_;
  const std::string format_;
  const std::string separator_;
  const std::vector<std::string> true_texts_;
  const std::vector<std::string> false_texts_;
  const std::vector<std::string> missing_;
  const bool only_empty_is_missing_;
  absl::TimeZone zone_;
};

// A whole number: an optional sign and digits. `integral_floats` lets ".0" follow. Errors:
// kInvalidArgument with the reason.
absl::StatusOr<int64_t> ParseInteger(std::string_view cell, bool integral_floats);

// A decimal number without exponent in units of 10^-scale, exactly. Errors as ParseInteger.
absl::StatusOr<int64_t> ParseDecimal(std::string_view cell, int32_t scale);

// Whether `text` is a number below 2^64 written without sign and leading zeros; sets `number`.
bool ParseCanonicalId(std::string_view text, uint64_t& number);

}  // namespace throng::cli

#endif  // THRONG_CLI_CELL_PARSER_H_
