// Random populations: the same rows for the naive model and for the engine.
//
//   PopulationGenerator generator({.ids = IdStyle::kMixed}, /*seed=*/7);
//   PlainBatch batch = generator.NextUsers(65'537);   // and so on
//   PlainBatch changes = generator.MakeUpdate(500);
//   ExpressionGenerator expressions(generator.expression_tags(), {...}, seed);
//
// Two or so tags of every type, values missing everywhere, skewed and, over runs of ordinals,
// clustered, so that chunks of every form come up: arrays, bitsets, runs, empty and full ones.
#ifndef THRONG_TESTS_TESTING_POPULATION_GENERATOR_H_
#define THRONG_TESTS_TESTING_POPULATION_GENERATOR_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/testing/expression_generator.h"
#include "tests/testing/plain_rows.h"

namespace throng::testing {

enum class IdStyle { kNumbers, kTexts, kMixed };

struct PopulationOptions {
  IdStyle ids = IdStyle::kNumbers;
  // Only users near the edges of chunks, and a few others, have tags.
  bool edges_only = false;
};

// Not thread-safe.
class PopulationGenerator {
 public:
  PopulationGenerator(const PopulationOptions& options, uint64_t seed);

  const std::vector<PlainTag>& tags() const { return tags_; }
  // The tags and their values, as the generator of expressions wants them.
  std::vector<GeneratorTag> expression_tags() const;
  // Ids of users, and some of nobody, for ids(...).
  std::vector<std::string> some_text_ids(size_t count);
  std::vector<uint64_t> some_numeric_ids(size_t count);

  // The next `count` users with their values.
  PlainBatch NextUsers(uint32_t count);
  // REQUIRES, as for all below: there is a user.
  // Changes of `rows` users that exist and of a few that do not: values left, set, cleared, and
  // some users named twice.
  PlainBatch MakeUpdate(uint32_t rows);
  PlainLabelsEdit MakeLabelsEdit();
  // New content of one tag for some users: what a REPLACE loads.
  PlainBatch MakeReplacement(uint32_t tag, uint32_t rows);
  // Users given out so far.
  uint32_t users() const { return next_user_; }

 private:
  struct TagShape {
    uint32_t texts = 0;  // values of CATEGORY and LABELS
    int64_t low = 0;     // numbers
    int64_t high = 0;
    double missing = 0;    // share of users
    uint32_t cluster = 0;  // ordinals in a row that like the same value; 0: none do
  };

  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Chance(double share) {
    return static_cast<double>(random_() >> 11) < share * 9007199254740992.0;  // 2^53
  }
  std::string IdOf(uint32_t user) const;
  bool HasTags(uint32_t user) const;
  void AddTag(PlainTag tag, const TagShape& shape);
  PlainColumn EmptyColumn(uint32_t tag) const;
  void AddCell(uint32_t user, CellKind kind, bool is_new, PlainColumn* column);
  uint32_t PickText(uint32_t tag, uint32_t user, bool is_new);
  int64_t PickNumber(uint32_t tag, uint32_t user);

  PopulationOptions options_;
  std::mt19937_64 random_;
  std::vector<PlainTag> tags_;
  std::vector<TagShape> shapes_;  // by tag
  std::vector<std::vector<std::string>> texts_;
  uint32_t next_user_ = 0;
};

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_POPULATION_GENERATOR_H_
