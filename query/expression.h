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

namespace throng::query {

// Where something stands in the expression's text. Lines and columns are 1-based, columns and
// lengths count Unicode code points; all zero for trees that came without text.
struct SourceSpan {
  int line = 0;
  int column = 0;
  int length = 0;
};

// Bounds on what is accepted; exceeding one is kInvalidArgument naming it.
struct ExpressionLimits {
  int depth_max = 64;
  int nodes_max = 10'000;
  int list_values_max = 1'000'000;
  int text_bytes_max = 64 << 20;
};

__extension__ typedef __int128 Int128;  // an extension, which -Wpedantic would refuse

// An exact decimal number: units x 10^-scale. Canonical: no trailing zero in the fraction.
struct DecimalLiteral {
  Int128 units = 0;  // at most 38 digits
  int scale = 0;     // 0 to 38

  friend bool operator==(const DecimalLiteral&, const DecimalLiteral&) = default;
};

struct DateLiteral {
  int year = 1970;
  int month = 1;
  int day = 1;

  friend bool operator==(const DateLiteral&, const DateLiteral&) = default;
};

// Microseconds since 1970-01-01T00:00:00Z.
struct TimestampLiteral {
  int64_t unix_us = 0;

  friend bool operator==(const TimestampLiteral&, const TimestampLiteral&) = default;
};

enum class TimeAnchor { kToday, kNow, kStartOfWeek, kStartOfMonth };
enum class TimeUnit { kMinute, kHour, kDay, kWeek, kMonth, kYear };

struct TimeOffset {
  int amount = 0;  // negative: into the past
  TimeUnit unit = TimeUnit::kDay;

  friend bool operator==(const TimeOffset&, const TimeOffset&) = default;
};

// `today() - 30d`: resolved against the request's reference time and zone.
struct RelativeTimeLiteral {
  TimeAnchor anchor = TimeAnchor::kToday;
  std::vector<TimeOffset> offsets;  // at most 8, applied in order

  friend bool operator==(const RelativeTimeLiteral&, const RelativeTimeLiteral&) = default;
};

// A literal. In text a quoted literal is always std::string; dates become DateLiteral only in
// trees built by programs.
struct Value {
  std::variant<std::string, DecimalLiteral, bool, DateLiteral, TimestampLiteral,
               RelativeTimeLiteral>
      literal;
  SourceSpan span;

  friend bool operator==(const Value& a, const Value& b) { return a.literal == b.literal; }
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
struct AllUsers {  // all()
  friend bool operator==(const AllUsers&, const AllUsers&) = default;
};
struct NoUsers {  // none()
  friend bool operator==(const NoUsers&, const NoUsers&) = default;
};

struct Expression {
  std::variant<And, Or, Not, Condition, IdSet, Bucket, Sample, AllUsers, NoUsers> node;
};

bool operator==(const Expression& a, const Expression& b);
bool operator==(const And& a, const And& b);
bool operator==(const Or& a, const Or& b);
bool operator==(const Not& a, const Not& b);

}  // namespace throng::query

#endif  // THRONG_QUERY_EXPRESSION_H_
