#include "query/parser.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "index/utf8.h"
#include "query/crowd_parser.h"
#include "query/formatter.h"
#include "query/lexer.h"
#include "query/limit_parser.h"
#include "query/value_parser.h"

namespace throng::query {
namespace {

constexpr std::string_view kOperators = "=, !=, <, <=, >, >=, in, not in or between";
// What may stand behind an operand besides `and` and `or`, outside of parentheses.
constexpr std::string_view kRootClosing = ", 'top', 'any' or the end";

// A part of the tree and the depth of its deepest leaf; a leaf alone has depth 1.
struct Subtree {
  Expression expression;
  int depth = 1;
};

class Parser {
 public:
  Parser(std::string_view text, const ExpressionLimits& limits)
      : limits_(limits), tokens_(text), values_(&tokens_, limits) {}

  absl::StatusOr<Expression> Run() {
    THRONG_RETURN_IF_ERROR(tokens_.Advance());
    THRONG_ASSIGN_OR_RETURN(Subtree root, ParseOr(1));
    if (StartsLimit(tokens_)) return ParseLimited(std::move(root));
    if (tokens_.current().kind != TokenKind::kEnd) return UnexpectedBehindOperand(kRootClosing);
    return std::move(root.expression);
  }

 private:
  // `nesting` is 1 plus the parentheses and `not`s around, which bounds the stack.
  absl::StatusOr<Subtree> ParseOr(int nesting) {
    return ParseChain<Or>(Keyword::kOr, nesting, &Parser::ParseAnd);
  }
  absl::StatusOr<Subtree> ParseAnd(int nesting) {
    return ParseChain<And>(Keyword::kAnd, nesting, &Parser::ParseNot);
  }
  template <typename Chain>
  absl::StatusOr<Subtree> ParseChain(Keyword keyword, int nesting,
                                     absl::StatusOr<Subtree> (Parser::*parse_operand)(int));
  absl::StatusOr<Expression> ParseLimited(Subtree operand);
  absl::StatusOr<Subtree> ParseNot(int nesting);
  absl::StatusOr<Subtree> ParseParentheses(int nesting);
  absl::StatusOr<Subtree> ParsePrimary(int nesting);
  absl::StatusOr<Expression> ParseReserved();

  absl::StatusOr<Expression> ParseCondition();
  absl::Status ParseTest(Condition* condition);
  absl::Status ParseBetween(Condition* condition);
  absl::Status ParseBound(std::optional<Value>* bound, bool* inclusive);
  absl::StatusOr<std::vector<Value>> ParseList();
  absl::StatusOr<Expression> ParseExists();
  absl::StatusOr<Expression> ParseIds();
  absl::StatusOr<Expression> ParseBucket();
  absl::StatusOr<Expression> ParseSample();

  absl::Status CountNode(const Token& at);
  absl::Status CheckDepth(int depth, const Token& at) const;
  absl::Status UnexpectedBehindOperand(std::string_view closing) const;
  absl::Status UnexpectedInsteadOfCondition() const;

