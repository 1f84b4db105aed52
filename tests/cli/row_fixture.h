// Parses files in the tests of the CLI. The functions are for one thread; their results are plain
// values.
#ifndef THRONG_TESTS_CLI_ROW_FIXTURE_H_
#define THRONG_TESTS_CLI_ROW_FIXTURE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/batch_builder.h"
#include "cli/schema.h"
#include "throng/v1/user.pb.h"

namespace throng::cli {

// What a batch says about one row, tag by tag: "leave", "clear", a number, "true" or "false", a
// text, or the labels joined by '|' in the order of the batch.
using DecodedRow = std::map<std::string, std::string>;

struct DecodedBatch {
  std::vector<std::string> ids;
  std::vector<DecodedRow> rows;
};

// Reads a batch as the API describes it, with none of the code that made it.
DecodedBatch Decode(const v1::ColumnBatch& batch);

// A file's batches, and the refused rows as "LINE: column 'c': value 'v': reason".
struct ParsedFile {
  std::vector<LoadBatch> batches;
  std::string errors;  // of the log, as printed
  std::string failure;
  uint64_t rows_read = 0;
  uint64_t rows_skipped = 0;
};

// Parses the file at `path` under `schema` (TOML) into batches of `batch_rows`.
ParsedFile ParseFile(const std::string& path, std::string_view schema, size_t batch_rows = 65'536);

}  // namespace throng::cli

#endif  // THRONG_TESTS_CLI_ROW_FIXTURE_H_
