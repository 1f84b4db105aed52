#include "cli/row_error_log.h"

#include <cstdio>

#include "cli/terminal_text.h"
#include "fmt/format.h"

namespace throng::cli {

void RowErrorLog::AddRefusedRow(uint64_t line, const std::vector<CellError>& errors) {
  absl::MutexLock lock(&mutex_);
  ++refused_rows_;
  for (const CellError& error : errors) {
    Print(line,
          fmt::format("column '{}': value '{}': {}", error.column, error.value, error.reason));
  }
}

void RowErrorLog::AddRefusedRow(uint64_t line, std::string_view reason) {
  absl::MutexLock lock(&mutex_);
  ++refused_rows_;
  Print(line, reason);
}

uint64_t RowErrorLog::refused_rows() const {
  absl::MutexLock lock(&mutex_);
  return refused_rows_;
}

void RowErrorLog::Print(uint64_t line, std::string_view text) {
  if (printed_ == kPrintedMax) {
    ++unprinted_;
    return;
  }
  ++printed_;
  // On a terminal a progress bar may stand on the line.
  fmt::print(stderr, "{}{}:{}: {}\n", IsTerminal(stderr) ? "\r\x1b[K" : "", file_, line,
             Printable(text));
}

void RowErrorLog::PrintRest() {
  absl::MutexLock lock(&mutex_);
  if (unprinted_ > 0) fmt::print(stderr, "... and {} more errors\n", FormatCount(unprinted_));
  printed_ = 0;
  unprinted_ = 0;
}

}  // namespace throng::cli
