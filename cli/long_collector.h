// Gathers the rows of a long file (user, tag, value) into one row a user.
//
//   LongCollector collector(schema, binding);
//   while (...) collector.Add(reader.fields(), reader.line());
//   collector.Finish();
//   while (collector.Next(row, line)) builder.Add(row, line);
//
// The rows of a user may stand anywhere in the file, and the labels of a batch replace those of the
// user: so the whole file is collected before anything is sent. It takes 8 bytes a row of texts and
// 16 of numbers, and each id once with about 30 bytes more.
#ifndef THRONG_CLI_LONG_COLLECTOR_H_
#define THRONG_CLI_LONG_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cli/row_parser.h"
#include "cli/text_dictionary.h"

namespace throng::cli {

// Thread-compatible: one thread at a time.
class LongCollector {
 public:
  // Keeps references: both must outlive the collector.
  LongCollector(const Schema& schema, const ColumnBinding& binding);

  // Takes a record with all columns of the binding. LABELS: the values of all rows together; other
  // types: the last row counts. A row whose value is missing clears the tag if the schema says so
  // and does nothing otherwise; a tag without a row is left as it is.
  // kRefused: error() says why, and the row changes nothing.
  RowOutcome Add(const std::vector<std::string_view>& fields, uint64_t line);
  const CellError& error() const { return error_; }
  size_t users() const { return first_lines_.size(); }

  // Ends the adding; call once.
  void Finish();
  // The next user in the order of their first rows, and the line of that row; false after the
  // last. `row` is valid as long as the collector.
  bool Next(ParsedRow& row, uint64_t& line);

 private:
  static constexpr uint32_t kClear = 0xFFFFFFFF;

  struct TextEntry {
    uint32_t user;
    uint32_t code;  // or kClear
  };
  struct NumberEntry {
    uint32_t user;
    bool clear;
    int64_t number;
  };
  // The rows of one tag; of either texts or numbers.
  struct TagRows {
    TextDictionary dictionary;
    std::vector<TextEntry> texts;
    std::vector<NumberEntry> numbers;
    size_t next = 0;
  };

  bool ParseCells(size_t tag, std::string_view value);
  void Store(size_t tag, uint32_t user, const Cell& cell);
  void TakeTexts(size_t tag, uint32_t user, ParsedRow& row);
  void TakeNumbers(size_t tag, uint32_t user, Cell& cell);

  const Schema& schema_;
  const ColumnBinding& binding_;
  std::vector<CellParser> parsers_;
  TextDictionary tag_names_;
  TextDictionary ids_;
  std::vector<uint64_t> first_lines_;
  std::vector<TagRows> tags_;
  std::vector<Cell> cells_;  // of the row at hand
  CellError error_;
  uint32_t next_user_ = 0;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_LONG_COLLECTOR_H_
