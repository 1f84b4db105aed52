// Why users are in a selection or out of it. Types of Memberships::Why and Memberships::WhyAll.
//
//   engine.memberships().Why(context, {.what = "city = 'Rome' and spend > 100"}, {.id = "u17"});
//
// Types here are values; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_WHY_H_
#define THRONG_SERVER_ENGINE_WHY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "index/catalogue.h"
#include "query/condition_flips.h"
#include "query/resolver.h"
#include "server/engine/selection.h"
#include "server/engine/value_text.h"

namespace throng::engine {

inline constexpr uint32_t kWhyUsersMax = 10'000;
inline constexpr uint32_t kWhyLabelsMax = 100;  // of one tag of the user

// A condition of the expression, as ExplainCondition.
struct WhyCondition {
  std::string text;  // as written, without a not before it
  query::SourceSpan span;
  bool negated = false;  // an odd number of nots stands before it
  // The first condition that is identical, by its number from 1; 0: it is the first itself.
  uint32_t same_as = 0;
};

// What a user has that a condition asks for. Of a bucket or sample the user's bucket; nothing of
// ids.
struct UserValue {
  std::string tag;  // empty: a bucket
  index::TagType type = index::TagType::kInteger;
  int scale = 0;
  // Absent: missing. A FLAG is never missing: not set is false.
  std::optional<TagValue> value;
  uint32_t labels = 0;  // how many LABELS the user has; `value` holds the first kWhyLabelsMax
};

struct UserCondition {
  WhyCondition condition;
  bool matches = false;  // the user matches it as written
  bool met = false;      // matches, or under an odd number of nots does not
  bool decides = false;  // were it the other way in all its places, so were the answer
  std::optional<UserValue> value;
};

struct UserReasons {
  std::string id;  // the primary one
  bool is_member = false;
  // Meets the conditions, but is not among the users that the expression's limit takes. No
  // condition decides then.
  bool is_beyond_limit = false;
  std::vector<UserCondition> conditions;  // in the order written
  query::Flip flip;                       // conditions by number, from 0
  ResultInfo info;
};

struct ListCondition {
  WhyCondition condition;
  uint64_t missed = 0;  // users who do not meet it
  // Users who are out and would be in if this condition alone changed. In an `or` a user may count
  // for several.
  uint64_t decided = 0;
};

// Counts of the ids that were given: a user who is named twice counts twice.
struct ListReasons {
  uint64_t in = 0;
  uint64_t out = 0;
  uint64_t beyond_limit = 0;  // of `out`: as UserReasons::is_beyond_limit
  uint64_t unknown = 0;       // nobody has the id, or its type refuses it
  std::vector<ListCondition> conditions;
  ResultInfo info;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_WHY_H_
