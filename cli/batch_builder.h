// Packs typed rows into the columnar batches that UserService.Load takes.
//
//   BatchBuilder builder(schema, 65'536);
//   builder.Add(row, line);
//   if (builder.full()) Send(builder.Take(++batch_number));
#ifndef THRONG_CLI_BATCH_BUILDER_H_
#define THRONG_CLI_BATCH_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/row_parser.h"
#include "cli/schema.h"
#include "cli/text_dictionary.h"
#include "throng/v1/user.pb.h"

namespace throng::cli {

inline constexpr size_t kBatchRowsMax = 65'536;

// A batch ready to be sent, and where its rows came from.
struct LoadBatch {
  v1::LoadRequest request;
  // The physical line of each row, to turn the server's row numbers back into places in the file.
  std::vector<uint64_t> lines;
};

// Thread-compatible: one thread at a time.
class BatchBuilder {
 public:
  // A batch has at most `rows_max` rows (1 to kBatchRowsMax) and stays well below 64 MiB. Copies
  // what it needs of `schema`.
  BatchBuilder(const Schema& schema, size_t rows_max);

  // Adds a row, which must have one cell a tag of the schema. Copies what it views.
  void Add(const ParsedRow& row, uint64_t line);
  size_t rows() const { return lines_.size(); }
  // The batch must be taken before the next Add().
  bool full() const { return rows() >= rows_max_ || bytes_ >= kBytesFull; }
  // The batch of the rows since the last Take(), which becomes empty. Ids go as numbers when each
  // is a number below 2^64 in canonical decimal form, else all as texts.
  LoadBatch Take(uint64_t batch_number);

 private:
  static constexpr size_t kBytesFull = size_t{24} << 20;

  struct Column {
    std::string tag;
    v1::TagType type = v1::TAG_TYPE_UNSPECIFIED;
    v1::TagColumn message;
    TextDictionary dictionary;
    std::vector<uint64_t> label_rows;  // code -> 1 + the last row that has it
  };

  void AddId(const ParsedRow& row);
  void AddTextId(std::string_view id);
  void AddCell(const ParsedRow& row, const Cell& cell, Column& column);
  void AddLabels(const ParsedRow& row, const Cell& cell, Column& column);
  void Finish(Column& column, v1::ColumnBatch& batch);

  const size_t rows_max_;
  std::vector<Column> columns_;
  v1::IdColumn ids_;
  bool ids_are_numbers_ = true;
  std::vector<uint64_t> lines_;
  size_t bytes_ = 0;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_BATCH_BUILDER_H_
