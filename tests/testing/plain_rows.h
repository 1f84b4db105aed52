// Users and their tags as plain rows: what the naive model and the engine are both given.
//
//   PlainBatch batch{.ids = {"u1", "u2"}};
//   batch.columns.push_back({.tag = 0, .kinds = {CellKind::kSet, CellKind::kClear},
//                            .numbers = {17, 0}});
//
// It shares no type with the index, so that the naive model need not. Types are values;
// thread-compatible.
#ifndef THRONG_TESTS_TESTING_PLAIN_ROWS_H_
#define THRONG_TESTS_TESTING_PLAIN_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace throng::testing {

enum class PlainType { kFlag, kCategory, kLabels, kInteger, kDecimal, kDate, kDateTime };

struct PlainTag {
  std::string name;
  PlainType type = PlainType::kFlag;
  int scale = 0;  // DECIMAL
};

enum class CellKind : uint8_t { kLeave, kClear, kSet };

// One tag, one entry a row.
struct PlainColumn {
  uint32_t tag = 0;  // its place in the list of tags
  std::vector<CellKind> kinds;
  // FLAG: 0 or 1; CATEGORY: a place in `texts`; ordered tags: the number as it is stored. LABELS
  // leave it empty.
  std::vector<int64_t> numbers;
  std::vector<std::vector<uint32_t>> labels;  // LABELS: places in `texts`
  std::vector<std::string> texts;
};

struct PlainBatch {
  std::vector<std::string> ids;  // a later row of an id wins where both write a tag
  std::vector<PlainColumn> columns;
};

// Labels added to and removed from one user.
struct PlainLabelsEdit {
  std::string id;
  uint32_t tag = 0;
  std::vector<std::string> add;
  std::vector<std::string> remove;
};

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_PLAIN_ROWS_H_