  ExpressionLimits limits_;
  TokenStream tokens_;
  ValueParser values_;
  int nodes_ = 0;
  int64_t bare_name_end_ = -1;  // where the token behind the last bare name begins
};

template <typename Chain>
absl::StatusOr<Subtree> Parser::ParseChain(Keyword keyword, int nesting,
                                           absl::StatusOr<Subtree> (Parser::*parse_operand)(int)) {
  const Token first = tokens_.current();
  THRONG_ASSIGN_OR_RETURN(Subtree subtree, (this->*parse_operand)(nesting));
  if (!tokens_.Is(keyword)) return subtree;
  THRONG_RETURN_IF_ERROR(CountNode(tokens_.current()));
  Chain chain;
  int depth = subtree.depth;
  chain.operands.push_back(std::move(subtree.expression));
  while (tokens_.Is(keyword)) {
    THRONG_RETURN_IF_ERROR(tokens_.Advance());
    THRONG_ASSIGN_OR_RETURN(Subtree operand, (this->*parse_operand)(nesting));
    depth = std::max(depth, operand.depth);
    chain.operands.push_back(std::move(operand.expression));
  }
  THRONG_RETURN_IF_ERROR(CheckDepth(depth + 1, first));
  return Subtree{Expression{std::move(chain)}, depth + 1};
}

// The limit is a node and a level above its operand.
absl::StatusOr<Expression> Parser::ParseLimited(Subtree operand) {
  const Token first = tokens_.current();
  THRONG_RETURN_IF_ERROR(CountNode(first));
  THRONG_RETURN_IF_ERROR(CheckDepth(operand.depth + 1, first));
  THRONG_ASSIGN_OR_RETURN(Limited limited, ParseLimit(&tokens_, &values_));
  THRONG_RETURN_IF_ERROR(CheckNothingFollows(tokens_, limited));
  limited.operand.push_back(std::move(operand.expression));
  return Expression{std::move(limited)};
}

absl::StatusOr<Subtree> Parser::ParseNot(int nesting) {
  THRONG_RETURN_IF_ERROR(CheckDepth(nesting, tokens_.current()));
  if (!tokens_.Is(Keyword::kNot)) return ParsePrimary(nesting);
  const Token first = tokens_.current();
  THRONG_RETURN_IF_ERROR(CountNode(first));
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  THRONG_ASSIGN_OR_RETURN(Subtree operand, ParseNot(nesting + 1));
  THRONG_RETURN_IF_ERROR(CheckDepth(operand.depth + 1, first));
  Not negation;
  negation.operand.push_back(std::move(operand.expression));
  return Subtree{Expression{std::move(negation)}, operand.depth + 1};
}

absl::StatusOr<Subtree> Parser::ParseParentheses(int nesting) {
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  THRONG_ASSIGN_OR_RETURN(Subtree subtree, ParseOr(nesting + 1));
  if (StartsLimit(tokens_)) return LimitInParentheses(tokens_);
  if (!tokens_.Is(")")) return UnexpectedBehindOperand(" or ')'");
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  return subtree;
}

absl::StatusOr<Subtree> Parser::ParsePrimary(int nesting) {
  const Token& token = tokens_.current();
  if (tokens_.Is("(")) return ParseParentheses(nesting);
  const bool reserved = token.kind == TokenKind::kName && token.keyword != Keyword::kNone;
  const bool name = token.kind == TokenKind::kName || token.kind == TokenKind::kQuotedName;
  if (!name) return UnexpectedInsteadOfCondition();
  THRONG_RETURN_IF_ERROR(CountNode(token));
  absl::StatusOr<Expression> leaf = reserved ? ParseReserved() : ParseCondition();
  THRONG_RETURN_IF_ERROR(leaf.status());
  return Subtree{*std::move(leaf), 1};
}

absl::StatusOr<Expression> Parser::ParseReserved() {
  const Token token = tokens_.current();
  switch (token.keyword) {
    case Keyword::kExists:
      return ParseExists();
    case Keyword::kIds:
      return ParseIds();
    case Keyword::kBucket:
      return ParseBucket();
    case Keyword::kSample:
      return ParseSample();
    case Keyword::kAll:
    case Keyword::kNoUsers:
      THRONG_RETURN_IF_ERROR(tokens_.Advance());
      THRONG_RETURN_IF_ERROR(tokens_.Expect("("));
      THRONG_RETURN_IF_ERROR(tokens_.Expect(")"));
      if (token.keyword == Keyword::kAll) return Expression{AllUsers{}};
      return Expression{NoUsers{}};
    case Keyword::kCrowd: {
      THRONG_ASSIGN_OR_RETURN(CrowdRef crowd, ParseCrowd(&tokens_, &values_));
      return Expression{std::move(crowd)};
    }
    case Keyword::kTop:
    case Keyword::kAny:
      return LimitInsteadOfCondition(tokens_);
    case Keyword::kNone:
    case Keyword::kAnd:
    case Keyword::kOr:
    case Keyword::kNot:
    case Keyword::kIn:
    case Keyword::kBetween:
    case Keyword::kExclusive:
    case Keyword::kTrue:
    case Keyword::kFalse:
    case Keyword::kToday:
    case Keyword::kNow:
    case Keyword::kStartOfWeek:
    case Keyword::kStartOfMonth:
    case Keyword::kBy:
    case Keyword::kAsc:
    case Keyword::kDesc:
      break;
  }
  return UnexpectedInsteadOfCondition();
}

absl::StatusOr<Expression> Parser::ParseCondition() {
  const Token first = tokens_.current();
  Condition condition;
  condition.tag_span = first.span;
  THRONG_ASSIGN_OR_RETURN(condition.tag, ParseTagName(&tokens_));
  if (tokens_.Is("(") && first.kind == TokenKind::kName) {
    return tokens_.Unknown(first, "there is no such function",
                           "a tag's name, exists, ids, bucket, sample, crowd, all or none",
                           {"exists", "ids", "bucket", "sample", "crowd", "all", "none"});
  }
  THRONG_RETURN_IF_ERROR(ParseTest(&condition));
  condition.span = tokens_.SpanFrom(first);
  return Expression{std::move(condition)};
}

absl::Status Parser::ParseTest(Condition* condition) {
  const Token token = tokens_.current();
  if (token.keyword == Keyword::kBetween) return ParseBetween(condition);
  if (token.keyword == Keyword::kIn || token.keyword == Keyword::kNot) {
    THRONG_RETURN_IF_ERROR(tokens_.Advance());
    if (token.keyword == Keyword::kNot && tokens_.Is(Keyword::kBetween)) {
      return tokens_.Fail(tokens_.current(), "there is no 'not between': write not (x between ..)",
                          "'in'");
    }
    if (token.keyword == Keyword::kNot) THRONG_RETURN_IF_ERROR(tokens_.Expect(Keyword::kIn, "in"));
    THRONG_ASSIGN_OR_RETURN(std::vector<Value> values, ParseList());
    if (token.keyword == Keyword::kIn) {
      condition->test = AnyOf{std::move(values)};
    } else {
      condition->test = NoneOf{std::move(values)};
    }
    return absl::OkStatus();
  }
  const std::string_view symbol = token.kind == TokenKind::kSymbol ? token.source : "";
  const bool comparison = symbol == "<" || symbol == "<=" || symbol == ">" || symbol == ">=";
  if (!comparison && symbol != "=" && symbol != "!=") {
    condition->test = IsSet{};
    bare_name_end_ = token.begin;
    return absl::OkStatus();
  }
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  THRONG_ASSIGN_OR_RETURN(Value value, values_.Parse());
  if (symbol == "=") {
    condition->test = AnyOf{{std::move(value)}};
  } else if (symbol == "!=") {
    condition->test = NoneOf{{std::move(value)}};
  } else {
    Range range;
    const bool inclusive = symbol.size() == 2;
    const bool lower = symbol[0] == '>';
    (lower ? range.lower : range.upper) = std::move(value);
    (lower ? range.lower_inclusive : range.upper_inclusive) = inclusive;
    condition->test = std::move(range);
  }
  return absl::OkStatus();
}

absl::Status Parser::ParseBetween(Condition* condition) {
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  Range range;
  THRONG_RETURN_IF_ERROR(ParseBound(&range.lower, &range.lower_inclusive));
  THRONG_RETURN_IF_ERROR(tokens_.Expect(Keyword::kAnd, "and"));
  THRONG_RETURN_IF_ERROR(ParseBound(&range.upper, &range.upper_inclusive));
  condition->test = std::move(range);
  return absl::OkStatus();
}

absl::Status Parser::ParseBound(std::optional<Value>* bound, bool* inclusive) {
  THRONG_ASSIGN_OR_RETURN(*bound, values_.Parse());
  *inclusive = !tokens_.Is(Keyword::kExclusive);
  return *inclusive ? absl::OkStatus() : tokens_.Advance();
}

absl::StatusOr<std::vector<Value>> Parser::ParseList() {
  std::vector<Value> values;
  THRONG_RETURN_IF_ERROR(tokens_.Expect("("));
  while (true) {
    THRONG_RETURN_IF_ERROR(values_.CountListValue());
    THRONG_ASSIGN_OR_RETURN(Value value, values_.Parse());
    values.push_back(std::move(value));
    if (tokens_.Is(")")) break;
    if (!tokens_.Is(",")) return tokens_.Unexpected("',' or ')'");
    THRONG_RETURN_IF_ERROR(tokens_.Advance());
  }
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  return values;
}

absl::StatusOr<Expression> Parser::ParseExists() {
  const Token first = tokens_.current();
  Condition condition;
  condition.test = Exists{};
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  THRONG_RETURN_IF_ERROR(tokens_.Expect("("));
  condition.tag_span = tokens_.current().span;
  THRONG_ASSIGN_OR_RETURN(condition.tag, ParseTagName(&tokens_));
  THRONG_RETURN_IF_ERROR(tokens_.Expect(")"));
  condition.span = tokens_.SpanFrom(first);
  return Expression{std::move(condition)};
}

absl::StatusOr<Expression> Parser::ParseIds() {
  const Token first = tokens_.current();
  IdSet ids;
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  THRONG_RETURN_IF_ERROR(tokens_.Expect("("));
  while (true) {
    THRONG_RETURN_IF_ERROR(values_.CountListValue());
    if (tokens_.current().kind == TokenKind::kText) {
      THRONG_ASSIGN_OR_RETURN(std::string id, values_.ParseText("an id"));
      ids.ids.push_back(std::move(id));
    } else {
      THRONG_ASSIGN_OR_RETURN(const uint64_t id, values_.ParseUnsigned("an id", UINT64_MAX));
      ids.numbers.push_back(id);
    }
    if (tokens_.Is(")")) break;
    if (!tokens_.Is(",")) return tokens_.Unexpected("',' or ')'");
    THRONG_RETURN_IF_ERROR(tokens_.Advance());
  }
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  ids.span = tokens_.SpanFrom(first);
  return Expression{std::move(ids)};
}

absl::StatusOr<Expression> Parser::ParseBucket() {
  const Token first = tokens_.current();
  Bucket bucket;
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  THRONG_RETURN_IF_ERROR(tokens_.Expect("("));
  THRONG_ASSIGN_OR_RETURN(bucket.salt, values_.ParseText("the salt in single quotes"));
  THRONG_RETURN_IF_ERROR(tokens_.Expect(","));
  THRONG_ASSIGN_OR_RETURN(bucket.from, values_.ParseUnsigned("the first bucket", index::kBuckets));
  THRONG_RETURN_IF_ERROR(tokens_.Expect(","));
  const Token last = tokens_.current();
  THRONG_ASSIGN_OR_RETURN(bucket.to,
                          values_.ParseUnsigned("the bucket behind the last", index::kBuckets));
  if (bucket.to < bucket.from) {
    return MakeSyntaxError(
        "VALUE_OUT_OF_RANGE",
        {.span = last.span,
         .message =
             fmt::format("the buckets end at {} before they begin at {}", bucket.to, bucket.from),
         .expected = fmt::format("a number from {} to {}", bucket.from, index::kBuckets)});
  }
  THRONG_RETURN_IF_ERROR(tokens_.Expect(")"));
  bucket.span = tokens_.SpanFrom(first);
  return Expression{std::move(bucket)};
}

absl::StatusOr<Expression> Parser::ParseSample() {
  const Token first = tokens_.current();
  Sample sample;
  THRONG_RETURN_IF_ERROR(tokens_.Advance());
  THRONG_RETURN_IF_ERROR(tokens_.Expect("("));
  THRONG_ASSIGN_OR_RETURN(sample.millionths, values_.ParsePercent());
  THRONG_RETURN_IF_ERROR(tokens_.Expect(","));
  THRONG_ASSIGN_OR_RETURN(sample.salt, values_.ParseText("the salt in single quotes"));
  THRONG_RETURN_IF_ERROR(tokens_.Expect(")"));
  sample.span = tokens_.SpanFrom(first);
  return Expression{std::move(sample)};
}

absl::Status Parser::CountNode(const Token& at) {
  if (++nodes_ <= limits_.nodes_max) return absl::OkStatus();
  return tokens_.OverLimit("TOO_MANY_NODES", at, "the number of nodes", limits_.nodes_max, nodes_);
}

absl::Status Parser::CheckDepth(int depth, const Token& at) const {
  if (depth <= limits_.depth_max) return absl::OkStatus();
  return tokens_.OverLimit("EXPRESSION_TOO_DEEP", at, "the depth", limits_.depth_max, depth);
}

absl::Status Parser::UnexpectedBehindOperand(std::string_view closing) const {
  const bool bare = tokens_.current().begin == bare_name_end_;
  const std::string expected =
      fmt::format("{}'and', 'or'{}", bare ? fmt::format("{}, ", kOperators) : "", closing);
  std::vector<std::string_view> candidates{"and", "or"};
  if (bare) candidates.insert(candidates.end(), {"in", "not", "between"});
  if (closing == kRootClosing) candidates.insert(candidates.end(), {"top", "any"});
  return tokens_.Unexpected(expected, candidates);
}

absl::Status Parser::UnexpectedInsteadOfCondition() const {
  const Token& token = tokens_.current();
  const std::string expected = "a condition";
  SyntaxProblem problem{
      .span = token.span, .message = tokens_.Describe("unexpected {}"), .expected = expected};
  if (token.kind == TokenKind::kText) {
    problem.message += ": tag names have no quotes or double ones";
  } else if (token.kind == TokenKind::kNumber) {
    problem.message += ": the tag comes first";
  } else if (token.keyword == Keyword::kTrue) {
    problem.suggestion = "all()";
  } else if (token.keyword == Keyword::kFalse) {
    problem.suggestion = "none()";
  } else if (token.keyword != Keyword::kNone) {
    problem.message += ": a tag of this name needs double quotes";
  }
  return MakeSyntaxError("SYNTAX_ERROR", problem);
}

}  // namespace

absl::StatusOr<Expression> Parse(std::string_view text, const ExpressionLimits& limits) {
  if (text.size() > static_cast<size_t>(limits.text_bytes_max)) {
    return index::MakeError(absl::StatusCode::kInvalidArgument,
                            fmt::format("the expression has {} bytes; at most {} are allowed",
                                        text.size(), limits.text_bytes_max),
                            {.reason = "EXPRESSION_TOO_LONG",
                             .line = 1,
                             .column = 1,
                             .limit = static_cast<uint64_t>(limits.text_bytes_max),
                             .requested = text.size()});
  }
  THRONG_RETURN_IF_ERROR(CheckUtf8(text));
  return Parser(text, limits).Run();
}

}  // namespace throng::query
