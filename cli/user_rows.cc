#include "cli/user_rows.h"

#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr uint64_t kRowsBetweenProgress = 4'096;

}  // namespace

absl::StatusOr<std::unique_ptr<UserRows>> UserRows::Open(const std::string& path,
                                                         const Schema& schema, RowErrorLog* log) {
  absl::StatusOr<std::unique_ptr<DelimitedReader>> reader =
      DelimitedReader::Open(path, {.delimiter = schema.delimiter, .quote = schema.quote});
  if (!reader.ok()) return reader.status();
  std::unique_ptr<UserRows> rows(new UserRows(schema, log, *std::move(reader)));
  if (absl::Status status = rows->BindToFirstRecord(); !status.ok()) return status;
  return rows;
}

absl::Status UserRows::BindToFirstRecord() {
  absl::StatusOr<bool> more = reader_->Next();
  if (!more.ok()) return more.status();
  if (!*more) {
    return absl::InvalidArgumentError(fmt::format("{}: the file is empty", reader_->name()));
  }
  if (reader_->problem() && schema_.header) {
    return absl::InvalidArgumentError(fmt::format(
        "{}:{}: {}", reader_->name(), reader_->problem()->line, reader_->problem()->reason));
  }
  absl::StatusOr<ColumnBinding> binding = BindColumns(schema_, reader_->fields(), reader_->name());
  if (!binding.ok()) return binding.status();
  binding_ = *std::move(binding);
  first_record_pending_ = !schema_.header;
  if (schema_.form == Schema::Form::kLong) {
    collector_ = std::make_unique<LongCollector>(schema_, binding_);
  } else {
    parser_ = std::make_unique<RowParser>(schema_, binding_);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> UserRows::Next(ParsedRow& row, uint64_t& line) {
  if (schema_.form == Schema::Form::kWide) return NextWide(row, line);
  return collector_->Next(row, line);
}

// Moves to the next record that is well-formed; false at the end.
absl::StatusOr<bool> UserRows::NextRecord() {
  while (true) {
    if (!std::exchange(first_record_pending_, false)) {
      absl::StatusOr<bool> more = reader_->Next();
      if (!more.ok()) return more;
      if (!*more) {
        if (rows_read_ > 0) return false;
        return absl::InvalidArgumentError(
            fmt::format("{}: the file has a header and no rows", reader_->name()));
      }
    }
    ++rows_read_;
    if (on_progress_ && rows_read_ % kRowsBetweenProgress == 0) {
      on_progress_({.rows = rows_read_,
                    .bytes = reader_->source().bytes_consumed(),
                    .bytes_total = reader_->source().bytes_total()});
    }
    if (!reader_->problem()) return true;
    ++rows_refused_;
    if (log_ == nullptr) continue;
    const RecordProblem& problem = *reader_->problem();
    const bool in_field = problem.field < binding_.names.size();
    log_->AddRefusedRow(
        problem.line,
        in_field ? fmt::format("column '{}': {}", binding_.names[problem.field], problem.reason)
                 : problem.reason);
  }
}

void UserRows::Note(RowOutcome outcome, const std::vector<CellError>& errors) {
  if (outcome == RowOutcome::kSkipped) ++rows_skipped_;
  if (outcome != RowOutcome::kRefused) return;
  ++rows_refused_;
  if (log_ != nullptr) log_->AddRefusedRow(reader_->line(), errors);
}

absl::StatusOr<bool> UserRows::NextWide(ParsedRow& row, uint64_t& line) {
  while (true) {
    absl::StatusOr<bool> more = NextRecord();
    if (!more.ok() || !*more) return more;
    line = reader_->line();
    const RowOutcome outcome = parser_->Parse(reader_->fields(), rows_read_, row);
    if (outcome == RowOutcome::kParsed) return true;
    Note(outcome, parser_->errors());
  }
}

absl::Status UserRows::Prepare() {
  if (schema_.form == Schema::Form::kWide) return absl::OkStatus();
  while (true) {
    absl::StatusOr<bool> more = NextRecord();
    if (!more.ok()) return more.status();
    if (!*more) break;
    const RowOutcome outcome = collector_->Add(reader_->fields(), reader_->line());
    if (outcome != RowOutcome::kParsed) Note(outcome, {collector_->error()});
  }
  collector_->Finish();
  return absl::OkStatus();
}

}  // namespace throng::cli
