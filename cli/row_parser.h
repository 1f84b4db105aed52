// Turns the records of a wide file, one user each, into typed rows.
//
//   RowParser parser(schema, binding);
//   ParsedRow row;
//   if (parser.Parse(reader.fields(), row_number, row)) builder.Add(row, reader.line());
//   else for (const CellError& error : parser.errors()) ...
#ifndef THRONG_CLI_ROW_PARSER_H_
#define THRONG_CLI_ROW_PARSER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "cli/cell_parser.h"
#include "cli/column_binding.h"
#include "cli/schema.h"

namespace throng::cli {

// What a row does to one tag.
struct Cell {
  enum class State : uint8_t { kLeave, kClear, kValue };
  State state = State::kLeave;
  // INTEGER, DECIMAL, DATE, DATETIME as in v1::IntegerColumn; FLAG: 0 or 1.
  int64_t number = 0;
  // CATEGORY.
  std::string_view text;
  // LABELS: ParsedRow::labels[labels_begin, labels_end).
  uint32_t labels_begin = 0;
  uint32_t labels_end = 0;
};

// One user. Views into the fields it was parsed from and valid as long as they are.
struct ParsedRow {
  // The primary id as text; unused when id_is_number.
  std::string_view id;
  bool id_is_number = false;
  uint64_t number = 0;
  // One a tag of the schema.
  std::vector<Cell> cells;
  std::vector<std::string_view> labels;
};

// Why a row is refused: `column` holds `value`, and `reason` says what is wrong with it.
struct CellError {
  std::string column;
  std::string value;
  std::string reason;
};

// `value` is cut where it is too long for a message.
CellError MakeCellError(std::string_view column, std::string_view value, std::string_view reason);

// Parses a cell that is not missing into state, number and text; for LABELS the cell is one label.
// Errors: kInvalidArgument with the bare reason. Thread-safe.
absl::Status ParseValue(const CellParser& parser, std::string_view text, Cell& cell);

enum class RowOutcome { kParsed, kSkipped, kRefused };

// Reads the id of a row: sets id, id_is_number and number. kSkipped: it has none and the schema
// skips such rows. kRefused: `error` says why. Thread-safe.
RowOutcome ParseRowId(const Schema& schema, std::string_view cell, std::string_view column,
                      ParsedRow& row, CellError& error);

// Thread-compatible: one thread at a time.
class RowParser {
 public:
  // Keeps references: both must outlive the parser.
  RowParser(const Schema& schema, const ColumnBinding& binding);

  // Parses a record with all columns of the binding into `row`. `row_number` is the number of the
  // data row, from 1. kRefused: errors() has every wrong cell of the row.
  RowOutcome Parse(const std::vector<std::string_view>& fields, uint64_t row_number,
                   ParsedRow& row);
  const std::vector<CellError>& errors() const { return errors_; }

 private:
  std::string_view Trimmed(std::string_view cell) const;
  void ParseCell(size_t tag, std::string_view text, uint32_t column, Cell& cell);
  void ParseLabels(size_t tag, const std::vector<std::string_view>& fields, Cell& cell,
                   ParsedRow& row);
  void AddLabel(std::string_view label, uint32_t column, ParsedRow& row);
  void Refuse(uint32_t column, std::string_view value, std::string_view reason);

  const Schema& schema_;
  const ColumnBinding& binding_;
  const Cell::State when_missing_;
  std::vector<CellParser> parsers_;
  std::vector<CellError> errors_;
};

// `text` without blanks and tabs around it. A view into it.
std::string_view TrimBlanks(std::string_view text);

}  // namespace throng::cli

#endif  // THRONG_CLI_ROW_PARSER_H_
