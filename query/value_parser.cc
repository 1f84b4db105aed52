#include "query/value_parser.h"

#include <charconv>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "index/catalogue.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "index/utf8.h"
#include "query/decimal_literal.h"

namespace throng::query {
namespace {

struct Unit {
  std::string_view name;
  TimeUnit unit;
};
constexpr Unit kUnits[] = {{"d", TimeUnit::kDay},   {"w", TimeUnit::kWeek},
                           {"m", TimeUnit::kMonth}, {"y", TimeUnit::kYear},
                           {"h", TimeUnit::kHour},  {"min", TimeUnit::kMinute}};
constexpr std::string_view kUnitNames = "a unit: d, w, m (months), y, h or min (minutes)";

bool HasControl(std::string_view text) {
  for (const char32_t c : index::DecodeUtf8(text)) {
    if (index::IsControl(c)) return true;
  }
  return false;
}

}  // namespace

absl::Status CheckUtf8(std::string_view text) {
  const size_t valid = index::ValidUtf8Prefix(text);
  if (valid == text.size()) return absl::OkStatus();
  SourceSpan span{.line = 1, .column = 1, .length = 1};
  for (const char c : text.substr(0, valid)) {
    if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) continue;
    ++span.column;
    if (c == '\n') {
      ++span.line;
      span.column = 1;
    }
  }
  return MakeSyntaxError("INVALID_UTF8",
                         {.span = span,
                          .message = fmt::format("byte 0x{:02x} at offset {} is not UTF-8",
                                                 static_cast<unsigned char>(text[valid]), valid),
                          .expected = "UTF-8"});
}

absl::Status TokenStream::Advance() {
  previous_end_ = token_.begin + token_.span.length;
  THRONG_ASSIGN_OR_RETURN(token_, lexer_.Next());
  return absl::OkStatus();
}

absl::Status TokenStream::Expect(std::string_view symbol) {
  return Is(symbol) ? Advance() : Unexpected(fmt::format("'{}'", symbol));
}

absl::Status TokenStream::Expect(Keyword keyword, std::string_view name) {
  return Is(keyword) ? Advance() : Unexpected(fmt::format("'{}'", name), {name});
}

SourceSpan TokenStream::SpanFrom(const Token& first) const {
  SourceSpan span = first.span;
  span.length = static_cast<int>(previous_end_ - first.begin);
  return span;
}

std::string TokenStream::Describe(std::string_view format) const {
  std::string token = "end of the text";
  if (token_.kind == TokenKind::kText || token_.kind == TokenKind::kQuotedName) {
    token = Excerpt(token_.source);
  } else if (token_.kind != TokenKind::kEnd) {
    token = fmt::format("'{}'", Excerpt(token_.source));
  }
  return fmt::format(fmt::runtime(format), token);
}

absl::Status TokenStream::Unexpected(std::string_view expected,
                                     const std::vector<std::string_view>& candidates) const {
  return Unknown(token_, Describe("unexpected {}"), expected, candidates);
}

absl::Status TokenStream::Unknown(const Token& token, std::string_view message,
                                  std::string_view expected,
                                  const std::vector<std::string_view>& candidates) const {
  SyntaxProblem problem{
      .span = token.span, .message = std::string(message), .expected = std::string(expected)};
  if (token.kind == TokenKind::kName) {
    problem.suggestion = index::NearestName(token.source, candidates);
  }
  return MakeSyntaxError("SYNTAX_ERROR", problem);
}

absl::Status TokenStream::Fail(const Token& token, std::string_view message,
                               std::string_view expected) const {
  return MakeSyntaxError(
      "SYNTAX_ERROR",
      {.span = token.span, .message = std::string(message), .expected = std::string(expected)});
}

absl::Status TokenStream::OverLimit(std::string_view reason, const Token& at, std::string_view what,
                                    int64_t limit, int64_t requested) const {
  return index::MakeError(
      absl::StatusCode::kInvalidArgument,
      fmt::format("line {}, column {}: {} of the expression is over {}, the most that is allowed",
                  at.span.line, at.span.column, what, limit),
      {.reason = std::string(reason),
       .line = at.span.line,
       .column = at.span.column,
       .length = at.span.length,
       .expected = fmt::format("at most {}", limit),
       .limit = static_cast<uint64_t>(limit),
       .requested = static_cast<uint64_t>(requested)});
}

