// Plain rows as the columnar batch the engine loads, with the memory the batch views.
//
//   OwnedColumnBatch batch(plain, tags, /*number=*/1);
//   load->Write(context, batch.view());
#ifndef THRONG_TESTS_TESTING_OWNED_COLUMN_BATCH_H_
#define THRONG_TESTS_TESTING_OWNED_COLUMN_BATCH_H_

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "server/engine/write_batch.h"
#include "tests/testing/plain_rows.h"

namespace throng::testing {

// Not movable: the view points into it. Thread-compatible.
class OwnedColumnBatch {
 public:
  // Borrows `plain` as long as it lives. Ids that are all canonical decimals go as numbers.
  OwnedColumnBatch(const PlainBatch& plain, const std::vector<PlainTag>& tags, uint64_t number);
  OwnedColumnBatch(const OwnedColumnBatch&) = delete;
  OwnedColumnBatch& operator=(const OwnedColumnBatch&) = delete;

  const engine::ColumnBatch& view() const { return batch_; }

 private:
  // What the view of one column points to.
  struct Memory {
    std::string leave_mask;
    std::string clear_mask;
    std::string flags;
    std::vector<uint32_t> codes;
    std::vector<uint32_t> ends;
  };

  void AddIds(const PlainBatch& plain);
  void AddColumn(const PlainColumn& column, const PlainTag& tag);

  std::vector<uint64_t> numbers_;
  std::string texts_;
  std::vector<uint32_t> ends_;
  std::deque<Memory> columns_;
  engine::ColumnBatch batch_;
};

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_OWNED_COLUMN_BATCH_H_
