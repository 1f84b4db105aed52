// The schema of a file to load: which column is which tag, and how its cells are written.
//
//   absl::StatusOr<Schema> schema = ReadSchema("schema.toml");
//   if (!schema.ok()) return schema.status();  // every mistake, each with its line and key
//   schema->tags[0].name;                      // "city"
//
// The file is TOML; docs/loading.md is the reference.
#ifndef THRONG_CLI_SCHEMA_H_
#define THRONG_CLI_SCHEMA_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "throng/v1/tag.pb.h"

namespace throng::cli {

// A column of the file by its name in the header or by its place.
struct ColumnRef {
  std::string name;                // used when number is absent
  std::optional<uint32_t> number;  // 0-based, written "#9"

  // As it is written in the schema.
  std::string ToString() const;
};

// Reads "city" or "#9".
ColumnRef ParseColumnRef(std::string_view text);

// One [[tag]] of a schema.
struct TagSchema {
  std::string name;
  v1::TagType type = v1::TAG_TYPE_UNSPECIFIED;
  // DECIMAL: digits after the point.
  int32_t scale = 0;
  // One column; several only for LABELS. Wide form.
  std::vector<ColumnRef> columns;
  // LABELS of several columns: the label that columns[i] stands for; empty: the cell's own text.
  std::vector<std::string> labels;
  // LABELS of one column: what stands between labels; empty: the cell is one label.
  std::string separator;
  // FLAG: the cells that mean true and false; the defaults are used when both are empty.
  std::vector<std::string> true_texts;
  std::vector<std::string> false_texts;
  // DATE and DATETIME: a strftime-like format (absl::ParseTime); empty: ISO 8601.
  std::string format;
  // DATETIME: the IANA zone of times that state none.
  std::string time_zone = "UTC";
  // INTEGER: "17850.0" is accepted too.
  bool integral_floats = false;
  // Cells that mean "no value", instead of the schema's; nullopt: the schema's.
  std::optional<std::vector<std::string>> missing;
  // What CreateTag gets; name, type and scale are not repeated here.
  v1::Tag definition;
};

struct Schema {
  enum class Form { kWide, kLong };
  enum class OnMissing { kLeave, kClear };

  char delimiter = ',';
  char quote = '"';
  bool header = true;
  Form form = Form::kWide;
  // Exact cell texts that mean "no value".
  std::vector<std::string> missing = {""};
  OnMissing on_missing = OnMissing::kLeave;
  // Blanks around cells are not part of them.
  bool trim = false;
  // The primary id is the number of the data row, counted from 1. Wide form only.
  bool id_is_row_number = false;
  // The column of the primary id: id_column or, in the long form, user_column.
  std::optional<ColumnRef> id_column;
  // Ids: "17850.0" means 17850.
  bool integral_floats = false;
  // A row without an id is left out and counted, not an error.
  bool skip_missing_ids = false;
  // Long form.
  std::optional<ColumnRef> tag_column;
  std::optional<ColumnRef> value_column;
  std::vector<TagSchema> tags;
};

// What the command line says over the file's word.
struct SchemaOverrides {
  std::optional<Schema::Form> form;
  // A column reference, taken as by ParseColumnRef.
  std::optional<std::string> id_column;
  bool id_is_row_number = false;
};

// Parses `toml`; `name` stands for it in messages. Errors: kInvalidArgument, one line a mistake,
// each "NAME:LINE: what is wrong". Thread-safe.
absl::StatusOr<Schema> ParseSchema(std::string_view toml, std::string_view name,
                                   const SchemaOverrides& overrides = {});

// Reads and parses the file at `path`. Errors: as ParseSchema; kNotFound.
absl::StatusOr<Schema> ReadSchema(const std::string& path, const SchemaOverrides& overrides = {});

// "CATEGORY" for TAG_TYPE_CATEGORY; "DATETIME" for TAG_TYPE_DATE_TIME.
std::string_view TagTypeName(v1::TagType type);
// The type that `name` (in any case) names; nullopt for an unknown one.
std::optional<v1::TagType> ParseTagType(std::string_view name);

// The name among `names` that is nearest to `text` if it is near (at most a third of it differs);
// empty otherwise.
std::string NearestName(std::string_view text, const std::vector<std::string>& names);

}  // namespace throng::cli

#endif  // THRONG_CLI_SCHEMA_H_
