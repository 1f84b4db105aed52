#include "tests/cli/row_fixture.h"

#include "cli/row_error_log.h"
#include "cli/user_rows.h"
#include "gtest/gtest.h"

namespace throng::cli {
namespace {

bool BitOf(const std::string& mask, size_t row) {
  return row / 8 < mask.size() && ((mask[row / 8] >> (row % 8)) & 1) != 0;
}

std::string DecodeCell(const v1::TagColumn& column, size_t row) {
  const bool leave = BitOf(column.leave_mask(), row);
  const bool clear = BitOf(column.clear_mask(), row);
  EXPECT_FALSE(leave && clear);
  if (leave) return "leave";
  if (clear) return "clear";
  const int i = static_cast<int>(row);
  if (column.has_categories()) {
    return column.categories().values(static_cast<int>(column.categories().codes(i)));
  }
  if (column.has_integers()) return std::to_string(column.integers().values(i));
  if (column.has_labels()) {
    std::string text;
    const int begin = i == 0 ? 0 : static_cast<int>(column.labels().ends(i - 1));
    for (int j = begin; j < static_cast<int>(column.labels().ends(i)); ++j) {
      text += (text.empty() ? "" : "|") +
              column.labels().values(static_cast<int>(column.labels().codes(j)));
    }
    return text;
  }
  return BitOf(column.flags(), row) ? "true" : "false";
}

}  // namespace

DecodedBatch Decode(const v1::ColumnBatch& batch) {
  DecodedBatch decoded;
  for (const uint64_t number : batch.ids().numbers().values()) {
    decoded.ids.push_back(std::to_string(number));
  }
  size_t begin = 0;
  for (const uint32_t end : batch.ids().texts().ends()) {
    decoded.ids.push_back(batch.ids().texts().data().substr(begin, end - begin));
    begin = end;
  }
  decoded.rows.resize(decoded.ids.size());
  for (const v1::TagColumn& column : batch.columns()) {
    for (size_t row = 0; row < decoded.rows.size(); ++row) {
      decoded.rows[row][column.tag()] = DecodeCell(column, row);
    }
  }
  return decoded;
}

ParsedFile ParseFile(const std::string& path, std::string_view toml, size_t batch_rows) {
  ParsedFile result;
  const absl::StatusOr<Schema> schema = ParseSchema(toml, "schema.toml");
  if (!schema.ok()) {
    result.failure = std::string(schema.status().message());
    return result;
  }
  testing::internal::CaptureStderr();
  RowErrorLog log("f");
  absl::StatusOr<std::unique_ptr<UserRows>> rows = UserRows::Open(path, *schema, &log);
  absl::Status status = rows.ok() ? (*rows)->Prepare() : rows.status();
  BatchBuilder builder(*schema, batch_rows);
  ParsedRow row;
  uint64_t line = 0;
  while (status.ok()) {
    const absl::StatusOr<bool> more = (*rows)->Next(row, line);
    if (!more.ok()) status = more.status();
    if (!more.ok() || !*more) break;
    builder.Add(row, line);
    if (builder.full()) result.batches.push_back(builder.Take(result.batches.size() + 1));
  }
  if (builder.rows() > 0) result.batches.push_back(builder.Take(result.batches.size() + 1));
  log.PrintRest();
  result.errors = testing::internal::GetCapturedStderr();
  result.failure = std::string(status.message());
  if (rows.ok()) {
    result.rows_read = (*rows)->rows_read();
    result.rows_skipped = (*rows)->rows_skipped();
  }
  return result;
}

}  // namespace throng::cli
