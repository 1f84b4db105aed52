// The users of a file to load, one typed row each, whatever the file's form.
//
//   absl::StatusOr<std::unique_ptr<UserRows>> rows = UserRows::Open(path, schema, &log);
//   if (!(*rows)->Prepare().ok()) ...
//   ParsedRow row;
//   uint64_t line = 0;
//   while (true) {
//     absl::StatusOr<bool> more = (*rows)->Next(row, line);
//     if (!more.ok()) return more.status();  // the file cannot be read on
//     if (!*more) break;
//     builder.Add(row, line);
//   }
#ifndef THRONG_CLI_USER_ROWS_H_
#define THRONG_CLI_USER_ROWS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cli/column_binding.h"
#include "cli/delimited_reader.h"
#include "cli/long_collector.h"
#include "cli/row_error_log.h"
#include "cli/row_parser.h"
#include "cli/schema.h"

namespace throng::cli {

// Where a reader of a file stands: for a progress bar.
struct FilePosition {
  uint64_t rows = 0;
  uint64_t bytes = 0;
  // 0 when unknown.
  uint64_t bytes_total = 0;
};

// A pass over a file. Thread-compatible: one thread at a time.
class UserRows {
 public:
  using OnProgress = std::function<void(const FilePosition&)>;

  // Opens `path` and finds the columns. Refused rows go to `log`; without one they are left out in
  // silence. `schema` and `log` must outlive the rows.
  // Errors: those of DelimitedReader and BindColumns; kInvalidArgument (an empty file).
  static absl::StatusOr<std::unique_ptr<UserRows>> Open(const std::string& path,
                                                        const Schema& schema, RowErrorLog* log);

  // Called every few thousand records while the file is read.
  void set_on_progress(OnProgress on_progress) { on_progress_ = std::move(on_progress); }

  // Long form: reads the whole file, so that rows_refused() is known before the first row is
  // taken; call once. Wide form: does nothing. Errors: as Next().
  absl::Status Prepare();

  // The next user that can be used, and the line it begins on; false after the last. The row is
  // valid until the next call.
  // Errors: those of DelimitedReader::Next(); kInvalidArgument (a file without rows).
  absl::StatusOr<bool> Next(ParsedRow& row, uint64_t& line);

  // Data rows read so far.
  uint64_t rows_read() const { return rows_read_; }
  // Of those, refused.
  uint64_t rows_refused() const { return rows_refused_; }
  // Of those, left out because they have no id and the schema says so.
  uint64_t rows_skipped() const { return rows_skipped_; }

 private:
  UserRows(const Schema& schema, RowErrorLog* log, std::unique_ptr<DelimitedReader> reader)
      : schema_(schema), log_(log), reader_(std::move(reader)) {}

  absl::Status BindToFirstRecord();
  absl::StatusOr<bool> NextRecord();
  absl::StatusOr<bool> NextWide(ParsedRow& row, uint64_t& line);
  void Note(RowOutcome outcome, const std::vector<CellError>& errors);

  const Schema& schema_;
  RowErrorLog* const log_;
  const std::unique_ptr<DelimitedReader> reader_;
  ColumnBinding binding_;
  std::unique_ptr<RowParser> parser_;         // wide
  std::unique_ptr<LongCollector> collector_;  // long
  OnProgress on_progress_;
  // The first record is read to find the columns; without a header it is the first row too.
  bool first_record_pending_ = false;
  uint64_t rows_read_ = 0;
  uint64_t rows_refused_ = 0;
  uint64_t rows_skipped_ = 0;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_USER_ROWS_H_
