// Prints refused rows as they are found and counts them.
//
//   RowErrorLog log("users.csv");
//   log.AddRefusedRow(17, {CellError{.column = "age", .value = "x", .reason = "..."}});
//   // stderr: users.csv:17: column 'age': value 'x': not a whole number
#ifndef THRONG_CLI_ROW_ERROR_LOG_H_
#define THRONG_CLI_ROW_ERROR_LOG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "cli/row_parser.h"

namespace throng::cli {

// Thread-safe.
class RowErrorLog {
 public:
  // Errors printed in full; the others are counted.
  static constexpr uint64_t kPrintedMax = 20;

  // `file` starts each message.
  explicit RowErrorLog(std::string file) : file_(std::move(file)) {}

  // A row that cannot be used, with each of its wrong cells.
  void AddRefusedRow(uint64_t line, const std::vector<CellError>& errors);
  // A row that cannot be used as a whole, or that the server refused.
  void AddRefusedRow(uint64_t line, std::string_view reason);
  uint64_t refused_rows() const;
  // Says on stderr how many errors were not printed, if any; starts anew.
  void PrintRest();

 private:
  void Print(uint64_t line, std::string_view text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string file_;
  mutable absl::Mutex mutex_;
  uint64_t refused_rows_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t printed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t unprinted_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_ROW_ERROR_LOG_H_