absl::StatusOr<Value> ValueParser::Parse() {
  const Token first = tokens_->current();
  Value value;
  if (first.kind == TokenKind::kText) {
    THRONG_ASSIGN_OR_RETURN(value.literal, ParseText(""));
  } else if (first.kind == TokenKind::kNumber || tokens_->Is("-")) {
    THRONG_ASSIGN_OR_RETURN(value.literal, ParseNumber());
  } else if (tokens_->Is(Keyword::kTrue) || tokens_->Is(Keyword::kFalse)) {
    value.literal = tokens_->Is(Keyword::kTrue);
    THRONG_RETURN_IF_ERROR(tokens_->Advance());
  } else if (tokens_->Is(Keyword::kToday)) {
    THRONG_ASSIGN_OR_RETURN(value.literal, ParseRelativeTime(TimeAnchor::kToday));
  } else if (tokens_->Is(Keyword::kNow)) {
    THRONG_ASSIGN_OR_RETURN(value.literal, ParseRelativeTime(TimeAnchor::kNow));
  } else if (tokens_->Is(Keyword::kStartOfWeek)) {
    THRONG_ASSIGN_OR_RETURN(value.literal, ParseRelativeTime(TimeAnchor::kStartOfWeek));
  } else if (tokens_->Is(Keyword::kStartOfMonth)) {
    THRONG_ASSIGN_OR_RETURN(value.literal, ParseRelativeTime(TimeAnchor::kStartOfMonth));
  } else {
    return UnexpectedInsteadOfValue();
  }
  value.span = tokens_->SpanFrom(first);
  return value;
}

absl::StatusOr<std::string> ValueParser::ParseText(std::string_view expected) {
  if (tokens_->current().kind != TokenKind::kText) return tokens_->Unexpected(expected);
  std::string text = tokens_->current().text;
  THRONG_RETURN_IF_ERROR(tokens_->Advance());
  return text;
}

absl::StatusOr<uint64_t> ValueParser::ParseUnsigned(std::string_view expected, uint64_t most,
                                                    uint64_t least) {
  const Token& token = tokens_->current();
  const bool whole = token.kind == TokenKind::kNumber && token.suffix.empty() &&
                     token.digits.find('.') == std::string_view::npos;
  if (!whole) return tokens_->Unexpected(expected);
  uint64_t number = 0;
  const char* const end = token.digits.data() + token.digits.size();
  const auto result = std::from_chars(token.digits.data(), end, number);
  if (result.ec != std::errc() || number > most || number < least) {
    const bool small = result.ec == std::errc() && number < least;
    return MakeSyntaxError(
        "VALUE_OUT_OF_RANGE",
        {.span = token.span,
         .message = fmt::format("{} is too {}", Excerpt(token.source), small ? "small" : "large"),
         .expected = fmt::format("a number from {} to {}", least, most)});
  }
  THRONG_RETURN_IF_ERROR(tokens_->Advance());
  return number;
}

absl::StatusOr<uint32_t> ValueParser::ParsePercent() {
  const Token first = tokens_->current();
  if (first.kind != TokenKind::kNumber) return tokens_->Unexpected("a percentage, e.g. 1.5%");
  THRONG_ASSIGN_OR_RETURN(const DecimalLiteral percent, ParseNumber());
  THRONG_RETURN_IF_ERROR(tokens_->Expect("%"));
  const ScaledBounds millionths = ScaleTo(percent, 4);
  const bool exact = millionths.floor == millionths.ceil;
  if (!exact || millionths.floor < 1 || millionths.floor > Int128{index::kBuckets}) {
    return MakeSyntaxError(
        "VALUE_OUT_OF_RANGE",
        {.span = tokens_->SpanFrom(first),
         .message = fmt::format("{}% cannot be sampled", Excerpt(first.source)),
         .expected = "a percentage from 0.0001% to 100% with at most 4 decimals"});
  }
  return static_cast<uint32_t>(millionths.floor);
}

absl::Status ValueParser::CountListValue() {
  if (++list_values_ <= list_values_max_) return absl::OkStatus();
  return tokens_->OverLimit("TOO_MANY_VALUES", tokens_->current(),
                            "the number of values in the lists", list_values_max_, list_values_);
}

