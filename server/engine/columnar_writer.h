// Turns columnar batches into commit records: finds users, creates them, codes texts, and tells
// which rows are refused and why.
//
//   ColumnarWriter writer(snapshot, options);
//   THRONG_RETURN_IF_ERROR(writer.Read(batch));        // shapes, then every cell
//   if (writer.errors().size() <= errors_max) writer.Fill(&record);
//
// Nothing is changed here: a record that is dropped leaves no trace. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_COLUMNAR_WRITER_H_
#define THRONG_SERVER_ENGINE_COLUMNAR_WRITER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "index/change.h"
#include "index/id_chunk.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "server/engine/write_batch.h"

namespace throng::engine {

// For one batch and one thread. Borrows the snapshot and the batch.
class ColumnarWriter {
 public:
  // `id_type` is the type of the batch's ids; null: the primary one.
  ColumnarWriter(const index::Snapshot& snapshot, UnknownIds unknown_ids,
                 const index::IdTypeDefinition* id_type = nullptr)
      : snapshot_(snapshot), unknown_ids_(unknown_ids), id_type_(id_type) {}

  // Errors: kInvalidArgument (BAD_BATCH) with field "batch...." when the shapes are wrong: nothing
  // of such a batch can be trusted. `tags` are the tags by name that the batch may hold.
  absl::Status Read(const ColumnBatch& batch,
                    const std::map<std::string, const index::TagEntry*, std::less<>>& tags);

  // Rows that are refused, in order of row, one a row.
  const std::vector<RowError>& errors() const { return errors_; }
  uint64_t rows_skipped() const { return rows_skipped_; }
  uint64_t rows_taken() const;

  // Adds the rows that are not refused to a record on the same snapshot, columns in parallel.
  void Fill(index::CommitRecord* record, index::Parallel& parallel);

 private:
  static constexpr uint32_t kNoUser = ~uint32_t{0};
  struct Column {
    const TagColumn* source = nullptr;
    const index::TagEntry* entry = nullptr;
    std::vector<uint32_t> codes;  // of the source's texts; texts not yet known get one in Fill
  };

  absl::Status ReadIds(const ColumnBatch& batch);
  void ReadNumbers(std::span<const uint64_t> numbers);
  void TakeId(uint32_t row, const index::IdKey& key, std::optional<uint32_t> ordinal);
  void ReadLinkedId(uint32_t row, std::string_view id);
  absl::Status CheckShape(const TagColumn& column, const index::TagEntry& entry, size_t number);
  absl::Status CheckCoded(const TagColumn& column, const CodedView& view, std::string_view field);
  absl::Status CheckLabels(const LabelsView& view, std::string_view field);
  absl::Status CheckIntegers(const IntegersView& view, std::string_view field);
  absl::Status CheckFlags(const FlagsView& view, std::string_view field);
  void ReadCells(Column& column);
  void ReadTexts(Column& column, const std::vector<std::string_view>& values);
  void ReadIntegers(const Column& column, std::span<const int64_t> values);
  void Refuse(uint32_t row, std::string_view tag, std::string_view reason, std::string message);
  bool Writes(const TagColumn& column, uint32_t row) const;
  void AssignOrdinals(index::CommitRecord* record);
  index::TagChange FillCells(Column& column);
  index::TagChange FillLabels(Column& column);
  index::NewValues FillNewValues(Column& column);

  const index::Snapshot& snapshot_;
  const UnknownIds unknown_ids_;
  const index::IdTypeDefinition* id_type_;
  const ColumnBatch* batch_ = nullptr;
  uint32_t rows_ = 0;
  uint64_t rows_skipped_ = 0;
  std::vector<uint32_t> ordinals_;  // by row; kNoUser: left out
  std::vector<bool> refused_;
  std::vector<RowError> errors_;
  std::vector<std::string> new_ids_;                                // in order of first row
  absl::flat_hash_map<std::string_view, uint32_t> new_id_numbers_;  // views and places of new_ids_
  std::vector<uint32_t> order_;  // rows taken, by ordinal, then row
  std::vector<Column> columns_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_COLUMNAR_WRITER_H_
