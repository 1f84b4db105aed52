// Reads a list of ids out of a file as people have it: one id a line, or a column of a delimited
// file, with whatever a spreadsheet or an editor has done to it.
//
//   absl::StatusOr<std::unique_ptr<IdListReader>> reader = IdListReader::Open("vip.csv", {});
//   while (true) {
//     absl::StatusOr<bool> more = (*reader)->Next();
//     if (!more.ok()) return more.status();      // the file cannot be read on
//     if (!*more) break;
//     (*reader)->id();                           // trimmed; valid until the next call
//     (*reader)->line();
//   }
//   (*reader)->findings();                       // what was seen on the way
//
// A byte order mark, CRLF, CR, quotes, spaces around an id (also non-breaking and ideographic ones)
// and empty lines are passed over; a first line that names its columns is recognised; rows that
// cannot be read, ids that go over several lines, and numbers that a spreadsheet has rounded
// ("1.38E+10") are refused one by one.
//
// Lines end in CR alone when the first 64 KiB have a CR and no LF. A CR inside a line of another
// file ends no line: the id that has it is refused.
#ifndef THRONG_CLI_ID_LIST_READER_H_
#define THRONG_CLI_ID_LIST_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/delimited_reader.h"

namespace throng::cli {

struct IdListOptions {
  // A column's name, or its number from 1; empty: the file has one.
  std::string column;
  // '\0': the one that splits the first line.
  char delimiter = '\0';
  enum class Header { kFind, kYes, kNo };
  Header header = Header::kFind;
  // Besides the usual ones, a name that a header may have: the type of the ids.
  std::string id_type;
};

// What a file had besides ids.
struct IdListFindings {
  uint64_t rows = 0;                  // with an id
  uint64_t empty_rows = 0;            // without one
  uint64_t trimmed = 0;               // ids with spaces around them
  uint64_t refused = 0;               // rows that could not be read
  uint64_t upper_case_hashes = 0;     // ids of 32, 40 or 64 hexadecimal digits with upper-case ones
  std::optional<std::string> header;  // the column's name in the first line
  bool has_byte_order_mark = false;
  bool has_cr = false;      // lines that end in CR alone
  bool has_crlf = false;    // at its beginning
  bool has_quotes = false;  // likewise
};

// A pass over one file. Thread-compatible: one thread at a time.
class IdListReader {
 public:
  // Called with each row that could not be read.
  using OnRefused = std::function<void(uint64_t line, std::string_view why)>;

  // Errors: those of OpenByteSource and DelimitedReader; kInvalidArgument naming the file: no such
  // column, a column must be named.
  static absl::StatusOr<std::unique_ptr<IdListReader>> Open(const std::string& path,
                                                            const IdListOptions& options,
                                                            OnRefused on_refused);

  // Moves to the next id; false at the end. Errors: those of DelimitedReader::Next.
  absl::StatusOr<bool> Next();

  std::string_view id() const { return id_; }
  uint64_t line() const { return line_; }
  const IdListFindings& findings() const { return findings_; }
  // Of the file, 0 to 1; negative: unknown.
  double fraction_read() const;

 private:
  struct Row {
    std::string id;
    uint64_t line = 0;
  };

  IdListReader(std::unique_ptr<DelimitedReader> reader, IdListOptions options, OnRefused on_refused)
      : options_(std::move(options)),
        on_refused_(std::move(on_refused)),
        reader_(std::move(reader)) {}

  // Finds the column and the header.
  absl::Status Start();
  absl::Status FindColumn(const std::vector<std::string>& first, bool* is_header);
  bool IsHeader(std::string_view first, std::string_view second) const;
  // The next row with an id, trimmed.
  absl::StatusOr<bool> ReadRow(Row* row);
  void Refuse(uint64_t line, std::string_view why);
  // Refuses what cannot be an id: a rounded number, several lines. False: it can be one.
  bool RefuseNoId(uint64_t line, std::string_view id);

  const IdListOptions options_;
  const OnRefused on_refused_;
  const std::unique_ptr<DelimitedReader> reader_;
  size_t column_ = 0;
  IdListFindings findings_;
  std::vector<Row> ahead_;  // read to look at, the first last
  Row row_;
  std::string_view id_;
  uint64_t line_ = 0;
};

// Without white space of ASCII, U+00A0, U+3000 and U+FEFF at both ends. Thread-safe.
std::string_view TrimId(std::string_view text);

}  // namespace throng::cli

#endif  // THRONG_CLI_ID_LIST_READER_H_
