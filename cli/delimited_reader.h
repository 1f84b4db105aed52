// Reads delimited files (CSV and its kin) record by record, without copying fields.
//
//   absl::StatusOr<std::unique_ptr<DelimitedReader>> reader = DelimitedReader::Open("users.csv",
//   {}); if (!reader.ok()) return reader.status(); while (true) {
//     absl::StatusOr<bool> more = (*reader)->Next();
//     if (!more.ok()) return more.status();   // the file cannot be read on
//     if (!*more) break;
//     if ((*reader)->problem()) { ... }       // this record is malformed, the next may be fine
//     for (std::string_view field : (*reader)->fields()) { ... }
//   }
//
// The format is RFC 4180 with any one-byte delimiter: fields may be quoted, a quote inside is
// doubled, quoted fields may hold delimiters and line ends. Lines end in LF or CRLF. A UTF-8 byte
// order mark at the start is skipped. A quote inside an unquoted field is an ordinary character.
// Empty lines are skipped in files of more than one column.
#ifndef THRONG_CLI_DELIMITED_READER_H_
#define THRONG_CLI_DELIMITED_READER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/byte_source.h"

namespace throng::cli {

struct DelimitedOptions {
  // One ASCII byte, not a quote or a line end.
  char delimiter = ',';
  // '\0': there are no quotes.
  char quote = '"';
  // A longer record is an error: memory stays bounded whatever the file holds.
  size_t record_bytes_max = size_t{16} << 20;
  // A longer field is a problem of its record.
  size_t field_bytes_max = size_t{1} << 20;
  size_t fields_max = 65'536;
};

// Why a record cannot be used.
struct RecordProblem {
  static constexpr size_t kWholeRecord = std::numeric_limits<size_t>::max();
  std::string reason;
  // 0-based field, or kWholeRecord.
  size_t field = kWholeRecord;
  // The physical line of the problem, counted from 1.
  uint64_t line = 0;
};

// A pass over one file. Thread-compatible: one thread at a time.
class DelimitedReader {
 public:
  // Opens `path` (see OpenByteSource). Errors: those of OpenByteSource; kInvalidArgument (options).
  static absl::StatusOr<std::unique_ptr<DelimitedReader>> Open(const std::string& path,
                                                               const DelimitedOptions& options);
  // Reads `source`; `name` stands for it in messages.
  DelimitedReader(std::string name, std::unique_ptr<ByteSource> source,
                  const DelimitedOptions& options);

  // Moves to the next record; false at the end of the file.
  // Errors, all naming the file and mostly the line, all final: kDataLoss (the file ends inside a
  // quoted field or in the middle of its gzip data), kResourceExhausted (a record beyond
  // record_bytes_max), kInvalidArgument (UTF-16, gzip without the suffix), those of ByteSource.
  absl::StatusOr<bool> Next();

  // The fields of the record, valid until the next call of Next(). A record with a problem has
  // what could be made out.
  const std::vector<std::string_view>& fields() const { return fields_; }
  // Set when the record is malformed: not UTF-8, a NUL byte, another number of fields than the
  // first record, text after a closing quote, an overlong field.
  const std::optional<RecordProblem>& problem() const { return problem_; }
  // The physical line on which the record starts, counted from 1.
  uint64_t line() const { return line_; }
  const std::string& name() const { return name_; }
  const ByteSource& source() const { return *source_; }

 private:
  enum class Scan { kRecord, kNeedsMore, kUnterminated };

  absl::Status Fill();
  absl::Status Start();
  absl::Status RecordTooLong() const;
  absl::StatusOr<bool> FindRecord();
  void SplitPlain(const char* begin, const char* end);
  Scan ScanQuoted();
  bool ScanQuotedField(const char*& position, Scan& outcome);
  void AddField(const char* begin, const char* end);
  void Unescape();
  void CheckText(const char* begin, const char* end);
  void CheckShape();
  void SetProblem(std::string reason, size_t field, uint64_t line);

  const std::string name_;
  const std::unique_ptr<ByteSource> source_;
  const DelimitedOptions options_;
  std::vector<char> buffer_;
  // The record starts at begin_ and the next one at next_; unread bytes end at end_.
  char* begin_ = nullptr;
  char* next_ = nullptr;
  char* end_ = nullptr;
  bool started_ = false;
  bool at_end_ = false;
  std::vector<std::string_view> fields_;
  std::vector<size_t> doubled_;  // fields in which doubled quotes are to be undone
  std::optional<RecordProblem> problem_;
  size_t fields_expected_ = 0;
  uint64_t line_ = 0;
  uint64_t next_line_ = 1;
  uint64_t open_quote_line_ = 0;
  bool has_line_end_ = false;
};

// The delimiter that would split `line` into the most fields, among ',', ';', tab and '|'; nullopt
// when none occurs in it. Quoted parts do not count.
std::optional<char> GuessDelimiter(std::string_view line);

// How a delimiter is called in messages: "';'", "tab".
std::string DelimiterName(char delimiter);

}  // namespace throng::cli

#endif  // THRONG_CLI_DELIMITED_READER_H_
