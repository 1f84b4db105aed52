// Finds the columns that a schema names in the header of a file.
//
//   absl::StatusOr<ColumnBinding> binding = BindColumns(schema, reader.fields(), reader.name());
//   binding->tags[0];  // {3}: schema.tags[0] is read from the fourth column
#ifndef THRONG_CLI_COLUMN_BINDING_H_
#define THRONG_CLI_COLUMN_BINDING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/schema.h"

namespace throng::cli {

// 0-based places of columns.
struct ColumnBinding {
  // Absent when ids are row numbers.
  std::optional<uint32_t> id;
  // Long form.
  uint32_t tag = 0;
  uint32_t value = 0;
  // Wide form: the columns of each tag of the schema, in its order.
  std::vector<std::vector<uint32_t>> tags;
  // What each column is called in messages: its name in the header, else "#3".
  std::vector<std::string> names;
};

// `first_record` is the header, or the first row of a file without one. Errors: kInvalidArgument,
// one line a mistake: an unknown column (with the nearest name), a name that the header has twice,
// a number beyond the last column, a name where there is no header; a file that seems to have
// another delimiter. `file` stands for the file in messages. Thread-safe.
absl::StatusOr<ColumnBinding> BindColumns(const Schema& schema,
                                          const std::vector<std::string_view>& first_record,
                                          std::string_view file);

}  // namespace throng::cli

#endif  // THRONG_CLI_COLUMN_BINDING_H_
