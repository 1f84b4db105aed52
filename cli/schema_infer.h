// Drafts the schema of a file from its header and first rows.
//
//   absl::StatusOr<std::string> toml = InferSchema("users.csv", {});
//   // a commented schema that ParseSchema takes, for a person to correct
//
// A guess per column, the first that fits every value:
//   FLAG       two of yes/no, true/false, 1/0, ...
//   INTEGER    whole numbers; with integral_floats for 17850.0
//   DECIMAL    with as many decimals as the longest value
//   DATE, DATETIME   ISO 8601, or one of the common formats
//   LABELS     '|' or ';' stands in many values and the parts recur
//   CATEGORY   values recur
// Columns without values, and texts that hardly recur, are written as comments.
#ifndef THRONG_CLI_SCHEMA_INFER_H_
#define THRONG_CLI_SCHEMA_INFER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace throng::cli {

struct InferOptions {
  // Guessed among ',', ';', tab and '|' when absent.
  std::optional<char> delimiter;
  // Rows to look at.
  uint64_t rows_max = 100'000;
};

// The file must have a header. Errors: those of DelimitedReader; kInvalidArgument (an empty file,
// no rows). Thread-safe.
absl::StatusOr<std::string> InferSchema(const std::string& path, const InferOptions& options);

}  // namespace throng::cli

#endif  // THRONG_CLI_SCHEMA_INFER_H_
