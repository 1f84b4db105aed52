// Random valid expressions over given tags, for round trips and for comparison with the model.
//
//   ExpressionGenerator generator({{.name = "city", .type = index::TagType::kCategory,
//                                   .texts = {"Paris", "Rome"}}}, {}, /*seed=*/7);
//   query::Expression expression = generator.Next();   // the same ones for the same seed
//
// Every operator and every form of a literal comes up. Values are drawn from those of the tag,
// from their neighbours and, seldom, from what no user has.
#ifndef THRONG_TESTS_TESTING_EXPRESSION_GENERATOR_H_
#define THRONG_TESTS_TESTING_EXPRESSION_GENERATOR_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "index/catalogue.h"
#include "query/expression.h"

namespace throng::testing {

struct GeneratorTag {
  std::string name;
  index::TagType type = index::TagType::kFlag;
  int scale = 0;                        // DECIMAL
  std::vector<std::string> texts = {};  // CATEGORY, LABELS
  int64_t low = 0;                      // others: the least and the largest stored number
  int64_t high = 100;
};

struct GeneratorOptions {
  int depth_max = 4;
  int operands_max = 4;
  int list_values_max = 5;
  // What ids(...) draws from; both empty: no ids(...).
  std::vector<std::string> ids = {};
  std::vector<uint64_t> numeric_ids = {};
  // DateLiteral and TimestampLiteral, which text turns into quoted text.
  bool typed_times = false;
  // today() and its kin.
  bool relative_times = true;
  // bucket(...) and sample(...).
  bool buckets = true;
  // One expression in so many ends with a limit, of few users or of many; 0: none.
  uint64_t limited_one_in = 0;
  // What crowd(...) draws from; empty: no crowd(...).
  std::vector<query::CrowdRef> crowds = {};
};

// Not thread-safe.
class ExpressionGenerator {
 public:
  // REQUIRES: `tags` is not empty.
  ExpressionGenerator(std::vector<GeneratorTag> tags, GeneratorOptions options, uint64_t seed);

  query::Expression Next();

 private:
  uint64_t Below(uint64_t bound);  // uniform in [0, bound)
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  template <typename T>
  const T& Pick(const std::vector<T>& list) {
    return list[Below(list.size())];
  }

  query::Expression MakeExpression(int depth);
  query::Expression MakeLimited(query::Expression operand);
  query::Expression MakeLeaf();
  query::Expression MakeIds();
  query::Condition MakeCondition();
  query::Range MakeRange(const GeneratorTag& tag);
  std::vector<query::Value> MakeList(const GeneratorTag& tag);
  query::Value MakeValue(const GeneratorTag& tag);
  query::Value MakeTime(const GeneratorTag& tag);
  query::DecimalLiteral MakeDecimal(const GeneratorTag& tag);
  query::RelativeTimeLiteral MakeRelativeTime();
  int64_t MakeNumber(const GeneratorTag& tag);

  std::vector<GeneratorTag> tags_;
  GeneratorOptions options_;
  std::mt19937_64 random_;
};

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_EXPRESSION_GENERATOR_H_
