#include "tests/testing/expression_generator.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "query/iso_time.h"

namespace throng::testing {
namespace {

using index::TagType;
using query::And;
using query::AnyOf;
using query::Condition;
using query::DateLiteral;
using query::DecimalLiteral;
using query::Exists;
using query::Expression;
using query::IdSet;
using query::IsSet;
using query::Limited;
using query::NoneOf;
using query::Not;
using query::Or;
using query::Range;
using query::RelativeTimeLiteral;
using query::TimeAnchor;
using query::TimeOffset;
using query::TimestampLiteral;
using query::TimeUnit;
using query::Value;

constexpr int64_t kMicrosPerDay = 86'400'000'000;

void Canonicalize(DecimalLiteral* literal) {
  while (literal->scale > 0 && literal->units % 10 == 0) {
    literal->units /= 10;
    --literal->scale;
  }
}

}  // namespace

ExpressionGenerator::ExpressionGenerator(std::vector<GeneratorTag> tags, GeneratorOptions options,
                                         uint64_t seed)
    : tags_(std::move(tags)), options_(std::move(options)), random_(seed) {}

uint64_t ExpressionGenerator::Below(uint64_t bound) { return random_() % bound; }

Expression ExpressionGenerator::Next() {
  Expression expression = MakeExpression(options_.depth_max);
  const bool limited = options_.limited_one_in > 0 && OneIn(options_.limited_one_in);
  return limited ? MakeLimited(std::move(expression)) : expression;
}

Expression ExpressionGenerator::MakeLimited(Expression operand) {
  Limited limited;
  limited.operand.push_back(std::move(operand));
  limited.users =
      OneIn(8) ? query::kLimitUsersMax : static_cast<uint32_t>(1 + Below(uint64_t{1} << Below(20)));
  std::vector<const GeneratorTag*> ordered;
  for (const GeneratorTag& tag : tags_) {
    if (index::IsNumeric(tag.type)) ordered.push_back(&tag);
  }
  if (ordered.empty() || OneIn(3)) {
    limited.order = query::BySalt{OneIn(2) ? "spring" : "it's 春"};
  } else {
    limited.order = query::ByTag{Pick(ordered)->name, OneIn(2), {}, {}};
  }
  return Expression{std::move(limited)};
}

Expression ExpressionGenerator::MakeExpression(int depth) {
  const uint64_t kind = depth <= 1 ? 9 : Below(10);
  if (kind >= 6) return MakeLeaf();
  if (kind >= 4) {
    Not negation;
    negation.operand.push_back(MakeExpression(depth - 1));
    return Expression{std::move(negation)};
  }
  std::vector<Expression> operands;
  const uint64_t count = 2 + Below(static_cast<uint64_t>(std::max(1, options_.operands_max - 1)));
  for (uint64_t i = 0; i < count; ++i) operands.push_back(MakeExpression(depth - 1));
  if (kind >= 2) return Expression{And{std::move(operands)}};
  return Expression{Or{std::move(operands)}};
}

Expression ExpressionGenerator::MakeLeaf() {
  if (OneIn(40)) return Expression{query::AllUsers{}};
  if (OneIn(40)) return Expression{query::NoUsers{}};
  if (options_.buckets && OneIn(12)) {
    const std::string salt = OneIn(2) ? "spring" : "it's 春";
    if (OneIn(2))
      return Expression{query::Sample{static_cast<uint32_t>(1 + Below(1'000'000)), salt, {}}};
    uint32_t from = static_cast<uint32_t>(Below(1'000'001));
    uint32_t to = static_cast<uint32_t>(Below(1'000'001));
    if (from > to) std::swap(from, to);
    return Expression{query::Bucket{salt, from, to, {}}};
  }
  if (!options_.crowds.empty() && OneIn(4)) return Expression{Pick(options_.crowds)};
  const bool has_ids = !options_.ids.empty() || !options_.numeric_ids.empty();
  if (has_ids && OneIn(12)) return MakeIds();
  return Expression{MakeCondition()};
}

Expression ExpressionGenerator::MakeIds() {
  IdSet set;
  const uint64_t count = 1 + Below(static_cast<uint64_t>(options_.list_values_max));
  for (uint64_t i = 0; i < count; ++i) {
    const bool number = options_.ids.empty() || (!options_.numeric_ids.empty() && OneIn(2));
    if (number) {
      set.numbers.push_back(OneIn(10) ? random_() : Pick(options_.numeric_ids));
    } else {
      set.ids.push_back(OneIn(10) ? "nobody's id" : Pick(options_.ids));
    }
  }
  return Expression{std::move(set)};
}

Condition ExpressionGenerator::MakeCondition() {
  const GeneratorTag& tag = Pick(tags_);
  Condition condition;
  condition.tag = tag.name;
  if (OneIn(8)) {
    condition.test = Exists{};
  } else if (tag.type == TagType::kFlag && !OneIn(4)) {
    condition.test = IsSet{};
  } else if (index::IsNumeric(tag.type) && !OneIn(3)) {
    condition.test = MakeRange(tag);
  } else if (OneIn(3)) {
    condition.test = NoneOf{MakeList(tag)};
  } else {
    condition.test = AnyOf{MakeList(tag)};
  }
  return condition;
}

Range ExpressionGenerator::MakeRange(const GeneratorTag& tag) {
  Range range;
  const uint64_t bounds = Below(3);
  if (bounds != 0) {
    range.lower = MakeValue(tag);
    range.lower_inclusive = OneIn(2);
  }
  if (bounds != 1) {
    range.upper = MakeValue(tag);
    range.upper_inclusive = OneIn(2);
  }
  return range;
}

std::vector<Value> ExpressionGenerator::MakeList(const GeneratorTag& tag) {
  std::vector<Value> values;
  const uint64_t most = static_cast<uint64_t>(options_.list_values_max);
  const uint64_t count = OneIn(2) ? 1 : 1 + Below(most);
  for (uint64_t i = 0; i < count; ++i) values.push_back(MakeValue(tag));
  return values;
}

Value ExpressionGenerator::MakeValue(const GeneratorTag& tag) {
  Value value;
  switch (tag.type) {
    case TagType::kFlag:
      value.literal = OneIn(2);
      break;
    case TagType::kCategory:
    case TagType::kLabels:
      value.literal = tag.texts.empty() || OneIn(20) ? "no such 'value'" : Pick(tag.texts);
      break;
    case TagType::kInteger:
    case TagType::kDecimal:
      value.literal = MakeDecimal(tag);
      break;
    case TagType::kDate:
    case TagType::kDateTime:
      return MakeTime(tag);
  }
  return value;
}

// A stored number of the tag, or one just outside.
int64_t ExpressionGenerator::MakeNumber(const GeneratorTag& tag) {
  const uint64_t width = static_cast<uint64_t>(tag.high) - static_cast<uint64_t>(tag.low);
  if (OneIn(20)) return tag.high == std::numeric_limits<int64_t>::max() ? tag.high : tag.high + 1;
  if (OneIn(20)) return tag.low == std::numeric_limits<int64_t>::min() ? tag.low : tag.low - 1;
  const uint64_t step =
      width == std::numeric_limits<uint64_t>::max() ? random_() : Below(width + 1);
  return static_cast<int64_t>(static_cast<uint64_t>(tag.low) + step);
}

DecimalLiteral ExpressionGenerator::MakeDecimal(const GeneratorTag& tag) {
  DecimalLiteral literal{.units = MakeNumber(tag), .scale = tag.scale};
  if (OneIn(10)) {  // finer than the scale
    literal.units = literal.units * 10 + static_cast<int64_t>(Below(10));
    ++literal.scale;
  }
  if (OneIn(50)) {  // beyond 64 bits
    literal.units *= 1'000'000'000'000'000'000;
    literal.scale = 0;
  }
  Canonicalize(&literal);
  return literal;
}

Value ExpressionGenerator::MakeTime(const GeneratorTag& tag) {
  Value value;
  if (options_.relative_times && OneIn(6)) {
    value.literal = MakeRelativeTime();
    return value;
  }
  const int64_t number = MakeNumber(tag);
  const int64_t day = tag.type == TagType::kDate ? number : number / kMicrosPerDay;
  const absl::CivilDay civil = absl::CivilDay(1970, 1, 1) + day;
  const int64_t micros = tag.type == TagType::kDate
                             ? number * kMicrosPerDay + static_cast<int64_t>(Below(kMicrosPerDay))
                             : number;
  const bool whole_day = tag.type == TagType::kDate ? !OneIn(5) : OneIn(3);
  if (options_.typed_times && OneIn(3)) {
    if (whole_day) {
      value.literal = DateLiteral{static_cast<int>(civil.year()), civil.month(), civil.day()};
    } else {
      value.literal = TimestampLiteral{micros};
    }
  } else if (whole_day) {
    value.literal = query::FormatIsoDate(civil);
  } else {
    std::string text = query::FormatIsoTimestamp(micros);
    if (OneIn(2)) text.pop_back();  // without Z: in the request's zone
    value.literal = std::move(text);
  }
  return value;
}

RelativeTimeLiteral ExpressionGenerator::MakeRelativeTime() {
  constexpr TimeAnchor kAnchors[] = {TimeAnchor::kToday, TimeAnchor::kNow, TimeAnchor::kStartOfWeek,
                                     TimeAnchor::kStartOfMonth};
  constexpr TimeUnit kUnits[] = {TimeUnit::kMinute, TimeUnit::kHour,  TimeUnit::kDay,
                                 TimeUnit::kWeek,   TimeUnit::kMonth, TimeUnit::kYear};
  RelativeTimeLiteral literal;
  literal.anchor = kAnchors[Below(std::size(kAnchors))];
  const uint64_t count = Below(4);
  for (uint64_t i = 0; i < count; ++i) {
    const int amount = static_cast<int>(Below(81)) - 40;
    literal.offsets.push_back(TimeOffset{amount, kUnits[Below(std::size(kUnits))]});
  }
  return literal;
}

}  // namespace throng::testing
