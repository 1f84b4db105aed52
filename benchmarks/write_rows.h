// Users of 13 tags as columnar batches and as single changes, made as they are needed, so that
// 100 million of them take no memory.
//
//   WriteRows batch(/*first=*/0, /*rows=*/65'536, /*seed=*/1);
//   load->Write(context, batch.view());
#ifndef THRONG_BENCHMARKS_WRITE_ROWS_H_
#define THRONG_BENCHMARKS_WRITE_ROWS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/random.h"
#include "index/catalogue.h"
#include "server/engine/write_batch.h"

namespace throng::bench {

// The tags; values are "v0", "v1", ...
const std::vector<index::TagDefinition>& WriteTags();

// The numeric primary id of user `user`.
uint64_t WriteId(uint32_t user);

// Users first, first + 1, ... with all tags. Not movable: the view points into it.
// Thread-compatible.
class WriteRows {
 public:
  WriteRows(uint32_t first, uint32_t rows, uint64_t seed);
  WriteRows(const WriteRows&) = delete;
  WriteRows& operator=(const WriteRows&) = delete;

  const engine::ColumnBatch& view() const { return batch_; }

 private:
  static constexpr size_t kTags = 13;

  std::vector<uint64_t> ids_;
  std::array<std::vector<uint32_t>, kTags> codes_;
  std::array<std::vector<int64_t>, kTags> numbers_;
  std::array<std::string, kTags> flags_;
  std::vector<uint32_t> label_ends_;
  engine::ColumnBatch batch_;
};

// New values for every tag of `user`.
engine::UserChange WriteChange(uint32_t user, Random& random);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_WRITE_ROWS_H_