absl::StatusOr<DecimalLiteral> ValueParser::ParseNumber() {
  const Token first = tokens_->current();
  if (tokens_->Is("-")) THRONG_RETURN_IF_ERROR(tokens_->Advance());
  const Token number = tokens_->current();
  if (number.kind != TokenKind::kNumber) return tokens_->Unexpected("a number");
  if (!number.suffix.empty()) {
    const bool exponent = number.suffix[0] == 'e' || number.suffix[0] == 'E';
    return tokens_->Fail(number,
                         fmt::format("'{}' is not a number{}", Excerpt(number.source),
                                     exponent ? ": exponents are not part of the language" : ""),
                         "digits with at most one point");
  }
  THRONG_RETURN_IF_ERROR(tokens_->Advance());
  std::optional<DecimalLiteral> literal = ParseDecimal(number.digits);
  if (!literal.has_value()) {
    return MakeSyntaxError("VALUE_OUT_OF_RANGE", {.span = tokens_->SpanFrom(first),
                                                  .message = fmt::format("{} has too many digits",
                                                                         Excerpt(number.source)),
                                                  .expected = "a number of at most 38 digits"});
  }
  if (tokens_->Is("-")) {  // 2024-05-31
    return tokens_->Unexpected("an operand's end; dates are written in single quotes");
  }
  if (first.kind != TokenKind::kNumber) literal->units = -literal->units;
  return *literal;
}

absl::StatusOr<RelativeTimeLiteral> ValueParser::ParseRelativeTime(TimeAnchor anchor) {
  RelativeTimeLiteral literal;
  literal.anchor = anchor;
  THRONG_RETURN_IF_ERROR(tokens_->Advance());
  THRONG_RETURN_IF_ERROR(tokens_->Expect("("));
  THRONG_RETURN_IF_ERROR(tokens_->Expect(")"));
  while (tokens_->Is("+") || tokens_->Is("-")) {
    if (literal.offsets.size() == static_cast<size_t>(kTimeOffsetsMax)) {
      return MakeSyntaxError("VALUE_OUT_OF_RANGE",
                             {.span = tokens_->current().span,
                              .message = "a relative time has too many steps",
                              .expected = fmt::format("at most {} steps", kTimeOffsetsMax)});
    }
    THRONG_ASSIGN_OR_RETURN(const TimeOffset offset, ParseOffset());
    literal.offsets.push_back(offset);
  }
  return literal;
}

absl::StatusOr<TimeOffset> ValueParser::ParseOffset() {
  const bool negative = tokens_->Is("-");
  THRONG_RETURN_IF_ERROR(tokens_->Advance());
  const Token number = tokens_->current();
  const bool whole =
      number.kind == TokenKind::kNumber && number.digits.find('.') == std::string_view::npos;
  if (!whole) return tokens_->Unexpected("a whole number with a unit, e.g. 30d");
  TimeOffset offset;
  const char* const end = number.digits.data() + number.digits.size();
  const auto result = std::from_chars(number.digits.data(), end, offset.amount);
  if (result.ec != std::errc() || offset.amount > kTimeOffsetMax) {
    return MakeSyntaxError(
        "VALUE_OUT_OF_RANGE",
        {.span = number.span,
         .message = fmt::format("{} is too far", Excerpt(number.source)),
         .expected = fmt::format("a whole number from 0 to {} with a unit", kTimeOffsetMax)});
  }
  if (negative) offset.amount = -offset.amount;
  THRONG_RETURN_IF_ERROR(tokens_->Advance());
  THRONG_ASSIGN_OR_RETURN(offset.unit, ParseUnit(number));
  return offset;
}

absl::StatusOr<TimeUnit> ValueParser::ParseUnit(const Token& number) {
  const bool attached = !number.suffix.empty();
  const Token& token = attached ? number : tokens_->current();
  std::string name(attached ? number.suffix : token.source);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 'a' - 'A');
  }
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    if (!attached) THRONG_RETURN_IF_ERROR(tokens_->Advance());
    return unit.unit;
  }
  if (!attached) return tokens_->Unexpected(kUnitNames);
  return tokens_->Fail(token, fmt::format("'{}' is no unit of time", Excerpt(number.suffix)),
                       kUnitNames);
}

absl::Status ValueParser::UnexpectedInsteadOfValue() const {
  const Token& token = tokens_->current();
  SyntaxProblem problem{
      .span = token.span, .message = tokens_->Describe("unexpected {}"), .expected = "a value"};
  if (token.kind == TokenKind::kName) {
    problem.suggestion = index::NearestName(
        token.source, {"true", "false", "today", "now", "start_of_week", "start_of_month"});
    if (problem.suggestion.empty()) problem.suggestion = fmt::format("'{}'", token.source);
    problem.message += ": text values stand in single quotes";
  } else if (token.kind == TokenKind::kQuotedName) {
    problem.message += ": double quotes are for names, text values stand in single quotes";
    if (!HasControl(token.text) && token.text.find('\'') == std::string::npos) {
      problem.suggestion = fmt::format("'{}'", token.text);
    }
  }
  return MakeSyntaxError("SYNTAX_ERROR", problem);
}

}  // namespace throng::query
