#include "query/value_resolver.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "index/error.h"
#include "query/decimal_literal.h"
#include "query/formatter.h"
#include "query/lexer.h"

namespace throng::query {
namespace {

using index::TagType;

constexpr std::string_view kDateForms =
    "'YYYY-MM-DD', 'YYYY-Www', 'YYYY-Www-D', 'YYYY-MM-DD HH:MM:SS' or a relative time";

absl::Status WrongType(const Value& value, const index::TagDefinition& tag,
                       std::string_view expected, std::string suggestion = "") {
  return MakeSyntaxError(
      "WRONG_VALUE_TYPE",
      {.span = value.span,
       .message = fmt::format("{} is no value of the {} tag \"{}\"", Excerpt(Format(value)),
                              index::TagTypeName(tag.type), tag.name),
       .expected = std::string(expected),
       .suggestion = std::move(suggestion)});
}

absl::StatusOr<ValueSpan> ResolveNumber(const Value& value, const index::TagDefinition& tag) {
  if (const auto* number = std::get_if<DecimalLiteral>(&value.literal)) {
    const ScaledBounds bounds = ScaleTo(*number, tag.scale);
    return ValueSpan{.low = bounds.ceil, .high = bounds.floor};
  }
  std::string suggestion;
  if (const auto* text = std::get_if<std::string>(&value.literal)) {
    if (ParseDecimal(*text).has_value()) suggestion = *text;
  }
  return WrongType(value, tag, "a number", suggestion);
}

absl::StatusOr<IsoTime> ResolveTime(const Value& value, const index::TagDefinition& tag,
                                    const TimeContext& time) {
  if (const auto* relative = std::get_if<RelativeTimeLiteral>(&value.literal)) {
    return ResolveRelative(*relative, time);
  }
  if (const auto* date = std::get_if<DateLiteral>(&value.literal)) {
    const absl::CivilDay day(date->year, date->month, date->day);
    return IsoTime(DaySpan{day, day});
  }
  if (const auto* timestamp = std::get_if<TimestampLiteral>(&value.literal)) {
    return IsoTime(absl::FromUnixMicros(timestamp->unix_us));
  }
  const auto* text = std::get_if<std::string>(&value.literal);
  if (text == nullptr) return WrongType(value, tag, kDateForms);
  std::optional<IsoTime> parsed = ParseIsoTime(*text, time.zone);
  if (parsed.has_value()) return *parsed;
  return MakeSyntaxError("BAD_DATE", {.span = value.span,
                                      .message = fmt::format("{} is not a date or time that exists",
                                                             Excerpt(Format(value))),
                                      .expected = std::string(kDateForms)});
}

}  // namespace

absl::StatusOr<ValueSpan> ResolveOrdered(const Value& value, const index::TagDefinition& tag,
                                         const TimeContext& time) {
  if (tag.type == TagType::kInteger || tag.type == TagType::kDecimal) {
    return ResolveNumber(value, tag);
  }
  THRONG_ASSIGN_OR_RETURN(const IsoTime iso_time, ResolveTime(value, tag, time));
  if (tag.type == TagType::kDate) return ToDays(iso_time, time.zone);
  return ToMicroseconds(iso_time, time.zone);
}

absl::StatusOr<const std::string*> ResolveText(const Value& value,
                                               const index::TagDefinition& tag) {
  if (const auto* text = std::get_if<std::string>(&value.literal)) return text;
  const bool printable = std::holds_alternative<DecimalLiteral>(value.literal) ||
                         std::holds_alternative<bool>(value.literal);
  return WrongType(value, tag, "text in single quotes",
                   printable ? fmt::format("'{}'", Format(value)) : "");
}

absl::StatusOr<bool> ResolveFlag(const Value& value, const index::TagDefinition& tag) {
  if (const bool* flag = std::get_if<bool>(&value.literal)) return *flag;
  return WrongType(value, tag, "true or false");
}

std::optional<Interval> Within(const ValueSpan& span) { return Between(&span, true, &span, true); }

std::optional<Interval> Between(const ValueSpan* lower, bool lower_inclusive,
                                const ValueSpan* upper, bool upper_inclusive) {
  const Int128 least = std::numeric_limits<int64_t>::min();
  const Int128 most = std::numeric_limits<int64_t>::max();
  Int128 low = least;
  Int128 high = most;
  if (lower != nullptr) low = std::max(low, lower_inclusive ? lower->low : lower->high + 1);
  if (upper != nullptr) high = std::min(high, upper_inclusive ? upper->high : upper->low - 1);
  if (low > high) return std::nullopt;
  return Interval{.low = static_cast<int64_t>(low), .high = static_cast<int64_t>(high)};
}

std::vector<Interval> Merge(std::vector<Interval> intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.low < b.low; });
  std::vector<Interval> merged;
  for (const Interval& interval : intervals) {
    if (!merged.empty() && Int128{interval.low} <= Int128{merged.back().high} + 1) {
      merged.back().high = std::max(merged.back().high, interval.high);
    } else {
      merged.push_back(interval);
    }
  }
  return merged;
}

}  // namespace throng::query
