// A boolean expression over tags, as written: names and literals, not yet resolved.
//
//   text --Parse()--> Expression --Resolve()--> Predicate --Normalize()--> ... --Execute()
//
// The tree is plain data and a closed variant: a new operator does not compile until every stage
// handles it. Text and tree convert both ways (query/parser.h, query/formatter.h):
//
//   absl::StatusOr<Expression> e = Parse("city = 'Paris' and not churned", ExpressionLimits());
//   Format(*e);  // "city = 'Paris' and not churned"
//
// Every type here is a value: copyable, movable, thread-compatible. Equality ignores positions.
#ifndef THRONG_QUERY_EXPRESSION_H_
#define THRONG_QUERY_EXPRESSION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "query/literal.h"

namespace throng::query {

// Bounds on what is accepted; exceeding one is kInvalidArgument naming it.
struct ExpressionLimits {
  int depth_max = 64;
  int nodes_max = 10'000;
  int list_values_max = 1'000'000;
  int text_bytes_max = 64 << 20;
};

// The tests of a Condition.
struct AnyOf {  // `=` and `in`: has any of the values
  std::vector<Value> values;
  friend bool operator==(const AnyOf&, const AnyOf&) = default;
};
struct NoneOf {  // `!=` and `not in`: has the tag and none of the values
  std::vector<Value> values;
  friend bool operator==(const NoneOf&, const NoneOf&) = default;
};
struct Range {  // at least one bound; `between` is both, inclusive
  std::optional<Value> lower;
  std::optional<Value> upper;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
  friend bool operator==(const Range&, const Range&) = default;
};
struct Exists {  // exists(tag)
  friend bool operator==(const Exists&, const Exists&) = default;
};
struct IsSet {  // a bare FLAG
  friend bool operator==(const IsSet&, const IsSet&) = default;
};

struct Condition {
  std::string tag;
  std::variant<AnyOf, NoneOf, Range, Exists, IsSet> test;
  SourceSpan span;      // of the whole condition
  SourceSpan tag_span;  // of the tag's name

  friend bool operator==(const Condition& a, const Condition& b) {
    return a.tag == b.tag && a.test == b.test;
  }
};

struct Expression;

struct And {
  std::vector<Expression> operands;  // at least 2
};
struct Or {
  std::vector<Expression> operands;  // at least 2
};
struct Not {
  std::vector<Expression> operand;  // exactly 1; a vector because Expression is incomplete here
};
struct IdSet {  // ids(...)
  // Each id once as given; a canonical decimal number may stand in either list.
  std::vector<std::string> ids;
  std::vector<uint64_t> numbers;
  SourceSpan span;
  friend bool operator==(const IdSet& a, const IdSet& b) {
    return a.ids == b.ids && a.numbers == b.numbers;
  }
};
struct Bucket {  // bucket('salt', from, to): buckets [from, to) of 1,000,000
  std::string salt;
  uint32_t from = 0;
  uint32_t to = 0;
  SourceSpan span;
  friend bool operator==(const Bucket& a, const Bucket& b) {
    return a.salt == b.salt && a.from == b.from && a.to == b.to;
  }
};
struct Sample {  // sample(1.5%, 'salt')
  uint32_t millionths = 0;
  std::string salt;
  SourceSpan span;
  friend bool operator==(const Sample& a, const Sample& b) {
    return a.millionths == b.millionths && a.salt == b.salt;
  }
};
struct CrowdRef {  // crowd('name'), crowd('name', live), crowd('name', 7)
  std::string name;
  bool live = false;     // the rule as it selects now, not what was computed
  uint32_t version = 0;  // 0: the newest
  SourceSpan span;
  SourceSpan name_span;
  friend bool operator==(const CrowdRef& a, const CrowdRef& b) {
    return a.name == b.name && a.live == b.live && a.version == b.version;
  }
};
struct AllUsers {  // all()
  friend bool operator==(const AllUsers&, const AllUsers&) = default;
};
struct NoUsers {  // none()
  friend bool operator==(const NoUsers&, const NoUsers&) = default;
};

// The orders of a Limited. Users whom an order does not tell apart follow by their place under the
// empty salt (index/id_hash.h), and then by their id.
struct ByTag {  // top 10 by spend desc
  std::string tag;
  bool descending = false;  // users without a value come last in both directions
  SourceSpan tag_span;
  SourceSpan direction_span;  // all zero where none is written
  friend bool operator==(const ByTag& a, const ByTag& b) {
    return a.tag == b.tag && a.descending == b.descending;
  }
};
struct BySalt {  // any 10 by 'spring': by place under the salt
  std::string salt;
  friend bool operator==(const BySalt&, const BySalt&) = default;
};
// The first users in the order, of those that match the operand: the root of an expression only.
struct Limited {
  std::vector<Expression> operand;  // exactly 1, itself not limited
  uint32_t users = 0;               // 1 to kLimitUsersMax
  std::variant<ByTag, BySalt> order;
  SourceSpan span;  // of what stands behind the operand
};
inline constexpr uint32_t kLimitUsersMax = 2'147'483'647;

struct Expression {
  std::variant<And, Or, Not, Condition, IdSet, Bucket, Sample, AllUsers, NoUsers, Limited, CrowdRef>
      node;
};

// The expression, or what a limit at its root is taken of. A view of it.
const Expression& WithoutLimit(const Expression& expression);

bool operator==(const Expression& a, const Expression& b);
bool operator==(const And& a, const And& b);
bool operator==(const Or& a, const Or& b);
bool operator==(const Not& a, const Not& b);
bool operator==(const Limited& a, const Limited& b);

}  // namespace throng::query

#endif  // THRONG_QUERY_EXPRESSION_H_
